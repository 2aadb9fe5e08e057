"""One leg of `bench vllm`, in a process of its own: `python -m mini_lib.bench.vllm_leg QUESTION RESULT.json`.

The question is JSON: what `mini_lib.bench.vllm` asks. The result goes to a file, since vLLM prints what it likes.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mini_lib.bench.recording.timed import summary

PACKAGE = "vllm"  # imported by name, where it is installed: no dependency of the course
SHORT_TOKENS = 8  # new tokens of the short requests: what they take is what is not between two tokens


def leg(question: Mapping[str, Any], vllm: Any) -> dict[str, Any]:
    """Return the rows of one mode, as `bench record step` has them, and vLLM's version."""
    longest = question["prompt_tokens"] + SHORT_TOKENS + question["new_tokens"]
    llm = vllm.LLM(
        model=question["folder"],
        load_format="dummy",
        skip_tokenizer_init=True,
        enforce_eager=question["enforce_eager"],
        max_model_len=longest,
        max_num_seqs=max(question["batch_sizes"]),
        enable_prefix_caching=False,  # or the second request of a kind would skip its prompt, and the first would not
        seed=0,
    )
    rows = [_row(llm, vllm, question, batch) for batch in question["batch_sizes"]]
    return {"vllm": vllm.__version__, "rows": rows}


def _row(llm: Any, vllm: Any, question: Mapping[str, Any], batch: int) -> dict[str, Any]:
    new_tokens = question["new_tokens"]
    prompts = [
        {"prompt_token_ids": [1 + (7 * row + place) % 97 for place in range(question["prompt_tokens"])]}
        for row in range(batch)
    ]
    short, long = (_parameters(vllm, SHORT_TOKENS + more) for more in (0, new_tokens))
    _served_us(llm, prompts, long)  # the first run of a batch size pays for what is compiled late
    itl_us = [
        (_served_us(llm, prompts, long) - _served_us(llm, prompts, short)) / new_tokens
        for _ in range(question["repeats"])
    ]
    return {
        "model": question["model"],
        "style": "vllm",
        "mode": question["mode"],
        "batch": batch,
        "context": question["prompt_tokens"] + SHORT_TOKENS + new_tokens // 2,
        **summary([itl_us]),
    }


def _parameters(vllm: Any, num_tokens: int) -> Any:
    return vllm.SamplingParams(temperature=0.0, max_tokens=num_tokens, ignore_eos=True, detokenize=False)


def _served_us(llm: Any, prompts: list[dict[str, list[int]]], parameters: Any) -> float:
    start = time.perf_counter()
    llm.generate(prompts, parameters, use_tqdm=False)
    return (time.perf_counter() - start) * 1e6


def main() -> int:
    """Measure one leg, as the two arguments say."""
    question, result = json.loads(sys.argv[1]), Path(sys.argv[2])
    result.write_text(json.dumps(leg(question, importlib.import_module(PACKAGE))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
