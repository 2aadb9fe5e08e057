"""Is what grades there what grades here? Hashes of sources and versions of packages, compared by name.

The same class must get the same bytes on any machine. That holds where the runner, the library and the packages that
a submission can feel are the same.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from autograde.course import ROOT

SOURCES = ("autograde/inside", "autograde/sandbox", "mini_lib")
ALONE = ("autograde/worker.py", "autograde/pool.py")
PACKAGES = ("torch", "numpy", "matplotlib", "ipython", "nbformat")
SHOWN = 6  # names of what differs; the rest is counted


@cache
def fingerprint() -> Mapping[str, str]:
    """Return what decides about a result here: a hash by file, a version by package."""
    files = [path for folder in SOURCES for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".json")]
    files += [ROOT / name for name in ALONE]
    hashes = {path.relative_to(ROOT).as_posix(): _hash(path.read_bytes()) for path in files}
    return {"Python": platform.python_version(), **{name: _version(name) for name in PACKAGES}, **hashes}


def digest() -> str:
    """Return one hash of all of it, to travel with every job."""
    return _hash(json.dumps(fingerprint(), sort_keys=True).encode())


def differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """Return the names under which two fingerprints differ, as a clause; empty where they are the same."""
    names = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    shown = [_compared(name, ours.get(name), theirs.get(name)) for name in names[:SHOWN]]
    return ", ".join([*shown, *([f"and {len(names) - SHOWN} more"] if len(names) > SHOWN else [])])


def _compared(name: str, ours: str | None, theirs: str | None) -> str:
    if name in ("Python", *PACKAGES):
        return f"{name} {theirs} there and {ours} here"
    return f"{name} {'is missing there' if theirs is None else 'is not here' if ours is None else 'differs'}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _hash(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:32]
