"""The verbs of the bench, a file each: what it is called is what is typed.

A verb imports what it needs inside `run`, so that --help and a wrong word answer without waiting for torch.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Protocol


class Verb(Protocol):
    """What a module of a verb holds: HELP is a line without a full stop, MORE what --help of the verb adds to it."""

    __name__: str
    HELP: str
    MORE: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the verb's own options."""

    def run(self, options: argparse.Namespace, arguments: Sequence[str]) -> None:
        """Do it and print what came out; `arguments` are the words that were typed."""
