"""Which mode and which key a batch gets, against vLLM's own dispatcher row by row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mini_lib.dispatch import BatchDescriptor, CaptureSizes, CudagraphDispatcher, CUDAGraphMode, default_capture_sizes

NONE, PIECEWISE, FULL = CUDAGraphMode.NONE, CUDAGraphMode.PIECEWISE, CUDAGraphMode.FULL
FULL_DECODE_ONLY, FULL_AND_PIECEWISE = CUDAGraphMode.FULL_DECODE_ONLY, CUDAGraphMode.FULL_AND_PIECEWISE

FACTS = json.loads((Path(__file__).parent.parent / "data" / "dispatch.json").read_text())
LETTER = {"F": FULL, "P": PIECEWISE, "N": NONE}
CASES = [
    pytest.param(case, mode, kind, id=f"{name}-{mode}-{kind}")
    for name, case in FACTS.items()
    if name != "_meta"
    for mode, kinds in case["dispatch"].items()
    for kind in kinds
]


def test_the_facts_say_where_they_come_from():
    assert FACTS["_meta"]["source"].startswith("vLLM 0.33.0")
    assert len(CASES) == 5 * len(CUDAGraphMode) * 2


@pytest.mark.parametrize(("case", "mode", "kind"), CASES)
def test_every_batch_gets_the_mode_and_size_that_production_gives_it(case, mode, kind):
    dispatcher = CudagraphDispatcher(CUDAGraphMode[mode], case["capture_sizes"], max_num_seqs=case["max_num_seqs"])
    seen = 0
    for first, last, letter, padded in case["dispatch"][mode][kind]:
        for num_tokens in range(first, last + 1):
            runtime_mode, key = dispatcher.dispatch(num_tokens, uniform_decode=kind == "uniform_decode")
            expected = num_tokens if padded == "n" else padded
            assert (runtime_mode, key.num_tokens) == (LETTER[letter], expected), num_tokens
            seen += 1
    assert seen == 600


@pytest.mark.parametrize("mode", CUDAGraphMode)
@pytest.mark.parametrize("max_num_seqs", [1, 3, 12, 16])
@pytest.mark.parametrize("query_len", [1, 3])
def test_every_captured_key_is_reached_by_some_batch_and_every_reached_key_is_captured(mode, max_num_seqs, query_len):
    dispatcher = CudagraphDispatcher(
        mode, [1, 2, 3, 4, 6, 8, 12, 16, 24], max_num_seqs=max_num_seqs, query_len=query_len
    )
    batches = [(n, False) for n in range(1, 30)] + [(n, True) for n in range(query_len, 30, query_len)]
    reached = {dispatcher.dispatch(*batch) for batch in batches}
    captured = dispatcher.capture_keys()
    assert {answer for answer in reached if answer[0]} == set(captured)
    assert len(set(captured)) == len(captured)


def test_graphs_are_captured_piecewise_first_and_from_the_largest_down():
    keys = CudagraphDispatcher(FULL_AND_PIECEWISE, [1, 2, 4, 8, 16], max_num_seqs=8).capture_keys()
    assert [(mode, key.num_tokens) for mode, key in keys] == [
        *[(PIECEWISE, size) for size in (16, 8, 4, 2, 1)],
        *[(FULL, size) for size in (8, 4, 2, 1)],
    ]


@pytest.mark.parametrize(
    ("mode", "num_piecewise", "num_full"),
    [(NONE, 0, 0), (PIECEWISE, 51, 0), (FULL, 0, 51), (FULL_DECODE_ONLY, 0, 35), (FULL_AND_PIECEWISE, 51, 35)],
)
def test_the_default_sizes_of_256_requests_give_as_many_keys_as_in_production(mode, num_piecewise, num_full):
    keys = CudagraphDispatcher(mode, default_capture_sizes(max_num_seqs=256), max_num_seqs=256).capture_keys()
    modes = [runtime_mode for runtime_mode, _ in keys]
    assert (modes.count(PIECEWISE), modes.count(FULL)) == (num_piecewise, num_full)


def test_a_decode_key_says_how_many_requests_and_a_piecewise_key_does_not():
    dispatcher = CudagraphDispatcher(FULL_AND_PIECEWISE, [2, 8], max_num_seqs=8)
    assert dispatcher.dispatch(5, uniform_decode=True) == (FULL, BatchDescriptor(8, num_reqs=8, uniform=True))
    assert dispatcher.dispatch(5) == (PIECEWISE, BatchDescriptor(8, num_reqs=None, uniform=False))


def test_a_mixed_full_key_serves_decodes_too_and_never_holds_more_requests_than_there_can_be():
    dispatcher = CudagraphDispatcher(FULL, [4, 16], max_num_seqs=6)
    assert dispatcher.dispatch(9) == dispatcher.dispatch(9, uniform_decode=True) == (FULL, BatchDescriptor(16, 6))
    assert dispatcher.dispatch(3)[1] == BatchDescriptor(4, 4)


def test_a_widest_decode_batch_off_the_ladder_loses_its_full_graph():
    """Twelve decodes pad to 16 tokens, and no decode batch of 16 exists: vLLM 0.33.0 adds 12 to the ladder for this."""
    gap = CudagraphDispatcher(FULL_AND_PIECEWISE, [1, 2, 4, 8, 16], max_num_seqs=12)
    closed = CudagraphDispatcher(FULL_AND_PIECEWISE, [1, 2, 4, 8, 12, 16], max_num_seqs=12)
    assert gap.dispatch(9, uniform_decode=True) == (PIECEWISE, BatchDescriptor(16))
    assert closed.dispatch(9, uniform_decode=True) == (FULL, BatchDescriptor(12, 12, True))


def test_a_size_one_above_the_widest_decode_batch_has_no_decode_graph():
    dispatcher = CudagraphDispatcher(FULL_AND_PIECEWISE, [4], max_num_seqs=3)
    assert dispatcher.dispatch(3, uniform_decode=True) == (PIECEWISE, BatchDescriptor(4))


def test_several_tokens_per_decode_pad_to_a_size_that_whole_requests_fill():
    dispatcher = CudagraphDispatcher(FULL_AND_PIECEWISE, [4, 8, 10], max_num_seqs=3, query_len=4)
    assert dispatcher.dispatch(8, uniform_decode=True) == (FULL, BatchDescriptor(8, 2, True))
    assert dispatcher.dispatch(12, uniform_decode=True) == (NONE, BatchDescriptor(12))
    assert (FULL, BatchDescriptor(10, 2, True)) not in dispatcher.capture_keys()


@pytest.mark.parametrize(
    ("mode", "left"), [(FULL_AND_PIECEWISE, PIECEWISE), (FULL, NONE), (FULL_DECODE_ONLY, NONE), (PIECEWISE, PIECEWISE)]
)
def test_without_full_a_batch_falls_to_piecewise_or_to_eager(mode, left):
    dispatcher = CudagraphDispatcher(mode, [4], max_num_seqs=4)
    expected = (left, BatchDescriptor(4 if left else 3))
    assert dispatcher.dispatch(3, True, invalid_modes={FULL}) == expected
    assert dispatcher.dispatch(3, True, valid_modes={NONE, PIECEWISE}) == expected


def test_the_limits_given_are_not_changed():
    """vLLM 0.33.0 takes the invalid modes out of the caller's own set."""
    valid, invalid = {NONE, FULL}, {FULL}
    CudagraphDispatcher(FULL, [4], max_num_seqs=4).dispatch(3, valid_modes=valid, invalid_modes=invalid)
    assert (valid, invalid) == ({NONE, FULL}, {FULL})


