"""One step among many: for whom it reserves, what it leaves behind, on which streams, and what came before capture."""

from __future__ import annotations

import gc

import pytest
import torch

from mini_lib.dispatch import CUDAGraphMode
from mini_lib.engine import FutureMap
from mini_lib.engine.device_step import DeviceStep
from mini_lib.scheduling import event_loop_overlap
from tests.engine.serving import POLICIES, PROMPTS, oracle, small_engine


class CountingMap(FutureMap):
    """Notes for how many requests each step reserves."""

    def __init__(self, max_num_seqs, device):
        super().__init__(max_num_seqs, device)
        self.sizes = []

    def reserve(self, req_pool_indices):
        self.sizes.append(len(req_pool_indices))
        return super().reserve(req_pool_indices)


def test_places_are_reserved_for_requests_and_not_for_padded_rows():
    made = []

    def new_map(max_num_seqs, device):
        made.append(CountingMap(max_num_seqs, device))
        return made[0]

    with small_engine(future_map=new_map, capture_sizes=[4, 16], stream_policy="inline") as engine:
        assert engine.generate(PROMPTS[:3], [6, 2, 4]) == oracle(PROMPTS[:3], [6, 2, 4])
    assert made[0].sizes == [step.num_requests for step in engine.stats.steps]
    assert engine.stats.padded_tokens > 0


@pytest.mark.parametrize("policy", POLICIES)
def test_batches_and_steps_go_to_streams_of_their_own(policy):
    with small_engine(stream_policy=policy, enforce_eager=True) as engine:
        runner = engine._runner
        assert runner._schedule._queue != runner._forward._queue


def live_tensors():
    """Return how many tensors there are among the objects that were made since the last `gc.freeze()`."""
    gc.collect()
    return sum(issubclass(type(one), torch.Tensor) for one in gc.get_objects())


@pytest.mark.parametrize("mode", [CUDAGraphMode.NONE, CUDAGraphMode.FULL_AND_PIECEWISE], ids=lambda mode: mode.name)
def test_a_step_leaves_no_tensor_behind(mode):
    counted = []

    def counting(scheduler, runner):
        for number, new_tokens in enumerate(event_loop_overlap(scheduler, runner)):
            if number == 4:
                gc.freeze()  # so that only what comes later is looked through
            if number in (8, 12, 20):
                counted.append(live_tensors())
            yield new_tokens

    options = {"cudagraph_mode": mode, "stream_policy": "inline", "count_launches": False}
    try:
        with small_engine(event_loop=counting, **options) as engine:
            engine.generate([[5, 0, 3], [8]], 24)
    finally:
        gc.unfreeze()
    assert len(counted) == 3 and len(set(counted)) == 1


def test_each_size_is_warmed_up_before_it_is_captured():
    ran, right = [], DeviceStep.run_model

    def noting(self, plan):
        ran.append((plan.mode, plan.descriptor.num_tokens))
        return right(self, plan)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DeviceStep, "run_model", noting)
        with small_engine(capture_sizes=[1, 2, 8]) as engine:
            keys = [(cost.mode, cost.descriptor.num_tokens) for cost in engine.capture_report.costs]
    captured = [place for place, (mode, _) in enumerate(ran) if mode]
    assert [ran[place] for place in captured] == keys
    assert all(ran[place - 1] == (CUDAGraphMode.NONE, ran[place][1]) for place in captured)


@pytest.mark.parametrize("mode", ["FULL", "PIECEWISE"])
def test_graphs_of_either_kind_take_their_memory_from_one_pool(mode):
    with small_engine(cudagraph_mode=CUDAGraphMode[mode]) as engine:
        assert engine.capture_report.num_bytes > 0, "the report looks at the pool of the engine"
