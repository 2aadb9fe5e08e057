"""The virtual environment .venv: made where it is missing, brought up to date where the pins changed, else left alone.

A stamp inside .venv says what it holds: which extra of pyproject.toml, from which pins, for which folder. The stamp is
taken away before pip starts and written when pip ended well, so an installation that was interrupted is done again.

Inside the conda environment of environment.yml there is nothing to do: conda's Python is used as it is.

Not noticed: a package that somebody added or removed by hand. `make clean` starts afresh.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

from progress import follow

EXTRAS = ("student", "instructor", "dev")  # each holds the one before it
OLDEST = (3, 11)
CONDA_NAME = "launch-bound"  # as environment.yml names it


class SetupError(Exception):
    """The set-up cannot go on; the message is a sentence for the person at the keyboard."""


def ensure(extra: str, root: Path) -> Path:
    """Return the Python of `root`/.venv in which at least `extra` is installed, installing what is missing.

    Raises:
        SetupError: no environment could be made, or pip failed; says why and where pip's log is.
    """
    if in_conda():
        return Path(sys.executable)
    venv = root / ".venv"
    held = stamped_extra(venv, root)
    if held and EXTRAS.index(held) >= EXTRAS.index(extra):
        return python_of(venv)
    wanted = max(extra, installed_extra(venv), key=EXTRAS.index)
    if not healthy(venv):
        create(venv)
    install(venv, wanted, root)
    return python_of(venv)


def in_conda() -> bool:
    """Return whether the Python that runs this is the one of environment.yml's conda environment, activated."""
    prefix = os.environ.get("CONDA_PREFIX", "")
    return Path(prefix).name == CONDA_NAME and Path(prefix).resolve() == Path(sys.prefix).resolve()


def python_of(venv: Path) -> Path:
    """Return where the environment's Python is, or would be."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def variables(python: Path) -> dict[str, str]:
    """Return this process's environment as an activated .venv has it, so that `!pip` in a notebook is its pip."""
    own = {"VIRTUAL_ENV": str(python.parent.parent), "PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    return {key: value for key, value in os.environ.items() if key != "PYTHONHOME"} | own


def stamped_extra(venv: Path, root: Path) -> str | None:
    """Return the extra that .venv holds by its stamp, None where the stamp is missing, old or of another folder."""
    stamp = read_stamp(venv)
    fits = python_of(venv).exists() and stamp.get("pins") == pins(venv, root)
    return stamp["extra"] if fits and stamp.get("extra") in EXTRAS else None


def installed_extra(venv: Path) -> str:
    """Return the extra that .venv was last made for, so that new pins do not take tools away."""
    extra = read_stamp(venv).get("extra", "")
    return extra if extra in EXTRAS else EXTRAS[0]


def read_stamp(venv: Path) -> dict[str, str]:
    try:
        stamp = json.loads((venv / "launch-bound.json").read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def pins(venv: Path, root: Path) -> str:
    """Return a digest of all that decides what is installed: the two lists, the Python, and the folder's path.

    Of pyproject.toml only what pip reads counts: a new rule for the linter installs nothing.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    tables = [project.get("project"), project.get("build-system"), project.get("tool", {}).get("setuptools")]
    digest = hashlib.sha256(json.dumps([str(root), tables]).encode())
    for file in (root / "constraints.txt", venv / "pyvenv.cfg"):
        digest.update(file.read_bytes() if file.exists() else b"none")
    return digest.hexdigest()


def healthy(venv: Path) -> bool:
    """Return whether .venv has a Python that is new enough, runs, and has pip."""
    probe = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
    try:
        return subprocess.run([python_of(venv), "-c", probe], capture_output=True).returncode == 0
    except OSError:
        return False


def create(venv: Path) -> None:
    """Make .venv afresh. Where Python came without ensurepip, as on Debian, the pip at hand puts pip into it."""
    print(f"Making {venv} with Python {sys.version.split()[0]} ...", flush=True)
    if importlib.util.find_spec("ensurepip"):
        steps = [["-m", "venv", "--clear", str(venv)]]
    else:
        bring_pip = ["-m", "pip", "--python", str(python_of(venv)), "install", "-q", "pip"]
        steps = [["-m", "venv", "--clear", "--without-pip", str(venv)], bring_pip]
    for step in steps:
        done = subprocess.run([sys.executable, *step], capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise SetupError(
                f"No virtual environment could be made in {venv}: {' '.join(last) or 'Python says no more'}.\n"
                "Where Python lacks a part of itself, `apt install python3-venv` brings it on Debian and Ubuntu."
            )


def install(venv: Path, extra: str, root: Path) -> None:
    """Install the course with `extra` into .venv at the pinned versions; the stamp is written last."""
    (venv / "launch-bound.json").unlink(missing_ok=True)
    print(f"Installing the course ({extra}) into {venv}: minutes the first time, seconds later ...", flush=True)
    arguments = ["-m", "pip", "install", "-c", "constraints.txt", "-e", f".[{extra}]"]
    log = venv / "install.log"
    if follow([str(python_of(venv)), *arguments], log, cwd=root, env=variables(python_of(venv)) | {"PIP_USER": "0"}):
        last = "\n".join(f"  {line}" for line in log.read_text(encoding="utf-8").splitlines()[-12:])
        raise SetupError(f"pip could not install the course. Its last lines:\n{last}\nAll of them: {log}")
    stamp = {"pins": pins(venv, root), "extra": extra}
    (venv / "launch-bound.json").write_text(json.dumps(stamp))
