"""Sealed predictions: say a number before you run, see it beside the result afterwards.

They are kept in one file, `predictions.json`, in your `work/` folder: no account, no server, and nobody grades them.
A prediction may be changed until its result has been revealed, and not after, so that notebook 10 can show
how your guesses and the results went together.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from types import EllipsisType
from typing import Any

from mini_lib.learn.showing import Note, show
from mini_lib.learn.tables import Comparison

Scalar = bool | int | float | str
Record = dict[str, Any]  # "predicted", "unit", and after the reveal "simulated", "measured"

_unwritten: dict[str, Record] = {}  # this session's records, for a disk that takes no file


def predict(key: str, value: Scalar | EllipsisType | None, unit: str = "") -> None:
    """Seal a prediction under `key`. None or `...` leaves it unanswered, which is no error and not held against you."""
    if value is None or value is ...:
        show(Note("prediction", f"{key}: not answered yet. Put your guess in place of the dots; any guess teaches."))
        return
    records = load_predictions()
    if _is_sealed(records.get(key)):
        show(Note("prediction", f"{key}: already revealed, so {_quantity(records[key])} stays sealed."))
        return
    records[key] = {"predicted": _scalar(value), "unit": unit}
    kept = _store(key, records)
    show(Note("prediction", f"{key}: {_quantity(records[key])}, sealed{kept}."))


def reveal(
    key: str, *, simulated: Scalar | None = None, measured: Scalar | None = None, unit: str | None = None
) -> None:
    """Show predicted, simulated and measured side by side; what was not predicted or not measured says so."""
    records = load_predictions()
    record = {"unit": "", **records.get(key, {})}
    results = {"simulated": simulated, "measured": measured}
    found = {name: _scalar(value) for name, value in results.items() if value is not None}
    if "predicted" in record and found:
        records[key] = {**record, **found}
        _store(key, records)
    show(Comparison(key, record.get("predicted"), found, record["unit"] if unit is None else unit))


def load_predictions() -> dict[str, Record]:
    """Return all records: {key: {"predicted", "unit", "simulated", "measured"}}; the last two once revealed."""
    try:
        stored = json.loads(predictions_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        stored = {}
    return {**(stored if isinstance(stored, dict) else {}), **_unwritten}


def predictions_file() -> Path:
    """Return where predictions are kept: $LAUNCH_BOUND_PREDICTIONS, else the `work/` above us, else this folder."""
    named = os.environ.get("LAUNCH_BOUND_PREDICTIONS")
    if named:
        return Path(named)
    here = Path.cwd()
    work = next((folder for folder in (here, *here.parents) if _is_work(folder)), here)
    return work / "predictions.json"


def _is_work(folder: Path) -> bool:
    """Tell a student's `work/` from any other folder of that name: it holds copies of notebooks or labs."""
    return folder.name == "work" and any((folder / name).is_dir() for name in ("notebooks", "labs"))


def _is_sealed(record: Record | None) -> bool:
    return record is not None and not {"simulated", "measured"}.isdisjoint(record)


def _scalar(value: object) -> Scalar:
    """Return `value` as JSON can keep it: numpy scalars and 0-d tensors by `.item()`, anything else as text."""
    if not isinstance(value, bool | int | float | str) and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, bool | int | float | str) else str(value)


def _quantity(record: Record) -> str:
    return f"{record['predicted']} {record.get('unit', '')}".strip()


def _store(key: str, records: dict[str, Record]) -> str:
    """Write all records, by way of a second file so that a full disk cannot lose the first; say where they are not."""
    path = predictions_file()
    beside = path.with_name(path.name + ".new")
    try:
        if path.exists():
            json.loads(path.read_text(encoding="utf-8"))  # a file that we cannot read is somebody's: leave it alone
        beside.write_text(json.dumps(records, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        beside.replace(path)
    except (OSError, ValueError):
        _unwritten[key] = records[key]
        return f" for this session only ({path.name} cannot be written here)"
    return ""
