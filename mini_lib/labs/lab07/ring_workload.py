"""Exercise 7.4: the shortest workload that makes a ring of 3 x max_num_seqs places forget a token that is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mini_lib.labs.lab07.findings import FINE, Fault, Finding, fine, told, wrong_idea
from mini_lib.labs.lab07.ring_run import RingRun, require_workload, run_in_ring
from mini_lib.labs.text_picture import Text
from mini_lib.labs.watching import nobody_looks
from mini_lib.learn import Case, Exercise, Outcome

_WAIT, _PLACES = "Who waits, and who takes places", "A piece of a prompt takes a place"


def lose_a_token(corrupting_workload: Callable[..., Any], max_num_seqs: int) -> Finding:
    """Run the student's workload in a ring; return `FINE` and the number of steps to the loss, or why none was lost."""
    try:
        workload = require_workload(corrupting_workload(max_num_seqs))
        run = run_in_ring(workload, max_num_seqs)
        if run.lost is None:
            raise _nothing_lost(run, max_num_seqs)
    except Fault as fault:
        return fault.finding
    return {**FINE, "num_steps": run.lost.step + 1, "workload": workload}


def _nothing_lost(run: RingRun, max_num_seqs: int) -> Fault:
    places, longest = 3 * max_num_seqs, max((read.handed_out for read in run.reads), default=0)
    lost = f"With max_num_seqs={max_num_seqs} nothing is lost"
    if not run.reads:
        return Fault(
            "nobody reads",
            f"{lost}: no token is ever read on the device. A request that wants one token ends with it; ask for two.",
        )
    if longest <= max_num_seqs:
        return Fault(
            "nobody waits",
            f"{lost}: every token is read in the very next step, and by then at most {longest} places were handed "
            "out, itself included. Only a decode that has to let prompts go first makes its token wait.",
        )
    return Fault(
        "waits too short",
        f"{lost}: the token that waited longest was read when {longest} places had been handed out, itself included, "
        f"and the ring has {places}.",
    )


def ring_table(run: RingRun, max_num_seqs: int) -> Text:
    """Return who sits in which place of the ring after each step, up to the step that reads a lost token."""
    places = ["·"] * (3 * max_num_seqs)
    lines = [f"ring of {len(places)} places, one letter per request"]
    taken = 0
    for step, requests in enumerate(run.steps):
        if run.lost and step == run.lost.step:
            lost = run.lost
            mark = places.copy()
            mark[lost.wanted % len(places)] = "✘"
            lines.append(f"step {step:<3} {' '.join(mark)}   {_letter(lost.request_id)} reads its token: overwritten")
            break
        for request in requests:
            places[taken % len(places)] = _letter(request)
            taken += 1
        lines.append(f"step {step:<3} {' '.join(places)}   {len(requests)} places handed out")
    return Text("\n".join(lines))


def _letter(request_id: int) -> str:
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[request_id] if request_id < 26 else "+"


def _picture(outcomes: tuple[Outcome, ...]) -> Text | None:
    value: Any = outcomes[0].value
    if nobody_looks() or not isinstance(value, dict) or "workload" not in value:
        return None
    return ring_table(run_in_ring(value["workload"], 4), 4)


_HINTS = (
    "A token is lost if more than 3 x max_num_seqs places are handed out from its own on before it is read. In one "
    "step at most max_num_seqs places are handed out, one to each request of the batch. Who waits with a token while "
    "others take places, step after step?",
    "One request with a short prompt has its first token after step 0, and cannot decode as long as there are prompts "
    "to compute. Everybody else ingests a long prompt, piece by piece, all at the same time.",
    "One request [4, 2] and max_num_seqs - 1 requests [4 * pieces, 1], all of them in step 0. Step 0 hands "
    "out max_num_seqs places, the first of them to the one who waits, and each further step max_num_seqs - 1. "
    "How many pieces are just enough?",
)
_WANTS = "a list of [prompt length, new tokens] back, on which a ring of 3 x max_num_seqs places loses a token"

CORRUPTING_WORKLOAD = Exercise(
    id="corrupting_workload",
    title="7.4 Break your ring",
    wants=_WANTS,
    cases=(Case((4,), FINE), Case((2,), FINE)),
    misconceptions=(
        wrong_idea("nobody reads", see=_WAIT),
        wrong_idea("nobody waits", see=_WAIT),
        wrong_idea("waits too short", see=_PLACES),
    ),
    right="In words: whoever waits is overtaken by whoever takes places, and prompts in pieces take the most.",
    hints=_HINTS,
    picture=_picture,
    agrees=fine,
    differs=told,
    drive=lose_a_token,
    arguments=("max_num_seqs",),
    difficulty=4,
    importance=4,
    minutes=15,
    points=5,
)

CORRUPTING_SOON = Exercise(
    id="corrupting_workload",
    title="7.4 Break your ring, and soon",
    wants=_WANTS,
    cases=(Case((3,), FINE), Case((8,), FINE)),
    misconceptions=CORRUPTING_WORKLOAD.misconceptions,
    right="This says only that a token is lost. These points are for few steps: the next cell counts yours, and the "
    "fewest possible are told with the grade.",
    hints=_HINTS,
    agrees=fine,
    differs=told,
    drive=lose_a_token,
    arguments=("max_num_seqs",),
    points=3,
)
