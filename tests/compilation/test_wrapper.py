"""What a wrapper decides, in which order, and what it leaves to others."""

from __future__ import annotations

import gc

import pytest
import torch

from mini_lib.compilation import CUDAGraphOptions, CUDAGraphWrapper, set_cudagraph_capturing_enabled
from mini_lib.dispatch import BatchDescriptor, CUDAGraphMode, set_forward_context
from mini_lib.graphs.errors import FirstLine
from mini_lib.graphs.launches import count_launches
from mini_lib.graphs.pool import pool_of
from tests.graphs.conftest import World

FULL, PIECEWISE = CUDAGraphMode.FULL, CUDAGraphMode.PIECEWISE
KEY = BatchDescriptor(3)


class Doubled:
    """A runnable that counts how often Python walks through it."""

    def __init__(self):
        self.walks = 0

    def __call__(self, x):
        self.walks += 1
        return x * 2


def wrapped(world: World, runnable=None, mode=FULL, **options):
    pool = options.pop("pool", None)
    return CUDAGraphWrapper(
        runnable or Doubled(), mode, device_module=world.module, pool=pool, options=CUDAGraphOptions(**options)
    )


def run(wrapper, *args, key=KEY, mode=FULL, **kwargs):
    with set_forward_context(mode, key if mode else None):
        return wrapper(*args, **kwargs)


def x_of(world: World, *values):
    return world.tensor(list(values or (1.5, -2.0, 4.0)))


def test_without_a_forward_context_the_runnable_is_called(world: World):
    wrapper, x = wrapped(world), x_of(world)
    assert wrapper(x).tolist() == [3.0, -4.0, 8.0]
    assert wrapper.entries == {}


@pytest.mark.parametrize("mode", [CUDAGraphMode.NONE, PIECEWISE])
def test_in_a_batch_of_another_mode_the_runnable_is_called_each_time(world: World, mode):
    wrapper, x = wrapped(world), x_of(world)
    assert [run(wrapper, x, mode=mode).tolist() for _ in range(2)] == [[3.0, -4.0, 8.0]] * 2
    assert (wrapper.runnable.walks, wrapper.entries) == (2, {})


def test_the_first_call_of_a_key_records_and_later_ones_replay(world: World):
    wrapper, x = wrapped(world), x_of(world)
    garbage = run(wrapper, x)
    assert wrapper.runnable.walks == 1
    if world.is_twin:
        assert garbage.isnan().all()  # nothing ran
    for values in ([1.5, -2.0, 4.0], [7.0, 8.0, 9.0]):
        x.copy_(world.tensor(values))
        assert run(wrapper, x).tolist() == [2 * value for value in values]
    assert wrapper.runnable.walks == 1


def test_each_key_has_a_graph_of_its_own(world: World):
    wrapper, x = wrapped(world), x_of(world)
    keys = [BatchDescriptor(3), BatchDescriptor(3, 3, True), BatchDescriptor(2)]
    for key in keys:
        run(wrapper, x[: key.num_tokens], key=key)
    assert list(wrapper.entries) == keys
    assert wrapper.runnable.walks == 3
    assert run(wrapper, x[:2], key=keys[2]).tolist() == [3.0, -4.0]
    assert run(wrapper, x, key=keys[1]).tolist() == [3.0, -4.0, 8.0]


def test_a_replay_is_one_launch_and_a_recording_is_none(world: World):
    wrapper, x = wrapped(world, lambda x: (x * 2 + 1).relu()), x_of(world)
    with count_launches() as recording:
        run(wrapper, x)
    with count_launches() as replaying:
        run(wrapper, x)
        run(wrapper, x)
    with count_launches() as eagerly:
        wrapper(x)
    assert (world.kernels_of_the_program(recording), recording.graphs) == ((), 0)
    assert (replaying.kernels, replaying.graphs) == (0, 2)
    assert (eagerly.kernels, eagerly.graphs) == (3, 0)


