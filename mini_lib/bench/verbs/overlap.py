"""`bench overlap`: the same batches in turns and overlapped."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mini_lib.bench.arguments import add_json, milliseconds, positive, print_result

HELP = "The same batches with CPU and GPU in turns, and overlapped"
MORE = """\
: total time, throughput, where each batch's time goes, CPU overhead by batch size, and both runs as lanes. The CPU
really works; the GPU is another process that waits for the compute time. Linux and macOS."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the load: batches and the three times of each."""
    parser.add_argument("--batches", "-b", type=positive, default=20, metavar="N", help="batches of a run (20)")
    for flag, default, what in (
        ("--scheduling-ms", 2.0, "CPU work before a batch is launched"),
        ("--compute-ms", 10.0, "GPU time of a batch"),
        ("--postprocess-ms", 1.0, "CPU work on the tokens of a batch"),
    ):
        parser.add_argument(flag, type=milliseconds, default=default, metavar="MS", help=f"{what} ({default:g})")
    add_json(parser)


def run(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Measure, and print tables, lanes and JSON."""
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
    print_result(result, "" if options.json else overlap_report(result, runs))
