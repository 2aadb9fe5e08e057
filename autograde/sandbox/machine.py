"""What this machine can isolate."""

from __future__ import annotations

import shutil
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """What was found."""

    bubblewrap: str = ""

    @property
    def isolates(self) -> bool:
        return bool(self.bubblewrap)

    def refusal(self) -> str:
        """Return why nothing is graded here, and what to do."""
        return (
            "bubblewrap is missing here. Install it (Debian, Ubuntu: apt install bubblewrap), or grade with --unsafe."
        )


def probe() -> Machine:
    """Return what this machine can isolate."""
    return Machine(shutil.which("bwrap") or "")
