"""Which batch rides in which graph, which runs eagerly, and what a runner says when it is used wrongly."""

import pytest
import torch

from mini_lib.dispatch import CaptureSizes
from mini_lib.graphs import BufferSpec, GraphRunner, InputBuffers
from mini_lib.graphs.errors import CaptureError, GraphError, NoGraphError
from tests.graphs.decode import EVERY_SIZE, LADDER, NUM_SLOTS, SideBySide, batch, on


@pytest.fixture
def device_module(world):
    return world.module


# E3, E17, E20: which graph


def test_every_graph_is_reached_by_a_batch_of_exactly_its_size(device_module):
    world = SideBySide(device_module).captured()
    assert all(world.step(size) for size in LADDER)
    assert world.runner.stats.replays == dict.fromkeys(LADDER, 1)
    assert (world.runner.stats.padded_rows, world.runner.stats.hit_rate) == (0, 1.0)


class RoundsTooFar(CaptureSizes):
    """bisect_right: an exact size goes into the next graph."""

    def pad(self, num_tokens):
        return next((size for size in self if size > num_tokens), None)


def test_a_ladder_that_rounds_too_far_gives_right_tokens_and_is_caught_by_the_counters(device_module):
    world = SideBySide(device_module, ladder=RoundsTooFar(LADDER)).captured()
    assert all(world.step(size) for size in LADDER)
    assert 1 not in world.runner.stats.replays
    assert world.runner.stats.padded_rows == 1 + 2 + 4


class RoundsDown(CaptureSizes):
    def pad(self, num_tokens):
        return max(size for size in self if size <= num_tokens)


class NamesASizeWithoutGraph(CaptureSizes):
    def pad(self, num_tokens):
        return num_tokens


def test_a_ladder_that_rounds_down_is_refused(device_module):
    world = SideBySide(device_module, ladder=RoundsDown(LADDER)).captured()
    with pytest.raises(ValueError, match="5 rows does not fit in 4"):
        world.step(5)


def test_a_key_that_has_no_graph_is_refused_with_the_keys_there_are(device_module):
    world = SideBySide(device_module, ladder=NamesASizeWithoutGraph(LADDER)).captured()
    with pytest.raises(NoGraphError, match=r"key 5(.|\n)*8, 4, 2, 1"):
        world.step(5)


def test_the_counters_tell_replays_eager_calls_and_padded_rows(device_module):
    world = SideBySide(device_module).captured()
    assert all(world.step(num_rows) for num_rows in (8, 5, 9, 3))
    stats = world.runner.stats
    assert (stats.replays, stats.eager_calls, stats.padded_rows, stats.hit_rate) == ({8: 2, 4: 1}, 1, 4, 0.75)


def test_nothing_is_recorded_after_start_up(device_module):
    world = SideBySide(device_module).captured()
    world.decoder.calls.clear()
    assert all(world.step(num_rows) for num_rows in [*EVERY_SIZE, *EVERY_SIZE])
    assert world.decoder.calls == [(9, False), (9, False)]  # only the two batches that ran eagerly called Python
    with pytest.raises(CaptureError, match="already owns a captured graph"):
        world.runner.capture()


# E18, E19: without a graph


def test_a_batch_may_be_run_eagerly_although_a_graph_has_its_size(device_module):
    world = SideBySide(device_module).captured()
    values = on(world.device, batch(4, world.generator))
    assert torch.equal(world.runner.run_eagerly(**values), world.reference(**values))
    assert (world.runner.stats.replays, world.runner.stats.eager_calls) == ({}, 1)


def test_above_the_largest_size_the_function_sees_no_padding(device_module):
    world = SideBySide(device_module, ladder=[1, 2, 4]).captured()
    world.decoder.calls.clear()
    assert world.step(7)
    assert world.decoder.calls == [(7, False)]


@pytest.mark.parametrize(
    "options",
    [{"enforce_eager": True}, {"ladder": []}, {"ladder": CaptureSizes([])}],
    ids=["enforce_eager", "[]", "()"],
)
def test_without_graphs_nothing_is_recorded_and_everything_works(device_module, options):
    world = SideBySide(device_module, **options).captured()
    assert world.decoder.calls == []
    assert all(world.step(num_rows) for num_rows in EVERY_SIZE)
    assert (len(world.runner.graphs), world.runner.stats.hit_rate) == (0, 0.0)


# Errors that teach


def test_a_call_before_capture_says_what_to_call(device_module):
    world = SideBySide(device_module)
    with pytest.raises(NoGraphError, match=r"preceding successful capture(.|\n)*graph for 4 rows(.|\n)*runner.capture"):
        world.step(3)


def test_every_refusal_of_the_library_is_caught_as_torchs_own(device_module):
    assert issubclass(GraphError, getattr(torch, "AcceleratorError", RuntimeError))


def test_a_batch_larger_than_the_static_inputs_is_refused(device_module):
    with pytest.raises(ValueError, match="10 rows are more than the 9"):
        SideBySide(device_module).captured().step(10)


def test_sizes_larger_than_the_static_inputs_are_refused_at_once(device_module):
    with pytest.raises(ValueError, match="largest capture size is 16, but the static inputs hold 9 rows"):
        SideBySide(device_module, ladder=[4, 16])


def test_static_inputs_on_another_device_are_refused_at_once(device_module):
    elsewhere = InputBuffers(2, {"x": BufferSpec(torch.float32)}, "meta")
    with pytest.raises(ValueError, match="lie on 'meta'"):
        GraphRunner(lambda x: x, elsewhere, [2], device_module=device_module)


def test_a_slot_of_every_number_is_tried_by_the_batches():
    generator = torch.Generator().manual_seed(1)
    seen = torch.cat([batch(9, generator)["slots"] for _ in range(100)])
    assert set(seen.tolist()) == set(range(1, NUM_SLOTS))
