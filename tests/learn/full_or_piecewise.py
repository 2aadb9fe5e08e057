"""Right and wrong answers to the exercises of notebook 07, for test_practice.py."""

TABLE = {
    "NONE": ("NONE", "NONE"),
    "PIECEWISE": ("PIECEWISE", "PIECEWISE"),
    "FULL": ("FULL", "FULL"),
    "FULL_DECODE_ONLY": ("FULL", "NONE"),
    "FULL_AND_PIECEWISE": ("FULL", "PIECEWISE"),
}
ANSWERS = {
    ("FULL", "ALWAYS"): "FULL",
    ("FULL", "UNIFORM_BATCH"): "FULL_AND_PIECEWISE",
    ("FULL_AND_PIECEWISE", "UNIFORM_SINGLE_TOKEN_DECODE"): "FULL_AND_PIECEWISE",
    ("FULL_AND_PIECEWISE", "NEVER"): "PIECEWISE",
    ("FULL", "NEVER"): "error",
}


def table(**changed):
    """Return the filled-in table, with some rows changed."""
    return {**TABLE, **changed}.__getitem__


def left(changed=None):
    """Return the filled-in answers, with some of them changed."""
    return lambda asked, support: {**ANSWERS, **(changed or {})}[asked, support]


RIGHT = {
    "07/two_columns": table(),
    "07/graphs_recorded": lambda layers, piecewise, full: piecewise * (layers + 1) + full,
    "07/what_runs": left(),
}
WRONG = {
    ("07/two_columns", "answers with a policy"): lambda mode: (mode, mode),
    ("07/two_columns", "swaps the columns"): table(
        FULL_DECODE_ONLY=("NONE", "FULL"), FULL_AND_PIECEWISE=("PIECEWISE", "FULL")
    ),
    ("07/two_columns", "thinks that FULL is for decodes only"): table(FULL=("FULL", "NONE")),
    ("07/two_columns", "gives every policy pieces to fall back on"): table(FULL_DECODE_ONLY=("FULL", "PIECEWISE")),
    ("07/two_columns", "thinks that pieces are for prompts only"): table(PIECEWISE=("NONE", "PIECEWISE")),
    ("07/graphs_recorded", "one graph per size"): lambda layers, piecewise, full: piecewise + full,
    ("07/graphs_recorded", "forgets the last piece"): lambda layers, piecewise, full: piecewise * layers + full,
    ("07/graphs_recorded", "counts attention as a graph"): lambda layers, piecewise, full: (
        piecewise * (2 * layers + 1) + full
    ),
    ("07/graphs_recorded", "cuts the full graphs too"): lambda layers, piecewise, full: (
        (piecewise + full) * (layers + 1)
    ),
    ("07/what_runs", "downgrades what fits"): left(
        {("FULL_AND_PIECEWISE", "UNIFORM_SINGLE_TOKEN_DECODE"): "PIECEWISE"}
    ),
    ("07/what_runs", "throws away the decodes"): left({("FULL", "UNIFORM_BATCH"): "PIECEWISE"}),
    ("07/what_runs", "forgets the pieces"): left({("FULL", "UNIFORM_BATCH"): "FULL_DECODE_ONLY"}),
    ("07/what_runs", "repairs the impossible in silence"): left({("FULL", "NEVER"): "PIECEWISE"}),
}
