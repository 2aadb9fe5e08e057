"""`bench diagnose`: what holds the program behind a trace up."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mini_lib.bench.arguments import add_json, command_line, print_result

if TYPE_CHECKING:
    from tqdm import tqdm

    from mini_lib.diagnosis import Diagnosis
    from mini_lib.timing import TraceFile

HELP = "Is this program launch-bound? From a trace of it"
MORE = """\
: launch-bound, GPU-bound, sync-bound or copy-bound, with the shares of the time behind the verdict and the gain to
expect from graphs and overlap. Takes what torch.profiler exports (export_chrome_trace, .json or .json.gz) and the
course's own traces. No GPU is needed."""
VERSION = 1
LARGE_BYTES = 1_000_000  # about from here on, compressed, reading and judging take two seconds
NUM_CELLS = 96
LETTERS = {
    "launch": "L", "graph launch": "G", "copy": "C", "kernel": "K", "sync": "w", "wait": "w", "host": "h",
}  # fmt: skip
LEGEND = "L launch, G graph launch, w wait, h other CPU work, K kernel, C copy, . idle"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the trace, the picture and the JSON."""
    parser.add_argument("trace", type=Path, metavar="TRACE.json", help="a trace of torch.profiler, or of the course")
    parser.add_argument("--png", type=Path, metavar="FILE", help="draw a typical stretch into this file")
    add_json(parser)


def run(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Read the trace, print the diagnosis and JSON, and draw the picture if one is asked for."""
    try:
        with _bar(options.trace) as bar:
            trace, found = _read_and_judge(options.trace, bar)
            if options.png:
                options.png.write_bytes(found.picture().png())
    except OSError as missing:
        why = f"{missing.filename}: {(missing.strerror or str(missing)).lower()}"
        raise SystemExit(f"python -m mini_lib.bench diagnose: {why}") from missing
    except ValueError as refusal:
        raise SystemExit(f"python -m mini_lib.bench diagnose: {refusal}") from refusal
    result = {
        "version": VERSION,
        "verb": "diagnose",
        "command": command_line(arguments),
        "made_by": dict(trace.made_by),
        **found.as_dict(),
    }
    print_result(result, "" if options.json else report(found, str(trace.made_by["kind"])))


def _bar(path: Path) -> tqdm[Any]:
    """Return a bar for the two halves of the work, seen by a person whose trace is large enough to be waited for."""
    from tqdm import tqdm

    is_seen = sys.stdout.isatty() and path.is_file() and path.stat().st_size > LARGE_BYTES
    return tqdm(total=2, desc="reading", file=sys.stdout, disable=not is_seen, leave=False)


def _read_and_judge(path: Path, bar: tqdm[Any]) -> tuple[TraceFile, Diagnosis]:
    from mini_lib.diagnosis import diagnose_trace
    from mini_lib.timing.trace_file import read_trace

    trace = read_trace(path)
    bar.set_description("judging")
    bar.update()
    return trace, diagnose_trace(trace.timeline, trace.launched_by)


def report(found: Diagnosis, kind: str) -> str:
    """Return the diagnosis for people: its text, and a typical stretch as two lanes of letters."""
    from mini_lib.bench.overlap_lanes import two_lanes
    from mini_lib.timing import GPU
    from mini_lib.timing.kinds import kind_of

    parts = [f"A {kind} trace.", str(found)]
    if found.steady is not None:
        stretch = found.typical_stretch()
        shown = stretch.merged(stretch.gpu_lanes, into=GPU).flattened()
        us_per_cell = shown.duration_us / NUM_CELLS
        lanes = two_lanes(shown, us_per_cell, NUM_CELLS, letter=lambda span: LETTERS[kind_of(span)])
        length = f"{us_per_cell:,.0f}" if us_per_cell >= 100 else f"{us_per_cell:.3g}"
        parts.append(f"A typical stretch, {length} µs a letter\n{lanes}\n{LEGEND}")
    return "\n\n".join(parts)
