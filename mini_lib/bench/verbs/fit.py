"""`bench fit`: a device's profile from its recorded decode steps."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mini_lib.bench.arguments import add_json, command_line, print_result

HELP = "A device's profile from recorded decode steps, and its error on points held out"
MORE = """\
: eight constants, fitted to part "step" of a run that `bench record` wrote. Whole models and batch sizes are held out
to see how far such a profile is off, with the noise of repeating beside it. A kernel and the gap after it show only
together: kernel_us holds what is wrong with the assumed graph_gap_us."""
VERSION = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file, the pictures and the JSON."""
    told = "a recorded run (default: the newest of a GPU that comes with the library)"
    parser.add_argument("file", nargs="?", type=Path, metavar="RECORDED.json", help=told)
    told = "draw recorded against fitted into this folder, a picture per model and style"
    parser.add_argument("--png", type=Path, metavar="FOLDER", help=told)
    add_json(parser)


def run(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Fit, and print tables and JSON; one sentence where there is nothing to fit."""
    from mini_lib.bench.fit import NOTHING_RECORDED, fit_recorded, fit_result, newest_gpu_run
    from mini_lib.bench.fit_pictures import save_pictures
    from mini_lib.bench.fit_report import fit_report
    from mini_lib.sim import load_recorded

    head = {"version": VERSION, "verb": "fit", "command": command_line(arguments)}
    try:
        recorded = load_recorded(options.file) if options.file else newest_gpu_run()
        if recorded is None:
            print_result({**head, "rows": 0, "why": NOTHING_RECORDED}, "" if options.json else NOTHING_RECORDED)
            return
        fitted = fit_recorded(recorded)
        result = head | fit_result(fitted)
        if options.png:
            save_pictures(fitted, options.png)
    except (OSError, ValueError) as error:
        raise SystemExit(f"python -m mini_lib.bench fit: {error}") from error
    print_result(result, "" if options.json else fit_report(result))
