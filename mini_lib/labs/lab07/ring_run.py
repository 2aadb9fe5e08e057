"""Run a workload with tokens that wait in a ring, and see whether one is lost.

The scheduler lets prompts go first (SGLang's policy) and cuts them into pieces; each piece takes a place in the ring,
although nobody reads its token. The device is the virtual one, in overlapped order: step n is launched, then step
n - 1 is processed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mini_lib.labs.lab07.findings import Fault
from mini_lib.labs.lab07.virtual_device import VOCAB, Read, VirtualDevice
from mini_lib.scheduling import Scheduler, SchedulerConfig, SchedulerOutput
from mini_lib.timing.clocks import VirtualClock

CHUNK = 4  # tokens of a piece of a prompt
BLOCK = 16
MOST_REQUESTS, MOST_PROMPT, MOST_NEW = 40, 400, 100


class RingRun(NamedTuple):
    """What came of it: who was in each step, and what was read on the device."""

    steps: tuple[tuple[int, ...], ...]  # request ids, step by step: as many places were handed out
    rows: tuple[tuple[int, ...], ...]  # the same by row of the request pool
    reads: tuple[Read, ...]

    @property
    def lost(self) -> Read | None:
        """The first token that was read and was not there any more."""
        return next((read for read in self.reads if read.is_lost), None)


def require_workload(workload: Any) -> list[list[int]]:
    """Return `workload` if it is a list of [prompt length, new tokens], within bounds.

    Raises:
        Fault: it is not; the sentence says what is wrong with it.
    """
    if not isinstance(workload, list | tuple) or not workload or len(workload) > MOST_REQUESTS:
        raise Fault("no workload", f"A workload is a list of 1 to {MOST_REQUESTS} requests; yours is {workload!r:.80}.")
    for request in workload:
        if not isinstance(request, list | tuple) or [type(number) for number in request] != [int, int]:
            raise Fault("no workload", f"A request is [prompt length, new tokens]; one of yours is {request!r:.80}.")
        if not (1 <= request[0] <= MOST_PROMPT and 1 <= request[1] <= MOST_NEW):
            raise Fault(
                "no workload",
                f"A prompt has 1 to {MOST_PROMPT} tokens and an answer 1 to {MOST_NEW}; one of yours is {request}.",
            )
    return [list(request) for request in workload]


def run_in_ring(workload: list[list[int]], max_num_seqs: int) -> RingRun:
    """Run [prompt length, new tokens] requests, all there from the start, with a ring of 3 x `max_num_seqs` places."""
    scheduler = Scheduler(_limits(workload, max_num_seqs), VirtualClock())
    for number, (num_prompt, num_new) in enumerate(workload):
        prompt = [(7 * number + 3 * place + 1) % VOCAB for place in range(num_prompt)]
        scheduler.add_request(prompt, num_new)
    device = VirtualDevice(BLOCK, num_places=3 * max_num_seqs)
    batches: list[SchedulerOutput] = []
    before = None
    while before or scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch is not None:
            device.launch(batch)
            batches.append(batch)
        if before is not None:
            scheduler.update_from_output(before, device.run_through(before.step))
        before = batch
    steps = tuple(tuple(request.request_id for request in batch.requests) for batch in batches)
    rows = tuple(tuple(request.row for request in batch.requests) for batch in batches)
    return RingRun(steps, rows, tuple(device.reads))


def script_of(run: RingRun) -> list[list[Any]]:
    """Return the calls that an engine would make on a map in this run, up to the first token that a ring has lost."""
    script: list[list[Any]] = []
    names: list[str] = []  # by number of the token
    for step, rows in enumerate(run.rows):
        read = [names[one.wanted] for one in run.reads if one.step == step]
        script += [["reserve", list(rows)], ["resolve", read]]
        if run.lost and run.lost.step == step:
            break
        script.append(["stash", step, [1000 + len(names) + place for place in range(len(rows))]])
        names += [f"{step}.{place}" for place in range(len(rows))]
    return script


def _limits(workload: list[list[int]], max_num_seqs: int) -> SchedulerConfig:
    """Return a scheduler's limits that never bind, but for rows and pieces."""
    longest = max(num_prompt + num_new for num_prompt, num_new in workload)
    return SchedulerConfig(
        max_num_seqs=max_num_seqs,
        max_num_batched_tokens=CHUNK * max_num_seqs,
        max_chunk_tokens=CHUNK,
        block_size=BLOCK,
        num_blocks=1 + max_num_seqs * (longest // BLOCK + 2),
        max_model_len=longest,
        policy="prefill_first",
    )
