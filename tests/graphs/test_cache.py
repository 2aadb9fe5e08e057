"""One graph per key, all in one pool, cheapest when the largest comes first."""

import pytest
import torch

from mini_lib.graphs import device_of
from mini_lib.graphs.cache import GraphCache
from mini_lib.graphs.device import reserved_bytes
from mini_lib.graphs.errors import CaptureError, NoGraphError

MIB_OF_FLOATS = 2**18


@pytest.fixture
def device_module(world):
    return world.module


@pytest.fixture
def cache(device_module):
    return GraphCache(device_module)


@pytest.fixture
def x(device_module):
    return torch.tensor([3.0, 5.0], device=device_of(device_module))


def test_a_graph_is_found_under_the_key_it_was_captured_for(cache, x):
    cache.capture("double", lambda value: value * 2, x)
    cache.capture(("triple", 3), lambda value: value * 3, x)
    assert cache["double"].replay().tolist() == [6.0, 10.0]
    assert cache[("triple", 3)].replay().tolist() == [9.0, 15.0]
    assert (list(cache), len(cache), "double" in cache, "triple" in cache) == (
        ["double", ("triple", 3)],
        2,
        True,
        False,
    )


def test_two_outputs_of_one_pool_do_not_overwrite_each_other_while_the_cache_keeps_both(cache, x):
    cache.capture(1, lambda value: value * 2, x)
    cache.capture(2, lambda value: value * 3, x)
    first = cache[1].replay()
    cache[2].replay()
    assert first.tolist() == [6.0, 10.0]


def test_a_key_without_a_graph_is_refused_with_the_keys_there_are(cache, x):
    with pytest.raises(NoGraphError, match=r"key 4(.|\n)*none at all"):
        cache[4]
    cache.capture(8, torch.neg, x)
    with pytest.raises(NoGraphError, match=r"key 4(.|\n)*graphs for: 8\."):
        cache[4]


def test_a_second_capture_of_a_key_is_refused_and_the_first_stays(cache, x):
    first = cache.capture(8, lambda value: value * 2, x)
    with pytest.raises(CaptureError, match=r"already owns(.|\n)*key 8"):
        cache.capture(8, lambda value: value * 3, x)
    assert cache[8] is first


def test_a_refused_capture_leaves_no_key(cache, x):
    with pytest.raises(RuntimeError, match="CUDA error"):
        cache.capture(8, lambda value: value * value.sum().item(), x)
    assert 8 not in cache
    assert cache.capture(8, lambda value: value * 3, x).replay().tolist() == (x * 3).tolist()


def reserved_after(device_module, order):
    cache = GraphCache(device_module)
    values = torch.zeros(48 * MIB_OF_FLOATS, device=device_of(device_module))

    def two_layers_down_to_one_number(rows):
        return ((rows * 2) + 1)[:1].clone()

    for size in order:
        cache.capture(size, two_layers_down_to_one_number, values[: size * MIB_OF_FLOATS], num_warmups=0)
    return reserved_bytes(cache.pool, device_module)


def test_capturing_the_largest_first_reserves_less_memory(device_module):
    ascending = reserved_after(device_module, [12, 24, 48])
    descending = reserved_after(device_module, [48, 24, 12])
    assert descending < ascending
