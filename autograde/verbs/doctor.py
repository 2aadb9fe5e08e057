"""`doctor`: what this machine can isolate, and what to do where it cannot."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from autograde.course import ROOT, Course
from autograde.inside.results import to_json
from autograde.verbs.options import Verbs, add_output, start_grading

if TYPE_CHECKING:
    from autograde.sandbox.machine import Machine


def add(verbs: Verbs) -> None:
    more = (
        "Starts a sandbox, tries to break out of it, and says what held; then loads what the labs import in there. "
        "Exit status 0: students' code can be isolated here. 1: it cannot, and this is what to do."
    )
    parser = verbs.add_parser("doctor", help="Can this machine isolate students' code?", description=more)
    where = "folder with solutions/ and labs/ (default: this repository)"
    parser.add_argument("--course", metavar="DIR", type=Path, default=ROOT, help=where)
    add_output(parser)
    parser.set_defaults(verb=_run)


def _run(options: argparse.Namespace) -> int:
    start_grading()
    from autograde.sandbox.machine import probe

    machine = probe()
    memory = _loaded(machine, Course(options.course.resolve())) if machine.isolates else {}
    if options.json:
        found = [{"name": one.name, "against": one.against, "works": one.works, "sentence": one.sentence}
                 for one in machine.protections]  # fmt: skip
        print(
            to_json({"version": 1, "isolates": machine.isolates, "protections": found, "preloaded_mb": memory}), end=""
        )
    else:
        print(_table(machine))
        print(_verdict(machine, memory))
    return 0 if machine.isolates else 1


def _loaded(machine: Machine, course: Course) -> dict[str, float]:
    """Return how much memory the two fork servers need, in MB. Raises CannotGrade where a lab's import fails."""
    from autograde.sandbox.servers import Servers

    print("Loading what the labs import, in the sandbox ...", file=sys.stderr)
    with Servers(machine, course.root) as servers:
        return servers.preloaded_mb()


def _table(machine: Machine) -> str:
    lines = [f"{'protection':<12}{'in force':<10}against"]
    lines += [f"{one.name:<12}{'yes' if one.works else 'NO':<10}{one.against}" for one in machine.protections]
    return "\n".join(lines)


def _verdict(machine: Machine, memory: dict[str, float]) -> str:
    if machine.isolates:
        loaded = " + ".join(f"{mb:.0f} MB ({role}s)" for role, mb in memory.items())
        return f"\nStudents' code is isolated here. Memory of the two fork servers, all imported: {loaded}."
    sentences = dict.fromkeys(one.sentence for one in machine.protections if not one.works)
    return "\n" + "\n".join(textwrap.fill(sentence, 100) for sentence in sentences)
