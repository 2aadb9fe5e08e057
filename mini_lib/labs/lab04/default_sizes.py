"""Exercise 4.1: the ladder that vLLM 0.33 builds by default."""

from __future__ import annotations

from mini_lib.labs.lab04.pictures import staircase
from mini_lib.labs.signatures import answer, any_case, arguments, gave
from mini_lib.learn import Case, Exercise, Misconception, Outcome, answers

_GRID_TO_40 = [1, 2, 4, 8, 16, 24, 32, 40]
_UNEVEN, _TIGHT, _MAX_42, _MAX_40, _NARROW, _WIDE, _MAX_OVER_LIMIT = 2, 3, 4, 5, 6, 7, 8  # places in the cases below
_REACH, _OFF_GRID, _EXPLICIT = "How far the ladder reaches", "Two sizes may stand off the grid", "An explicit maximum"


def _capped_although_explicit(outcome: Outcome) -> bool:
    _, token_limit, explicit = arguments(outcome)
    return (explicit or 0) >= 528 and token_limit > 600 and answer(outcome)[-1] == 512


def _out_of_order(outcome: Outcome) -> bool:
    mine, right = answer(outcome), outcome.case.expected
    return mine != right and sorted(set(mine)) == right


def _too_wide(outcome: Outcome) -> bool:
    """Tell a ladder for one request that holds 4 or more: no batch is that wide."""
    return arguments(outcome)[:2] == (1, 8192) and max(answer(outcome)) >= 4


