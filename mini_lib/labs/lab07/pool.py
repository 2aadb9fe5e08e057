"""Exercise 7.5: a map in which each request has a place of its own."""

from __future__ import annotations

from mini_lib.labs.lab07.findings import fine, told, wrong_idea
from mini_lib.labs.lab07.map_cases import (
    HAND_OUT,
    NOBODY,
    PADDED,
    PIECES,
    ROUND_TRIP,
    TWO_IN_FLIGHT,
    WIDE_TOKENS,
    cases,
    decode_steps,
    one_token_requests,
)
from mini_lib.labs.lab07.map_script import run_script
from mini_lib.labs.lab07.map_sentences import READS_BACK, SHARED_SENTENCES
from mini_lib.learn import Exercise

_ROW, _PADDING = "A place of one's own", "Row 0 is nobody's"
_DECODE = decode_steps([4, 4, 3, 3, 1])
_WAITS = one_token_requests(60)
_PADDED, _WAITING, _DECODING = 6, 7, 8  # places in the cases below

POOL_FUTURE_MAP = Exercise(
    id="pool_future_map",
    title="7.5 A map that cannot be corrupted",
    wants="a class with `reserve`, `stash` and `resolve` in which each row of the request pool has one place",
    cases=cases(
        *(HAND_OUT, ROUND_TRIP, TWO_IN_FLIGHT, WIDE_TOKENS, NOBODY, PIECES),
        *(PADDED, _WAITS, _DECODE),
    ),
    misconceptions=(
        *SHARED_SENTENCES,
        wrong_idea(
            "overwritten",
            "A request of row 4 waits for its token, and a padded row, row 0, overwrites it: index -1 is the last "
            "place, and that is row 4's. Give row 0 a place of its own that nobody reads.",
            _PADDING,
            at=(_PADDED,),
        ),
        wrong_idea(
            "never stashed",
            "A decode step reserves, then resolves, then stashes. Your `reserve` empties the places of its requests, "
            "and the tokens of the step before, which `resolve` is about to read, are gone.",
            _ROW,
            at=(_DECODING,),
        ),
        wrong_idea(
            "stash raises IndexError",
            "Rows run from 1 to max_num_seqs, so row 4 of 4 is the fifth entry of a tensor that begins with row 0: "
            "yours is one entry short.",
            _PADDING,
            at=(1,),
        ),
        wrong_idea(
            "overwritten",
            "One request waits while sixty others bring one token each, and its token is overwritten: your map is "
            "still a ring. A longer one would only need more requests.",
            _ROW,
            at=(_WAITING,),
        ),
        wrong_idea(
            "one id after the other",
            "Your map uses a new id for every token, so its memory grows, or it forgets: a ring of a thousand places "
            "needs a thousand one-token requests, and a server has those by the minute. A request has its row until "
            "it ends, and one place for it is enough.",
            _ROW,
        ),
        READS_BACK,
    ),
    right="In words: what belongs to a request is kept in the request's own row, and then nobody can overwrite it.",
    hints=(
        "`reserve` is given the rows of the requests, 1 to max_num_seqs. A row belongs to one request until it ends: "
        "which id can you make of it, without any cursor?",
        "The id is minus the row, and the tensor has max_num_seqs + 1 entries: entry 0 is for padded rows. "
        "`stash` writes at minus the id, `resolve` reads there, as in the ring.",
        "reserve: return -req_pool_indices. stash: self.tokens[-ids] = tokens. "
        "resolve: torch.where(input_ids < 0, self.tokens[(-input_ids).clamp(min=0)], input_ids).",
    ),
    agrees=fine,
    differs=told,
    arguments=("max_num_seqs", "calls"),
    drive=run_script,
    difficulty=2,
    importance=5,
    minutes=8,
    points=4,
)
