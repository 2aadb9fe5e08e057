"""An IPython without a kernel: runs cells in this process, and keeps what they show.

A student meets what a notebook has: magics, `!ls`, `display`, pictures drawn into the page, a last value that shows
itself, top-level `await`. There is no history, nobody to answer `input()`, and no index to install packages from. An
exception shows names of modules and lines, and no path of this machine.
"""

from __future__ import annotations

import ast
import builtins
import linecache
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from types import CodeType, TracebackType
from typing import Any, NoReturn

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from autograde.inside.far_errors import said
from autograde.inside.shown import Shown, printed

CONFIG = Config(
    HistoryManager={"enabled": False, "hist_file": ":memory:"},
    InteractiveShell={"xmode": "Plain", "colors": "nocolor"},
)
NO_PACKAGES = {"PIP_NO_INDEX": "1", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
INLINE = "module://matplotlib_inline.backend_inline"
TEXT_FORMS = ["text/plain", "text/html", "text/markdown", "text/latex"]
MAX_FRAMES = 12


class Published(DisplayPublisher):
    """Keeps what is displayed."""

    def publish(self, data: Any, metadata: Any = None, *ignored: Any, **more: Any) -> None:
        self.shell.shown.display(data, metadata)

    def clear_output(self, wait: bool = False) -> None:
        """Keep it all: nobody watches."""


class LastValue(DisplayHook):
    """Keeps the value of a cell's last expression."""

    def write_output_prompt(self) -> None:
        """Print no prompt."""

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        self.shell.shown.result(format_dict, self.shell.execution_count)

    def finish_displayhook(self) -> None:
        """Print no line feed."""


class Shell(InteractiveShell):
    """One per process. `run` runs a cell; then `shown` has what it showed, and `frames` where in it it stopped."""

    draws = False
    kernel = None  # programs ask for this attribute to tell a notebook from a terminal
    displayhook_class = Type(LastValue)
    display_pub_class = Type(Published)

    def __init__(self, **more: Any) -> None:
        self.shown = Shown()
        self.error: BaseException | None = None
        self.frames: list[str] = []
        super().__init__(**more)

    def run(self, source: str, count: int) -> BaseException | None:
        """Run a cell as `In[count]`, and return the exception that ended it."""
        self.execution_count, self.error, self.frames = count, None, []
        try:
            self.run_cell(source, store_history=False)
        except BaseException:  # hooks of a student's own run outside of what IPython guards
            self.showtraceback()
        return self.error

    def transform_cell(self, raw_cell: str) -> str:
        """Return a cell as Python. What is Python already need not be searched for magics, which takes 5 ms."""
        try:
            ast.parse(raw_cell)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return super().transform_cell(raw_cell)
        return raw_cell if "\n" in raw_cell else super().transform_cell(raw_cell)  # one line may call a magic by name

    def init_profile_dir(self, profile_dir: Any) -> None:
        """Make no folder: settings of whoever started this are none of a notebook's business."""

    def enable_gui(self, gui: Any = None) -> None:
        """Have no windows."""

    def ask_exit(self) -> None:
        """Go on: `exit` in a cell ends nothing that was handed in."""

    def system(self, cmd: str) -> None:
        """Run a command of the operating system, and show what it prints as it comes."""
        line = self.var_expand(cmd, depth=1)
        with subprocess.Popen(
            line, shell=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace",
        ) as process:  # fmt: skip
            assert process.stdout is not None
            try:
                while piece := process.stdout.readline(10_000):
                    sys.stdout.write(piece)
            except BaseException:
                process.kill()
                raise
        self.user_ns["_exit_code"] = process.returncode

    def showtraceback(self, exc_tuple: Any = None, *ignored: Any, **more: Any) -> None:
        """Keep the exception, and show where in a cell it was raised."""
        kind, error, traceback = self._get_exc_info(exc_tuple)
        self.error, self.frames = error, self.places(traceback, own=True)
        message = _syntax(error) if issubclass(kind, SyntaxError) else said(error)
        last = f"{kind.__name__}: {message}" if message else kind.__name__
        self.shown.error(kind.__name__, message, [*self.places(traceback), last])

    def showsyntaxerror(self, *ignored: Any, **more: Any) -> None:
        self.showtraceback()

    def places(self, traceback: TracebackType | None, own: bool = False) -> list[str]:
        """Return the lines of code that an exception came through, or those in cells alone, the last of many."""
        found = dict.fromkeys(place for place in self._places(traceback, own))  # a recursion is told once
        return list(found)[-MAX_FRAMES:]

    def _places(self, traceback: TracebackType | None, own: bool) -> Iterator[str]:
        while traceback is not None:
            code, line = traceback.tb_frame.f_code, traceback.tb_lineno
            cell = self._cell(code)
            if cell:
                text = linecache.getline(code.co_filename, line).strip()
                yield f"{cell}, line {line}, in {code.co_name}\n    {text}"
            elif not own and not _is_ours(traceback.tb_frame.f_globals):
                yield f"{traceback.tb_frame.f_globals.get('__name__')}, line {line}, in {code.co_name}"
            traceback = traceback.tb_next

    def _cell(self, code: CodeType) -> str:
        named = self.compile.format_code_name(code.co_filename)
        return " ".join(named) if named else ""


def _is_ours(names: Mapping[str, Any]) -> bool:
    return str(names.get("__name__", "")).startswith(("autograde.inside", "IPython"))


def _syntax(error: SyntaxError) -> str:
    """Return what is wrong with the syntax, and the line without the name that IPython gives to a cell."""
    return f"{error.msg} (line {error.lineno})" if error.lineno else said(error)


def prepared() -> Shell:
    """Return this process's shell. A server may call this before it forks: it takes 15 ms."""
    shell: Shell = Shell.instance(config=CONFIG)
    return shell


def take_over(shell: Shell, shown: Shown) -> None:
    """Make this process one that runs cells: what is printed is kept in `shown`, and nobody answers `input()`."""
    shell.shown = shown
    sys.stdout, sys.stderr = printed("stdout", _to(shell)), printed("stderr", _to(shell))
    builtins.input = _no_input
    os.environ.update(NO_PACKAGES)


def _to(shell: Shell) -> Any:
    return lambda name, text: shell.shown.write(name, text)


def draw_inline(shell: Shell) -> None:
    """Let pictures appear below their cell, as they do in a notebook without a word about it. Once: 40 ms."""
    if "matplotlib.pyplot" in sys.modules and not shell.draws:
        shell.enable_matplotlib("inline")
        shell.draws = True


def show_text_alone(shell: Shell) -> None:
    """Draw no pictures: nobody looks at those of a test."""
    if shell.display_formatter.active_types != TEXT_FORMS:
        shell.display_formatter.active_types = TEXT_FORMS


def _no_input(prompt: object = "") -> NoReturn:
    raise StdinNotImplementedError("raw_input was called, but this frontend does not support input requests.")
