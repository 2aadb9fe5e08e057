"""A forward pass cut at attention while it is captured: the same values, in order, with the metadata of each step."""

from __future__ import annotations

import gc
import warnings

import pytest
import torch

from mini_lib.compilation import BreakableCUDAGraphWrapper, CUDAGraphWrapper, set_cudagraph_capturing_enabled
from mini_lib.dispatch import BatchDescriptor, CUDAGraphMode, set_forward_context, splitting_op
from mini_lib.graphs.errors import EMPTY_GRAPH_WARNING, FirstLine
from mini_lib.graphs.launches import count_launches
from mini_lib.graphs.pool import pool_of
from tests.compilation.toy import Toy
from tests.graphs.conftest import World

FULL, PIECEWISE = CUDAGraphMode.FULL, CUDAGraphMode.PIECEWISE


def breakable(world: World, runnable, **options):
    return BreakableCUDAGraphWrapper(runnable, device_module=world.module, **options)


def entry_of(wrapper, num_rows):
    return wrapper.entries[BatchDescriptor(num_rows)]


def in_piecewise(wrapper, x, metadata=None):
    with set_forward_context(PIECEWISE, BatchDescriptor(x.shape[0]), metadata):
        return wrapper(x)


@pytest.fixture(autouse=True)
def no_warnings():
    """A warning lands on stderr, where a student takes it for a mistake of theirs."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("num_layers", [1, 2, 5])
def test_segments_are_one_more_than_breaks_and_replay_in_order(world: World, num_layers):
    toy = Toy(world, num_layers)
    wrapper, x = breakable(world, toy), toy.rows(3)
    scales = (2.0, 0.25, -1.0, 3.0, 0.5)[:num_layers]
    toy.run(wrapper, x, *scales)
    graph = entry_of(wrapper, 3).graph
    assert (graph.num_segments, graph.num_breaks, len(graph.steps)) == (num_layers + 1, num_layers, 2 * num_layers + 1)
    expected = toy.eagerly(x, *scales)
    toy.attention.calls.clear()
    assert torch.equal(toy.run(wrapper, x, *scales), expected)
    assert toy.attention.calls == list(range(num_layers))


def test_recording_runs_nothing_neither_kernels_nor_attention(world: World):
    toy = Toy(world)
    wrapper, x = breakable(world, toy), toy.rows(3)
    with count_launches() as launches:
        garbage = toy.run(wrapper, x)
    assert (world.kernels_of_the_program(launches), launches.graphs, toy.attention.calls) == ((), 0, [])
    assert all(kept.count_nonzero() == 0 for kept in toy.history)
    if world.is_twin:
        assert garbage.isnan().all()


def test_attention_sees_the_metadata_of_the_step_it_runs_in(world: World):
    toy = Toy(world)
    wrapper, x = breakable(world, toy), toy.rows(3)
    toy.run(wrapper, x, 1.0, 1.0, 1.0)
    for scales in [(2.0, 0.25, -1.0), (5.0, -3.0, 0.125), (0.5, 0.5, 7.0)]:
        assert torch.equal(toy.run(wrapper, x, *scales), toy.eagerly(x, *scales))


def test_each_replay_reads_the_static_input_as_it_stands(world: World):
    toy = Toy(world)
    wrapper, x = breakable(world, toy), toy.rows(3)
    toy.run(wrapper, x)
    for start in (1.0, -7.5, 100.0):
        x.copy_(toy.rows(3, start))
        assert torch.equal(toy.run(wrapper, x), toy.eagerly(x))


def test_what_passes_from_attention_to_the_next_segment_outlives_collection_and_other_allocations(world: World):
    toy = Toy(world)
    wrapper, x = breakable(world, toy), toy.rows(3)
    toy.run(wrapper, x)
    gc.collect()
    hold = [torch.full((3, 4), 99.0, device=world.device) for _ in range(50)]
    other = CUDAGraphWrapper(lambda x: (x * 99, x + 99), FULL, device_module=world.module, pool=wrapper.pool)
    toy.run(other, x, mode=FULL)  # takes what the first graphs left free in the pool
    expected = toy.eagerly(x)
    assert torch.equal(toy.run(wrapper, x), expected)
    toy.run(other, x, mode=FULL)  # and writes there
    assert torch.equal(toy.run(wrapper, x), expected)
    assert all(tensor.eq(99.0).all() for tensor in hold)


def test_without_a_break_there_is_one_segment_that_equals_a_full_graph(world: World):
    wrapper = breakable(world, lambda x: (x * 3).relu())
    full = CUDAGraphWrapper(wrapper.runnable, FULL, device_module=world.module)
    x = world.tensor([[1.5, -2.0]])
    in_piecewise(wrapper, x)
    graph = entry_of(wrapper, 1).graph
    assert (graph.num_segments, graph.num_breaks) == (1, 0)
    with set_forward_context(FULL, BatchDescriptor(1)):
        full(x)
        assert torch.equal(in_piecewise(wrapper, x), full(x))
    if world.is_twin:
        assert graph.graphs[0].nodes == entry_of(full, 1).graph.nodes


@pytest.mark.parametrize("num_rows", [1, 3, 5, 6, 7, 9, 15])
def test_sizes_off_the_ladder_are_padded_and_give_the_rows_of_eager_and_full(world: World, num_rows):
    toy = Toy(world)
    cut, full = breakable(world, toy), CUDAGraphWrapper(toy, FULL, device_module=world.module)
    padded = next(size for size in (4, 8, 16) if size >= num_rows)
    x = toy.rows(num_rows)
    views = toy.buffers.copy_in(padded, x=x)
    for wrapper, mode in ((cut, PIECEWISE), (full, FULL)):
        toy.run(wrapper, views["x"], mode=mode)
        assert torch.equal(toy.run(wrapper, views["x"], mode=mode)[:num_rows], toy.eagerly(x))


def test_launches_of_a_step_are_all_kernels_or_segments_and_breaks_or_one(world: World):
    toy = Toy(world)
    cut, full = breakable(world, toy), CUDAGraphWrapper(toy, FULL, device_module=world.module)
    x = toy.rows(3)
    counted = {}
    for mode, call in ((CUDAGraphMode.NONE, toy), (PIECEWISE, cut), (FULL, full)):
        with set_forward_context(mode, BatchDescriptor(3), toy.metadata()):
            call(x)
            with count_launches() as launches:
                call(x)
                call(x)
        counted[mode.name] = (launches.kernels, launches.graphs)
    attention = 4  # sum, add_, mul, copy_
    between = 4  # weight, half, add, clamp
    eager = 3 * (attention + between) + 2
    assert counted == {"NONE": (2 * eager, 0), "PIECEWISE": (2 * 3 * attention, 2 * 4), "FULL": (0, 2)}


def test_python_walks_through_the_model_once_per_key(world: World):
    walks = []
    wrapper, x = breakable(world, lambda x: walks.append(1) or x * 2), world.tensor([1.0, 2.0])
    for _ in range(3):
        in_piecewise(wrapper, x)
    assert walks == [1]


@splitting_op
def tripled(x, out):
    out.copy_(x * 3)


def cut_first(x):
    out = torch.empty_like(x)
    tripled(x, out)
    return out + 1


def cut_last(x):
    y, out = x + 1, torch.empty_like(x)
    tripled(y, out)
    return out


def cut_twice_in_a_row(x):
    y, out, last = x + 1, torch.empty_like(x), torch.empty_like(x)
    tripled(y, out)
    tripled(out, last)
    return last - 1


def nothing_but_a_cut(x):
    out = torch.empty_like(x)
    tripled(x, out)
    return out


@pytest.mark.parametrize(
    ("model", "num_segments", "num_breaks", "expected"),
    [
        (cut_first, 1, 1, [7.0, -14.0]),
        (cut_last, 1, 1, [9.0, -12.0]),
        (cut_twice_in_a_row, 2, 2, [26.0, -37.0]),
        (nothing_but_a_cut, 0, 1, [6.0, -15.0]),
    ],
)
def test_a_segment_without_kernels_is_not_launched(world: World, model, num_segments, num_breaks, expected):
    wrapper, x = breakable(world, model), world.tensor([2.0, -5.0])
    in_piecewise(wrapper, x)
    gc.collect()
    graph = entry_of(wrapper, 2).graph
    assert (graph.num_segments, graph.num_breaks) == (num_segments, num_breaks)
    assert len(graph.graphs) == num_breaks + 1  # kept even if empty: what was allocated meanwhile lives with its graph
    assert {segment.pool() for segment in graph.graphs} == {wrapper.pool}
    with count_launches() as launches:
        assert in_piecewise(wrapper, x).tolist() == expected
    assert launches.graphs == num_segments


def test_a_pass_without_kernels_and_breaks_warns_as_torch_does(world: World):
    wrapper = breakable(world, lambda x: x[:1])
    with pytest.warns(UserWarning, match=EMPTY_GRAPH_WARNING[:25]):
        in_piecewise(wrapper, world.tensor([2.0, -5.0]))


def test_outputs_may_be_tuples_and_what_is_written_by_attention(world: World):
    def model(x):
        y, out = x + 1, torch.empty_like(x)
        tripled(y, out)
        return out, [y * 2], x

    wrapper, x = breakable(world, model), world.tensor([2.0, -5.0])
    in_piecewise(wrapper, x)
    out, (doubled,), same = in_piecewise(wrapper, x)
    assert (out.tolist(), doubled.tolist(), same.tolist()) == ([9.0, -12.0], [6.0, -8.0], [2.0, -5.0])


SIZES = (16, 8, 4, 1)


def test_graphs_of_all_sizes_share_a_pool_and_replay_in_any_order(world: World):
    toy, order = Toy(world), torch.randperm(40, generator=torch.Generator().manual_seed(3)).tolist()
    wrapper = breakable(world, toy)
    for size in SIZES:
        toy.run(wrapper, toy.buffers.views(size)["x"])
    for step in order:
        x, scales = toy.rows(SIZES[step % 4], float(step)), (step, 0.25, -1.0)
        view = toy.buffers.copy_in(len(x), x=x)["x"]
        assert torch.equal(toy.run(wrapper, view, *scales), toy.eagerly(x, *scales))


def test_the_largest_size_first_takes_the_memory_that_all_others_find(world: World):
    if not world.is_twin:
        pytest.skip("the blocks of a pool can be seen on the twin alone")
    peaks = {}
    for name, sizes in (("largest alone", SIZES[:1]), ("descending", SIZES), ("one layer", SIZES[:1])):
        toy = Toy(world, num_layers=1 if name == "one layer" else 6)
        wrapper = breakable(world, toy)
        for size in sizes:
            toy.run(wrapper, toy.buffers.views(size)["x"], *[1.0] * 6)
        peaks[name] = pool_of(wrapper.pool).peak_bytes
        assert pool_of(wrapper.pool).allocated_bytes == 0
    assert peaks["descending"] == peaks["largest alone"] == peaks["one layer"] > 0


def test_a_full_graph_around_the_model_holds_attention_and_is_not_cut(world: World):
    toy = Toy(world)
    cut = breakable(world, toy)
    outer, x = CUDAGraphWrapper(cut, FULL, device_module=world.module, pool=cut.pool), toy.rows(3)
    for mode in (FULL, PIECEWISE):
        toy.run(outer, x, mode=mode)
        assert torch.equal(toy.run(outer, x, mode=mode), toy.eagerly(x))
    assert (len(outer.entries), len(cut.entries)) == (1, 1)
    with count_launches() as launches:
        toy.run(outer, x, mode=FULL)
    assert (launches.kernels, launches.graphs) == (0, 1)


def test_recording_inside_another_capture_is_refused_and_leaves_nothing(world: World):
    toy = Toy(world)
    wrapper, x = breakable(world, toy), toy.rows(3)
    with pytest.raises(RuntimeError, match=FirstLine.INVALIDATED_901):
        world.capture(lambda: (x + 1, toy.run(wrapper, x)))
    if not world.is_twin:
        world.module.set_stream(world.module.default_stream())  # torch leaves its side stream current after a 901
    assert list(wrapper.entries.values()) == [None]
    toy.run(wrapper, x)
    assert torch.equal(toy.run(wrapper, x), toy.eagerly(x))


class Moody:
    """A toy that fails once, at a place of the test's choice."""

    def __init__(self, toy, fail):
        self.toy, self.fail = toy, fail

    def __call__(self, x):
        hidden, fail = self.toy(x), self.fail
        self.fail = None
        if fail:
            fail(hidden)
        return hidden


