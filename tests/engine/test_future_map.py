"""The map of tokens that are not there yet, by itself: properties A of the course, as far as no scheduler is needed."""

from __future__ import annotations

import random

import pytest
import torch

from mini_lib import withheld
from mini_lib.engine.future_map import FutureMap, StaleTokenError
from mini_lib.graphs import device_of, get_device_module
from tests.engine.ring import RingFutureMap

DEVICE = device_of(get_device_module())
MAX_NUM_SEQS = 6


def tensor(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.int64, device=DEVICE)


@pytest.fixture(params=[FutureMap, RingFutureMap])
def any_map(request):
    """What every map must do, the ring too."""
    return request.param(MAX_NUM_SEQS, DEVICE)


@pytest.fixture
def checked() -> FutureMap:
    return FutureMap(MAX_NUM_SEQS, DEVICE, debug=True)


def test_every_id_is_strictly_negative_over_ten_thousand_reservations(any_map):
    source = random.Random(1)
    for _ in range(10_000):
        ids = any_map.reserve(tensor(*source.sample(range(1, MAX_NUM_SEQS + 1), source.randint(1, MAX_NUM_SEQS))))
        assert ids.dtype == torch.int64 and bool((ids < 0).all()) and len(set(ids.tolist())) == len(ids)


@pytest.mark.parametrize("num_requests", range(1, MAX_NUM_SEQS + 1))
def test_tokens_come_back_in_the_order_in_which_they_were_stashed(any_map, num_requests):
    rows = tensor(*range(MAX_NUM_SEQS, MAX_NUM_SEQS - num_requests, -1))
    tokens = tensor(*(53 * row % 97 for row in rows.tolist()))  # in no order
    ids = any_map.reserve(rows)
    any_map.stash(ids, tokens)
    assert any_map.resolve(ids).tolist() == tokens.tolist()
    assert any_map.resolve(ids.flip(0)).tolist() == tokens.flip(0).tolist()


def test_tokens_pass_through_whatever_their_number(any_map):
    tokens = tensor(0, 1, 5, 5 * MAX_NUM_SEQS, 50_256, 2**31, 2**62)
    assert any_map.resolve(tokens).tolist() == tokens.tolist()


def test_only_symbolic_ids_of_a_mixed_batch_are_replaced(any_map):
    ids = any_map.reserve(tensor(2, 5))
    any_map.stash(ids, tensor(0, 33))
    mixed = torch.cat([tensor(7), ids[1:], tensor(0), ids[:1], tensor(90_000)])
    assert any_map.resolve(mixed).tolist() == [7, 33, 0, 0, 90_000]


def test_resolving_gives_a_new_tensor_and_keeps_the_callers(any_map):
    ids = any_map.reserve(tensor(4))
    any_map.stash(ids, tensor(12))
    before = ids.clone()
    resolved = any_map.resolve(ids)
    any_map.stash(ids, tensor(13))
    assert torch.equal(ids, before) and resolved.data_ptr() != ids.data_ptr()
    assert resolved.tolist() == [12] and resolved.dtype == torch.int64 and resolved.device == ids.device


def test_a_token_goes_to_its_own_reservation_even_when_others_came_after_it(any_map):
    early, late = any_map.reserve(tensor(1, 2)), any_map.reserve(tensor(3))
    any_map.stash(early, tensor(11, 22))
    any_map.stash(late, tensor(33))
    assert any_map.resolve(torch.cat([late, early])).tolist() == [33, 11, 22]


def test_no_requests_change_nothing(any_map):
    ids = any_map.reserve(tensor(3))
    any_map.stash(ids, tensor(8))
    nobody = any_map.reserve(tensor())
    any_map.stash(nobody, tensor())
    assert nobody.shape == (0,) and any_map.resolve(tensor()).shape == (0,)
    assert any_map.resolve(ids).tolist() == [8]


def test_a_token_of_the_pool_survives_any_number_of_others():
    future_map = FutureMap(2, DEVICE)
    waiting = future_map.reserve(tensor(1))
    future_map.stash(waiting, tensor(41))
    for token in range(100):
        future_map.stash(future_map.reserve(tensor(2)), tensor(token))
    assert future_map.resolve(waiting).tolist() == [41]


