"""What this machine can isolate, found by trying: a box is started, and a process in it tries to get out.

Nothing is concluded from files that are there or not: every protection is broken or holds. Where one does not hold,
`Machine` says what to do on the system that this is.
"""

from __future__ import annotations

import functools
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from autograde.course import ROOT, CannotGrade, Limits
from autograde.inside import wire
from autograde.sandbox import advice
from autograde.sandbox.box import environment, python
from autograde.sandbox.fork_server import ForkServer
from autograde.sandbox.launch import box, boxed, confining
from autograde.sandbox.pair import Forked

TRIED_SECONDS = 60
AGAINST = {
    "bubblewrap": "all that follows: it makes the box",
    "files": "reading the solutions, the secret seed, other students' work and your own files",
    "read-only": "changing files: tests, the gradebook, the library",
    "network": "sending tests away, fetching answers, talking to another student",
    "processes": "looking into other processes, and leaving one behind",
    "user": "acting as root, or as you",
    "exec": "becoming root through a setuid program",
    "calls": "attacking the kernel: ptrace, mounts, namespaces, bpf, io_uring, keys",
    "disk": "filling the disk",
    "memory": "filling the memory",
    "forks": "a fork bomb",
}
CALL_HOME = """
import socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)
    print("a socket of this machine answers")
except OSError:
    pass
"""
SMALL = Limits(memory_gb=0.5, processes=8, file_mb=4)


@dataclass(frozen=True)
class Protection:
    """One thing that must hold before a stranger's code runs. `sentence` says what is wrong, and what to do."""

    name: str
    against: str
    works: bool
    sentence: str = ""


@dataclass(frozen=True)
class Machine:
    """What holds here. `bubblewrap` is the program that makes boxes, "" where there is none."""

    bubblewrap: str
    protections: tuple[Protection, ...]

    @property
    def isolates(self) -> bool:
        return all(protection.works for protection in self.protections)

    def refusal(self) -> str:
        """Return why nothing is graded here, and what to do."""
        broken = next(protection for protection in self.protections if not protection.works)
        return f"Students' code cannot be isolated here ({broken.name}). {broken.sentence}"


@functools.cache
def probe() -> Machine:
    """Return what this machine can isolate; a second call in the same process remembers. Takes about a second."""
    program = shutil.which("bwrap") or ""
    if wrong := advice.no_linux():
        return _nothing(program, wrong)
    if not program:
        return _nothing(program, f"bubblewrap (the program `bwrap`) is not installed. {advice.install()}")
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            found = _tried_unconfined(program, port) | _tried_confined(program, port)
    except CannotGrade as error:
        return _nothing(program, f"{error}\n{advice.no_namespaces()}")
    return _judged(program, found)


def _nothing(program: str, sentence: str) -> Machine:
    return Machine(program, tuple(Protection(name, against, False, sentence) for name, against in AGAINST.items()))


def _judged(program: str, found: Mapping[str, str]) -> Machine:
    """Return a machine whose protections failed where an attack came to something, or said nothing at all."""
    broken = {name: found.get(name, "it was not tried") for name in AGAINST if name != "bubblewrap"}
    broken["network"] = found["network of the box"] or broken["network"]
    ways = {name: f"In the box, {what}. {advice.no_namespaces()}" if what else "" for name, what in broken.items()}
    judged = (Protection(name, AGAINST[name], not ways[name], ways[name]) for name in broken)
    return Machine(program, (Protection("bubblewrap", AGAINST["bubblewrap"], True), *judged))


def _tried_unconfined(program: str, port: int) -> dict[str, str]:
    """Return whether the bare box reaches the network: whoever is confined may not even make a socket.

    Raises:
        CannotGrade: bubblewrap cannot make a box here.
    """
    command = box(program, ROOT, []).command([sys.executable, "-c", CALL_HOME, str(port)], environment("/tmp"))
    try:
        done = subprocess.run(command, env={}, capture_output=True, text=True, timeout=TRIED_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotGrade(f"bubblewrap could not make a box: {error}.") from error
    if done.returncode:
        raise CannotGrade(f"bubblewrap could not make a box: {done.stderr.strip()}.")
    return {"network of the box": done.stdout.strip()}


def _tried_confined(program: str, port: int) -> dict[str, str]:
    """Return what a confined process could do, by protection.

    Raises:
        CannotGrade: there is no such process, as the kernel refused something on the way to it.
    """
    launch = boxed(program, ROOT, [])
    setup = confining("autograde.inside.probe:main", (), False, 0, launch.in_tmp)
    server = ForkServer("student", launch, setup)
    try:
        server.wait()
        ours, theirs = socket.socketpair()
        said = {"limits": asdict(SMALL), "environment": {}, "folder": "", "port": port, **_paths()}
        with ours, theirs:
            child = Forked(server.fork([theirs], said))
            theirs.close()
            try:
                return dict(json.loads(wire.receive(ours, deadline=time.monotonic() + TRIED_SECONDS)))
            except wire.WireError as error:
                how = child.wait()
                raise CannotGrade(f"A process in the box gave no answer ({error}; {how or 'it ended'}).") from error
            finally:
                child.close()
    finally:
        server.close()


def _paths() -> dict[str, list[str]]:
    """Return what the box must not show, and what it must show without letting anybody write there."""
    secret = [ROOT / "pyproject.toml", ROOT / "solutions", ROOT / "autograde" / "course.py", Path("/etc/passwd")]
    return {"secret": list(map(str, secret)), "shown": [str(ROOT / "autograde" / "inside"), *map(str, python())]}