def raise_key_error(hidden):
    raise KeyError(hidden.shape)


def read_back(hidden):
    hidden.sum().item()


def read_back_and_cut(hidden):
    try:
        hidden.sum().item()
    except RuntimeError:
        tripled(hidden, torch.empty_like(hidden))


@pytest.mark.parametrize(
    ("fail", "error"), [(raise_key_error, KeyError), (read_back, RuntimeError), (read_back_and_cut, RuntimeError)]
)
def test_an_error_in_the_middle_leaves_nothing_half_kept_and_the_next_call_records(world: World, fail, error):
    toy = Toy(world)
    wrapper, x = breakable(world, Moody(toy, fail)), toy.rows(3)
    before = world.module.current_stream()
    with pytest.raises(error):
        toy.run(wrapper, x)
    assert list(wrapper.entries.values()) == [None]
    assert world.module.current_stream() == before
    assert not world.module.is_current_stream_capturing()
    assert torch.equal(toy.eagerly(x), toy.eagerly(x))  # attention is called as usual again
    toy.run(wrapper, x)
    assert torch.equal(toy.run(wrapper, x), toy.eagerly(x))


def test_a_torch_mode_that_is_open_where_the_capture_should_end_is_refused_by_the_twin(world: World):
    if not world.is_twin:
        pytest.skip("on a GPU nothing watches the ops, so nothing is in the way")

    def model(x):
        y = x + 1
        with torch.device("cpu"):
            return cut_first(y)

    wrapper, x = breakable(world, model), world.tensor([2.0, -5.0])
    with pytest.raises(RuntimeError, match="Put that `with` around the whole capture"):
        in_piecewise(wrapper, x)
    assert not world.module.is_current_stream_capturing()
    assert (torch._C._len_torch_dispatch_stack(), torch._C._len_torch_function_stack()) == (0, 0)
    with torch.device("cpu"):
        in_piecewise(breakable(world, cut_first), x)


