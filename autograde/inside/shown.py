"""What a cell shows, as nbformat wants it, within a cap for the cell and one for the notebook.

Of a flood the beginning is kept, and the end, because a test says its sentence there. A result is small and always
kept, because it may be the score. Addresses of memory are cut out: they differ from run to run, and tell a student's
code where to look.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TextIO

CUT = "\n... a part of this cell's output was cut off here ...\n"
KEPT_END = 2_000  # characters
MAX_RESULT = 20_000  # characters
# What nbgrader's formgrader shows. Of other forms it shows none, stumbles over a widget, and a script is for nobody.
FORMS = ("text/plain", "text/html", "text/markdown", "text/latex", "image/svg+xml", "image/png", "image/jpeg")
ADDRESS = re.compile(r"\b0x[0-9a-f]{7,16}\b")
Output = dict[str, Any]


class Shown:
    """The outputs of one cell after the other: `begin` starts a cell, `outputs` ends it."""

    def __init__(self, cell_bytes: int = 100_000, all_bytes: int = 2_000_000) -> None:
        self._most, self._left_of_all = cell_bytes, all_bytes
        self._left = 0
        self._outputs: list[Output] = []
        self._end = ""
        self.begin()

    def begin(self) -> None:
        """Start a cell that has shown nothing yet."""
        self._left = min(self._most, self._left_of_all)
        self._outputs, self._end = [], ""

    def write(self, name: str, text: str) -> None:
        """Take what was printed to stdout or stderr."""
        kept = text[: max(0, self._left)]
        self._spend(len(kept))
        if kept and self._outputs and self._outputs[-1].get("name") == name:
            self._outputs[-1]["parts"].append(kept)
        elif kept:
            self._outputs.append({"output_type": "stream", "name": name, "parts": [kept]})
        if len(kept) < len(text):
            self._end = (self._end + text[len(kept) :][-KEPT_END:])[-KEPT_END:]

    def display(self, data: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> None:
        """Take what was displayed, in all its forms or not at all."""
        bundle = _bundle(data)
        size = sum(len(form) for form in bundle.values())
        if bundle and size <= self._left:
            self._spend(size)
            self._outputs.append({"output_type": "display_data", "data": bundle, "metadata": {}})

    def result(self, data: Mapping[str, Any], count: int) -> None:
        """Take the value of a cell's last expression; of a large one the text alone."""
        bundle = _bundle(data)
        if sum(len(form) for form in bundle.values()) > min(self._left, MAX_RESULT):
            bundle = {"text/plain": bundle.get("text/plain", "")[:MAX_RESULT]}
        made = {"output_type": "execute_result", "data": bundle, "metadata": {}, "execution_count": count}
        self._outputs.append(made)

    def error(self, name: str, message: str, lines: Iterable[str]) -> None:
        """Take the exception that ended a cell."""
        made = {"output_type": "error", "ename": name[:100], "evalue": message[:KEPT_END]}
        self._outputs.append({**made, "traceback": [line[:KEPT_END] for line in lines][:50]})

    def outputs(self) -> list[Output]:
        """Return what the cell has shown, and start the next."""
        found = [_joined(output) for output in self._outputs]
        if self._end:
            printed = [place for place, output in enumerate(found) if output["output_type"] == "stream"]
            last = printed[-1] + 1 if printed else 0
            found.insert(last, {"output_type": "stream", "name": "stdout", "text": CUT + self._end})
        self.begin()
        return [without_addresses(output) for output in found]

    def _spend(self, size: int) -> None:
        self._left -= size
        self._left_of_all -= size


class Printed(io.TextIOBase):
    """A stdout or stderr that hands on what is printed to it."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, name: str, take: Callable[[str, str], None]) -> None:
        self.name, self._take = name, take

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._take(self.name, text)
        return len(text)


def printed(name: str, take: Callable[[str, str], None]) -> TextIO:
    """Return a text file that hands what is written to it to `take`."""
    made: Any = Printed(name, take)
    return made


def believed(found: Any, cell_bytes: int, all_bytes: int) -> list[Output]:
    """Return outputs that another process sent, as far as they are outputs, within the same caps."""
    shown = Shown(cell_bytes + KEPT_END + len(CUT), all_bytes)
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict):
            _believe(one, shown)
    return shown.outputs()


def _believe(one: Mapping[str, Any], shown: Shown) -> None:
    kind, data = one.get("output_type"), one.get("data")
    if kind == "stream":
        shown.write("stderr" if one.get("name") == "stderr" else "stdout", str(one.get("text", "")))
    elif kind == "display_data" and isinstance(data, dict):
        shown.display(data)
    elif kind == "execute_result" and isinstance(data, dict):
        shown.result(data, one["execution_count"] if type(one.get("execution_count")) is int else 0)
    elif kind == "error":
        lines = one.get("traceback")
        traceback = [str(line) for line in lines] if isinstance(lines, list) else []
        shown.error(str(one.get("ename")), str(one.get("evalue")), traceback)


def _bundle(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the known forms of a displayed thing that are text, pictures as base64, as a kernel sends them."""
    found = {}
    for kind in FORMS:
        form = data.get(kind)
        if isinstance(form, bytes):
            found[kind] = base64.b64encode(form).decode("ascii")
        elif isinstance(form, str):
            found[kind] = str.__str__(form)
    return found


def _joined(output: Output) -> Output:
    if "parts" not in output:
        return output
    return {"output_type": "stream", "name": output["name"], "text": "".join(output["parts"])}


def without_addresses(value: Any) -> Any:
    """Return text, or lists and dicts of text, without the addresses of memory in it; pictures stay as they are."""
    if isinstance(value, str):
        return _storable(ADDRESS.sub("0x...", value))
    if isinstance(value, list):
        return [without_addresses(item) for item in value]
    if isinstance(value, dict):
        return {key: item if key.startswith("image/png") else without_addresses(item) for key, item in value.items()}
    return value


def _storable(text: str) -> str:
    """Return text that can be written as UTF-8: half of a surrogate pair cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")
