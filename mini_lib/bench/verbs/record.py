"""`bench record`: what a GPU does, measured once and kept."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from mini_lib.bench.arguments import add_force_cpu, add_json, chosen_device, positive, print_result

PARTS = ("launch", "step", "serve")
SECONDS = 420
HELP = "Measure what a GPU does, and keep it in a file: launches, decode steps, serving"
MORE = """\
. launch: copies, launches, replays, pieces, captures. step: a decode step by model, style, mode and batch size. serve:
the overlap loop under CPU work, and generation. Each takes minutes; what is measured is on disk at once, and the next
run goes on from there. On the CPU twin, --quick tries the same with small shapes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the part, its time, its plan and its folder."""
    parser.add_argument("part", choices=PARTS, help="what to measure")
    told = f"begin nothing new after so many seconds ({SECONDS})"
    parser.add_argument("--seconds", type=positive, default=SECONDS, metavar="N", help=told)
    parser.add_argument("--quick", action="store_true", help="small shapes and few calls: no numbers to quote")
    told = "folder to write to (on a GPU $OUT, or else mini_lib/data; on the twin none)"
    parser.add_argument("--out", type=Path, metavar="FOLDER", help=told)
    add_force_cpu(parser)
    add_json(parser)


def run(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Record, and print what the part holds by now."""
    from mini_lib.bench.provenance import on_gpu
    from mini_lib.bench.recording.plan import FULL, QUICK
    from mini_lib.bench.recording.record import record_part
    from mini_lib.bench.recording.report import record_report
    from mini_lib.sim.recorded import DATA

    device_module = chosen_device(options)
    kept_at = Path(os.environ.get("OUT") or DATA) if on_gpu(device_module) and not options.quick else None
    try:
        file = record_part(
            options.part, QUICK if options.quick else FULL, device_module, arguments,
            folder=options.out or kept_at, seconds=options.seconds, progress=not options.json,
        )  # fmt: skip
    except (OSError, ValueError) as error:  # it says why not here, or what is wrong with an earlier file or the folder
        raise SystemExit(f"python -m mini_lib.bench record: {error}") from error
    print_result(file.content(), "" if options.json else record_report(options.part, file))
    if file.failed:
        raise SystemExit(f"python -m mini_lib.bench record: {len(file.failed)} failed; the next run tries again.")
