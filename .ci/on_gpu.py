"""What `.ci/gpu` does: run the library's tests on a CUDA device, or record a benchmark, and write down on what machine.

Each file that it writes holds the device, its driver, the versions, the date and the command, so that a number in the
course can be traced to a run: `mini_lib.bench.provenance` says them. Nothing is installed; the repository's root is on
PYTHONPATH.

GPU time often comes in minutes. What to do with them, in this order, with what it should take on an H200 (estimated:
nobody has run it there):

1. `.ci/gpu record launch` (2 min), and look whether rows say equal: true and `skipped` is empty.
2. `.ci/gpu record serve` (2 min).
3. `.ci/gpu record step` (up to 7 min, and once more until it says complete). With 10 minutes in all, do 1 to 3, and
   give step what is left: `python3 -m mini_lib.bench record step --seconds 240 --out $OUT`.
4. `.ci/gpu test` (4 min). First of all where the code is new to the GPU and there is time for everything.
5. `.ci/gpu record graph`, `decode`, `overlap` (1 min each).
6. Here, without a GPU: copy the file of the recording to mini_lib/data, then `bench fit` and `bench targets`.

Between two machines copy the file into mini_lib/data as well: a recording goes on from $OUT or from there. Where
something fails: a unit that fails is printed with its traceback, costs itself alone, and is tried again by the next
run; an illegal memory access ends the part, and `CUDA_LAUNCH_BLOCKING=1 .ci/gpu record PART` names the kernel (never
time with it). Of the tests, look at tests/model/test_kernels.py first: all that is fused rests on it. Then tests/graphs
(is a rule of graphs as we say?), tests/compilation, tests/engine. gpu_tests.log in $OUT has all tracebacks.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
SOLVED = "tests/notebooks/test_solved.py"  # the notebooks' cells as plain scripts: Jupyter is not needed
TESTS = (  # what takes longest stands first
    f"{SOLVED}::test_the_same_cells_run_on_a_gpu",
    f"{SOLVED}::test_solved_exercises_are_right_and_the_notebook_runs_to_its_end",
    *("tests/bench", "tests/model", "tests/graphs", "tests/compilation", "tests/engine", "tests/diagnosis"),
    *("tests/test_tiny.py", "tests/sim", "tests/scheduling", "tests/timing", "tests/dispatch"),
)
AT_ONCE = 8  # processes that share the GPU: no test looks at a time, and the CPU is what they wait for
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


class Ran(NamedTuple):
    """How a file of tests ended: pytest's exit status (124: it was stopped), what it printed, and its counts."""

    tests: str
    status: int
    output: str
    counted: dict[str, Any]

    @property
    def went_well(self) -> bool:
        return self.status in (0, 5)  # 5: nothing in there is for this machine

    def __str__(self) -> str:
        return f"{self.tests}: {(self.output.strip().splitlines() or ['no output'])[-1]}"


def test(out: Path) -> int:
    """Run each file of tests in a process of its own; write what they printed, and a summary; return 1 if one failed.

    An illegal memory access ends CUDA for the whole process. So it costs the tests of one file and no others.
    """
    deadline = time.monotonic() + LIMIT_S
    with tempfile.TemporaryDirectory() as reports, ThreadPoolExecutor(AT_ONCE) as pool:
        ran = list(pool.map(lambda tests: run_tests(tests, Path(reports), deadline), files_of_tests()))
    made_on = machine(".ci/gpu test")
    failed = [one for one in ran if not one.went_well]
    (out / "gpu_tests.log").write_text("\n".join(f"{one.tests}\n{one.output}" for one in [*failed, *ran]))
    write(out / file_name(made_on, "tests"), {"machine": made_on, **total([one.counted for one in ran])})
    print(*(f"failed: {one}" for one in failed), sep="\n")
    return 1 if failed else 0


def files_of_tests() -> Iterator[str]:
    """Yield what pytest is given, one process each."""
    for name in TESTS:
        path = ROOT / name
        yield from (str(file.relative_to(ROOT)) for file in sorted(path.glob("test_*.py"))) if path.is_dir() else [name]


def run_tests(tests: str, reports: Path, deadline: float) -> Ran:
    """Run one file of tests until it is done or the time is up, and print its last line."""
    report = reports / f"{re.sub(r'[^a-z0-9]+', '_', tests)}.xml"
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-rfE", "-p", "no:cacheprovider"]
    # What else is installed there is none of our business; and several at once leave each a few cores.
    plain = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OMP_NUM_THREADS": "2"}
    try:
        done = subprocess.run(
            [*command, f"--junitxml={report}", tests], cwd=ROOT, env=plain, timeout=max(1, deadline - time.monotonic()),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )  # fmt: skip
        ran = Ran(tests, done.returncode, done.stdout, counts(report))
    except subprocess.TimeoutExpired as stopped:
        printed = (stopped.stdout or b"").decode(errors="replace")
        ran = Ran(tests, 124, f"{printed}\nstopped: the {LIMIT_S} seconds for all tests were over", counts(report))
    print(ran, flush=True)
    return ran


def counts(report: Path) -> dict[str, Any]:
    """Return how many tests ran and how they ended, from pytest's JUnit file, and the reasons of what was skipped."""
    if not report.exists():
        return {}
    root = ElementTree.parse(report).getroot()
    suite = root if root.tag == "testsuite" else root[0]
    numbers = {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}
    reasons = sorted({skip.get("message", "") for skip in suite.iter("skipped")})
    return numbers | {"seconds": float(suite.get("time", 0)), "skipped_because": reasons}


def total(counted: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the counts of several files as one; `unfinished` is how many of them have none."""
    keys = ("tests", "failures", "errors", "skipped", "seconds")
    reasons = sorted({reason for one in counted for reason in one.get("skipped_because", [])})
    sums = {key: sum(one.get(key, 0) for one in counted) for key in keys}
    return sums | {"unfinished": sum(not one for one in counted), "skipped_because": reasons}


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
