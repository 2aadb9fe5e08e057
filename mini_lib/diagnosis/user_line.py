"""Which line of the user's code is being run: the innermost frame that belongs to no library.

>>> def step() -> UserLine:
...     return user_line()
>>> step().function
'step'
"""

from __future__ import annotations

import linecache
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import NamedTuple

import torch

_HERE = Path(__file__).resolve().parent
_PATHS = sysconfig.get_paths()
_LIBRARIES = tuple(
    str(folder) + sep
    for folder in (Path(torch.__file__).parent, _HERE, _HERE.parent / "graphs", _PATHS["purelib"], _PATHS["platlib"])
    for sep in ("/", "\\")
)
_STANDARD = tuple(_PATHS["stdlib"] + sep for sep in ("/", "\\"))


class UserLine(NamedTuple):
    """A line of somebody's program; `text` is what stands there, "" where the source is not at hand."""

    file: str
    line: int
    function: str
    text: str

    def __str__(self) -> str:
        """Return "model.py:12 in step", as editors and people read it; in a notebook "Cell In[3]:12 in step"."""
        return f"{_cell(self.file) or Path(self.file).name}:{self.line} in {self.function}"


def user_line(trace: TracebackType | None = None) -> UserLine | None:
    """Return the innermost line outside torch, `mini_lib.graphs` and this room: of `trace`, or of what runs now."""
    frames = _of(trace) if trace is not None else _running()
    for code, line in frames:
        if _is_users(code):
            text = linecache.getline(code.co_filename, line).strip()
            return UserLine(code.co_filename, line, code.co_name, text)
    return None


def _cell(file: str) -> str:
    """Return what IPython calls a cell whose code it keeps under the name `file`, "" for a real file."""
    ipython = sys.modules.get("IPython")  # a plain script must not import it
    shell = ipython.get_ipython() if ipython is not None else None
    name = shell.compile.format_code_name(file) if shell is not None else None  # None for what is no cell
    return " ".join(name) if name else ""


def _running() -> Iterator[tuple[CodeType, int]]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame.f_code, frame.f_lineno
        frame = frame.f_back


def _of(trace: TracebackType) -> Iterator[tuple[CodeType, int]]:
    found = []
    step: TracebackType | None = trace
    while step is not None:
        found.append((step.tb_frame.f_code, step.tb_lineno))
        step = step.tb_next
    return reversed(found)


def _is_users(code: CodeType) -> bool:
    name = code.co_filename
    is_library = name.startswith(_LIBRARIES) or name.startswith("<frozen") or name.startswith(_STANDARD)
    return not is_library
