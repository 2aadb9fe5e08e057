"""`bench targets`: what the course set out to reach, and what it did."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mini_lib.bench.arguments import add_json, command_line, print_result

HELP = "What the course set out to reach, and what it did: one line each"
MORE = """\
: value, goal, and how the value was obtained. Values come from runs that a GPU recorded, or are measured now: the two
on the simulator's speed take minutes."""
VERSION = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where recorded runs lie, and how long to simulate."""
    parser.add_argument("--quick", action="store_true", help="simulate fewer requests: seconds, and no result to quote")
    told = "where recorded runs lie (the library's own)"
    parser.add_argument("--data", type=Path, metavar="FOLDER", help=told)
    add_json(parser)


def run(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Compute and measure, and print the table and JSON."""
    from mini_lib.bench.targets import target_rows
    from mini_lib.bench.targets_report import targets_report
    from mini_lib.sim import recorded_runs
    from mini_lib.sim.recorded import DATA

    if options.data and not options.data.is_dir():
        raise SystemExit(f"python -m mini_lib.bench targets: {options.data} is no folder.")
    try:
        runs = recorded_runs(folder=options.data or DATA)
    except ValueError as error:
        raise SystemExit(f"python -m mini_lib.bench targets: {error}") from error
    rows = target_rows(runs, options.quick, progress=not options.json)
    command = command_line(arguments)
    result = {"version": VERSION, "verb": "targets", "command": command, "rows": [row._asdict() for row in rows]}
    print_result(result, "" if options.json else targets_report(rows))
