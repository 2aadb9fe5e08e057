"""That CPU and GPU really work at the same time: proved by the order of events and by gates, never by a timer."""

from __future__ import annotations

import multiprocessing

import pytest
import torch

from mini_lib.engine import FutureMap
from mini_lib.graphs.policies import DeviceWorkError
from mini_lib.labs.lab07.device_reads import noticing_reads
from mini_lib.scheduling import event_loop_normal, event_loop_overlap
from mini_lib.timing import CPU, GPU
from tests.engine.serving import POLICIES, PROMPTS, oracle, small_engine
from tests.planted.planting import Bug, planted

needs_fork = pytest.mark.skipif(torch.cuda.is_available(), reason="a worker cannot be forked once CUDA has started")


def when(engine, lane):
    """Return start and end of each span of `lane`, by name."""
    return {span.name: (span.start_us, span.end_us) for span in engine.timeline.lane(lane)}


def launched_before_the_last_was_processed(engine):
    cpu = when(engine, CPU)
    steps = [step.step for step in engine.stats.steps]
    return [cpu[f"launch {step}"][0] < cpu[f"process {step - 1}"][0] for step in steps[1:]]


@pytest.mark.parametrize("policy", POLICIES)
def test_every_step_is_launched_before_the_step_before_it_is_processed(policy):
    with small_engine(stream_policy=policy) as engine:
        engine.generate(PROMPTS[:4], 9)
    assert len(engine.stats.steps) > 8 and all(launched_before_the_last_was_processed(engine))


def test_the_normal_loop_launches_after_it_has_processed():
    with small_engine(async_scheduling=False) as engine:
        engine.generate(PROMPTS[:4], 9)
    assert not any(launched_before_the_last_was_processed(engine))


def computed_when_its_tokens_were_waited_for():
    """Tell, for each step on the laziest GPU, whether it was computed no earlier than somebody waited for its tokens.

    In the overlap loop that is after the step before it was processed. That GPU computes when somebody waits: a step
    that was computed earlier was waited for in a launch, or by a wait that asked for too much.
    """
    with small_engine(stream_policy="lazy") as engine:
        assert engine.generate(PROMPTS[:4], 9) == oracle(PROMPTS[:4], 9)
    cpu, gpu = when(engine, CPU), when(engine, GPU)
    steps = [one.step for one in engine.stats.steps]
    assert all(cpu[f"process {step - 1}"][1] <= cpu[f"wait {step}"][0] for step in steps[1:])
    return [cpu[f"wait {step}"][0] <= gpu[f"step {step}"][0] for step in steps]


def test_on_the_laziest_gpu_a_step_is_computed_after_the_step_before_it_was_processed():
    computed_late = computed_when_its_tokens_were_waited_for()
    assert len(computed_late) > 8 and all(computed_late)


RUNNER = "mini_lib.engine.runner"
TOO_MUCH_WAITING = [
    Bug("C2 sync_in_launch", RUNNER, "ModelRunner.execute_model",
        "output = StepOutput(", "done.synchronize(); output = StepOutput("),
    Bug("C2 device_sync", RUNNER, "StepOutput.wait", "self._done.synchronize()", "self._done._device.drain()"),
    Bug("D10 event_reuse", RUNNER, "ModelRunner.execute_model", "done = self._forward.record_event()",
        "done = self._forward.record_event(self._inputs_read)"),
    Bug("one staging set", RUNNER, "ModelRunner._free_staging", "% len(self._staging)", "% 1"),
]  # fmt: skip


@pytest.mark.parametrize("bug", TOO_MUCH_WAITING, ids=lambda bug: bug.id)
def test_code_that_waits_too_much_gives_right_tokens_and_is_found_by_the_order_of_events(bug):
    with planted(bug):
        assert not all(computed_when_its_tokens_were_waited_for())


class GatedMap(FutureMap):
    """Lets the GPU begin a step only once the gate was opened for it: one ticket a step."""

    def __init__(self, max_num_seqs, device, gate, patience_s):
        super().__init__(max_num_seqs, device)
        self.gate, self.patience_s = gate, patience_s

    def reserve(self, req_pool_indices):
        if not self.gate.acquire(timeout=self.patience_s):
            raise TimeoutError("the gate of this step was never opened")
        return super().reserve(req_pool_indices)


def gated_engine(loop, tickets, patience_s):
    """Return an engine whose GPU may begin step k only after step k - `tickets` was processed."""
    gate = multiprocessing.get_context("fork").Semaphore(tickets)

    def opening_loop(scheduler, runner):
        for new_tokens in loop(scheduler, runner):
            gate.release()
            yield new_tokens

    return small_engine(
        event_loop=opening_loop, future_map=lambda rows, device: GatedMap(rows, device, gate, patience_s),
        stream_policy="process",
    )  # fmt: skip


@needs_fork
def test_a_gpu_that_waits_for_the_cpu_to_process_the_step_before_never_waits_in_vain():
    with gated_engine(event_loop_overlap, 1, patience_s=30.0) as engine:
        assert engine.generate(PROMPTS[:3], 7) == oracle(PROMPTS[:3], 7)


@needs_fork
def test_the_gate_stops_a_loop_that_waits_for_a_step_before_it_processes_the_one_before():
    def waits_too_early(scheduler, runner):
        before = None
        while before or scheduler.has_unfinished():
            batch = scheduler.schedule()
            after = (batch, runner.execute_model(batch).wait()) if batch else None
            if before:
                yield scheduler.update_from_output(*before)
            before = after

    with gated_engine(waits_too_early, 1, patience_s=0.2) as engine:
        with pytest.raises(DeviceWorkError, match="the gate of this step was never opened"):
            engine.generate(PROMPTS[:3], 7)


@pytest.mark.parametrize("policy", [policy for policy in POLICIES if policy != "process"])
@pytest.mark.parametrize("loop", [event_loop_normal, event_loop_overlap])
def test_a_launch_reads_nothing_back(policy, loop):
    """On inline and cuda the step's own code runs at launch, so this sees all of it."""
    seen = []

    def watching(scheduler, runner):
        class Watched:
            def execute_model(self, batch):
                with noticing_reads() as reads:
                    output = runner.execute_model(batch)
                seen.append(list(reads))
                return output

        return loop(scheduler, Watched())

    with small_engine(event_loop=watching, stream_policy=policy, count_launches=False) as engine:
        engine.generate(PROMPTS, 6)
    assert len(seen) == len(engine.stats.steps) > 8 and not any(seen)


def test_a_map_that_reads_its_ids_back_is_noticed():
    class ReadingMap(FutureMap):
        def resolve(self, input_ids):
            assert min(input_ids.tolist()) < 1_000_000
            return super().resolve(input_ids)

    with noticing_reads() as reads, small_engine(future_map=ReadingMap, count_launches=False) as engine:
        stream = engine.stream(PROMPTS[:1], 3)
        reads.clear()
        next(stream)
        assert ".tolist()" in reads
