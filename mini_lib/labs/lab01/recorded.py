"""What a GPU has measured, where one has been recorded for this course; a sentence where none has."""

from __future__ import annotations


def show_recorded() -> None:
    """Print each recorded run's launch costs and its steps of one model, eager beside graph; nothing is graded."""
    print("No GPU has been recorded for this course yet: the traces and times above are the simulator's.")
