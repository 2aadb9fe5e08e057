"""The five modes and the context that a forward pass runs in."""

from __future__ import annotations

import pytest

from mini_lib.dispatch import (
    BatchDescriptor,
    CUDAGraphMode,
    get_forward_context,
    set_forward_context,
    split_by,
    splitting_op,
)

# mode, decode, mixed, pair?, largest, has full, has piecewise, without piecewise: vLLM 0.33.0, config/compilation.py
TABLE = [
    ("NONE", "NONE", "NONE", False, "NONE", False, False, "NONE"),
    ("PIECEWISE", "PIECEWISE", "PIECEWISE", False, "PIECEWISE", False, True, "NONE"),
    ("FULL", "FULL", "FULL", False, "FULL", True, False, "FULL"),
    ("FULL_DECODE_ONLY", "FULL", "NONE", True, "FULL", True, False, "FULL_DECODE_ONLY"),
    ("FULL_AND_PIECEWISE", "FULL", "PIECEWISE", True, "FULL", True, True, "FULL_DECODE_ONLY"),
]


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_a_mode_answers_as_in_production(row):
    mode = CUDAGraphMode[row[0]]
    assert row[1:] == (
        mode.decode_mode().name,
        mode.mixed_mode().name,
        mode.separate_routine(),
        mode.max_cudagraph_mode().name,
        mode.has_full_cudagraphs(),
        mode.has_piecewise_cudagraphs(),
        mode.without_piecewise().name,
    )
    assert mode.requires_piecewise_compilation() is row[6]
    assert mode.is_valid_runtime_mode() is not row[3]
    assert bool(mode) is (row[0] != "NONE")


def test_a_pair_is_no_mode_of_a_batch():
    with pytest.raises(ValueError, match="FULL_AND_PIECEWISE is a pair"):
        CUDAGraphMode.FULL.has_mode(CUDAGraphMode.FULL_AND_PIECEWISE)
    with (
        pytest.raises(ValueError, match="FULL_DECODE_ONLY is a policy"),
        set_forward_context(CUDAGraphMode.FULL_DECODE_ONLY, BatchDescriptor(1)),
    ):
        pass


def test_a_context_inside_another_is_put_back_even_after_an_error():
    with set_forward_context(CUDAGraphMode.FULL, BatchDescriptor(7)) as outer:
        with pytest.raises(KeyError), set_forward_context():
            raise KeyError
        assert get_forward_context() is outer
    assert get_forward_context() is None


def test_a_graph_mode_needs_a_key():
    with (
        pytest.raises(ValueError, match="a graph is found by a batch_descriptor"),
        set_forward_context(CUDAGraphMode.PIECEWISE),
    ):
        pass


def test_a_splitting_op_runs_as_usual_until_somebody_cuts_there():
    log = []

    @splitting_op
    def attention(out):
        log.append(("ran", out))

    with split_by(lambda call, *args: log.append(("cut", *args))):
        attention(1)
        with split_by(None):
            attention(2)
        attention(3)
    attention(4)
    assert log == [("cut", 1), ("ran", 2), ("cut", 3), ("ran", 4)]
