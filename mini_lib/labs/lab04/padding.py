"""Exercise 4.4: a batch with harmless rows up to the size of its graph, judged by what a captured step makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mini_lib.labs.lab04.padding_proof import fault
from mini_lib.labs.lab04.pictures import padded_table
from mini_lib.labs.signatures import Recognises, answer, arguments
from mini_lib.learn import Case, Exercise, Misconception, Outcome

_WRITE, _READ, _ALL_AT_ONCE = "Where a padded row writes", "What a padded row reads", "Pad everything, and first"

BATCH = {
    "input_ids": [23, 7, 0, 41, 16],
    "positions": [3, 6, 1, 4, 2],
    "slot_mapping": [20, 71, 2, 117, 35],
    "seq_lens": [4, 7, 2, 5, 3],
    "req_pool_indices": [3, 9, 1, 15, 5],
}
_WIDE = {
    "input_ids": [9, 30, 12, 48, 5, 27, 33, 2],
    "positions": [5, 2, 7, 3, 6, 1, 4, 5],
    "slot_mapping": [30, 11, 88, 100, 55, 66, 125, 46],
    "seq_lens": [6, 3, 8, 4, 7, 2, 5, 6],
    "req_pool_indices": [4, 2, 11, 13, 7, 9, 16, 6],
}
_TWO = {name: rows[1:3] for name, rows in BATCH.items()}


def _padded(rows: dict[str, list[int]], num_more: int) -> dict[str, list[int]]:
    """Return what the check compares with: `rows`, then rows of 0 that see one token."""
    return {name: [*column, *[int(name == "seq_lens")] * num_more] for name, column in rows.items()}


def _tail(outcome: Outcome, name: str) -> list[Any]:
    """Return what an answer holds in its padded rows under `name`."""
    tail: list[Any] = answer(outcome)[name][len(arguments(outcome)[0][name]) :]
    return tail


def _with_padding(outcomes: tuple[Outcome, ...]) -> list[Outcome]:
    """Return the outcomes that hold a padded batch, without exceptions and without batches that fill their graph."""
    return [
        outcome
        for outcome in outcomes
        if isinstance(outcome.value, dict) and arguments(outcome)[1] > len(arguments(outcome)[0]["input_ids"])
    ]


def _every_tail(name: str, is_so: Callable[[list[Any], list[int]], bool]) -> Recognises:
    """Return a test for padded rows: `is_so(their entries under name, the live rows' entries)` in every answer."""

    def recognises(outcomes: tuple[Outcome, ...]) -> bool:
        tails = [(_tail(outcome, name), arguments(outcome)[0][name]) for outcome in _with_padding(outcomes)]
        return bool(tails) and all(tail and is_so(tail, live) for tail, live in tails)

    return recognises


def _unpadded(outcomes: tuple[Outcome, ...]) -> bool:
    """Tell an answer of which some list has no padded rows."""
    return any(not _tail(outcome, name) for outcome in _with_padding(outcomes) for name in BATCH)


def _kept_from_last_batch(outcomes: tuple[Outcome, ...]) -> bool:
    """Tell padded rows that hold what the batch before left at their places."""
    before, now = arguments(outcomes[0])[0]["slot_mapping"], outcomes[1]
    return _tail(now, "slot_mapping") == before[len(BATCH["slot_mapping"]) :]


def _live_rows_moved(outcomes: tuple[Outcome, ...]) -> bool:
    return any(
        answer(outcome)[name][: len(rows)] != rows
        for outcome in _with_padding(outcomes)
        for name, rows in arguments(outcome)[0].items()
    )


def _differs(outcome: Outcome) -> str:
    batch, size = arguments(outcome)
    return f"Padding {len(batch['input_ids'])} rows to {size}: {fault(outcome.value, outcome.case.expected)}"


_VLLM_PADS = "vLLM pads with it, and its kernels skip such a row. A kernel that does not know the convention"

PAD_BATCH = Exercise(
    id="pad_batch",
    title="4.4 Harmless padding",
    wants="a new dict back with the same five lists, each `size` long, whose added rows harm nobody",
    cases=(
        Case((_WIDE, 8), _WIDE),
        Case((BATCH, 8), _padded(BATCH, 3)),
        Case((_TWO, 4), _padded(_TWO, 2)),
    ),
    misconceptions=(
        Misconception(
            "pads after the metadata",
            "Some of your lists are padded and some are not. Attention reads seq_lens and req_pool_indices for "
            "every row of the graph: where they are short, the rows behind them belong to the batch before.",
            _unpadded,
            see=_ALL_AT_ONCE,
        ),
        Misconception(
            "live rows moved",
            "Your answer does not begin with the live rows as they were. Row i of the output is request i of the "
            "batch: padding goes behind them.",
            _live_rows_moved,
            see=_ALL_AT_ONCE,
        ),
        Misconception(
            "keeps the last batch",
            "Your padded rows hold what the batch before had at these places. Its requests are still alive: the "
            "replay writes this step's keys into their cache. Reset the tail each time.",
            _kept_from_last_batch,
            see=_WRITE,
        ),
        Misconception(
            "slot -1",
            f"Your padded rows write to slot -1. {_VLLM_PADS} takes it for an index: cache[-1] is the last slot, which "
            "belongs to request 16.",
            _every_tail("slot_mapping", lambda tail, live: set(tail) == {-1}),
            see=_WRITE,
        ),
        Misconception(
            "repeats a live row",
            "Your padded rows write into the slot of a live row, because you repeat that row: two rows now write "
            "the same cache entry, and on a GPU nobody says which comes last. Repeating it in full would still do "
            "its work twice.",
            _every_tail("slot_mapping", lambda tail, live: set(tail) <= set(live)),
            see=_WRITE,
        ),
        Misconception(
            "counts on",
            "Your padded rows write to the slots after the last live one. A slot that is not 0 belongs to a request, "
            "perhaps to one that waits.",
            _every_tail("slot_mapping", lambda tail, live: tail[0] == live[-1] + 1),
            see=_WRITE,
        ),
        Misconception(
            "seq_len 0",
            f"Your padded rows have a seq_len of 0. {_VLLM_PADS} divides by it, and the row is NaN: wherever a later "
            "kernel mixes rows, so is the rest of the batch.",
            _every_tail("seq_lens", lambda tail, live: set(tail) == {0}),
            see=_READ,
        ),
        Misconception(
            "stale request",
            "Your padded rows carry the row number of a live request. They read its whole context for nothing, and "
            "go on reading it when that request has ended and its slots belong to another.",
            _every_tail("req_pool_indices", lambda tail, live: 0 not in tail),
            see=_READ,
        ),
        Misconception(
            "positions count on",
            "Your padded rows have a position other than 0. Position 0 is in every table of positions; any other may "
            "lie behind its end, or be stale.",
            _every_tail("positions", lambda tail, live: 0 not in tail),
            see=_READ,
        ),
    ),
    right="In words: a padded row writes to the null slot, reads the padding row, and sees one token at position 0.",
    hints=(
        "For each of the five lists ask what a kernel does with the entry of a row that is nobody's: it looks it up, "
        "it writes there, or it divides by it. Then look for the one value that makes this harmless.",
        "The null slot is 0, the padding row is 0, the position is 0, the token may be any token, for example 0. "
        "Only seq_lens cannot be 0: a row that sees no token divides by zero.",
        "Build a new dict: for each name and column, column + [filler] * (size - len(column)), where filler is 1 for "
        "seq_lens and 0 for the rest.",
    ),
    picture=lambda outcomes: padded_table(outcomes[1]),
    agrees=lambda yours, expected: not fault(yours, expected),
    differs=_differs,
    difficulty=3,
    importance=5,
    minutes=10,
    points=4,
)
