"""The pool hands out addresses by the rules of CUDACachingAllocator, and gets them back when tensors die."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from mini_lib.graphs import recorder
from mini_lib.graphs.pool import MIB, Block, Pool, graph_pool_handle, pool_of


def capture(fn, pool=None) -> tuple[recorder.CUDAGraph, Tensor]:
    graph = recorder.CUDAGraph()
    with recorder.graph(graph, pool=pool):
        out = fn()
    return graph, out


@pytest.mark.parametrize(
    ("num_bytes", "block_bytes", "segment_mib"),
    [
        (1, 512, 2),
        (1000, 1024, 2),
        (1 * MIB, 1 * MIB, 2),
        (1 * MIB + 1, 1 * MIB + 512, 20),
        (9 * MIB, 9 * MIB, 20),
        (10 * MIB, 10 * MIB, 10),
        (15 * MIB + 3, 16 * MIB, 16),  # less than 1 MiB would be left over: it stays with the block
    ],
)
def test_blocks_and_segments_have_the_sizes_of_the_caching_allocator(
    num_bytes: int, block_bytes: int, segment_mib: int
):
    pool = Pool()
    lease = pool.allocate(num_bytes)
    assert (pool.allocated_bytes, pool.reserved_bytes) == (block_bytes, segment_mib * MIB)
    del lease
    assert (pool.allocated_bytes, pool.peak_bytes) == (0, block_bytes)


def test_the_tightest_free_block_is_taken():
    pool = Pool()
    leases = [pool.allocate(size * 512, label=str(size)) for size in (4, 1, 2, 1, 8)]
    offsets = {block.label: block.offset for block in pool.blocks()}
    leases[0] = leases[2] = None  # free 4 and 2, not adjacent
    tight = pool.allocate(2 * 512, label="tight")
    assert {block.label: block.offset for block in pool.blocks()}["tight"] == offsets["2"]
    del tight


def test_free_neighbours_melt_together():
    pool = Pool()
    leases = [pool.allocate(512) for _ in range(4)]
    for index in (0, 2, 1, 3):
        leases[index] = None
    assert list(pool.blocks()) == [Block(0, 2 * MIB, "", False)]


def test_a_label_and_a_place_belong_to_every_live_block():
    x = torch.linspace(-1, 1, 500)
    graph, (first, second) = capture(lambda: (x.exp(), x.neg().sin()))
    live = [block for block in pool_of(graph.pool()).blocks() if block.live]
    assert [(block.label, block.num_bytes) for block in live] == [("aten.exp", 2048), ("aten.sin", 2048)]
    base = first.data_ptr()
    assert [block.offset for block in live] == [0, second.data_ptr() - base]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 3 * MIB)), min_size=1, max_size=30))
def test_blocks_tile_the_segments_and_live_ones_never_overlap(steps: list[tuple[bool, int]]):
    pool, leases, wanted = Pool(), [], []
    for keep, num_bytes in steps:
        if keep or not leases:
            leases.append(pool.allocate(num_bytes))
            wanted.append(-(-num_bytes // 512) * 512)
        else:
            victim = num_bytes % len(leases)
            del leases[victim], wanted[victim]
        blocks = list(pool.blocks())
        ends = [block.offset + block.num_bytes for block in blocks]
        assert [block.offset for block in blocks] == [0, *ends[:-1]]
        assert ends[-1] == pool.reserved_bytes
        assert pool.allocated_bytes == sum(block.num_bytes for block in blocks if block.live)
        assert sum(wanted) <= pool.allocated_bytes <= pool.peak_bytes <= pool.reserved_bytes


def test_the_peak_stays_when_memory_comes_back():
    pool = Pool()
    lease = pool.allocate(4096)
    del lease
    lease = pool.allocate(512)
    assert (pool.allocated_bytes, pool.peak_bytes) == (512, 4096)
    del lease


def test_small_blocks_stay_out_of_large_segments():
    pool = Pool()
    large = pool.allocate(3 * MIB)
    small = pool.allocate(512)
    assert [block.offset for block in pool.blocks() if block.live] == [0, 20 * MIB]
    del large, small


def test_a_chain_of_twenty_ops_needs_three_blocks_at_most():
    x = torch.linspace(-1, 1, 2048)

    def chain() -> Tensor:
        y = x
        for _ in range(20):
            y = (y * 1.5).sin()
        return y

    graph, _ = capture(chain)
    assert pool_of(graph.pool()).peak_bytes <= 3 * 8192


def memory_of_sizes(sizes: list[int]) -> int:
    """Return the bytes that an MLP reserves when captured for `sizes` in this order, into one pool."""
    model, pool = (
        nn.Sequential(nn.Linear(256, 2048), nn.GELU(), nn.Linear(2048, 256)).requires_grad_(False),
        graph_pool_handle(),
    )
    graphs = []
    for size in sizes:
        x = torch.linspace(-1, 1, size * 256).view(size, 256)
        graphs.append(capture(lambda x=x: model(x), pool=pool)[0])
    return pool_of(pool).reserved_bytes


def test_capturing_the_largest_size_first_reserves_less():
    sizes = [1280, 1536, 1792, 2048]
    assert memory_of_sizes(sizes[::-1]) < memory_of_sizes(sizes)
    assert memory_of_sizes(sizes[::-1]) == memory_of_sizes([2048])


def test_sharing_a_pool_needs_less_than_a_pool_each():
    sizes = [2048, 1536, 1280]
    assert memory_of_sizes(sizes) < sum(memory_of_sizes([size]) for size in sizes)


def test_a_handle_names_one_pool_while_a_graph_lives_on_it():
    handle, x = graph_pool_handle(), torch.linspace(-1, 1, 7)
    graph, y = capture(lambda: x * 2, pool=handle)
    assert graph.pool() == handle
    assert pool_of(handle) is pool_of(graph.pool())
    assert pool_of(handle).reserved_bytes == 2 * MIB
    graph.replay()
    del graph
    assert torch.equal(y, x * 2)  # the memory stays as long as a tensor is on it
    assert pool_of(handle).reserved_bytes == 2 * MIB
    del y
    assert pool_of(handle).reserved_bytes == 0


def test_handles_are_numbered_as_torch_numbers_them():
    x = torch.linspace(-1, 1, 7)
    named, (own, _) = graph_pool_handle(), capture(lambda: x * 2)
    assert named[0] == 0 < named[1]
    assert own.pool()[0] > 0 == own.pool()[1]
    assert graph_pool_handle() != named


def test_views_keep_their_block_alive():
    x, pool = torch.linspace(-1, 1, 600), graph_pool_handle()
    graph, tail = capture(lambda: (x * 2)[-3:], pool=pool)
    assert pool_of(pool).allocated_bytes == 2560
    del tail
    assert pool_of(pool).allocated_bytes == 0
    graph.replay()
