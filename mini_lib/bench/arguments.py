"""What the verbs share on the command line: kinds of arguments, and how a result is told and printed."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

MAX_MS = 10_000.0


def positive(text: str) -> int:
    """Return a whole number from 1 up, or refuse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} of them measure nothing: give a whole number from 1 up")
    return int(text)


def sizes(text: str) -> tuple[int, ...]:
    """Return the sizes of a list like "1,3,8", ascending and each once."""
    return tuple(sorted({positive(size) for size in text.split(",")}))


def milliseconds(text: str) -> float:
    """Return a time from 0 to ten seconds, or refuse."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= MAX_MS:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: give milliseconds from 0 to {MAX_MS:g}")
    return value


def add_json(verb: argparse.ArgumentParser) -> None:
    """Let a program ask for the JSON alone."""
    verb.add_argument("--json", action="store_true", help="print the line of JSON and nothing else")


def add_force_cpu(verb: argparse.ArgumentParser) -> None:
    """Let a person with a GPU ask for the twin."""
    verb.add_argument("--force-cpu", action="store_true", help="use the CPU twin of CUDA graphs even on a GPU machine")


def add_iterations(verb: argparse.ArgumentParser, default: int) -> None:
    """Let a person say how long to measure."""
    told = f"timed calls of each kind ({default})"
    verb.add_argument("--iterations", type=positive, default=default, metavar="N", help=told)


def chosen_device(options: argparse.Namespace) -> ModuleType:
    """Return the device module that the options ask for."""
    from mini_lib.graphs import get_device_module

    return get_device_module("cpu" if options.force_cpu else "auto")


def command_line(arguments: Sequence[str]) -> str:
    """Return the words by which the bench was called, as one types them."""
    return shlex.join(["python", "-m", "mini_lib.bench", *arguments])


def print_result(result: Mapping[str, Any], report: str) -> None:
    """Print the report for people, where there is one, then the one line of JSON."""
    try:
        if report:
            print(report, end="\n\n")
        print(json.dumps(result), flush=True)
    except BrokenPipeError:  # whoever reads what we print has read enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
