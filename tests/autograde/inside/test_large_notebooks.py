"""A notebook of two million characters costs the grader seconds, whatever else is wrong with it."""

import ast

import nbformat

from autograde.inside import align, replies
from autograde.inside.handed_in import HandedIn, parse
from autograde.inside.outputs import error_output
from tests.autograde.inside import pair


def test_each_cell_is_parsed_once_however_many_answers_are_lost(monkeypatch):
    parsed = []
    monkeypatch.setattr(
        ast, "parse", lambda source, *more, real=ast.parse: parsed.append(source) or real(source, *more)
    )
    cells = [HandedIn("code", f"helper_{number} = {number}") for number in range(50)]
    repaired = align.align(cells, pair.toy().release)
    assert any("was missing" in note for note in repaired.notes)
    assert sorted(source for source in parsed if source.startswith("helper_")) == sorted(one.source for one in cells)


def test_a_cell_too_long_for_an_answer_is_not_parsed_and_hides_no_other():
    long = HandedIn("code", "def double(x):\n    return 0\n" + "a\n" * 200_000)
    answer = HandedIn("code", "def double(x):\n    return 2 * x")
    repaired = align.align([answer, long], pair.toy().release).notebook
    assert [cell.source for cell in repaired.cells if align.grade_id(cell) == "double"] == [answer.source]


def test_hidden_lines_are_looked_for_once_an_exercise_however_many_frames_there_are(monkeypatch):
    looked = []
    real = replies._not_theirs
    monkeypatch.setattr(replies, "_not_theirs", lambda *given: looked.append(1) or real(*given))
    toy = pair.toy()
    graded = align.align(parse(toy.handed_in({"double": "x = 1"})), toy.release).notebook
    for cell in graded.cells:
        if align.is_test(cell):
            cell.outputs = [error_output("ValueError", "no")]
    walked = replies.Walked(frames={"double": tuple(f"Cell In[{n}], line 1" for n in range(20))})
    found = replies.result_of(toy.job(b""), graded, nbformat.from_dict(toy.release), walked)
    assert [len(part.frames) for part in found.exercises if part.id == "double"] == [20]
    assert len(looked) == 1
