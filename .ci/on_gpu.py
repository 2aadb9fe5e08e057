"""What `.ci/gpu` does: run the library's tests on a CUDA device, or record a benchmark, and write down on what machine.

Each file that it writes holds the device, its driver, the versions, the date and the command, so that a number in the
course can be traced to a run. Nothing is installed; the repository's root is on PYTHONPATH.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
TESTS = (
    *("tests/test_tiny.py", "tests/graphs", "tests/dispatch", "tests/timing", "tests/bench"),
    *("tests/model", "tests/compilation", "tests/scheduling", "tests/engine"),
    "tests/notebooks/test_solved.py",  # the notebooks' cells as plain scripts: Jupyter is not needed
)
LIMIT_S = 480
PARTS = ("graph", "decode", "overlap")  # what `mini_lib.bench` can record


def main() -> int:
    """Do what the verb says; return 0 when it went well, 1 with a sentence when it could not be done."""
    options = arguments()
    reason = why_not_here()
    if reason:
        print(reason, file=sys.stderr)
        return 1
    out = Path(os.environ.get("OUT", ROOT / "mini_lib" / "data"))
    out.mkdir(parents=True, exist_ok=True)
    return test(out) if options.verb == "test" else record(options.part, out)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=".ci/gpu", description="Test the library on a CUDA device, or record there.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("test", help="run the library's tests")
    recording = verbs.add_parser("record", help="run a benchmark and keep what it measured")
    recording.add_argument("part", choices=PARTS, help="which one")
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


def machine(command: str) -> dict[str, Any]:
    """Return what a recorded file says of its run: device, driver, versions, date and command."""
    import torch

    properties = torch.cuda.get_device_properties(0)
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader", "--id=0"]
    driver = subprocess.run(query, capture_output=True, text=True).stdout.strip()
    return {
        "device": properties.name,
        "compute_capability": f"{properties.major}.{properties.minor}",
        "memory_bytes": properties.total_memory,
        "driver": driver,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "numpy": metadata.version("numpy"),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
    }


def file_name(made_on: dict[str, Any], what: str) -> str:
    """Return the name of a recorded file: device, day, what."""
    device = re.sub(r"[^a-z0-9]+", "-", made_on["device"].lower()).strip("-")
    return f"{device}_{made_on['date'][:10]}_{what}.json"


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


def record(part: str, out: Path) -> int:
    """Run `mini_lib.bench PART` and keep what it measured; return its exit status."""
    command = [sys.executable, "-m", "mini_lib.bench", part, "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=LIMIT_S)
    if done.returncode:
        print(f"mini_lib.bench {part} failed with exit status {done.returncode}.\n{done.stdout}", file=sys.stderr)
        return done.returncode
    made_on = machine(f"python3 -m mini_lib.bench {part} --json")
    write(out / file_name(made_on, part), {"machine": made_on, "measured": json.loads(done.stdout)})
    return 0


def write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n")
    print(f"wrote {path}")


if __name__ == "__main__":
    sys.exit(main())
