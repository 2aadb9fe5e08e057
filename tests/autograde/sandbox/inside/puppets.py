"""Stand-ins for the two programs: a student that runs whatever it is sent, and a tester that passes it on."""

from __future__ import annotations

import json
import socket
import traceback
from typing import Any

from autograde.inside import wire


def student(connection: socket.socket, settings: dict[str, Any]) -> None:
    """Run each frame as Python; answer with what it left in `found`, or with its error."""
    names: dict[str, Any] = {"connection": connection, "settings": settings}
    while True:
        try:
            code = wire.receive(connection)
        except wire.Closed:
            return
        names["found"] = None
        try:
            exec(code, names)
            answer = {"found": names["found"], "error": ""}
        except Exception as error:
            answer = {"found": None, "error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        wire.send(connection, json.dumps(answer, default=repr))


def tester(student: socket.socket, grader: socket.socket) -> None:
    """Pass frames on, both ways; a frame that begins with "tester:" is run here."""
    while True:
        try:
            code = wire.receive(grader)
        except wire.Closed:
            return
        if code.startswith("tester:"):
            names: dict[str, Any] = {"found": None}
            exec(code.removeprefix("tester:"), names)
            wire.send(grader, json.dumps({"found": names["found"], "error": ""}, default=repr))
            continue
        wire.send(student, code)
        try:
            wire.send(grader, wire.receive(student))
        except wire.Closed:
            wire.send(grader, json.dumps({"found": None, "error": "the student's process is gone"}))
