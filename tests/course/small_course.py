"""A small course in a folder of its own, released as often as a test likes, and a student's work/ beside it."""

from __future__ import annotations

from pathlib import Path

NB, LAB = "notebooks/03_record_once.ipynb", "labs/lab04_capture_sizes/lab04_capture_sizes.ipynb"
DATA = "labs/lab04_capture_sizes/traffic.json"


class Course:
    """A folder with notebooks/ and labs/, released as often as a test likes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.work = root / "work"

    def release(self, name: str, text: str) -> None:
        """Put a file of the course into place, as a new version of the repository would."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def write(self, name: str, text: str) -> None:
        """Be the student: save `text` to a file in work/."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def read(self, name: str) -> str:
        return (self.work / name).read_text()

    def all_texts(self) -> set[str]:
        """Return the content of every file anywhere below work/: what has not been lost."""
        return {path.read_text() for path in self.work.rglob("*") if path.is_file()}
