"""The default ladders: production's own rows, and each rule read a second time, size by size."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mini_lib.dispatch import CaptureSizes, default_capture_sizes, prefill_capture_sizes
from mini_lib.dispatch.default_sizes import ENGINES

DATA = Path(__file__).parent.parent / "data"
VLLM = json.loads((DATA / "capture_sizes_vllm.json").read_text())
OTHERS = json.loads((DATA / "capture_sizes_other_engines.json").read_text())
ROWS_OF = {
    "sglang": "sglang_0.5.23",
    "sglang-0.5.9": "sglang_0.5.9",
    "sglang-speculative": "sglang_speculative",
    "mini-sglang": "mini_sglang",
    "nano-vllm": "nano_vllm",
}
limits = st.integers(1, 700) | st.integers(1, 20_000)
many = settings(max_examples=200, deadline=None)


def rows(table):
    return [pytest.param(key, sizes, id=key) for key, sizes in table.items()]


@pytest.mark.parametrize(("max_num_seqs", "sizes"), rows(VLLM["default_by_max_num_seqs"]))
def test_vllm_builds_its_default_ladder_from_max_num_seqs(max_num_seqs, sizes):
    assert default_capture_sizes("vllm", max_num_seqs=int(max_num_seqs)) == sizes


@pytest.mark.parametrize(("largest", "sizes"), rows(VLLM["explicit_max_capture_size__max_num_seqs_256"]))
def test_vllm_truncates_an_explicit_maximum_to_its_grid(largest, sizes):
    assert default_capture_sizes("vllm", max_num_seqs=256, max_cudagraph_capture_size=int(largest)) == sizes


@pytest.mark.parametrize(("limits", "sizes"), rows(VLLM["small_max_num_batched_tokens"]))
def test_vllm_ends_at_max_num_batched_tokens_where_that_cuts_the_ladder_off(limits, sizes):
    max_num_seqs, budget = map(int, limits.split("/"))
    assert default_capture_sizes("vllm", max_num_seqs=max_num_seqs, max_num_batched_tokens=budget) == sizes


@pytest.mark.parametrize(("max_num_seqs", "sizes"), rows(VLLM["blackwell_datacenter_by_max_num_seqs"]))
def test_vllm_goes_up_to_1024_on_a_data_center_blackwell(max_num_seqs, sizes):
    assert default_capture_sizes("vllm", max_num_seqs=int(max_num_seqs), datacenter_blackwell=True) == sizes


@pytest.mark.parametrize(
    ("engine", "largest", "sizes"),
    [pytest.param(e, k, v, id=f"{e} {k}") for e, table in ROWS_OF.items() for k, v in OTHERS[table].items()],
)
def test_the_other_engines_build_their_ladders_from_the_largest_batch(engine, largest, sizes):
    assert default_capture_sizes(engine, max_num_seqs=int(largest)) == sizes


@pytest.mark.parametrize(("max_num_tokens", "sizes"), rows(OTHERS["sglang_prefill_tokens"]))
def test_sglang_has_a_ladder_of_tokens_for_prefill(max_num_tokens, sizes):
    assert prefill_capture_sizes(int(max_num_tokens)) == sizes


def test_no_row_of_the_recorded_tables_is_left_unread():
    assert {*VLLM} == {"_meta", "default_by_max_num_seqs", "explicit_max_capture_size__max_num_seqs_256",
                       "small_max_num_batched_tokens", "blackwell_datacenter_by_max_num_seqs"}  # fmt: skip
    assert {*OTHERS} == {"_meta", "sglang_prefill_tokens", *ROWS_OF.values()}
    assert {*ENGINES} == {"vllm", *ROWS_OF}


def on_vllms_grid(size):
    return size in (1, 2, 4) or (size < 256 and size % 8 == 0) or (size >= 256 and size % 16 == 0)


@many
@given(limits, limits, st.none() | limits, st.booleans())
def test_vllms_rule_read_size_by_size_gives_the_same_ladder(max_num_seqs, budget, explicit, blackwell):
    def has_a_graph(size):
        top = explicit if explicit is not None else min(2 * max_num_seqs, 1024 if blackwell else 512)
        if size > min(top, budget):
            return False
        return on_vllms_grid(size) or size == budget or (explicit is None and size == max_num_seqs)

    built = default_capture_sizes(max_num_seqs=max_num_seqs, max_num_batched_tokens=budget,
                                  max_cudagraph_capture_size=explicit, datacenter_blackwell=blackwell)  # fmt: skip
    assert built == [size for size in range(1, 20_001) if has_a_graph(size)]


def on_sglangs_grid(size):
    step = 8 if size <= 256 else 16 if size <= 512 else 32
    return size in (1, 2, 4, 8, 12) or (size >= 16 and size % step == 0)


def on_sglangs_speculative_grid(size):
    step = 1 if size <= 8 else 2 if size <= 32 else 4 if size <= 64 else 8 if size <= 256 else 16
    return size != 36 and size % step == 0  # after 32 comes 40: the steps of 4 begin there


GRID_OF = {
    "sglang": on_sglangs_grid,
    "sglang-0.5.9": on_sglangs_grid,
    "sglang-speculative": on_sglangs_speculative_grid,
    "mini-sglang": lambda size: size % 8 == 0,
    "nano-vllm": lambda size: size % 16 == 0 and size <= 512,
}
ALWAYS = {"mini-sglang": {1, 2, 4}, "nano-vllm": {1, 2, 4, 8}}


@many
@given(st.sampled_from(sorted(GRID_OF)), st.integers(1, 3000))
def test_the_other_rules_read_size_by_size_give_the_same_ladders(engine, largest):
    expected = {size for size in range(1, largest + 1) if GRID_OF[engine](size)} | ALWAYS.get(engine, set())
    if engine in ("sglang", "sglang-speculative"):
        expected.add(largest)
    assert default_capture_sizes(engine, max_num_seqs=largest) == sorted(expected)


@many
@given(st.sampled_from(ENGINES), limits, limits)
def test_a_ladder_is_sorted_and_unique_and_positive(engine, max_num_seqs, budget):
    sizes = default_capture_sizes(engine, max_num_seqs=max_num_seqs, max_num_batched_tokens=budget)
    assert sizes == sorted(set(sizes))
    assert sizes[0] == 1
    assert CaptureSizes(sizes).sizes == tuple(sizes)


@many
@given(limits, limits)
def test_vllms_widest_decode_batch_pads_to_itself_unless_a_ceiling_is_below_it(max_num_seqs, budget):
    sizes = default_capture_sizes(max_num_seqs=max_num_seqs, max_num_batched_tokens=budget)
    assert (max_num_seqs in sizes) == (max_num_seqs <= min(512, budget))


@many
@given(st.integers(1, 3000))
def test_sglang_holds_its_largest_batch_and_nothing_above_it(largest):
    assert default_capture_sizes("sglang", max_num_seqs=largest)[-1] == largest


@pytest.mark.parametrize("engine", ["mini-sglang", "nano-vllm"])
def test_two_engines_capture_sizes_that_no_batch_can_reach(engine):
    assert default_capture_sizes(engine, max_num_seqs=2)[-1] > 2


@pytest.mark.parametrize(("batch", "engine"), [(97, "nano-vllm"), (97, "sglang-0.5.9"), (97, "mini-sglang")])
def test_the_gap_between_the_last_grid_size_and_the_largest_batch_has_no_graph(batch, engine):
    assert CaptureSizes(default_capture_sizes(engine, max_num_seqs=100)).pad(batch) is None


def test_an_unknown_engine_is_answered_with_the_engines_there_are():
    with pytest.raises(ValueError, match="no engine is called 'VLLM'") as refusal:
        default_capture_sizes("VLLM", max_num_seqs=8)
    assert all(repr(engine) in str(refusal.value) for engine in ENGINES)


@pytest.mark.parametrize("limit", ["max_num_seqs", "max_num_batched_tokens", "max_cudagraph_capture_size"])
@pytest.mark.parametrize("value", [0, -3])
def test_a_limit_below_one_is_refused_with_the_way_to_run_without_graphs(limit, value):
    with pytest.raises(ValueError, match=f"{limit} is {value}.*CaptureSizes") as refusal:
        default_capture_sizes("vllm", **{"max_num_seqs": 8, limit: value})
    assert "enforce_eager" in str(refusal.value)


def test_a_prefill_ladder_of_no_tokens_is_refused():
    with pytest.raises(ValueError, match="max_num_tokens is 0"):
        prefill_capture_sizes(0)