def test_ordinary_with_blocks_around_attention_are_no_obstacle(world: World):
    def model(x):
        with torch.no_grad(), torch.autocast(world.device.type, enabled=False):
            return cut_first(x + 1)

    wrapper, x = breakable(world, model), world.tensor([2.0, -5.0])
    with torch.inference_mode():
        in_piecewise(wrapper, x)
        assert in_piecewise(wrapper, x).tolist() == [10.0, -11.0]


def test_a_splitting_op_inside_another_runs_as_part_of_it(world: World):
    @splitting_op
    def outer(x, out):
        half = torch.empty_like(x)
        tripled(x, half)
        out.copy_(half + 1)

    def model(x):
        y, out = x + 1, torch.empty_like(x)
        outer(y, out)
        return out * 2

    wrapper, x = breakable(world, model), world.tensor([2.0, -5.0])
    in_piecewise(wrapper, x)
    assert entry_of(wrapper, 2).graph.num_breaks == 1
    assert in_piecewise(wrapper, x).tolist() == [20.0, -22.0]


def test_captures_can_be_forbidden_for_it_too(world: World):
    toy = Toy(world)
    wrapper, x = breakable(world, toy), toy.rows(3)
    with set_cudagraph_capturing_enabled(False), pytest.raises(RuntimeError, match="inappropriate time"):
        toy.run(wrapper, x)
    assert list(wrapper.entries.values()) == [None]