def test_inputs_are_not_copied_in_so_another_tensor_is_silently_ignored(world: World):
    wrapper, x = wrapped(world), x_of(world)
    run(wrapper, x)
    assert run(wrapper, x_of(world, 10.0, 20.0, 30.0)).tolist() == [3.0, -4.0, 8.0]
    assert run(wrapper, x=x_of(world, 10.0, 20.0, 30.0)).tolist() == [3.0, -4.0, 8.0]


def test_shapes_are_not_checked_so_the_recorded_one_comes_back(world: World):
    wrapper, x = wrapped(world), x_of(world)
    run(wrapper, x)
    assert run(wrapper, x_of(world, 10.0)).tolist() == [3.0, -4.0, 8.0]


def test_asked_to_the_wrapper_finds_an_argument_that_moved_by_place_or_name(world: World):
    def add(x, y):
        return x + y

    wrapper, x, y = wrapped(world, add, check_addresses=True), x_of(world), x_of(world)
    run(wrapper, x, y=y)
    assert run(wrapper, x, y=y).tolist() == [3.0, -4.0, 8.0]
    with pytest.raises(RuntimeError, match=r"\(y: 0x.* at capture"):
        run(wrapper, x, y=x)
    with pytest.raises(RuntimeError, match=r"\(0: 0x.* at capture"):
        run(wrapper, y, y=y)


def test_a_refused_capture_leaves_an_empty_entry_and_the_key_is_captured_when_it_may_be(world: World):
    wrapper, x = wrapped(world), x_of(world)
    with set_cudagraph_capturing_enabled(False):
        with pytest.raises(RuntimeError, match="detected at an inappropriate time") as refused:
            run(wrapper, x)
        assert "num_tokens=3" in str(refused.value)
        assert (wrapper.entries, wrapper.runnable.walks) == ({KEY: None}, 0)
    run(wrapper, x)
    assert run(wrapper, x).tolist() == [3.0, -4.0, 8.0]


def test_forbidding_captures_does_not_forbid_replays_or_eager_calls(world: World):
    wrapper, x = wrapped(world), x_of(world)
    run(wrapper, x)
    with set_cudagraph_capturing_enabled(False):
        assert run(wrapper, x).tolist() == [3.0, -4.0, 8.0]
        assert wrapper(x).tolist() == [3.0, -4.0, 8.0]


def test_captures_can_be_forbidden_from_now_on_too(world: World):
    wrapper, x = wrapped(world), x_of(world)
    try:
        set_cudagraph_capturing_enabled(False)
        with pytest.raises(RuntimeError, match="inappropriate time"):
            run(wrapper, x)
    finally:
        set_cudagraph_capturing_enabled(True)
    run(wrapper, x)


def test_cleared_graphs_are_captured_again(world: World):
    wrapper, x = wrapped(world), x_of(world)
    run(wrapper, x)
    wrapper.clear_graphs()
    assert wrapper.entries == {}
    run(wrapper, x)
    assert run(wrapper, x).tolist() == [3.0, -4.0, 8.0]
    assert wrapper.runnable.walks == 2


def test_a_capture_that_fails_leaves_nothing_behind_and_the_next_one_works(world: World):
    readable = []

    def sometimes_reads(x):
        return x * (2 if readable else x.sum().item())

    wrapper, x = wrapped(world, sometimes_reads), x_of(world)
    before, spoiled = world.module.current_stream(), wrapper.pool
    with pytest.raises(RuntimeError, match=FirstLine.INVALIDATED_901):
        run(wrapper, x)
    assert wrapper.entries == {KEY: None} and wrapper.pool != spoiled
    assert world.module.current_stream() == before
    assert not world.module.is_current_stream_capturing()
    readable.append(True)
    run(wrapper, x)
    assert run(wrapper, x).tolist() == [3.0, -4.0, 8.0]