DEFAULT_SIZES = Exercise(
    id="default_sizes",
    title="4.1 Default sizes of production",
    wants="an ascending list of sizes back, as vLLM 0.33 builds it from max_num_seqs and max_num_batched_tokens",
    cases=(
        Case((1, 8192, None), [1, 2]),
        Case((4, 8192, None), [1, 2, 4, 8]),
        Case((12, 8192, None), [1, 2, 4, 8, 12, 16, 24]),
        Case((16, 20, None), [1, 2, 4, 8, 16, 20]),
        Case((256, 8192, 42), _GRID_TO_40),
        Case((12, 8192, 40), _GRID_TO_40),
        Case((100, 50, None), [*_GRID_TO_40, 48, 50]),
        Case((600, 8192, None), [1, 2, 4, *range(8, 256, 8), *range(256, 513, 16)]),
        Case((16, 20, 42), [1, 2, 4, 8, 16, 20]),
    ),
    misconceptions=(
        Misconception(
            "out of order",
            "Your sizes are the right ones, but not ascending, or one stands twice: each would be captured, some "
            "twice.",
            any_case(_out_of_order),
            see="In order, each once",
        ),
        Misconception(
            "small sizes always",
            "With max_num_seqs=1 the ladder ends at 2, yours goes to 4 or more: no batch is ever that wide. You "
            "add the small sizes without asking whether they are below the end, as nano-vLLM does.",
            any_case(_too_wide),
            see="A ladder to read first",
        ),
        Misconception(
            "ends at max_num_seqs",
            "With max_num_seqs=4 your ladder ends at 4, vLLM's at 8. You stop at max_num_seqs; it goes to twice "
            "that, because a step may mix decodes with a piece of a prefill.",
            answers({1: [1, 2, 4]}),
            see=_REACH,
        ),
        Misconception(
            "no ceiling",
            "With max_num_seqs=600 your ladder goes past 512. Twice max_num_seqs is cut off at 512.",
            gave(_WIDE, lambda ladder: max(ladder) > 600),
            see=_REACH,
        ),
        Misconception(
            "widest decode above the end",
            "With max_num_seqs=600 the ladder ends at 512, and yours holds 600 as well. A size off the grid is added "
            "only if it is not above the end.",
            gave(_WIDE, lambda ladder: ladder[-1] == 600),
            see=_OFF_GRID,
        ),
        Misconception(
            "widest decode forgotten",
            "With max_num_seqs=12 the sizes go 8, 12, 16, yours 8, 16. Twelve decoding requests, the widest "
            "pure-decode batch there is, would pay for 16 rows: max_num_seqs is a size of its own.",
            answers({_UNEVEN: [1, 2, 4, 8, 16, 24]}),
            see=_OFF_GRID,
        ),
        Misconception(
            "token limit ignored",
            "With max_num_batched_tokens=20 no step has more than 20 tokens, but your ladder goes on to 24 or 32: "
            "graphs that are captured and never used.",
            gave(_TIGHT, lambda ladder: ladder[-1] > 20),
            see=_REACH,
        ),
        Misconception(
            "token limit no size",
            "With max_num_batched_tokens=20 your ladder ends at 16, so a full step of 17 to 20 tokens runs eagerly. "
            "Where the token limit is what ends the ladder, it is a size itself.",
            answers({_TIGHT: [1, 2, 4, 8, 16]}),
            see=_OFF_GRID,
        ),
        Misconception(
            "widest decode above the token limit",
            "With max_num_seqs=100 and max_num_batched_tokens=50 your ladder holds 100, a batch that no step can have.",
            gave(_NARROW, lambda ladder: 100 in ladder),
            see=_OFF_GRID,
        ),
        Misconception(
            "explicit maximum kept",
            "Asked for a largest size of 42, vLLM ends at 40, yours at 42. It would be kinder your way: the grid "
            "cuts an explicit maximum off silently, and six requests of seven tokens then run eagerly.",
            gave(_MAX_42, lambda ladder: ladder[-1] == 42),
            see=_EXPLICIT,
        ),
        Misconception(
            "explicit maximum rounded up",
            "Asked for a largest size of 42 you capture 48. The maximum is a promise on memory: the ladder ends "
            "below it.",
            gave(_MAX_42, lambda ladder: ladder[-1] == 48),
            see=_EXPLICIT,
        ),
        Misconception(
            "explicit maximum and widest decode",
            "With max_capture_size=40 your ladder holds 12, which is max_num_seqs. An explicit maximum switches "
            "that off.",
            gave(_MAX_40, lambda ladder: 12 in ladder),
            see=_EXPLICIT,
        ),
        Misconception(
            "explicit maximum not above twice max_num_seqs",
            "With max_num_seqs=12 and max_capture_size=40 your ladder ends at 24. An explicit maximum replaces twice "
            "max_num_seqs, it is not held against it.",
            answers({_MAX_40: [1, 2, 4, 8, 16, 24]}),
            see=_EXPLICIT,
        ),
        Misconception(
            "explicit maximum above the token limit",
            "With max_capture_size=42 and max_num_batched_tokens=20 your ladder goes past 20 tokens. The token limit "
            "cuts an explicit maximum off, too.",
            gave(_MAX_OVER_LIMIT, lambda ladder: ladder[-1] > 20),
            see=_EXPLICIT,
        ),
        Misconception(
            "explicit maximum under the ceiling",
            "The ceiling of 512 is part of the default. An explicit maximum above it is taken at its word.",
            any_case(_capped_although_explicit),
            see=_EXPLICIT,
        ),
        Misconception(
            "steps of 8 to the end",
            "You go on in steps of 8 above 256, which gives 67 sizes to 512: the ladder in vLLM's logs of 2025. "
            "Since then it goes in steps of 16 from 256, and has 51.",
            answers({_WIDE: [1, 2, 4, *range(8, 513, 8)]}),
            see="The grid",
        ),
    ),
    right="In words: a grid, an end, and the two batches that must not fall off it.",
    hints=(
        "Decide two things first: where the ladder ends, and which sizes off the grid are candidates. Both depend on "
        "whether max_capture_size was given.",
        "The end is min(2 * max_num_seqs, 512), or max_capture_size; then it is cut to max_num_batched_tokens. "
        "Candidates off the grid: max_num_batched_tokens always, max_num_seqs only without an explicit maximum.",
        "Put grid(end) and those candidates that are not above the end into one set, and return it sorted.",
    ),
    picture=lambda outcomes: staircase(outcomes[_UNEVEN].value, dict.fromkeys(range(1, 25), 1)),
    difficulty=2,
    importance=4,
    minutes=10,
    points=4,
)
