"""`bench graph`: a small MLP, run normally and replayed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mini_lib.bench.arguments import add_force_cpu, add_iterations, add_json, chosen_device, print_result

HELP = "A small MLP, normal execution against CUDA graph replay"
MORE = ": time, memory, and what a graph refuses."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the device and the number of timed calls."""
    add_force_cpu(parser)
    add_json(parser)
    add_iterations(parser, 1000)


def run(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Measure, and print tables and JSON."""
    from mini_lib.bench.graph import bench_graph
    from mini_lib.bench.graph_report import graph_report

    result = bench_graph(chosen_device(options), options.iterations, arguments, progress=not options.json)
    print_result(result, "" if options.json else graph_report(result))
