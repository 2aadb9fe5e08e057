"""Runs that were recorded on a GPU, as plain values: which machine, which parts, and their rows.

`bench record` writes one JSON file per device and day, `<device>_<date>.json`, part after part, and keeps it in
`mini_lib/data`. A part is a list of rows, one measurement each; units are in the names of their keys, and what the keys
of a part are is written in `mini_lib.bench.recording`. Whoever shows a number from here can say where it is from.

Not modelled: merging runs of several devices, and judging whether a measurement was a good one.

>>> run = recorded_run({"schema": SCHEMA, "version": 1, "machine": dict.fromkeys(MACHINE, "?"), "parts": {"step":
...     {"command": "?", "date": "?", "rows": [{"batch": 1, "median_us": 9.5}, {"batch": 2, "median_us": 9.9}]}}})
>>> run.rows("step", batch=2)
({'batch': 2, 'median_us': 9.9},)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA, VERSION = "launch-bound/recorded", 1
MACHINE = ("device", "driver", "torch", "cuda", "python", "date")  # what `machine` holds at least
PART = ("command", "date", "rows")  # what a part holds at least
TWIN = "CPU twin"  # how the name of a device begins that is none
DATA = Path(__file__).resolve().parent.parent / "data"
FILE_NAME = re.compile(r".+_\d{4}-\d\d-\d\d\.json")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class RecordedRun:
    """What `bench record` measured on one machine. `path` is empty for a run that was never in a file.

    `machine` names at least device, driver, torch, cuda, python and date. `parts` maps "launch", "step" and "serve",
    as far as they were recorded, to what they hold: at least "command", "date" and "rows".
    """

    machine: Mapping[str, Any]
    parts: Mapping[str, Mapping[str, Any]]
    path: str = ""

    @property
    def device(self) -> str:
        """The device's name, as its driver gives it."""
        return str(self.machine["device"])

    @property
    def is_gpu(self) -> bool:
        """Tell whether a GPU measured this. The CPU twin's times have the same shape and say nothing about one."""
        return not self.device.startswith(TWIN)

    @property
    def counts(self) -> bool:
        """Tell whether its numbers may be quoted: a GPU measured them, with the whole plan and not the quick one."""
        return self.is_gpu and self.machine.get("plan", "full") == "full"

    @property
    def lacks_triton(self) -> bool:
        """Tell whether a GPU ran many kernels of torch's where the course has one of its own."""
        return self.is_gpu and self.machine.get("kernels") == "torch"

    def rows(self, part: str, **wanted: Any) -> tuple[Row, ...]:
        """Return the rows of a part whose keys have the wanted values; none where the part was not recorded."""
        rows = self.parts[part]["rows"] if part in self.parts else ()
        return tuple(row for row in rows if all(row.get(key) == value for key, value in wanted.items()))

    def source(self, part: str) -> str:
        """Return where the numbers of a part are from, in one line: device, versions, date and command."""
        machine, made = self.machine, self.parts[part]
        versions = f"driver {machine['driver']}, torch {machine['torch']}"
        if self.lacks_triton:
            versions += ", no Triton"
        return f"recorded on {self.device} ({versions}) on {str(made['date'])[:10]} by `{made['command']}`"


def recorded_run(content: Any, path: str = "") -> RecordedRun:
    """Return the run that a file's JSON describes.

    Raises:
        ValueError: it is no recorded run, its version is one that is not known here, or something is missing.
    """
    where = path or "this"
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        schema = content.get("schema") if isinstance(content, dict) else None
        raise ValueError(f"{where} is no recorded run: its schema is {schema!r} and not {SCHEMA!r}.")
    if content.get("version") != VERSION:
        raise ValueError(
            f"{where} is a recorded run of version {content.get('version')!r}, and this library reads version "
            f"{VERSION}: update the one or record the other again."
        )
    _require(where, "machine", content.get("machine"), MACHINE)
    parts = content.get("parts")
    if not isinstance(parts, dict):
        raise ValueError(f"{where} has no parts: a recorded run maps 'launch', 'step' or 'serve' to what was measured.")
    for name, part in parts.items():
        _require(where, f"part {name!r}", part, PART)
        if not (isinstance(part["rows"], list) and all(isinstance(row, dict) for row in part["rows"])):
            raise ValueError(f"{where}: the rows of part {name!r} are no list of objects.")
    return RecordedRun(content["machine"], parts, path)


def load_recorded(path: str | Path) -> RecordedRun:
    """Return the run in a file that `bench record` wrote.

    Raises:
        ValueError: the file is no JSON or breaks off, or it is no recorded run that is known here.
        OSError: there is no such file.
    """
    text = Path(path).read_text(encoding="utf-8")
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is no JSON, or breaks off: {error}.") from error
    return recorded_run(content, str(path))


def recorded_runs(device: str | None = None, folder: str | Path = DATA) -> tuple[RecordedRun, ...]:
    """Return all recorded runs that come with the library, the oldest first; none where none was recorded yet.

    `device` keeps those whose device's name contains it, in any case: "h200". Other files in the folder (`_graph.json`
    of `.ci/gpu record graph`, for instance) are left alone.
    """
    files = sorted(path for path in Path(folder).glob("*.json") if FILE_NAME.fullmatch(path.name))
    runs = [run for run in map(load_recorded, files) if device is None or device.lower() in run.device.lower()]
    return tuple(sorted(runs, key=lambda run: str(run.machine["date"])))


def _require(where: str, what: str, value: Any, names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in value] if isinstance(value, dict) else list(names)
    if missing:
        wanted, gone = ", ".join(names), ", ".join(missing)
        raise ValueError(f"{where}: the {what} of a recorded run says {wanted}; missing: {gone}.")