def test_a_token_of_a_ring_does_not():
    future_map = RingFutureMap(2, DEVICE)
    waiting = future_map.reserve(tensor(1))
    future_map.stash(waiting, tensor(41))
    for token in range(6):
        assert future_map.resolve(waiting).tolist() == [41], f"{token} others came after it"
        future_map.stash(future_map.reserve(tensor(2)), tensor(token))
    assert future_map.resolve(waiting).tolist() == [5]


def test_the_id_of_a_request_is_the_same_in_every_step():
    future_map = FutureMap(MAX_NUM_SEQS, DEVICE)
    first = future_map.reserve(tensor(5, 2))
    for rows in ((1, 2, 3), (6,), (2,)):
        future_map.stash(future_map.reserve(tensor(*rows)), tensor(*rows))
    assert future_map.reserve(tensor(5, 2)).tolist() == first.tolist()


def test_padding_may_write_to_row_0_and_reach_nobody():
    future_map = FutureMap(3, DEVICE)
    future_map.stash(future_map.reserve(tensor(1, 2, 3)), tensor(10, 20, 30))
    future_map.stash(tensor(0, 0), tensor(77, 88))
    assert future_map.resolve(tensor(-1, -2, -3)).tolist() == [10, 20, 30]


def test_write_read_write_read_is_the_legal_trace_of_a_row(checked):
    for token in (0, 12, 5):
        ids = checked.reserve(tensor(4))
        checked.stash(ids, tensor(token))
        assert checked.resolve(torch.cat([ids, tensor(9)])).tolist() == [token, 9]


def test_a_second_write_is_legal_because_nobody_reads_the_token_of_a_chunk(checked):
    checked.stash(tensor(-4), tensor(1))
    checked.stash(tensor(-4), tensor(2))
    assert checked.resolve(tensor(-4)).tolist() == [2]


def test_a_second_read_names_the_row(checked):
    checked.stash(tensor(-2, -4), tensor(1, 2))
    checked.resolve(tensor(-4))
    with pytest.raises(StaleTokenError, match=r"rows \[4\].*write, read, write, read"):
        checked.resolve(tensor(-2, -4))


def test_a_read_before_any_write_names_the_row(checked):
    with pytest.raises(StaleTokenError, match=r"rows \[3\]"):
        checked.resolve(tensor(5, -3))


def test_an_unchecked_map_hands_out_no_plausible_token_where_nothing_was_stashed():
    assert FutureMap(3, DEVICE).resolve(tensor(-2)).tolist() == [-1]


@pytest.mark.parametrize("row", [0, MAX_NUM_SEQS + 1, -1])
def test_a_row_that_is_no_requests_is_refused(checked, row):
    with pytest.raises(ValueError, match=rf"Rows \[{row}\].*0 is padding"):
        checked.reserve(tensor(1, row))


def test_more_requests_than_rows_are_refused():
    with pytest.raises(ValueError, match=r"3 requests in a map of 2 rows.*padded"):
        FutureMap(2, DEVICE).reserve(tensor(1, 2, 0))


def test_other_dtypes_are_refused_since_a_large_token_id_would_be_cut():
    future_map = FutureMap(2, DEVICE)
    with pytest.raises(TypeError, match=r"input_ids is torch\.int32"):
        future_map.resolve(tensor(1).int())
    with pytest.raises(TypeError, match=r"tokens is torch\.float32"):
        future_map.stash(tensor(-1), tensor(1).float())


def test_a_token_per_id_is_required():
    with pytest.raises(ValueError, match="every request samples one"):
        FutureMap(2, DEVICE).stash(tensor(-1, -2), tensor(5))


def test_the_map_is_withheld_in_the_lab_that_asks_for_it(monkeypatch):
    monkeypatch.setattr(withheld, "_open_lab", "lab07")
    future_map = FutureMap(2, DEVICE)
    for call in (future_map.reserve, future_map.resolve, lambda ids: future_map.stash(ids, ids)):
        with pytest.raises(withheld.Withheld, match="lab 7"):
            call(tensor(1))
