"""A grading process with one pair, whose student left a daemon; it waits to be killed."""

from __future__ import annotations

import sys
import time

from autograde.course import ROOT
from autograde.sandbox.machine import probe
from autograde.sandbox.servers import Servers
from tests.autograde.sandbox.conftest import Student, puppets
from tests.autograde.sandbox.test_processes_are_apart import DAEMON

if __name__ == "__main__":
    with Servers(probe(), ROOT, programs=puppets(), unsafe="--unsafe" in sys.argv) as servers:
        student = Student(servers)
        student.run(DAEMON)
        print("ready", flush=True)
        time.sleep(600)