def test_a_graph_is_recorded_on_the_callers_stream_unless_that_is_the_default_one(world: World):
    seen = []
    wrapper, x = wrapped(world, lambda x: seen.append(world.module.current_stream()) or x * 2), x_of(world)
    mine, default = world.module.Stream(), world.module.default_stream()
    run(wrapper, x)
    with world.module.stream(mine):
        run(wrapper, x, key=BatchDescriptor(4))
        assert world.module.current_stream() == mine
    assert world.module.current_stream() == default
    assert seen[0] not in (default, mine)
    assert seen[1] == mine


def test_full_outside_and_piecewise_inside_never_record_together(world: World):
    inner = wrapped(world, mode=PIECEWISE)
    outer, x = wrapped(world, lambda x: inner(x) + 1), x_of(world)
    for mode in (FULL, PIECEWISE):
        run(outer, x, mode=mode)
        assert run(outer, x, mode=mode).tolist() == [4.0, -3.0, 9.0]
    assert (len(outer.entries), len(inner.entries)) == (1, 1)
    assert inner.runnable.walks == 2  # once for each of the two recordings


def test_outputs_may_be_tuples_lists_and_dicts(world: World):
    wrapper, x = wrapped(world, lambda x: (x * 2, [x + 1, {"neg": -x}], None)), x_of(world)
    run(wrapper, x)
    doubled, (more, named), nothing = run(wrapper, x)
    assert (doubled.tolist(), more.tolist()) == ([3.0, -4.0, 8.0], [2.5, -1.0, 5.0])
    assert (named["neg"].tolist(), nothing) == ([-1.5, 2.0, -4.0], None)


@pytest.mark.parametrize("weak_ref_output", [False, True])
def test_the_wrapper_keeps_no_block_of_the_pool_for_its_output(world: World, weak_ref_output):
    if not world.is_twin:
        pytest.skip("the blocks of a pool can be seen on the twin alone")
    wrapper, x = wrapped(world, weak_ref_output=weak_ref_output), x_of(world)
    garbage = run(wrapper, x)
    assert bool(pool_of(wrapper.pool).allocated_bytes) is not weak_ref_output
    del garbage
    assert pool_of(wrapper.pool).allocated_bytes == 0
    gc.collect()
    assert run(wrapper, x).tolist() == [3.0, -4.0, 8.0]


def test_wrappers_that_never_run_at_once_share_a_pool(world: World):
    pool, x = world.module.graph_pool_handle(), x_of(world)
    first, second = (wrapped(world, pool=pool) for _ in range(2))
    for wrapper in (first, second):
        run(wrapper, x)
    for wrapper in (second, first, second):
        assert run(wrapper, x).tolist() == [3.0, -4.0, 8.0]
    assert first.entries[KEY].graph.pool() == second.entries[KEY].graph.pool()


@pytest.mark.parametrize(("gc_disable", "collected"), [(True, 0), (False, 1)])
def test_a_piece_can_be_recorded_without_collecting_garbage(world: World, monkeypatch, gc_disable, collected):
    calls = []
    monkeypatch.setattr(gc, "collect", lambda *generation: calls.append(1) or 0)
    patched = gc.collect

    def collects(x):
        gc.collect()
        return x * 2

    run(wrapped(world, collects, gc_disable=gc_disable), x_of(world))
    assert len(calls) == collected
    assert gc.collect is patched


def test_garbage_is_collected_again_after_a_capture_that_failed(world: World):
    def fails(x):
        raise KeyError((x * 2).shape)

    collect, empty_cache = gc.collect, torch.cuda.empty_cache
    with pytest.raises(KeyError):
        run(wrapped(world, fails, gc_disable=True), x_of(world))
    assert (gc.collect, torch.cuda.empty_cache) == (collect, empty_cache)


@pytest.mark.parametrize("mode", [CUDAGraphMode.NONE, CUDAGraphMode.FULL_AND_PIECEWISE])
def test_a_wrapper_for_no_mode_of_a_batch_with_graphs_is_refused(mode):
    with pytest.raises(ValueError, match=f"none runs {mode.name}"):
        CUDAGraphWrapper(Doubled(), mode)
