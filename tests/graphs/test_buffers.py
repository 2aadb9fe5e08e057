"""The static inputs: copied into and padded, never rebound; wrong batches are refused with their numbers."""

import pytest
import torch

from mini_lib.graphs.buffers import BufferSpec, InputBuffers
from mini_lib.graphs.errors import StaleInputError

SPECS = {
    "tokens": BufferSpec(torch.int64, pad=-7),
    "slots": BufferSpec(torch.int32, pad=-1),
    "hidden": BufferSpec(torch.float32, (2,), pad=float("nan")),
}


@pytest.fixture
def buffers():
    return InputBuffers(8, SPECS, "cpu")


def batch(num_rows, start=0):
    rows = torch.arange(start, start + num_rows)
    return {"tokens": rows, "slots": (rows + 100).int(), "hidden": torch.stack([rows + 0.25, rows + 0.5], 1)}


def test_a_new_buffer_holds_nothing_but_padding(buffers):
    assert buffers["tokens"].tolist() == [-7] * 8
    assert buffers["slots"].tolist() == [-1] * 8
    assert buffers["hidden"].isnan().all()
    assert buffers["hidden"].shape == (8, 2)


def test_a_batch_is_copied_to_the_front_and_the_rows_behind_it_are_padded(buffers):
    views = buffers.copy_in(5, **batch(3))
    assert views["tokens"].tolist() == [0, 1, 2, -7, -7]
    assert views["slots"].tolist() == [100, 101, 102, -1, -1]
    assert torch.equal(views["hidden"][:3], batch(3)["hidden"])
    assert views["hidden"][3:].isnan().all()


def test_a_smaller_batch_leaves_no_row_of_the_larger_one_before_it(buffers):
    buffers.copy_in(8, **batch(8, start=50))
    views = buffers.copy_in(8, **batch(5))
    assert views["slots"].tolist() == [100, 101, 102, 103, 104, -1, -1, -1]


def test_rows_beyond_the_padded_size_are_left_alone(buffers):
    buffers.copy_in(8, **batch(8, start=50))
    buffers.copy_in(4, **batch(3))
    assert buffers["tokens"].tolist() == [0, 1, 2, -7, 54, 55, 56, 57]


def test_views_of_every_size_begin_at_the_same_address_for_ever(buffers):
    addresses = {name: tensor.data_ptr() for name, tensor in buffers.tensors.items()}
    for num_rows in (8, 1, 5):
        views = buffers.copy_in(num_rows, **batch(num_rows))
        assert {name: view.data_ptr() for name, view in views.items()} == addresses
        assert {name: view.data_ptr() for name, view in buffers.views(num_rows).items()} == addresses


def test_a_view_shows_what_is_copied_in_later(buffers):
    view = buffers.views(2)["tokens"]
    buffers.copy_in(2, **batch(2, start=40))
    assert view.tolist() == [40, 41]


def test_only_padding_is_seen_inside_the_with_and_the_old_values_come_back(buffers):
    buffers.copy_in(8, **batch(8))
    with buffers.only_padding():
        assert buffers["slots"].tolist() == [-1] * 8
        buffers["slots"].fill_(99)
    assert buffers["slots"].tolist() == [100, 101, 102, 103, 104, 105, 106, 107]


def test_the_old_values_come_back_after_an_error_too(buffers):
    buffers.copy_in(2, **batch(2))
    with pytest.raises(ZeroDivisionError), buffers.only_padding():
        raise ZeroDivisionError
    assert buffers["tokens"][:2].tolist() == [0, 1]


def test_a_rebound_buffer_is_named_before_a_graph_could_read_the_old_one(buffers):
    buffers.tensors["slots"] = torch.zeros(8, dtype=torch.int32)
    with pytest.raises(StaleInputError, match=r"'slots' is not where it was(.|\n)*copy_"):
        buffers.copy_in(2, **batch(2))


def test_a_buffer_whose_memory_was_replaced_is_named_too(buffers):
    buffers["hidden"].data = torch.zeros(8, 2)
    with pytest.raises(StaleInputError, match="'hidden'"):
        buffers.check_addresses()


def without(name):
    return {key: value for key, value in batch(3).items() if key != name}


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        (without("slots"), TypeError, "missing: slots; unknown: none"),
        (batch(3) | {"slot": torch.zeros(3)}, TypeError, "missing: none; unknown: slot"),
        (batch(3) | {"slots": torch.zeros(3, dtype=torch.int64)}, TypeError, r"slots is torch.int64 .* torch.int32"),
        (batch(3) | {"hidden": torch.zeros(3, 5)}, ValueError, r"hidden has shape \(3, 5\).*\(rows, 2\)"),
        (batch(3) | {"hidden": torch.zeros(3)}, ValueError, r"hidden has shape \(3,\)"),
        (batch(3) | {"tokens": torch.tensor(4)}, ValueError, r"tokens has shape \(\).*\(rows\)"),
        (batch(3) | {"slots": batch(2)["slots"]}, ValueError, "'tokens': 3, 'slots': 2, 'hidden': 3"),
        (batch(0), ValueError, "0 rows"),
        (batch(9), ValueError, "9 rows are more than the 8"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused_with_its_numbers_and_nothing_is_written(buffers, values, error, words):
    buffers.copy_in(8, **batch(8, start=50))
    with pytest.raises(error, match=words):
        buffers.copy_in(8, **values)
    assert buffers["tokens"].tolist() == list(range(50, 58))


def test_padding_down_is_refused(buffers):
    with pytest.raises(ValueError, match="5 rows does not fit in 4"):
        buffers.copy_in(4, **batch(5))


def test_views_of_more_rows_than_there_are_do_not_come_back_short(buffers):
    with pytest.raises(ValueError, match="9 rows are more than the 8"):
        buffers.views(9)


@pytest.mark.parametrize(("max_rows", "specs", "words"), [(0, SPECS, "max_rows is 0"), (4, {}, "no specs")])
def test_buffers_without_rows_or_inputs_are_refused(max_rows, specs, words):
    with pytest.raises(ValueError, match=words):
        InputBuffers(max_rows, specs, "cpu")
