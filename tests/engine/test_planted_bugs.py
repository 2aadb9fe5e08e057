"""Every edge, guard and order of a step is there for a reason: without it some device gives wrong tokens, or an error.

Each bug is planted into the library's own code. `lazy` plays the slowest GPU that is allowed, `inline` the fastest, and
"hasty" here one that computes as late as it may and copies as early as it may.
"""

from __future__ import annotations

import pytest
import torch

from mini_lib.dispatch import CUDAGraphMode
from mini_lib.graphs import policies
from mini_lib.graphs.policies.lazy import LazyDevice
from mini_lib.scheduling.workloads import FAMILIES
from tests.engine.serving import PROMPTS, engine_for, oracle, oracle_of, serve, small_engine
from tests.planted.planting import Bug, planted

pytestmark = pytest.mark.skipif(
    torch.cuda.is_available(), reason="a wrong index on a GPU would end CUDA for all tests after it"
)

RUNNER, STEP, STAGING, MAP = (f"mini_lib.engine.{name}" for name in ("runner", "device_step", "staging", "future_map"))
BUGS = [
    ("lazy", Bug("D1 no_wait_sched", RUNNER, "ModelRunner.execute_model", "self._forward.wait_event(copied)", "pass")),
    ("lazy", Bug("D4 no_copy_sync", RUNNER, "StepOutput.wait", "self._done.synchronize()", "pass")),
    ("hasty", Bug("D5 no_war", RUNNER, "ModelRunner.execute_model", "self._schedule.wait_event(self._inputs_read)",
                  "pass")),
    ("inline", Bug("D3 stash before sample", STEP, "DeviceStep.run", "self.future_map.stash(ids, tokens)",
                   "self.future_map.stash(ids, requests['last_token'])")),
    ("inline", Bug("A1 slot 0", MAP, "FutureMap.reserve", "return -req_pool_indices", "return 1 - req_pool_indices")),
    ("inline", Bug("A2 resolve_le0", MAP, "FutureMap.resolve", "input_ids < 0, self", "input_ids <= 0, self")),
    ("inline", Bug("A3 resolve_all", MAP, "FutureMap.resolve",
                   "torch.where(input_ids < 0, self._tokens[rows], input_ids)", "self._tokens[rows]")),
    ("inline", Bug("A4 tokens in reverse", MAP, "FutureMap.stash", "= tokens\n", "= tokens.flip(0)\n")),
    ("inline", Bug("B15 resolve skipped", STEP, "DeviceStep.run", "self.resolve(plan.descriptor.num_tokens)", "pass")),
    ("inline", Bug("last ids not kept", STEP, "DeviceStep.run", 'self.last_ids[requests["rows"]] = ids', "pass")),
    ("inline", Bug("E6 stale slots of padding", "mini_lib.graphs.buffers", "InputBuffers.copy_in",
                   "view[num_rows:].fill_(self.specs[name].pad)", "pass")),
    ("inline", Bug("E10 input rebound", STEP, "DeviceStep.resolve",
                   "input_ids.copy_(self.future_map.resolve(symbolic))",
                   "self.tokens.tensors['input_ids'] = self.future_map.resolve(symbolic)")),
    ("inline", Bug("attention looks one short", RUNNER, "ModelRunner._plan",
                   "else longest", "else max(longest - 1, 1)")),
    ("inline", Bug("slots from 0", STAGING, "StagingSet._slot", "+ offset", "+ 0")),
    ("inline", Bug("sampled from the first row", STAGING, "_last_tokens",
                   "yield end - 1", "yield end - len(request.token_ids)")),
    ("inline", Bug("page table not written", STAGING, "StagingSet.write",
                   "_fill(self.page_table[request.row], request.block_ids)", "pass")),
]  # fmt: skip


RUNS = [
    (CUDAGraphMode.FULL, "retract", 1),
    (CUDAGraphMode.PIECEWISE, "chunk_heavy", 1),
    (CUDAGraphMode.FULL, "random", 1),
    (CUDAGraphMode.PIECEWISE, "retract", 3),
]


@pytest.fixture
def device(request, monkeypatch):
    """Return the name of the policy to ask for: "hasty" takes the place of `lazy`."""
    if request.param == "hasty":
        # What stream_policy("lazy", run_ahead=["schedule"]) makes: an engine asks for a policy by its name alone.
        monkeypatch.setattr(policies, "LazyDevice", lambda module, _: LazyDevice(module, ["schedule"]))
        return "lazy"
    return request.param


def tokens_are_right(policy, mode, family, seed):
    workload = FAMILIES[family](seed)
    with engine_for(workload, stream_policy=policy, cudagraph_mode=mode) as engine:
        return serve(engine, workload) == oracle_of(workload)


def caught(policy):
    """Tell whether some run gives wrong tokens or an error."""
    for run in RUNS:
        try:
            if not tokens_are_right(policy, *run):
                return True
        except (RuntimeError, IndexError):
            return True
    return False


@pytest.mark.parametrize(("device", "bug"), BUGS, ids=lambda one: getattr(one, "id", one), indirect=["device"])
def test_a_planted_bug_is_caught_by_the_tokens(device, bug):
    with planted(bug):
        assert caught(device), f"{bug.id}: every token was right all the same"


@pytest.mark.parametrize("device", ["inline", "lazy", "hasty"], indirect=True)
def test_without_a_bug_nothing_is_caught(device):
    assert not caught(device)


def three_ahead(scheduler, runner):
    """An event loop that has up to three steps in flight: more than there are staging sets."""
    in_flight = []
    while in_flight or scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch:
            in_flight.append((batch, runner.execute_model(batch)))
        if in_flight and (not batch or len(in_flight) == 3):
            before, output = in_flight.pop(0)
            yield scheduler.update_from_output(before, output.wait())


def right_three_ahead():
    with small_engine(event_loop=three_ahead, stream_policy="lazy") as engine:
        return engine.generate(PROMPTS, 9) == oracle(PROMPTS, 9)


def test_a_loop_with_more_steps_in_flight_than_staging_sets_gets_the_same_tokens():
    assert right_three_ahead()


def test_staging_that_is_written_again_too_early_is_caught():
    with planted(Bug("D6 no guard of staging", RUNNER, "ModelRunner._free_staging", "before.wait()", "pass")):
        with pytest.raises(
            policies.DeviceWorkError, match="IndexError"
        ):  # the plan is of one batch, the data of another
            right_three_ahead()
