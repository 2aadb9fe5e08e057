"""Run a student's event loop over a small workload and report what came of it, in plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mini_lib.labs.lab07 import loop_sentences as say
from mini_lib.labs.lab07.desk import COSTS, MAX_CALLS, Costs, Desk
from mini_lib.labs.lab07.findings import FINE, Fault, Finding
from mini_lib.labs.lab07.handles import RunnerHandle, SchedulerHandle
from mini_lib.labs.lab07.virtual_device import alone
from mini_lib.scheduling import SchedulerConfig
from mini_lib.withheld import Withheld

Loop = Callable[..., Any]
Requests = Sequence[tuple[Sequence[int], int, float]]  # prompt, max_new_tokens, arrival in us

_LIMITS = {
    "max_num_seqs": 4,
    "max_num_batched_tokens": 16,
    "max_chunk_tokens": 6,
    "block_size": 4,
    "num_blocks": 40,
    "max_model_len": 64,
}


def run_normal(loop: Loop, requests: Requests, limits: dict[str, Any]) -> Finding:
    """Return what is wrong with `loop` as the sequential loop; `FINE`, and its spans, for nothing."""
    return run_loop(loop, requests, limits, overlap=False)


def run_overlap(loop: Loop, requests: Requests, limits: dict[str, Any]) -> Finding:
    """Return what is wrong with `loop` as the overlap loop; every step is held back by the gate."""
    return run_loop(loop, requests, limits, overlap=True)


def run_loop(loop: Loop, requests: Requests, limits: dict[str, Any], *, overlap: bool, costs: Costs = COSTS) -> Finding:
    """Return the first fault of `loop` over `requests`, or `FINE`, with the log and the spans of the run.

    `limits` are fields of `SchedulerConfig` that differ from the lab's own.

    Raises:
        NotImplementedError: the loop is still the stub.
    """
    desk = Desk(SchedulerConfig(**(_LIMITS | limits)), overlap=overlap, costs=costs)
    for prompt, max_new_tokens, arrival_us in requests:
        desk.scheduler.add_request(prompt, max_new_tokens, arrival_us=arrival_us)
    finding = _driven(loop, desk)
    spans = [[span.lane, span.name, span.start_us, span.end_us] for span in desk.spans]
    return {**finding, "log": desk.log, "spans": spans}


def _driven(loop: Loop, desk: Desk) -> Finding:
    try:
        _run_to_its_end(loop, desk)
        _require_done(desk)
    except Fault as fault:
        return (desk.first_fault or fault).finding
    return FINE


def _run_to_its_end(loop: Loop, desk: Desk) -> None:
    """Call the loop; where it is a generator, read it to its end."""
    try:
        result = loop(SchedulerHandle(desk.ask), RunnerHandle(desk.ask))
        if isinstance(result, Iterator):
            for number, _ in enumerate(result):
                if number > MAX_CALLS:
                    raise say.never_ends(MAX_CALLS)
    except Withheld:
        raise
    except NotImplementedError:
        if not desk.launched:
            raise
        raise say.raised(NotImplementedError("it is not written to its end")) from None
    except Exception as error:  # whatever a student's loop does; SystemExit goes on to the judge
        raise say.raised(error) from error


def _require_done(desk: Desk) -> None:
    if desk.first_fault is not None:  # the loop caught it
        raise desk.first_fault
    if desk.in_flight:
        raise say.no_flush(desk.processed)
    unfinished = [request for request in desk.scheduler.requests.values() if not request.status.is_finished]
    if unfinished:
        raise say.stops_early(len(unfinished))
    if desk.not_overlapped:
        # By name: a loop that processes first also waits first, and is told the former.
        raise min(desk.not_overlapped, key=lambda fault: str(fault.finding["fault"]))
    for request in desk.scheduler.requests.values():
        right = alone(request.prompt, request.max_new_tokens, desk.scheduler.config.stop_token_id)
        if request.output_token_ids != right:
            raise Fault(
                "wrong tokens",
                f"Request {request.request_id} got {request.output_token_ids}, and alone it gets {right}.",
            )
