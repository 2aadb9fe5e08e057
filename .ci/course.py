"""The one door to the course: `make VERB` on Linux and macOS, `py .ci\\course.py VERB` on Windows.

Each verb first sees to .venv (`environment.py`), then starts what does the work in it. Options that a verb does not
know are handed on: `python3 .ci/course.py test -k pool` runs pytest with `-k pool`.

This file runs on any Python 3, so that an old one gets a sentence and not a traceback. It needs nothing installed.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an older Python must be able to read this far
    version = "{}.{}.{}".format(*sys.version_info[:3])
    sys.exit(
        f"Launch-Bound needs Python 3.11 or newer; this one is {version} ({sys.executable}).\n"
        "Install a newer one and say which to take, for example: make lab PYTHON=python3.13"
    )

import argparse
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import clean
import environment
import reset
import serve
import work

ROOT = Path(__file__).resolve().parent.parent
SAMPLE_CLASS = "autograde/sample_class"
SOAK = (  # small in `make test`, long here
    *("tests/graphs/test_fuzz.py", "tests/graphs/test_policies_fuzz.py"),
    *("tests/scheduling/test_token_exact.py", "tests/engine/test_token_exact.py"),
    *("tests/autograde/test_store_crash.py", "tests/autograde/test_under_load.py", "tests/autograde/test_bench.py"),
    "tests/autograde/cluster/test_cluster.py",
)
HANDS_ON = {
    "test",
    "grade",
    "mine",
    "release",
    "notebooks",
    "soak",
}  # verbs that give further options to the tool behind them


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the verb says; return its tool's exit status, or 1 with a sentence where that tool could not run."""
    parser = build_parser()
    options, rest = parser.parse_known_args(argv)
    if rest and options.verb not in HANDS_ON:
        parser.error(f"`{options.verb}` does not know {' '.join(rest)}")
    try:
        return int(options.run(options, rest))
    except (environment.SetupError, work.WorkError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: one verb a line, as `--help` shows them."""
    parser = argparse.ArgumentParser(prog="course.py", description="Launch-Bound: set up, study, test, grade.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    lab_parser = verbs.add_parser("lab", help="open the course in JupyterLab, on your own copies in work/")
    lab_parser.set_defaults(run=lab)
    lab_parser.add_argument("--ip", default="127.0.0.1", help="address to listen on; 0.0.0.0 inside a container")
    lab_parser.add_argument("--port", type=int, default=8888, help="first port to try (default 8888)")
    lab_parser.add_argument("--no-browser", action="store_true", help="only print the address")
    reset_parser = verbs.add_parser("reset", help="hand one lab or notebook out again, keeping a dated copy of yours")
    reset_parser.set_defaults(run=hand_out_again)
    reset_parser.add_argument("name", nargs="?", default="", help="lab04, nb03, or a full name")
    mine_parser = verbs.add_parser("mine", help="grade your own copy of a lab in work/; --solutions shows the course's")
    mine_parser.set_defaults(run=mine)
    mine_parser.add_argument(
        "name", nargs="?", default="", help="lab04, or a full name; all that you changed if left out"
    )
    for name, run, text in (
        ("test", test, "run all tests; further options go to pytest"),
        ("grade", grade, "grade the sample class, or a FOLDER of submissions"),
        ("release", release, "build labs/ from solutions/; --check only compares"),
        ("notebooks", notebooks, "execute the notebooks again, byte for byte"),
        ("soak", soak, "run the long tests: the large fuzz, every way to serve"),
        ("check", check, "lint and format: ruff and mypy"),
        ("picture", picture, "draw the README's picture again"),
        ("clean", tidy, "remove what the tools made, .venv too; your work stays"),
    ):
        verbs.add_parser(name, help=text).set_defaults(run=run)
    return parser


def lab(options: argparse.Namespace, _: Sequence[str]) -> int:
    python = environment.ensure("student", ROOT)
    report = work.sync(ROOT, ROOT / "work")
    print(report.text(), end="")
    return serve.serve(python, ROOT, serve.Wish(options.ip, options.port, browser=not options.no_browser))


def hand_out_again(options: argparse.Namespace, _: Sequence[str]) -> int:
    print(reset.reset(ROOT, ROOT / "work", options.name))
    return 0


def test(_: argparse.Namespace, rest: Sequence[str]) -> int:
    return run_in(environment.ensure("dev", ROOT), "-m", "pytest", *rest)


def soak(_: argparse.Namespace, rest: Sequence[str]) -> int:
    os.environ.setdefault("LAUNCH_BOUND_FUZZ_PROGRAMS", "100000")
    os.environ.setdefault("LAUNCH_BOUND_SOAK", "1")
    return run_in(environment.ensure("dev", ROOT), "-m", "pytest", *SOAK, *rest)


def grade(_: argparse.Namespace, rest: Sequence[str]) -> int:
    names_a_class = any(not word.startswith("-") for word in rest)
    which = [] if names_a_class else [SAMPLE_CLASS]
    return run_in(environment.ensure("instructor", ROOT), "-m", "autograde", "grade", *which, *rest)


def mine(options: argparse.Namespace, rest: Sequence[str]) -> int:
    which = [options.name] if options.name else []
    return run_in(environment.ensure("instructor", ROOT), "-m", "autograde", "mine", *which, *rest)


def release(_: argparse.Namespace, rest: Sequence[str]) -> int:
    return run_in(environment.ensure("instructor", ROOT), "-m", "autograde", "release", *rest)


def notebooks(_: argparse.Namespace, rest: Sequence[str]) -> int:
    return run_in(environment.ensure("instructor", ROOT), ".ci/notebooks.py", *rest)


def picture(_: argparse.Namespace, __: Sequence[str]) -> int:
    return run_in(environment.ensure("student", ROOT), ".ci/picture.py")


def check(_: argparse.Namespace, __: Sequence[str]) -> int:
    python = environment.ensure("dev", ROOT)
    tools = (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",))
    return max(run_in(python, "-m", *tool) for tool in tools)


def tidy(_: argparse.Namespace, __: Sequence[str]) -> int:
    print(clean.clean(ROOT))
    return 0


def run_in(python: Path, *arguments: str) -> int:
    """Run `python` with `arguments` in the repository's root, with .venv's programs first on the PATH."""
    return subprocess.run([python, *arguments], cwd=ROOT, env=environment.variables(python)).returncode


if __name__ == "__main__":
    sys.exit(main())
