"""The command line of the bench: one verb per measurement."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

DESCRIPTION = """\
Measures what the course talks about, on this machine.

Each verb prints a table for people, then one line of JSON for programs. New here? Start with
    python -m mini_lib.bench graph
which runs a small model normally and from a CUDA graph, and runs into everything a graph refuses. Then
    python -m mini_lib.bench overlap
which runs the same batches with the CPU working before the GPU, and beside it, and
    python -m mini_lib.bench decode
which lets the engine decode in four modes.
"""
GRAPH = "A small MLP, normal execution against CUDA graph replay"
DECODE = "A decode step by batch size and CUDAGraphMode: launches, graphs, padding, time"
OVERLAP = "The same batches with CPU and GPU in turns, and overlapped"
OVERLAP_MORE = """\
: total time, throughput, where each batch's time goes, CPU overhead by batch size, and both runs as lanes. The CPU
really works; the GPU is another process that waits for the compute time. Linux and macOS."""
TWIN = "What capture and replay cost per op on the CPU twin, against eager execution"

MAX_MS = 10_000.0


def parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    top = argparse.ArgumentParser(
        prog="python -m mini_lib.bench", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    graph = verbs.add_parser("graph", help=GRAPH, description=f"{GRAPH}: time, memory, and what a graph refuses.")
    graph.add_argument("--force-cpu", action="store_true", help="use the CPU twin of CUDA graphs even on a GPU machine")
    graph.set_defaults(run=_graph)
    _add_decode(verbs.add_parser("decode", help=DECODE, description=f"{DECODE}. The engine itself serves the batches."))
    _add_overlap(verbs.add_parser("overlap", help=OVERLAP, description=OVERLAP + OVERLAP_MORE))
    twin = verbs.add_parser("twin", help=TWIN, description=f"{TWIN}. Always on the CPU.")
    twin.set_defaults(run=_twin)
    for verb, default in ((graph, 1000), (twin, 200)):
        verb.add_argument("--json", action="store_true", help="print the line of JSON and nothing else")
        verb.add_argument(
            "--iterations", type=_positive, default=default, metavar="N", help=f"timed calls of each kind ({default})"
        )
    return top


def _add_decode(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--batch-sizes", type=_sizes, default=(1, 3, 8), metavar="N,N", help="requests that decode together (1,3,8)"
    )
    models = ("tiny", "gpt2", "qwen3-0.6b", "llama-3.2-1b")
    verb.add_argument("--model", choices=models, default="tiny", help="whose shape to take; weights are random (tiny)")
    styles = ("naive", "lean", "fused")
    verb.add_argument("--style", choices=styles, default="lean", help="how the decoder is written (lean)")
    verb.add_argument("--steps", type=_positive, default=20, metavar="N", help="decode steps of a run (20)")
    verb.add_argument("--force-cpu", action="store_true", help="use the CPU twin of CUDA graphs even on a GPU machine")
    verb.add_argument("--json", action="store_true", help="print the line of JSON and nothing else")
    verb.set_defaults(run=_decode)


def _add_overlap(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--batches", "-b", type=_positive, default=20, metavar="N", help="batches of a run (20)")
    for flag, default, what in (
        ("--scheduling-ms", 2.0, "CPU work before a batch is launched"),
        ("--compute-ms", 10.0, "GPU time of a batch"),
        ("--postprocess-ms", 1.0, "CPU work on the tokens of a batch"),
    ):
        verb.add_argument(flag, type=_milliseconds, default=default, metavar="MS", help=f"{what} ({default:g})")
    verb.add_argument("--json", action="store_true", help="print the line of JSON and nothing else")
    verb.set_defaults(run=_overlap)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} of them measure nothing: give a whole number from 1 up")
    return int(text)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(sorted({_positive(size) for size in text.split(",")}))


def _milliseconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= MAX_MS:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: give milliseconds from 0 to {MAX_MS:g}")
    return value


# The verbs import what they need themselves, so that --help and a wrong word answer without waiting for torch.


def _graph(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    from mini_lib.bench.graph import bench_graph
    from mini_lib.bench.graph_report import graph_report

    result = bench_graph(_device_module(options.force_cpu), options.iterations, arguments, progress=not options.json)
    _print_result(result, "" if options.json else graph_report(result))


def _twin(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    from mini_lib.bench.twin import bench_twin, twin_report

    result = bench_twin(options.iterations, arguments, progress=not options.json)
    _print_result(result, "" if options.json else twin_report(result))


def _decode(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    from mini_lib.bench.decode import Question, bench_decode
    from mini_lib.bench.decode_report import decode_report

    question = Question(options.model, options.style, options.batch_sizes, options.steps)
    result = bench_decode(question, _device_module(options.force_cpu), arguments, progress=not options.json)
    _print_result(result, "" if options.json else decode_report(result))


def _overlap(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    from mini_lib.bench.overlap import bench_overlap
    from mini_lib.bench.overlap_report import overlap_report
    from mini_lib.bench.overlap_run import Load
    from mini_lib.graphs.policies import stream_policy

    try:
        stream_policy("process").close()
    except RuntimeError as error:  # it says why a worker cannot be forked here
        raise SystemExit(f"python -m mini_lib.bench overlap: {error}") from error
    load = Load(options.batches, 1, options.scheduling_ms, options.compute_ms, options.postprocess_ms)
    result, runs = bench_overlap(load, arguments, progress=not options.json)
    _print_result(result, "" if options.json else overlap_report(result, runs))


def _device_module(force_cpu: bool) -> ModuleType:
    from mini_lib.graphs import get_device_module

    return get_device_module("cpu" if force_cpu else "auto")


def _print_result(result: Mapping[str, Any], report: str) -> None:
    try:
        if report:
            print(report, end="\n\n")
        print(json.dumps(result), flush=True)
    except BrokenPipeError:  # whoever reads what we print has read enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return 0; wrong usage ends in exit status 2, as argparse has it."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    options = parser().parse_args(arguments)
    options.run(options, arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
