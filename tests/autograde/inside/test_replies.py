"""What comes out of a sandbox is believed where it is a reply, and nowhere else."""

import json
from dataclasses import asdict

import pytest

from autograde.inside.job import Job, Reply, packed, unpacked
from autograde.inside.results import CellScore, ExerciseResult, SubmissionResult

PART = ExerciseResult("double", "Double", "right", 2.0, 2.0, "", frames=("Cell In[1], line 1",))
CELL = CellScore("test_double", "double", graded=True, answer=False, score=2.0, max_score=2.0, text="", untouched=False)
RESULT = SubmissionResult("ada", "toy", "graded", 2.0, 2.0, (PART,), notes=("repaired",), cells=(CELL,))
REPLY = Reply(RESULT, "{}", cpu_seconds={"tester": 0.1})


def with_changed(path, value):
    """Return the reply as JSON, with one place of it changed."""
    found = asdict(REPLY)
    place = found
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(found)


@pytest.mark.parametrize("byte", [b"\0", b"\\", b"a", b"\xff"])
def test_a_notebook_of_any_bytes_grows_by_a_third_on_its_way(byte):
    """As text in JSON some of these took six times their size, more than a frame may have."""
    sent = Job("ada", "toy", packed(90_000 * byte), "").to_json()
    assert unpacked(Job.from_json(sent).notebook) == 90_000 * byte and len(sent) < 121_000


def test_a_reply_survives_its_json():
    assert Reply.from_json(REPLY.to_json()) == REPLY


@pytest.mark.parametrize("score", [1, None, 0])
def test_a_cell_that_a_person_reads_has_no_score_and_whole_numbers_are_numbers(score):
    read = Reply.from_json(with_changed(("result", "cells", 0, "score"), score))
    assert read.result.cells[0].score == score


@pytest.mark.parametrize(("path", "value"), [
    (("notebook",), None),
    (("log",), ["a", "list"]),
    (("cpu_seconds",), 3),
    (("result",), "graded"),
    (("result", "status"), {"graded": True}),
    (("result", "score"), "all"),
    (("result", "notes"), "one sentence"),
    (("result", "notes"), [7]),
    (("result", "exercises"), {"double": 2}),
    (("result", "exercises"), ["double"]),
    (("result", "exercises", 0, "message"), None),
    (("result", "exercises", 0, "frames"), [["nested"]]),
    (("result", "exercises", 0, "score"), 3.0),
    (("result", "exercises", 0, "score"), float("nan")),
    (("result", "exercises", 0, "score"), -1),
    (("result", "exercises", 0, "max_score"), "2"),
    (("result", "cells", 0, "score"), 2.5),
    (("result", "cells", 0, "name"), 1),
    (("result", "cells", 0, "untouched"), "no"),
])  # fmt: skip
def test_what_is_no_reply_is_refused(path, value):
    with pytest.raises(ValueError, match=r"is something else than it should be|points|expected here"):
        Reply.from_json(with_changed(path, value))


@pytest.mark.parametrize("text", ["", "7", "[]", "{}", "[" * 100_000, '{"result": {}}'])
def test_other_text_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        Reply.from_json(text)
