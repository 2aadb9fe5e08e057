"""The file of one device and day while it grows: rows are on disk as soon as they are measured, and a run goes on.

GPU time often comes in minutes. So a part is measured in units, each unit's rows are written at once (to another file
first, which then takes the old one's place: a run that is killed leaves a whole file), and a later run on the same
device, driver, torch, plan and kernels goes on where the file ends. It looks for that file where it writes, and in the
library's own data.

Not modelled: two runs that record at the same time.
"""

from __future__ import annotations

import itertools
import json
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mini_lib.sim.recorded import DATA, SCHEMA, VERSION, RecordedRun, recorded_runs

SAME = ("device", "driver", "torch", "plan", "kernels")  # what two runs must share to be one recording


def file_stem(machine: Mapping[str, Any]) -> str:
    """Return how the file of a machine is called: its device in small letters, and the day.

    >>> file_stem({"device": "NVIDIA H200 NVL", "date": "2026-01-02T03:04:05+00:00"})
    'nvidia-h200-nvl_2026-01-02'
    """
    device = re.sub(r"[^a-z0-9]+", "-", machine["device"].lower()).strip("-")
    return f"{device}_{machine['date'][:10]}"


class RecordingFile:
    """One part of a recording, begun or gone on with.

    Args:
        machine: what is measured on, with "plan" beside what `mini_lib.bench.provenance.machine` says.
        part: "launch", "step" or "serve".
        folder: where to write; None writes nothing, and goes on with nothing.

    Raises:
        OSError: nothing can be written there, which is found out before anything is measured.
    """

    def __init__(self, machine: Mapping[str, Any], part: str, folder: Path | None) -> None:
        earlier = _earlier(machine, (folder, DATA)) if folder is not None else None
        self.machine = dict(earlier.machine if earlier else machine)
        self.parts = {name: dict(content) for name, content in earlier.parts.items()} if earlier else {}
        begun = self.parts.get(part, {"rows": [], "done": [], "skipped": [], "complete": False})
        self.part = self.parts[part] = begun | {"command": machine["command"], "date": machine["date"]}
        self.failed: list[str] = []  # the units that failed in this run: they are not done
        self._folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
            self._stem = Path(earlier.path).stem if earlier else _free_stem(machine, (folder, DATA))

    @property
    def path(self) -> Path | None:
        """Where the file is, None when nothing is written."""
        return None if self._folder is None else self._folder / f"{self._stem}.json"

    def is_done(self, unit: str) -> bool:
        """Tell whether a unit was measured, now or by an earlier run."""
        return unit in self.part["done"]

    def add(self, unit: str, rows: Iterable[Mapping[str, Any]], skipped: Iterable[str] = ()) -> None:
        """Keep the rows of a unit, and the sentences on what it had to leave out."""
        self.part["rows"] = [*self.part["rows"], *map(_rounded, rows)]
        self.part["skipped"] = list(dict.fromkeys([*self.part["skipped"], *skipped]))
        self.part["done"] = [*self.part["done"], unit]
        self.flush()

    def finish(self) -> None:
        """Note that no unit of the part is left."""
        self.part["complete"] = True
        self.flush()

    def content(self) -> dict[str, Any]:
        """Return what is, or would be, in the file."""
        return {"schema": SCHEMA, "version": VERSION, "machine": self.machine, "parts": self.parts}

    def flush(self) -> None:
        """Write all that there is, in place of what was there."""
        if self.path is None:
            return
        unfinished = self.path.with_suffix(".part")
        unfinished.write_text(json.dumps(self.content(), indent=1) + "\n", encoding="utf-8")
        unfinished.replace(self.path)


def _free_stem(machine: Mapping[str, Any], folders: Iterable[Path]) -> str:
    """Return a name for a new file: where the day has one already, of another driver or torch, that one stays."""
    device, _, day = file_stem(machine).rpartition("_")
    taken = {path.stem for folder in folders for path in folder.glob("*.json")}
    further = (f"{device}-{number}_{day}" for number in itertools.count(2))
    return next(stem for stem in itertools.chain([f"{device}_{day}"], further) if stem not in taken)


def _rounded(value: Any) -> Any:
    """Return the same with six significant digits: no clock here knows more."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list) else value


def _earlier(machine: Mapping[str, Any], folders: Iterable[Path | None]) -> RecordedRun | None:
    """Return the newest recording to go on with, the first folder before the second."""
    for folder in folders:
        runs = recorded_runs(folder=folder) if folder is not None and folder.is_dir() else ()
        same = [run for run in runs if all(run.machine.get(name) == machine.get(name) for name in SAME)]
        if same:
            return same[-1]
    return None
