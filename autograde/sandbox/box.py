"""The box that a fork server lives in: bubblewrap's command line.

Shown, read-only: system libraries, Python, its environment, the library that the labs import, and `autograde/inside`.
Not shown: `solutions/`, the secret seed, submissions, results, anybody's home, programs (not even a shell), /sys, /run.
No network but an own empty loopback, no process but its own, no variable of the instructor's environment. The box
ends with the thread that started it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograde.course import ROOT, CannotGrade

LIBRARIES = (
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/nix/store",
    "/gnu/store",
)
LOADER = ("/etc/ld.so.cache", "/etc/alternatives")
HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage"  # glibc asks there whether it may use them
# Who maps /dev/zero holds memory that no limit counts; /dev/full reads the same, and cannot be mapped.
NO_SHARED_MEMORY = ("--dev-bind", "/dev/full", "/dev/zero")
INSIDE = (ROOT / "autograde" / "__init__.py", ROOT / "autograde" / "inside")


@dataclass(frozen=True)
class Box:
    """A box in which `shown` can be read; `hidden` folders are empty there even if they lie in something shown.

    `as_root` starts it without a user namespace and leaves the rights to become another user: the fork server lends
    real users with them and keeps none.
    """

    bubblewrap: str
    shown: Sequence[Path]
    hidden: Sequence[Path]
    as_root: bool

    @property
    def in_tmp(self) -> tuple[str, ...]:
        """Return what is shown in /tmp, outermost folders: each process has its own /tmp, and these in it."""
        shown = {path for path in self._shown() if path.is_relative_to("/tmp")}
        return tuple(sorted(str(path) for path in shown if not shown & set(path.parents)))

    def command(self, inner: Sequence[str], environment: Mapping[str, str]) -> list[str]:
        """Return the command line that runs `inner` in the box, from the root of this repository."""
        variables = [word for name, value in sorted(environment.items()) for word in ("--setenv", name, value)]
        return [
            *(self.bubblewrap, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"),
            *("--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv"),
            *variables,
            *self._user(),
            *_libraries(),
            *self._files(),
            *("--proc", "/proc", "--dev", "/dev", *NO_SHARED_MEMORY, "--remount-ro", "/dev"),
            *("--dir", "/tmp", "--remount-ro", "/"),
            *("--chdir", str(ROOT), "--", *inner),
        ]

    def _user(self) -> list[str]:
        kept = ("CAP_SETUID", "CAP_SETGID")
        become_others = [word for name in kept for word in ("--cap-add", name)]
        return ["--cap-drop", "ALL", *become_others] if self.as_root else ["--unshare-user", "--cap-drop", "ALL"]

    def _shown(self) -> list[Path]:
        return [*python(), *INSIDE, *self.shown]

    def _files(self) -> list[str]:
        """Return the mounts, outer folders first, so that none hides another."""
        mounts = dict.fromkeys(self._shown(), "--ro-bind")
        for path in self.hidden:
            if path in mounts:
                raise CannotGrade(
                    f"{path} would be shown to students: keep Python's environment in a folder of its own."
                )
            if _kind_above(path, mounts) == "--ro-bind":
                mounts[path] = "--tmpfs"
        parents = {parent for path in mounts for parent in path.parents} - mounts.keys()
        mounts |= {path: "--dir" for path in parents if _kind_above(path, mounts) != "--ro-bind"}
        ordered = sorted(mounts.items(), key=lambda mount: len(mount[0].parts))
        return [word for path, kind in ordered for word in _mount(kind, path)]


def _kind_above(path: Path, mounts: Mapping[Path, str]) -> str:
    """Return how the innermost folder that holds `path` is mounted; "" where that is the box's own."""
    known = {**dict.fromkeys(map(Path, LIBRARIES), "--ro-bind"), **mounts}
    return next((known[folder] for folder in path.parents if folder in known), "")


def _mount(kind: str, path: Path) -> list[str]:
    """Return one mount. `--dir` is asked for since a parent that bubblewrap makes by itself is closed to others."""
    return [kind, str(path), str(path)] if kind == "--ro-bind" else [kind, str(path)]


def _libraries() -> Iterator[str]:
    for name in ("/usr", "/usr/local", "/etc", "/sys"):
        yield from ("--dir", name)
    for name in LIBRARIES:
        path = Path(name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), name)
        elif path.is_dir():
            yield from ("--ro-bind", name, name)
    for name in (*LOADER, HUGE_PAGES):
        yield from ("--ro-bind-try", name, name)


def python() -> list[Path]:
    """Return what this interpreter is made of: its files, its environment, each link on the way to the program."""
    base = Path(sys.base_prefix)
    whole = [] if base in (Path("/usr"), Path("/usr/local")) else [base]  # those lie among the libraries
    shown = [*whole, Path(sys.prefix)] if sys.prefix != sys.base_prefix else whole
    return [*shown, *(path for path in _links(Path(sys.executable)) if not _within(path, shown))]


def _links(program: Path) -> Iterator[Path]:
    for _ in range(20):
        yield program
        if not program.is_symlink():
            return
        program = Path(os.path.normpath(program.parent / program.readlink()))


def _within(path: Path, folders: Sequence[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def environment(private: str) -> dict[str, str]:
    """Return all the variables that a server has, none of them the instructor's. `private` is the folder to write to.

    One thread per library and a fixed hash seed make a second run say the same as the first; an empty
    CUDA_VISIBLE_DEVICES makes a machine with a GPU grade as one without. Memory from malloc alone, in pages of 2 MB,
    makes a fork three times as fast: it copies one entry of the page table where it would copy 512.
    """
    libraries = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    threads = dict.fromkeys(libraries, "1")
    folders = {
        "HOME": private,
        "TMPDIR": private,
        "IPYTHONDIR": f"{private}/.ipython",
        "MPLCONFIGDIR": f"{private}/.mpl",
    }
    place = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC", "USER": "student"}
    python = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg"}
    marks = {"CUDA_VISIBLE_DEVICES": "", "NBGRADER_EXECUTION": "autograde", "LOGNAME": "student"}
    memory = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=2"}
    macos = {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES"}  # or a fork ends where a framework was loaded before it
    return {**macos, **place, **folders, **threads, **python, **marks, **memory}
