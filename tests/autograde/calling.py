"""The command line, called in this process."""

from __future__ import annotations

import contextlib
import io
from typing import NamedTuple

from autograde.cli import main


class Called(NamedTuple):
    """What a call came to."""

    returncode: int
    stdout: str
    stderr: str


def call(*arguments: str) -> Called:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(list(arguments))
    return Called(status, out.getvalue(), err.getvalue())
