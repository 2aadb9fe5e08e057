"""What `.ci/gpu` does: run the library's tests on a CUDA device, or record a benchmark, and write down on what machine.

Each file that it writes holds the device, its driver, the versions, the date and the command, so that a number in the
course can be traced to a run: `mini_lib.bench.provenance` says them. Nothing is installed; the repository's root is on
PYTHONPATH.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
TESTS = (
    *("tests/test_tiny.py", "tests/graphs", "tests/dispatch", "tests/timing", "tests/bench"),
    *("tests/model", "tests/compilation", "tests/scheduling", "tests/engine", "tests/sim", "tests/diagnosis"),
    "tests/notebooks/test_solved.py",  # the notebooks' cells as plain scripts: Jupyter is not needed
)
LIMIT_S = 480
VERBS = ("graph", "decode", "overlap")  # of `mini_lib.bench`: what one of them prints is kept in a file of its own
PARTS = ("launch", "step", "serve")  # of `mini_lib.bench record`, which writes its one file itself and can be resumed
PART_LIMIT_S = 540  # `bench record` begins nothing new well before; this ends one that hangs


def main() -> int:
    """Do what the verb says; return 0 when it went well, 1 with a sentence when it could not be done."""
    options = arguments()
    reason = why_not_here()
    if reason:
        print(reason, file=sys.stderr)
        return 1
    out = Path(os.environ.get("OUT", ROOT / "mini_lib" / "data"))
    out.mkdir(parents=True, exist_ok=True)
    if options.verb == "test":
        return test(out)
    return record_part(options.part, out) if options.part in PARTS else record_verb(options.part, out)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=".ci/gpu", description="Test the library on a CUDA device, or record there.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("test", help="run the library's tests")
    recording = verbs.add_parser("record", help="run a benchmark and keep what it measured")
    recording.add_argument("part", choices=(*PARTS, *VERBS), help="which one")
    return parser.parse_args()


def why_not_here() -> str:
    """Return the sentence that says why this machine will not do; empty where it will."""
    try:
        import torch
    except ImportError:
        return f"PyTorch is not installed for {sys.executable}: say which Python has it, PYTHON=... .ci/gpu test"
    if not torch.cuda.is_available():
        return f"torch {torch.__version__} sees no CUDA device here. `make test` needs none and runs everything else."
    return ""


def file_name(made_on: dict[str, Any], what: str) -> str:
    """Return the name of a recorded file: device, day, what."""
    from mini_lib.bench.recording.file import file_stem

    return f"{file_stem(made_on)}_{what}.json"


def test(out: Path) -> int:
    """Run the tests; write pytest's JUnit file and a short summary; return pytest's exit status."""
    report = out / "gpu_tests.xml"
    tests = [name for name in TESTS if (ROOT / name).exists()]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *tests]
    try:
        status = subprocess.run(command, cwd=ROOT, timeout=LIMIT_S).returncode
    except subprocess.TimeoutExpired:
        print(f"The tests were stopped after {LIMIT_S} seconds.", file=sys.stderr)
        return 1
    made_on = machine(".ci/gpu test")
    summary = {"machine": made_on, "pytest_exit_status": status, **counts(report)}
    write(out / file_name(made_on, "tests"), summary)
    return status


def counts(report: Path) -> dict[str, Any]:
    """Return how many tests ran and how they ended, from pytest's JUnit file, and the reasons of what was skipped."""
    if not report.exists():
        return {}
    root = ElementTree.parse(report).getroot()
    suite = root if root.tag == "testsuite" else root[0]
    numbers = {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}
    reasons = sorted({skip.get("message", "") for skip in suite.iter("skipped")})
    return numbers | {"seconds": float(suite.get("time", 0)), "skipped_because": reasons}


def record_part(part: str, out: Path) -> int:
    """Run `mini_lib.bench record PART`, which keeps what it measures as it goes; return its exit status."""
    command = [sys.executable, "-m", "mini_lib.bench", "record", part, "--out", str(out)]
    try:
        return subprocess.run(command, cwd=ROOT, timeout=PART_LIMIT_S).returncode
    except subprocess.TimeoutExpired:
        print(f"Stopped after {PART_LIMIT_S} seconds; what was measured by then is in {out}.", file=sys.stderr)
        return 1


def record_verb(verb: str, out: Path) -> int:
    """Run `mini_lib.bench VERB` and keep what it measured; return its exit status."""
    command = [sys.executable, "-m", "mini_lib.bench", verb, "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=LIMIT_S)
    if done.returncode:
        print(f"mini_lib.bench {verb} failed with exit status {done.returncode}.\n{done.stdout}", file=sys.stderr)
        return done.returncode
    made_on = machine(f"python3 -m mini_lib.bench {verb} --json")
    write(out / file_name(made_on, verb), {"machine": made_on, "measured": json.loads(done.stdout)})
    return 0


def machine(command: str) -> dict[str, Any]:
    """Return what a recorded file says of its run."""
    import torch

    from mini_lib.bench.provenance import machine as machine_of

    return machine_of(command, torch.cuda)


def write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n")
    print(f"wrote {path}")


if __name__ == "__main__":
    sys.exit(main())
