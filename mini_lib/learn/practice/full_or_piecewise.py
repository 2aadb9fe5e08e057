"""Notebook 07: five policies in two columns, how many graphs that makes, and what attention leaves of them."""

from __future__ import annotations

from mini_lib.dispatch import AttentionCGSupport, CUDAGraphMode, resolve_cudagraph_mode
from mini_lib.learn.exercise import Case, Exercise, Misconception, answers

TWO_COLUMNS = Exercise(
    id="07/two_columns",
    title="Exercise 7.1",
    wants="the table back, with names in place of all dots and the line `raise NotImplementedError` gone",
    cases=tuple(Case((mode.name,), [mode.decode_mode().name, mode.mixed_mode().name]) for mode in CUDAGraphMode),
    misconceptions=(
        Misconception(
            "answers with a policy",
            "One batch cannot run as FULL_DECODE_ONLY or FULL_AND_PIECEWISE: those are rules for two kinds of "
            "batches. Each column takes NONE, PIECEWISE or FULL.",
            lambda outcomes: any("_" in str(outcome.value) for outcome in outcomes),
            see="Five modes, two columns",
        ),
        Misconception(
            "swaps the columns",
            "FULL_AND_PIECEWISE runs decode batches FULL and every other batch PIECEWISE, and your columns say the "
            "opposite. The first column is for batches in which every request decodes.",
            answers({4: ["PIECEWISE", "FULL"]}),
            see="Five modes, two columns",
        ),
        Misconception(
            "thinks that FULL is for decodes only",
            "FULL makes no difference between batches: one graph holds the whole pass, prompts or not. That costs the "
            "most of attention, and is why there are two more policies.",
            lambda outcomes: outcomes[2].value in (["FULL", "NONE"], ["FULL", "PIECEWISE"]),
        ),
        Misconception(
            "gives every policy pieces to fall back on",
            "FULL_DECODE_ONLY means what it says: a batch with a prompt in it finds no graph at all. The policy that "
            "has pieces for it is FULL_AND_PIECEWISE.",
            answers({3: ["FULL", "PIECEWISE"]}),
        ),
        Misconception(
            "thinks that pieces are for prompts only",
            "Under PIECEWISE every batch runs through pieces, decodes as well: the policy makes no difference "
            "between batches.",
            lambda outcomes: outcomes[1].value in (["NONE", "PIECEWISE"], ["FULL", "PIECEWISE"]),
        ),
    ),
    right="In words: three policies treat all batches alike, and two have one rule for decodes and one for the rest.",
    hints=(
        "Three of the five names are also names of how one batch runs. What would such a policy do with a batch?",
        "The other two are made of two halves. The first half speaks of decode batches, the second of all others.",
        "PIECEWISE twice; FULL twice; then (FULL, NONE), and (FULL, PIECEWISE).",
    ),
)

GRAPHS_RECORDED = Exercise(
    id="07/graphs_recorded",
    title="Exercise 7.2",
    wants="one integer back: how many CUDA graphs the engine holds in all",
    cases=(
        Case((32, 51, 35), 1718),
        Case((12, 1, 1), 14),
        Case((32, 0, 51), 51),
        Case((4, 3, 0), 15),
    ),
    misconceptions=(
        Misconception(
            "one graph per size",
            "With 12 layers and one size of each kind you count 2. A full pass is one graph; a cut pass is as many as "
            "there are stretches between its attentions.",
            answers({0: 86, 1: 2}),
            see="Cut there: breakable graphs",
        ),
        Misconception(
            "forgets the last piece",
            "With 4 layers and three sizes you count 12. A string with four cuts falls into five pieces: behind the "
            "last attention there is an MLP, a norm and the way out.",
            answers({1: 13, 3: 12}),
        ),
        Misconception(
            "counts attention as a graph",
            "With 4 layers and three sizes you count 27: nine pieces for each size. Four of the nine are attention, "
            "which runs eagerly and is recorded nowhere.",
            answers({1: 26, 3: 27}),
        ),
        Misconception(
            "cuts the full graphs too",
            "32 layers and 51 full sizes are 51 graphs: a full graph is not cut, that is what the name says.",
            answers({2: 51 * 33}),
        ),
    ),
    right="In words: a piecewise size costs one graph more than there are layers, a full size costs one.",
    hints=(
        "How many graphs is one full size? And how many is one piecewise size, if attention is cut out of each layer?",
        "You saw two attentions and three graphs between them in 'Cut there: breakable graphs'.",
        "`piecewise_sizes * (num_layers + 1)`, and the full sizes on top.",
    ),
)

_ASKED = (
    ("FULL", "ALWAYS"),
    ("FULL", "UNIFORM_BATCH"),
    ("FULL_AND_PIECEWISE", "UNIFORM_SINGLE_TOKEN_DECODE"),
    ("FULL_AND_PIECEWISE", "NEVER"),
    ("FULL", "NEVER"),
)


def _left(asked: str, support: str) -> str:
    """Return the name of the policy that runs, "error" where none does, for one token per decode and a cut model."""
    try:
        return resolve_cudagraph_mode(CUDAGraphMode[asked], AttentionCGSupport[support], piecewise=True).name
    except ValueError:
        return "error"


WHAT_RUNS = Exercise(
    id="07/what_runs",
    title="Exercise 7.3",
    wants="your answers back, with a name in place of all dots and the line `raise NotImplementedError` gone",
    cases=tuple(Case(pair, _left(*pair)) for pair in _ASKED),
    misconceptions=(
        Misconception(
            "downgrades what fits",
            "FULL_AND_PIECEWISE asks attention for decodes alone, and one token per request is all that "
            "UNIFORM_SINGLE_TOKEN_DECODE promises. Nothing has to give way.",
            answers({2: "PIECEWISE"}),
            see="What attention allows",
        ),
        Misconception(
            "throws away the decodes",
            "UNIFORM_BATCH attention can be in the graph of a decode batch; only batches with prompts cannot. You "
            "give up both: the decodes may stay FULL.",
            answers({1: "PIECEWISE"}),
            see="What attention allows",
        ),
        Misconception(
            "forgets the pieces",
            "This model is cut at attention, so a batch that cannot be FULL can still be PIECEWISE. Without the cut "
            "your answer would be right.",
            lambda outcomes: outcomes[1].value == "FULL_DECODE_ONLY" or outcomes[3].value == "NONE",
        ),
        Misconception(
            "repairs the impossible in silence",
            "Whoever asks for plain FULL wants one graph for everything. With attention that is never in a graph not "
            "even decodes are left of that, and vLLM refuses to start rather than do something else.",
            lambda outcomes: outcomes[4].value in ("PIECEWISE", "NONE"),
            see="What attention allows",
        ),
    ),
    right="In words: keep the decodes full if attention can, keep the rest in pieces if the model is cut.",
    hints=(
        "Ask two questions of each line: can attention be in the graph of a decode batch? And of a batch with prompts?",
        "FULL wants both, FULL_AND_PIECEWISE wants the first only. What fails becomes PIECEWISE.",
        "In order: stays; gets pieces for its prompts; stays; only pieces are left; refused.",
    ),
)