def test_a_batch_with_no_allowed_graph_and_no_leave_to_run_eagerly_is_refused():
    dispatcher = CudagraphDispatcher(FULL_DECODE_ONLY, [4], max_num_seqs=4)
    with pytest.raises(ValueError, match=r"3 tokens pad to 4, .*FULL_DECODE_ONLY.*\(FULL, PIECEWISE\).*Allow NONE"):
        dispatcher.dispatch(3, invalid_modes={NONE})
    assert dispatcher.dispatch(9, invalid_modes={NONE}) == (NONE, BatchDescriptor(9))
    assert dispatcher.dispatch(3, valid_modes={NONE}) == (NONE, BatchDescriptor(3))


@pytest.mark.parametrize("mode", CUDAGraphMode)
def test_an_empty_ladder_captures_nothing_and_runs_everything_eagerly(mode):
    dispatcher = CudagraphDispatcher(mode, [], max_num_seqs=4)
    assert dispatcher.capture_keys() == []
    assert dispatcher.dispatch(3, uniform_decode=True) == (NONE, BatchDescriptor(3))


@pytest.mark.parametrize(
    ("ratio", "eager"), [(None, []), (2, [1, 5, 6, 7]), (4, []), (1.25, [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12])]
)
def test_a_batch_that_would_be_mostly_padding_runs_eagerly_where_that_is_wanted(ratio, eager):
    """SGLang 0.5.23 for prefill: one token does not replay the graph for four."""
    dispatcher = CudagraphDispatcher(FULL_AND_PIECEWISE, [4, 16], max_num_seqs=16, max_padding_ratio=ratio)
    assert [n for n in range(1, 17) if dispatcher.dispatch(n) == (NONE, BatchDescriptor(n))] == eager
    assert all(dispatcher.dispatch(n, uniform_decode=True)[0] is FULL for n in range(1, 17))
    assert dispatcher.capture_keys() == CudagraphDispatcher(FULL_AND_PIECEWISE, [4, 16], max_num_seqs=16).capture_keys()


class RoundsDown:
    """A student's ladder with a mistake in it."""

    def __iter__(self):
        return iter([2, 4])

    def pad(self, num_tokens):
        return max(size for size in self if size <= num_tokens)


def test_a_ladder_of_ones_own_is_used_and_one_that_rounds_down_is_found_out():
    assert CudagraphDispatcher(FULL, CaptureSizes([8]), max_num_seqs=8).dispatch(3) == (FULL, BatchDescriptor(8, 8))
    with pytest.raises(ValueError, match=r"pads 3 tokens to 2: .*no room for the last 1"):
        CudagraphDispatcher(FULL, RoundsDown(), max_num_seqs=8).dispatch(3)


@pytest.mark.parametrize("mode", CUDAGraphMode)
@pytest.mark.parametrize("num_tokens", [0, -1])
def test_an_empty_batch_is_refused_in_every_mode(mode, num_tokens):
    with pytest.raises(ValueError, match=f"no graph to choose for {num_tokens} tokens"):
        CudagraphDispatcher(mode, [4], max_num_seqs=4).dispatch(num_tokens)


def test_a_decode_batch_of_broken_requests_is_refused():
    with pytest.raises(ValueError, match="5 tokens cannot be a uniform decode in which each request brings 4"):
        CudagraphDispatcher(FULL, [8], max_num_seqs=4, query_len=4).dispatch(5, uniform_decode=True)


@pytest.mark.parametrize(
    "limits", [{"max_num_seqs": 0}, {"max_num_seqs": 4, "query_len": 0}, {"max_num_seqs": 4, "max_padding_ratio": 0}]
)
def test_a_limit_below_one_is_refused_by_name(limits):
    with pytest.raises(ValueError, match=f"{list(limits)[-1]} is 0"):
        CudagraphDispatcher(FULL, [8], **limits)
