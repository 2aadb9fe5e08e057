"""`bench twin`: what the CPU twin costs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mini_lib.bench.arguments import add_iterations, add_json, print_result

HELP = "What capture and replay cost per op on the CPU twin, against eager execution"
MORE = ". Always on the CPU."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the number of timed calls."""
    add_json(parser)
    add_iterations(parser, 200)


def run(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Measure, and print the table and JSON."""
    from mini_lib.bench.twin import bench_twin, twin_report

    result = bench_twin(options.iterations, arguments, progress=not options.json)
    print_result(result, "" if options.json else twin_report(result))
