"""work/: a student's own copies of notebooks/ and labs/, which no command overwrites.

A manifest in work/ holds the digest of each file as it was handed out. A file that still has that digest is ours to
replace by a newer one; any other is the student's and stays, whatever the course does. A file that the manifest does
not know, or whose manifest is lost, counts as the student's. Each file is written beside its place and moved in, so
that an interrupted command leaves the old file or the new one, never half of one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HANDED_OUT = ("notebooks", "labs")
MANIFEST = ".handed_out.json"


class WorkError(Exception):
    """work/ cannot be used as asked; the message is a sentence for the person at the keyboard."""


@dataclass(frozen=True)
class Report:
    """What a sync did: for each file, by its name in work/, one of the words that `sync_file` returns."""

    fates: dict[str, str]

    def names(self, fate: str) -> list[str]:
        return [name for name, its_fate in self.fates.items() if its_fate == fate]

    def text(self) -> str:
        """Return lines for the terminal; empty where there is nothing to say."""
        lines = [f"work/: {fate} {name}" for fate in ("added", "replaced") for name in self.names(fate)]
        lines += [f"work/: left {name} as you changed it; {way_to_get(name)}" for name in self.names("left")]
        lines += [f"work/: {name} left the course; yours stays" for name in self.names("retired")]
        lines += [f"work/: {name} cannot be written; is the disk full or read-only?" for name in self.names("refused")]
        return "".join(f"{line}\n" for line in lines)


def sync(root: Path, work: Path) -> Report:
    """Bring `work` up to date with the course in `root`, touching nothing that the student changed.

    Raises:
        WorkError: `work` is no folder, or cannot be made.
    """
    make_folder(work)
    before, sources = read_manifest(work), dict(course_files(root))
    fates = {name: sync_file(work / name, source, before.get(name)) for name, source in sources.items()}
    fates |= {name: "retired" for name in before if name not in sources and (work / name).exists()}
    ours = {name for name, fate in fates.items() if fate in ("added", "replaced", "current")}
    after = {name: before[name] for name in sources if name in before}
    after |= {name: digest(sources[name].read_bytes()) for name in ours}
    try:
        write_manifest(work, after)
    except OSError:
        fates[MANIFEST] = "refused"
    return Report(fates)


def sync_file(target: Path, source: Path, handed_out: str | None) -> str:
    """Hand out one file or leave the student's, and return its fate.

    "added", "replaced" and "current" hold the course's bytes; "yours" and "left" the student's, "left" where the
    course has a version that was never handed out; "refused" is what the disk said.
    """
    new, there = source.read_bytes(), os.path.lexists(target)
    try:
        if there and is_students(target, handed_out, new):
            return "yours" if digest(new) == handed_out else "left"
        if there and target.read_bytes() == new:
            return "current"
        write_safely(target, new)
    except OSError:
        return "refused"
    return "replaced" if there else "added"


def is_students(target: Path, handed_out: str | None, new: bytes) -> bool:
    """Return whether what lies at `target` is neither what was handed out nor what would be."""
    if target.is_symlink() or not target.is_file():
        return True
    return digest(target.read_bytes()) not in (handed_out, digest(new))


def way_to_get(name: str) -> str:
    """Return the clause that tells how to get the course's version of the file `name`."""
    folder, unit = Path(name).parts[:2]
    if folder == "notebooks" and not unit.endswith(".ipynb"):
        return f"the course's newer one is {name}"
    short = unit.split("_")[0] if folder == "labs" else f"nb{unit.split('_')[0]}"
    return f"for the course's newer one `make reset LAB={short}`, which keeps a copy of yours"


def course_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield each file that is handed out: its name in work/, with forward slashes, and its source."""
    for folder in HANDED_OUT:
        for path in sorted((root / folder).rglob("*")):
            inside = path.relative_to(root)
            if path.is_file() and not any(is_litter(part) for part in inside.parts):
                yield inside.as_posix(), path


def is_litter(part: str) -> bool:
    """Return whether an editor or Python made the file or folder named `part`."""
    return part.startswith((".", "__"))


def make_folder(work: Path) -> None:
    try:
        work.mkdir(exist_ok=True)
    except OSError as error:
        what = f"is no folder: move it away ({error.strerror})" if os.path.lexists(work) else f"cannot be made: {error}"
        raise WorkError(f"{work} {what}. Your copies of the notebooks and labs live there.") from error


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def read_manifest(work: Path) -> dict[str, str]:
    """Return the digest of each file as handed out; empty, which is safe, where the manifest is lost or unreadable."""
    try:
        files = json.loads((work / MANIFEST).read_bytes())["files"]
        return {str(name): str(value) for name, value in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_manifest(work: Path, files: dict[str, str]) -> None:
    content = json.dumps({"version": 1, "files": dict(sorted(files.items()))}, indent=1).encode()
    path = work / MANIFEST
    if not path.exists() or path.read_bytes() != content:
        write_safely(path, content)


def write_safely(target: Path, content: bytes) -> None:
    """Put `content` at `target` in one step: whoever reads sees the old file or the whole new one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
