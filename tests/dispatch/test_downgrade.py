"""What attention leaves of a wanted mode, against vLLM's own answer row by row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mini_lib.dispatch import AttentionCGSupport, CUDAGraphMode, resolve_cudagraph_mode

FACTS = json.loads((Path(__file__).parent.parent / "data" / "mode_downgrade.json").read_text())


def row_id(row):
    piecewise = "cut" if row["piecewise"] else "whole"
    return f"{row['mode']}-{row['support']}-{piecewise}-{row['query_len']}"


@pytest.mark.parametrize("row", FACTS["rows"], ids=row_id)
def test_a_mode_is_downgraded_as_in_production(row):
    mode, support = CUDAGraphMode[row["mode"]], AttentionCGSupport[row["support"]]
    if row["result"] == "ValueError":
        with pytest.raises(ValueError, match="Ask for PIECEWISE"):
            resolve_cudagraph_mode(mode, support, piecewise=row["piecewise"], query_len=row["query_len"])
    else:
        result = resolve_cudagraph_mode(mode, support, piecewise=row["piecewise"], query_len=row["query_len"])
        assert result is CUDAGraphMode[row["result"]]


def test_the_facts_say_where_they_come_from_and_are_many():
    assert FACTS["_meta"]["source"].startswith("vLLM 0.33.0")
    assert len(FACTS["rows"]) == 64


def test_a_model_is_worth_its_weakest_attention():
    levels = [AttentionCGSupport.ALWAYS, AttentionCGSupport.UNIFORM_SINGLE_TOKEN_DECODE]
    assert min(levels) is AttentionCGSupport.UNIFORM_SINGLE_TOKEN_DECODE
    assert [level.value for level in sorted(AttentionCGSupport)] == [0, 1, 2, 3]


def test_what_comes_out_is_left_alone_when_it_is_asked_for_again():
    for row in FACTS["rows"]:
        if row["result"] != "ValueError":
            support, result = AttentionCGSupport[row["support"]], CUDAGraphMode[row["result"]]
            limits = {"piecewise": row["piecewise"], "query_len": row["query_len"]}
            assert resolve_cudagraph_mode(result, support, **limits) is result


def test_a_decode_of_no_token_is_refused():
    with pytest.raises(ValueError, match="query_len is 0"):
        resolve_cudagraph_mode(CUDAGraphMode.FULL, AttentionCGSupport.ALWAYS, piecewise=True, query_len=0)
