"""The life of a forked child: let go of the server's output, be confined, serve one submission, end."""

from __future__ import annotations

import os
import socket
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from autograde.inside.bounds import bound_this_process
from autograde.inside.channel import Channel

TESTER = "tester"
COULD_NOT_CONFINE = 71


@dataclass(frozen=True)
class Orders:
    """What a child is to do. `said` holds limits, environment and folder; `calls` is None where nothing confines.

    `in_tmp` is what the box shows in /tmp, which a confined child has to itself. One that is not confined is told its
    folder.
    """

    role: str
    entry: Callable[..., Any]
    said: Mapping[str, Any]
    user: int
    calls: bytes | None
    in_tmp: tuple[str, ...] = ()


def live(orders: Orders, sockets: list[socket.socket], line: Channel) -> NoReturn:
    """Serve, and exit: nothing that the server would do at its end is done here."""
    status = COULD_NOT_CONFINE
    try:
        _let_go_of_output()
        _settle(orders)
        status = _serve(orders, sockets, line)
    except OSError as error:
        line.send({"failed": f"could not confine a process: {error}"})
    finally:
        os._exit(status)


def _let_go_of_output() -> None:
    """The server's output goes to the grading process; a child's goes nowhere."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)


def _settle(orders: Orders) -> None:
    os.setsid()
    private = orders.said["folder"] or "/tmp"
    if orders.calls is not None:
        from autograde.inside.confine import confine

        confine(orders.user, orders.said["limits"], orders.calls, orders.in_tmp)
    else:
        bound_this_process(orders.said["limits"], count_processes=False)
        os.environ.update({"HOME": private, "TMPDIR": private, "IPYTHONDIR": f"{private}/.ipython"})
    work = Path(private) / "work"
    work.mkdir()
    os.chdir(work)
    tempfile.tempdir = None  # forget what the server found
    for name in ("PWD", "PYTHONPATH"):  # the server's own: where the repository lies
        os.environ.pop(name, None)
    os.environ.update(orders.said["environment"])


def _serve(orders: Orders, sockets: list[socket.socket], line: Channel) -> int:
    """Return the exit status. A tester that breaks says so to the grading process; a student holds no line to it."""
    trusted = orders.role == TESTER
    if not trusted:
        line.close()
    try:
        orders.entry(*sockets) if trusted else orders.entry(*sockets, dict(orders.said))
        return 0
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        if trusted:
            line.send({"crashed": traceback.format_exc()[-20_000:]})
        return 1
