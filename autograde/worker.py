"""`python -m autograde.worker FD`: the program that grades for one Dask worker. It holds the servers; the worker none.

On FD comes first one line that says how to grade. Then each line brings a socket for one job: a frame comes in on it
with the job, and one goes out with what became of it. When FD ends, whoever started this is gone, killed perhaps, and
so the program ends at once, and the servers and all that they forked end with it.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import traceback

from autograde.course import ROOT, CannotGrade
from autograde.inside import wire
from autograde.inside.channel import Channel
from autograde.inside.job import Job
from autograde.pool import grade_one
from autograde.sandbox.machine import probe
from autograde.sandbox.servers import Servers


def main(arguments: list[str]) -> None:
    """Serve until the other end is closed. What keeps this machine from grading is said there."""
    control = Channel(socket.socket(fileno=int(arguments[0])))
    orders = control.receive()
    if orders is None:
        return
    try:
        _serve(control, bool(orders.said["unsafe"]))
    except CannotGrade as error:
        control.send({"failed": str(error)})
    except Exception as error:
        traceback.print_exc()
        control.send({"failed": f"{type(error).__name__}: {error}"})


def _serve(control: Channel, unsafe: bool) -> None:
    with Servers(probe(), ROOT, unsafe=unsafe) as crew:
        control.send({"isolation": crew.isolation})
        while (message := control.receive()) is not None:
            line = socket.socket(fileno=message.files[0])
            threading.Thread(target=_grade, args=(crew, line), daemon=True).start()


def _grade(crew: Servers, line: socket.socket) -> None:
    """Grade the one job that comes on a line. Where the servers are gone, so is the program: the worker has it anew."""
    with line:
        try:
            finished = grade_one(crew, Job.from_json(wire.receive(line)), threading.Event())
            reply = None if finished.reply is None else finished.reply.to_json()
            wire.send(line, json.dumps({"reply": reply, "why": finished.why}))
        except Exception:
            traceback.print_exc()
            os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(0)  # a thread may still wait for a job whose process has just been ended
