"""`bench vllm`: what graphs save in vLLM."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mini_lib.bench.arguments import add_json, positive, print_result, sizes

HELP = "Time between two tokens in vLLM, enforce_eager against graphs, by batch size"
MORE = ". It needs vLLM and a GPU, and says so where one is missing. Minutes: two starts of vLLM."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the model's shape, batch sizes and tokens."""
    models = ("qwen3-0.6b", "llama-3.2-1b", "llama-3-8b", "gpt2")
    told = "whose shape to take; weights are random (qwen3-0.6b)"
    parser.add_argument("--model", choices=models, default="qwen3-0.6b", help=told)
    told = "requests that decode together (1,8,64)"
    parser.add_argument("--batch-sizes", type=sizes, default=(1, 8, 64), metavar="N,N", help=told)
    parser.add_argument("--tokens", type=positive, default=128, metavar="N", help="new tokens of a request (128)")
    add_json(parser)


def run(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Measure, and print the table and JSON; one sentence where it cannot be done."""
    from mini_lib.bench.vllm import Question, bench_vllm, vllm_report, why_not_here
    from mini_lib.config import PRESETS
    from mini_lib.graphs import get_device_module

    device_module = get_device_module()
    reason = why_not_here(device_module)
    if reason:
        raise SystemExit(reason)
    question = Question(PRESETS[options.model], options.batch_sizes, new_tokens=options.tokens)
    try:
        result = bench_vllm(question, device_module, arguments, progress=not options.json)
    except RuntimeError as error:
        raise SystemExit(f"python -m mini_lib.bench vllm: {error}") from error
    print_result(result, "" if options.json else vllm_report(result))
