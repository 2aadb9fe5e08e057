"""What the tests of the set-up share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.course.small_course import DATA, LAB, NB, Course


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A course of one notebook, one lab with a data file, and what editors and Python leave behind."""
    made = Course(tmp_path / "a course")  # a space in the path, as people have
    made.release(NB, "notebook, first edition")
    made.release(LAB, "lab, first edition")
    made.release(DATA, "traffic, first edition")
    made.release("notebooks/.ipynb_checkpoints/03_record_once-checkpoint.ipynb", "litter")
    made.release("labs/__pycache__/x.pyc", "litter")
    return made
