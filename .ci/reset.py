"""One lab or notebook handed out again, after a dated copy of the student's in work/kept/."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from work import WorkError, course_files, digest, is_litter, make_folder, read_manifest, write_manifest, write_safely

KEPT = "kept"


def reset(root: Path, work: Path, name: str) -> str:
    """Hand the lab or notebook `name` out again and return what was done; nothing that the student wrote is lost.

    `name` is `lab04`, `nb03`, `03` or a full name. The copy is whole before the first file is put back.

    Raises:
        WorkError: `name` is nothing in the course, or the disk refused.
    """
    unit = find_unit(root, name)
    make_folder(work)
    files = {name: source for name, source in course_files(root) if Path(name).is_relative_to(unit)}
    if all(is_same(work / name, source) for name, source in files.items()):
        return f"{unit} is as the course hands it out: nothing to reset."
    try:
        copy = keep(work, unit)
        for name, source in files.items():
            put_back(work, name, source)
        fresh = {name: digest(source.read_bytes()) for name, source in files.items()}
        write_manifest(work, read_manifest(work) | fresh)
    except (OSError, shutil.Error) as error:
        where = f"What you wrote is where it was, or in {work / KEPT}."
        raise WorkError(f"{unit} could not be handed out again: {error}. {where}") from error
    return f"{unit} is handed out again." + (f" Yours is kept in {copy.relative_to(work.parent)}." if copy else "")


def find_unit(root: Path, name: str) -> Path:
    """Return the one notebook or lab folder, relative to `root`, that `name` means."""
    units = list(course_units(root))
    key = name.strip().removesuffix(".ipynb").removeprefix("nb")
    found = [unit for unit in units if unit.stem == key or (key and unit.stem.startswith(f"{key}_"))]
    if len(found) == 1:
        return found[0]
    problem = f"{name!r} is not one of these" if name else "say which lab or notebook"
    choice = "\n".join(f"  {unit.stem}" for unit in units)
    raise WorkError(f"make reset LAB=lab04: {problem}:\n{choice}")


def course_units(root: Path) -> Iterator[Path]:
    """Yield what can be reset, relative to `root`: each notebook, and each lab's folder."""
    yield from (path.relative_to(root) for path in sorted((root / "notebooks").glob("*.ipynb")))
    labs = (path for path in sorted((root / "labs").glob("*")) if path.is_dir() and not is_litter(path.name))
    yield from (path.relative_to(root) for path in labs)


def is_same(target: Path, source: Path) -> bool:
    return target.is_file() and not target.is_symlink() and target.read_bytes() == source.read_bytes()


def keep(work: Path, unit: Path) -> Path | None:
    """Copy the student's `unit` to work/kept under a dated name; return where, None where there is nothing to keep."""
    mine = work / unit
    if not os.path.lexists(mine):
        return None
    copy = free_name(work / KEPT, f"{unit.stem}_{time.strftime('%Y-%m-%d_%H-%M-%S')}", unit.suffix)
    if mine.is_dir():
        shutil.copytree(mine, copy, symlinks=True)
    else:
        shutil.copy2(mine, copy, follow_symlinks=False)
    return copy


def put_back(work: Path, name: str, source: Path) -> None:
    """Put one file of the course into its place; whatever else lies in the way is moved to work/kept first."""
    target = work / name
    for place in [work / parent for parent in reversed(Path(name).parents) if parent.name]:
        if place.is_symlink() or (os.path.lexists(place) and not place.is_dir()):
            place.rename(free_name(work / KEPT, f"{place.name}_in_the_way", ""))
    if target.is_dir():  # a file or a link is replaced where it lies
        target.rename(free_name(work / KEPT, f"{target.stem}_in_the_way", target.suffix))
    write_safely(target, source.read_bytes())


def free_name(folder: Path, stem: str, suffix: str) -> Path:
    """Return a path in `folder`, made where missing, that nothing has yet; a number is put in where it must be."""
    folder.mkdir(exist_ok=True)
    path, count = folder / f"{stem}{suffix}", 1
    while os.path.lexists(path):
        count += 1
        path = folder / f"{stem}_{count}{suffix}"
    return path
