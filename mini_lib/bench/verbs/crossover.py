"""`bench crossover`: launch-bound until which batch, on which device."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from mini_lib.bench.arguments import add_json, command_line, positive, print_result

HELP = "Launch-bound until which batch: models, styles and devices, simulated"
MORE = """\
. An eager decode step takes the longer of the CPU's time to launch it and the GPU's time to run it; the crossover is
the last batch at which the CPU's is longer. No GPU is needed, and none is asked: times follow from profiles, whose
constants are mostly assumed."""
VERSION = 1
NOTE = """\
Simulated from device profiles, whose constants are mostly assumed: no GPU measured any of this. In a cell: the last
batch at which an eager decode step is launch-bound ("-": not even one request; "+": nobody looked further), and in
brackets how many times as fast a full graph makes a step of one request. Each request sees as many positions as the
first line says, or as its model has. A T4 is counted as if it could run the course's own kernels; it is too old."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the context."""
    parser.add_argument(
        "--context",
        type=positive,
        default=1024,
        metavar="N",
        help="positions that each request sees, at most (1024)",
    )
    add_json(parser)


def run(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Simulate, and print tables and JSON."""
    from mini_lib.sim.crossover import crossover_table

    rows = [row._asdict() for row in crossover_table(context=options.context)]
    result = {
        "version": VERSION,
        "verb": "crossover",
        "made_by": "simulated from profiles, mostly assumed",
        "command": command_line(arguments),
        "context": options.context,
        "rows": rows,
    }
    print_result(result, "" if options.json else _report(result))


def _report(result: dict[str, Any]) -> str:
    styles = dict.fromkeys(row["style"] for row in result["rows"])
    tables = [_table([row for row in result["rows"] if row["style"] == style], style) for style in styles]
    return "\n\n".join([f"Launch-bound until which batch, context {result['context']}", *tables, NOTE])


def _table(rows: Sequence[dict[str, Any]], style: str) -> str:
    from mini_lib.bench.table import table
    from mini_lib.sim.crossover import MAX_BATCH

    def cell(row: dict[str, Any]) -> str:
        until = "-" if row["until"] is None else f"{row['until']}{'+' * (row['until'] == MAX_BATCH)}"
        return f"{until} ({row['eager_us'] / row['full_us']:.1f}x)"

    devices = list(dict.fromkeys(row["device"] for row in rows))
    cells = {(row["model"], row["device"]): cell(row) for row in rows}
    models = dict.fromkeys(row["model"] for row in rows)
    return table([style, *devices], [[model, *(cells[model, device] for device in devices)] for model in models])
