"""The results of a class: one `results.json` per student and lab, which is the truth about that submission.

It is written last of all that a run leaves, whole or not at all, so a grader that is killed at any moment has either
graded a submission or not. Gradebook, pages and grades.csv are views of results and are brought in line with them.
A file that cannot be read is set aside and its submission graded anew; of a student who left, results are kept apart.

    results/<student>/<lab>/results.json
    left/<student>/<lab>/results.json      students who are not in the class now
    preflight/<lab>.json                   what the lab's own solution was last tried with
    logs/runs.txt                          a line for each result that was written: student, lab, key
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from autograde.inside.results import SubmissionResult, from_stored, to_json, write_whole


class Damaged(Exception):
    """A result file that cannot be used; the text says why."""


@dataclass(frozen=True)
class Store:
    """The folder of a graded class."""

    out: Path

    def path(self, student: str, lab: str) -> Path:
        return self.out / "results" / student / lab / "results.json"

    def read(self, student: str, lab: str) -> SubmissionResult | None:
        """Return what is stored for a submission, also where its student had left; None when nothing is.

        Raises:
            Damaged: there is a file, and it holds no result of this student and this version.
        """
        for path in (self.path(student, lab), self._of_a_student_who_left(student, lab)):
            if path.is_file():
                return _read(path, student, lab)
        return None

    def results(self, lab: str) -> list[SubmissionResult]:
        """Return all results of a lab, by student."""
        return [_read(self.path(student, lab), student, lab) for student in sorted(self.students(lab))]

    def write(self, result: SubmissionResult) -> None:
        """Keep a result. From here on the submission is graded."""
        write_whole(self.path(result.student, result.lab), to_json(result.stored()))
        self._of_a_student_who_left(result.student, result.lab).unlink(missing_ok=True)
        log = self.out / "logs" / "runs.txt"
        log.parent.mkdir(exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{result.student}\t{result.lab}\t{result.key}\n")

    def set_aside(self, student: str, lab: str) -> str:
        """Move a damaged file out of the way, and return a sentence that says where to."""
        path = self.path(student, lab)
        number = len(list(path.parent.glob("results.json.damaged*")))
        kept = path.with_name(f"results.json.damaged{number or ''}")
        path.replace(kept)
        return f"{path} is damaged. It is kept as {kept.name}, and {student} is graded anew."

    def students(self, lab: str) -> set[str]:
        """Return who has a result for a lab."""
        return {path.parent.parent.name for path in (self.out / "results").glob(f"*/{lab}/results.json")}

    def forget(self, student: str, lab: str) -> None:
        """Keep the result of a student who left apart: reports pass over it, and it counts again on their return."""
        self._move(self.path(student, lab), self._of_a_student_who_left(student, lab))

    def welcome(self, student: str, lab: str) -> None:
        """Bring the result of a student back who had left."""
        path, left = self.path(student, lab), self._of_a_student_who_left(student, lab)
        if left.is_file() and not path.is_file():
            self._move(left, path)

    def preflight_done(self, lab: str, key: str) -> bool:
        """Tell whether a lab's own solution got all points when it was tried under this key."""
        path = self._preflight(lab)
        try:
            return path.is_file() and json.loads(path.read_text(encoding="utf-8")) == {"key": key}
        except ValueError:
            return False  # half a file of a broken disk: try again

    def note_preflight(self, lab: str, key: str) -> None:
        write_whole(self._preflight(lab), to_json({"key": key}))

    def _preflight(self, lab: str) -> Path:
        return self.out / "preflight" / f"{lab}.json"

    def _of_a_student_who_left(self, student: str, lab: str) -> Path:
        return self.out / "left" / student / lab / "results.json"

    def _move(self, path: Path, to: Path) -> None:
        to.parent.mkdir(parents=True, exist_ok=True)
        path.replace(to)
        for folder in (path.parent, path.parent.parent):
            if not any(folder.iterdir()):
                folder.rmdir()


def _read(path: Path, student: str, lab: str) -> SubmissionResult:
    try:
        found = from_stored(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Damaged(f"{type(error).__name__}: {error}") from error
    if (found.student, found.lab) != (student, lab):
        raise Damaged(f"it is the result of {found.student} for {found.lab}")
    return found
