"""What a student sees from `check` and `hint`, and what a grader gets from `require`."""

import subprocess
import sys

import pytest

from mini_lib import withheld
from mini_lib.learn import NotAttempted, Verdict, WrongAnswer, check, hint, require, start_lab
from mini_lib.learn.exercise import Exercise
from mini_lib.learn.showing import Note
from tests.learn.exercises import LOOKUP, right


def untried(sizes, num_tokens):
    raise NotImplementedError


def with_picture(picture):
    return Exercise("b", "B", "c", LOOKUP.cases, picture=picture)


@pytest.fixture(autouse=True)
def outside_nbgrader(monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)


def test_check_prints_the_sentence_and_returns_the_verdict(capsys):
    verdict = check(LOOKUP, right)
    assert verdict.status == "right"
    shown = capsys.readouterr()
    assert shown.out == f"✔ RIGHT  {verdict.sentence}\n"
    assert shown.err == ""


def test_check_raises_nothing_while_a_person_works(capsys):
    assert check(LOOKUP, lambda sizes, num_tokens: 77).status == "wrong"
    assert check(LOOKUP, untried).status == "not attempted"


@pytest.mark.parametrize("mode", ["autograde", "validate"])
def test_check_raises_under_nbgrader_because_an_error_is_how_a_cell_fails(monkeypatch, capsys, mode):
    monkeypatch.setenv("NBGRADER_EXECUTION", mode)
    with pytest.raises(WrongAnswer, match="the answer is 8, yours is 77"):
        check(LOOKUP, lambda sizes, num_tokens: 77)
    with pytest.raises(NotAttempted, match="still the stub"):
        check(LOOKUP, untried)
    check(LOOKUP, right)


def test_require_carries_the_sentence_as_it_is():
    with pytest.raises(WrongAnswer) as caught:
        require(Verdict("wrong", "You round down."))
    assert str(caught.value) == "You round down."
    assert require(Verdict("right", "Right.")) is None


@pytest.mark.parametrize("error", [NotAttempted, WrongAnswer])
def test_what_validate_shows_of_a_failed_check_is_its_sentence_in_short_lines_and_no_traceback(error):
    sentence = "You round down, and " + "the graph has no room for the last row. " * 5 + "\nSee above."
    lines = error(sentence)._render_traceback_()
    assert max(map(len, lines)) <= 80
    assert " ".join(lines).split() == [f"{error.__name__}:", *sentence.split()]


def test_the_picture_is_drawn_from_the_students_own_answers(capsys):
    seen = []
    check(with_picture(seen.append), lambda sizes, num_tokens: num_tokens + 70)
    assert [outcome.value for outcome in seen[0]] == [75, 73, 78, 79]


def test_no_picture_is_drawn_of_a_stub(capsys):
    seen = []
    check(with_picture(seen.append), untried)
    assert seen == []


def test_an_answer_that_cannot_be_drawn_keeps_its_verdict(capsys):
    verdict = check(with_picture(lambda outcomes: 1 // 0), right)
    assert verdict.status == "right"
    assert "it could not be drawn" in capsys.readouterr().out


def test_hints_come_one_after_another_and_the_last_one_stays(capsys):
    asked = Exercise("hinted", "H", "c", LOOKUP.cases, hints=LOOKUP.hints)
    for _ in range(4):
        hint(asked)
    told = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[1][:6] for line in told] == ["1 of 3", "2 of 3", "3 of 3", "3 of 3"]


def test_a_hint_may_be_asked_for_by_number_and_a_wrong_number_is_told(capsys):
    hint(LOOKUP, 3)
    hint(LOOKUP, 9)
    told = capsys.readouterr().out
    assert "3 of 3: `next" in told
    assert "there is no hint 9" in told


def test_what_a_student_returned_cannot_become_html():
    html = Note("wrong", "yours is '<script>alert(3)</script>'")._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_code_in_a_sentence_is_shown_as_code():
    assert "double all of <code>x</code> here" in Note("hint", "double all of `x` here")._repr_html_()


def test_a_word_in_stars_is_stressed_and_a_product_is_none():
    html = Note("hint", "wait for the one *before* it: 3 * max * 2, [*last]")._repr_html_()
    assert "the one <em>before</em> it: 3 * max * 2, [*last]" in html


def test_a_verdict_that_ends_a_cell_is_not_echoed():
    from IPython.core.formatters import DisplayFormatter

    assert DisplayFormatter().format(Verdict("right", "Right.")) == ({}, {})


WITHOUT_IPYTHON = """
import sys
sys.modules["IPython"] = None
from tests.learn.exercises import LOOKUP, right
from mini_lib.learn import check, predict, reveal
check(LOOKUP, right)
heavy = {"torch", "numpy", "matplotlib"} & set(sys.modules)
print(sorted(heavy))
"""


def test_check_works_without_ipython_and_learn_imports_nothing_heavy():
    ran = subprocess.run([sys.executable, "-c", WITHOUT_IPYTHON], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[0].startswith("✔ RIGHT")
    assert ran.stdout.splitlines()[1] == "[]"
    assert ran.stderr == ""


def test_opening_a_lab_withholds_what_it_asks_for(monkeypatch, capsys):
    monkeypatch.setattr(withheld, "_open_lab", None)
    answer = withheld.withheld_in("lab99")(lambda: 42)
    assert answer() == 42
    start_lab("lab99")
    assert capsys.readouterr().out.startswith("Lab 99 is open.")
    with pytest.raises(withheld.Withheld, match="withheld in lab 99"):
        answer()
