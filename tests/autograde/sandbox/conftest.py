"""Servers whose students run whatever a test sends them; they preload nothing, so they are there in a blink."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from autograde.course import ROOT, Limits
from autograde.inside import wire
from autograde.sandbox.machine import probe
from autograde.sandbox.servers import Programs, Servers

HERE = Path(__file__).parent / "inside"
SMALL = Limits(memory_gb=1.0, processes=12, file_mb=4)
SECRET = "a-word-of-the-instructor"


class Student:
    """A student's process: `run` returns what the code left in `found`, `error` what it raised."""

    def __init__(self, servers: Servers, limits: Limits = SMALL) -> None:
        self.pair = servers.start(limits, {})

    def answer(self, code: str) -> dict:
        deadline = time.monotonic() + 60
        wire.send(self.pair.grader, code, deadline)
        return json.loads(wire.receive(self.pair.grader, deadline=deadline))

    def run(self, code: str):
        answer = self.answer(code)
        assert not answer["error"], answer["trace"] if "trace" in answer else answer["error"]
        return answer["found"]

    def error(self, code: str) -> str:
        return self.answer(code)["error"]


def puppets(*also: Path) -> Programs:
    return Programs("puppets:student", "puppets:tester", (HERE, *also), preload=False)


@pytest.fixture(scope="session")
def machine():
    found = probe()
    if not found.isolates:
        pytest.skip(f"this machine cannot isolate: {found.refusal()}")
    return found


@pytest.fixture(scope="session")
def servers(machine):
    os.environ["INSTRUCTORS_WORD"] = SECRET
    with Servers(machine, ROOT, programs=puppets()) as running:
        yield running
    del os.environ["INSTRUCTORS_WORD"]


@pytest.fixture
def enrol(servers):
    """Return a function that starts a student's process; all end with the test."""
    enrolled: list[Student] = []

    def start(limits: Limits = SMALL) -> Student:
        enrolled.append(Student(servers, limits))
        return enrolled[-1]

    yield start
    for student in enrolled:
        if student.pair.grader.fileno() >= 0:
            student.pair.end()


@pytest.fixture
def student(enrol):
    return enrol()
