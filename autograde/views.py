"""The views of a class's results: gradebook, feedback pages and grades.csv, each written where it is not in line.

What a page was made from (the result with the marks of people, and the sources of what makes pages) is kept as a hash,
so a second call makes no page again. A page that somebody removed is made anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from functools import cache
from pathlib import Path

from autograde.inside.results import SubmissionResult, to_json, write_whole
from autograde.marks import behind, held
from autograde.merged import with_marks
from autograde.report import grades_csv, load
from autograde.store import Store

HERE = Path(__file__).parent


def write_views(store: Store, lab: str, database: str) -> None:
    """Bring the gradebook and the pages of one lab in line with its results.

    Raises:
        CannotGrade: the gradebook cannot be used. The results are kept.
    """
    results = store.results(lab)
    book = held(database)
    late = behind(results, book)
    if late:
        from autograde.gradebook import bring_in_line  # loads nbgrader

        bring_in_line(lab, late, book, database)
        book = held(database)
    _write_pages(store.out, lab, with_marks(results, book))


def write_csv(store: Store, database: str) -> None:
    """Write grades.csv of the whole class, all labs that it was ever graded in."""
    text = grades_csv(with_marks(load(store.out / "results"), held(database)))
    _write_if_new(store.out / "grades.csv", text)


def _write_pages(out: Path, lab: str, results: list[SubmissionResult]) -> None:
    """Write the pages of one lab, and remove those of students who left."""
    ledger = out / "views" / f"{lab}.json"
    before, now = _made_from(ledger), {one.student: _digest(one) for one in results}
    for path in (out / "feedback").glob(f"*/{lab}"):
        if path.parent.name not in now:
            shutil.rmtree(path)
    for one in results:
        path = out / "feedback" / one.student / lab / f"{lab}.html"
        if before.get(one.student) != now[one.student] or not path.is_file():
            _write_page(path, one)
    _write_if_new(ledger, to_json(now))


def _write_page(path: Path, result: SubmissionResult) -> None:
    from autograde.feedback import page

    write_whole(path, page(result))


def _made_from(ledger: Path) -> dict[str, str]:
    try:
        return dict(json.loads(ledger.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}  # all pages are made anew


def _digest(result: SubmissionResult) -> str:
    return hashlib.sha256(f"{_makers()} {result!r}".encode()).hexdigest()[:32]


@cache
def _makers() -> str:
    """Return the hash of the sources that make pages."""
    files = [HERE / "feedback.py", *sorted(path for path in (HERE / "pages").glob("*") if path.is_file())]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _write_if_new(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_whole(path, text)
