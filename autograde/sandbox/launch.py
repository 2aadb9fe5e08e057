"""How a fork server is started: in a box, or bare with `--unsafe`."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograde.course import ROOT
from autograde.inside.server import Setup
from autograde.sandbox.box import Box, environment
from autograde.sandbox.syscalls import refusals

# Real users that servers started as root lend, half to students and half to testers. systemd keeps this range free.
FIRST_USER, USERS = 60_706, 478
SERVER = (sys.executable, "-s", "-m", "autograde.inside.server")


@dataclass(frozen=True)
class Launch:
    """A command line that ROLE and FD are added to, the folder it starts in, and its whole environment.

    `in_tmp` is what a box shows in /tmp, which each process in it has to itself.
    """

    command: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    in_tmp: tuple[str, ...] = ()


def boxed(bubblewrap: str, course_root: Path, shown: Sequence[Path], also: Sequence[Path] = ()) -> Launch:
    """Return how a server is started in its box. `also` is shown too, and searched for modules."""
    inner = box(bubblewrap, course_root, [*shown, *also])
    return Launch(inner.command(SERVER, _variables("/tmp", also)), "/", {}, inner.in_tmp)


def box(bubblewrap: str, course_root: Path, shown: Sequence[Path]) -> Box:
    """Return the box of a course: of this repository and of the course only what is in `shown`."""
    return Box(bubblewrap, shown, sorted({ROOT, course_root.resolve()}), as_root=os.geteuid() == 0)


def bare(folder: Path, also: Sequence[Path] = ()) -> Launch:
    """Return how a server is started without a box; its children keep their files in `folder`."""
    return Launch(SERVER, str(ROOT), _variables(str(folder), also))


def _variables(private: str, also: Sequence[Path]) -> dict[str, str]:
    path = os.pathsep.join(map(str, also))
    return {**environment(private), **({"PYTHONPATH": path} if path else {})}


def confining(entry: str, preload: tuple[str, ...], common: bool, number: int, in_tmp: tuple[str, ...]) -> Setup:
    """Return what server `number`, 0 or 1, is told in its box."""
    half = USERS // 2
    users = (FIRST_USER + number * half, half) if os.geteuid() == 0 else (0, 0)
    calls = base64.b64encode(refusals()).decode()
    return Setup(entry, preload, isolated=True, common=common, users=users, calls=calls, in_tmp=in_tmp)
