"""One notebook into fingerprints, in a process that is allowed to die of it.

A notebook is only read here and never run. Still its text was written by somebody else, and parsers can be fed: the
process gives itself little memory and little time, and whatever happens in it costs one submission.

A fingerprint is the hash of `SIGNS` neighbouring signs of the code after copydetect's filter: names are all the same
there, comments and spaces are gone. The filter's own list of boilerplate is not used (it drops wrong fingerprints where
one occurs twice, copydetect 0.5), nor is its winnowing (which saves memory that a notebook does not need).
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import numpy as np
from copydetect import CodeFingerprint

from autograde.ingest import read_cells
from autograde.inside.handed_in import Unreadable
from autograde.own_code import own_code

SIGNS = 30  # of filtered code in one fingerprint: about one line
MAX_ANSWER = 10_000  # characters of one answer that are compared
MAX_CODE = 40_000  # characters of all that a student wrote
CPU_SECONDS = 10
MEMORY = 200 << 20  # bytes on top of what the process starts with


class Notebook(NamedTuple):
    """Where a submission lies, and the release that it is laid onto."""

    folder: Path
    lab: str
    release: Path
    max_bytes: int


def work(connection: Connection, task: Notebook | Mapping[str, str]) -> None:
    """Send what `task` comes to as JSON: the prints of each text, or `refused` with a sentence."""
    _confine()
    try:
        found = _notebook(task) if isinstance(task, Notebook) else {"parts": _all_prints(task)}
    except Unreadable as refusal:
        found = {"refused": str(refusal)}
    except MemoryError:
        found = {"refused": f"Reading it takes more than {MEMORY >> 20} MB."}
    except Exception as error:  # one notebook never stops the class
        found = {"refused": f"It could not be read: {type(error).__name__}: {str(error)[:200]}"}
    connection.send_bytes(json.dumps(found).encode())


def _confine() -> None:
    """Give up memory and time. Where the system knows no such limit, the reader's deadline still holds."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        pages = int(Path("/proc/self/statm").read_text().split()[5])
        most = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _notebook(task: Notebook) -> dict[str, Any]:
    release = nbformat.read(task.release, as_version=4)
    written = own_code(read_cells(task.folder, task.lab, task.max_bytes), release)
    left, kept = MAX_CODE, {}
    for name, text in written.items():
        kept[name] = text[: min(left, MAX_ANSWER)]
        left -= len(kept[name])
    cut = [name for name, text in written.items() if kept[name] != text]
    return {"parts": _all_prints(kept), "cut": cut}


def _all_prints(texts: Mapping[str, str]) -> dict[str, Any]:
    return {name: prints(text) for name, text in texts.items()}


def prints(source: str) -> dict[str, Any]:
    """Return the text as it was compared, its fingerprints, and where in the text each begins and ends."""
    text = source.replace("\r\n", "\n").replace("\r", "\n").strip("\ufeff\n")  # as the lexer does: places must agree
    found = CodeFingerprint("cell.py", SIGNS, 1, language="python", fp=io.StringIO(text))
    pairs = sorted((place, print_) for print_, places in found.hash_idx.items() for place in places)
    places = np.array([place for place, _ in pairs], dtype=np.int64)
    return {
        "text": text,
        "hashes": [int(print_) for _, print_ in pairs],
        "starts": _in_text(places, found.offsets).tolist(),
        "ends": np.minimum(_in_text(places + SIGNS, found.offsets), len(text)).tolist(),
    }


def _in_text(places: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return where signs of the filtered code stand in the text: `offsets` tells what was left out up to a sign."""
    if not len(offsets) or not len(places):
        return places
    rows = np.clip(np.searchsorted(offsets[:, 0], places), 0, len(offsets) - 1)
    return places + np.maximum.accumulate(offsets[:, 1])[rows]  # a class's row holds too small a number
