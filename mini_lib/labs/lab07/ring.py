"""Exercise 7.3: a ring of places for tokens that are not there yet."""

from __future__ import annotations

from mini_lib.labs.lab07.findings import fine, told, wrong_idea
from mini_lib.labs.lab07.map_cases import (
    HAND_OUT,
    NOBODY,
    PIECES_READ,
    ROUND_TRIP,
    TWO_IN_FLIGHT,
    WIDE_TOKENS,
    cases,
    decode_steps,
    waiting,
)
from mini_lib.labs.lab07.map_script import run_script
from mini_lib.labs.lab07.map_sentences import READS_BACK, SHARED_SENTENCES
from mini_lib.learn import Exercise

_RING, _WRAP = "A ring of places", "The end of the ring"
_FULL_RING = waiting([], [3, 3, 3, 2])  # 12 ids from the one that waits on, itself included: 3 x 4
_ACROSS_THE_END = waiting([4, 4, 2], [4, 4, 3])  # the same, and the next batch does not fit before the end
_LAPS = decode_steps([4, 3, 4, 1, 2, 4, 4, 3, 1, 4, 2, 4])
_PIECES, _FULL, _END, _LAP = 5, 6, 7, 8  # places in the cases below

RING_FUTURE_MAP = Exercise(
    id="ring_future_map",
    title="7.3 A ring of symbolic tokens",
    wants="a class with `reserve`, `stash` and `resolve`: a ring that remembers the last 3 x max_num_seqs tokens",
    cases=cases(
        *(HAND_OUT, ROUND_TRIP, TWO_IN_FLIGHT, WIDE_TOKENS, NOBODY),
        *(PIECES_READ, _FULL_RING, _ACROSS_THE_END, _LAPS),
    ),
    misconceptions=(
        *SHARED_SENTENCES,
        wrong_idea(
            "overwritten",
            "Two pieces of one prompt came from row 3, one after the other, and the second token took the first one's "
            "place: your places are the requests' rows. In a ring each `reserve` hands out new places.",
            _RING,
            at=(_PIECES,),
        ),
        wrong_idea(
            "stash raises IndexError",
            "After a lap `stash` writes behind the end of your ring and raises IndexError: the cursor has to come "
            "round, or batches need room behind the end.",
            _WRAP,
        ),
        wrong_idea(
            "stash raises RuntimeError",
            "At the end of the ring a batch is longer than the slice that is left, and `stash` raises RuntimeError. "
            "Either let the places themselves wrap round, or give the tensor room behind the end.",
            _WRAP,
        ),
        wrong_idea(
            "overwritten",
            "One id waits while 11 more are handed out, 12 in all, and a ring for 4 requests has 3 x 4 places: the "
            "token must still be there. In yours it is overwritten: count your places, and how far the cursor moves "
            "for a batch of two.",
            _RING,
            at=(_FULL,),
        ),
        wrong_idea(
            "overwritten",
            "A batch that does not fit before the end of the ring goes wrong: you begin again at its start and skip "
            "the places that are left, so the ring is shorter than 3 x 4, and a token that waits is overwritten.",
            _WRAP,
            at=(_END,),
        ),
        READS_BACK,
    ),
    right="In words: a negative number names a place, the device fills it, and the ring forgets in order.",
    hints=(
        "Two things make the map: one int64 tensor on `device`, and a cursor, a plain Python number. `reserve` moves "
        "the cursor by the size of the batch and touches no tensor of the map.",
        "Places: (cursor + 0, 1, 2, ...) % (3 * max_num_seqs), made with torch.arange. Ids: minus the place, minus 1, "
        "so that place 0 is not id 0. `stash` finds the places again from the ids that it is given, never from the "
        "cursor: another batch may have been reserved since.",
        "resolve: torch.where(input_ids < 0, self.tokens[(-input_ids - 1).clamp(min=0)], input_ids). "
        "`where` looks both sides up for every entry, and token 100,000 is no place of the ring: hence the clamp.",
    ),
    agrees=fine,
    differs=told,
    arguments=("max_num_seqs", "calls"),
    drive=run_script,
    difficulty=4,
    importance=5,
    minutes=20,
    points=6,
)
