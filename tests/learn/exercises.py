"""A small exercise for the tests of `learn`: the smallest size that holds a number of tokens."""

from mini_lib.learn import Case, Exercise, Misconception, Raised, answers

SIZES = [1, 2, 4, 8]

ROUNDS_DOWN = Misconception(
    name="rounds down",
    sentence="For 5 tokens and sizes [1, 2, 4, 8] you chose 4: the fifth row has no place. You round down.",
    recognises=answers({0: 4, 1: 2}),
    see="Padding goes up",
)
FALLS_OFF = Misconception(
    name="falls off the end",
    sentence="9 tokens are more than any graph holds, and you raise where eager is wanted.",
    recognises=answers({3: Raised("IndexError")}),
)
LOOKUP = Exercise(
    id="size_lookup",
    title="Task 1",
    wants="one integer back: the smallest size that holds num_tokens, or None",
    cases=(
        Case((SIZES, 5), 8),
        Case((SIZES, 3), 4),
        Case((SIZES, 8), 8),
        Case((SIZES, 9), None),
    ),
    misconceptions=(ROUNDS_DOWN, FALLS_OFF),
    right="In words: a batch rides in a graph at least as wide as itself.",
    hints=("Where does a fifth row go?", "Walk the sizes upwards.", "`next(size for size in sizes if ...)`."),
)


def right(sizes, num_tokens):
    return next((size for size in sizes if size >= num_tokens), None)
