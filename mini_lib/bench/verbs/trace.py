"""`bench trace`: what CPU and GPU do while the engine decodes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mini_lib.bench.arguments import add_force_cpu, chosen_device, positive

HELP = "What CPU and GPU do while the engine decodes, as a trace file"
MORE = """: a few steps of steady decode, in the course's own schema, which `bench diagnose` and
`mini_lib.timing.trace_file.read_trace` read. Without a GPU a forked worker plays one (Linux and macOS)."""
MODELS = ("exact", "tiny", "gpt2", "qwen3-0.6b", "llama-3.2-1b")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare model, style, batch size, steps, loop, device and file."""
    parser.add_argument("file", type=Path, metavar="FILE", help="where to write the trace, by custom ….json")
    parser.add_argument("--model", choices=MODELS, default="exact", help="whose shape to take (exact)")
    parser.add_argument("--style", choices=("naive", "lean", "fused"), default="lean", help="how it is written (lean)")
    parser.add_argument("--batch-size", type=positive, default=64, metavar="N", help="requests that decode (64)")
    parser.add_argument("--steps", type=positive, default=4, metavar="N", help="steps to keep (4)")
    parser.add_argument("--loop", choices=("overlap", "normal"), default="overlap", help="which event loop (overlap)")
    add_force_cpu(parser)


def run(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Serve, write the file, and say where it is."""
    from mini_lib.bench.trace import Question, bench_trace

    question = Question(options.model, options.style, options.batch_size, options.steps, options.loop == "overlap")
    try:
        trace = bench_trace(question, chosen_device(options), arguments)
        trace.save(options.file)
    except (OSError, RuntimeError) as refusal:  # no such folder; a worker cannot be forked here
        raise SystemExit(f"python -m mini_lib.bench trace: {refusal}") from refusal
    print(f"wrote {options.file}: {question.steps} steps of {trace.timeline.duration_us / question.steps:,.0f} us")
