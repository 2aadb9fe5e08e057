"""`bench decode`: the engine decodes in four modes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mini_lib.bench.arguments import add_force_cpu, add_json, chosen_device, positive, print_result, sizes

HELP = "A decode step by batch size and CUDAGraphMode: launches, graphs, padding, time"
MORE = ". The engine itself serves the batches."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare batch sizes, model, style, steps and device."""
    told = "requests that decode together (1,3,8)"
    parser.add_argument("--batch-sizes", type=sizes, default=(1, 3, 8), metavar="N,N", help=told)
    models = ("tiny", "gpt2", "qwen3-0.6b", "llama-3.2-1b")
    told = "whose shape to take; weights are random (tiny)"
    parser.add_argument("--model", choices=models, default="tiny", help=told)
    styles = ("naive", "lean", "fused")
    parser.add_argument("--style", choices=styles, default="lean", help="how the decoder is written (lean)")
    parser.add_argument("--steps", type=positive, default=20, metavar="N", help="decode steps of a run (20)")
    add_force_cpu(parser)
    add_json(parser)


def run(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Measure, and print tables and JSON."""
    from mini_lib.bench.decode import Question, bench_decode
    from mini_lib.bench.decode_report import decode_report

    question = Question(options.model, options.style, options.batch_sizes, options.steps)
    result = bench_decode(question, chosen_device(options), arguments, progress=not options.json)
    print_result(result, "" if options.json else decode_report(result))
