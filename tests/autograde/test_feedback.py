"""The page that a student gets back: what is on it, and what never is."""

from __future__ import annotations

from dataclasses import fields, replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograde.feedback import MAX_ANSWER, MAX_FRAME, MAX_FRAMES, MAX_MESSAGE, MAX_NOTES, WITHHELD, look_first, page
from autograde.inside.results import STATUSES, CellScore, ExerciseResult, SubmissionResult
from autograde.pages import WORDS, plain, style, style_hash
from tests.autograde.made_results import ADA, ANSWER, FAILED, FRAME, LAB, REGRADE, failed

HARMLESS = {
    "a", "b", "bdi", "body", "circle", "code", "details", "div", "em", "footer", "h1", "h2", "head", "header", "html",
    "li", "meta", "nav", "p", "path", "pre", "rect", "section", "span", "strong", "style", "summary", "svg", "title",
    "ul",
}  # fmt: skip


class Read(HTMLParser):
    """A page as a browser takes it apart: its tags, their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.text += data


def one(**changes) -> SubmissionResult:
    """Return a submission with one exercise, which is changed."""
    exercise = replace(ADA.exercises[1], **changes)
    return replace(ADA, exercises=(exercise,))


def without_layout(text: str) -> str:
    return " ".join(text.split())


def test_each_exercise_shows_its_status_in_words_and_in_a_shape_of_its_own():
    shown = page(ADA)
    for exercise in ADA.exercises:
        assert f'<section class="exercise {exercise.status}' in shown
        assert exercise.title in shown
        assert WORDS[exercise.status] in shown
    shapes = {part.split("</svg>")[0].split(">", 1)[1].strip() for part in shown.split('<svg class="shape ')[1:]}
    assert len(shapes) == len(WORDS)


def test_points_sentence_and_recognised_idea_are_shown():
    text = without_layout(Read(page(ADA)).text)
    assert "5.5 of 20 points so far" in text
    assert "wrong, 0 of 2" in text and "partly right, 1.5 of 3" in text
    assert "Recognised: rounds down" in text
    assert ADA.exercises[1].message in text


def test_an_answer_that_a_person_still_reads_is_not_shown_as_zero():
    text = without_layout(Read(page(replace(ADA, exercises=ADA.exercises[-1:]))).text)
    assert "a person reads it, worth 2" in text
    assert "0 of 2" not in text


def test_the_students_own_cell_and_frames_are_shown():
    shown = Read(page(ADA))
    assert shown.text.count("What you handed in") == sum(bool(exercise.answer) for exercise in ADA.exercises)
    assert "What you handed in" not in page(one(status="not_attempted")), "it is the stub"
    assert ANSWER.strip() in shown.text
    assert FRAME in shown.text


def test_a_result_without_answers_makes_a_page():
    bare = tuple(replace(exercise, answer="", frames=(), misconception="") for exercise in ADA.exercises)
    text = Read(page(replace(ADA, exercises=bare, isolation=""))).text
    assert "What you handed in" not in text and "Where your code stopped" not in text


def test_frames_are_said_to_be_of_one_case_where_the_sentence_is_about_a_wrong_idea():
    assert "Where your code stopped, in one of the cases:" in page(one())
    assert "Where your code stopped:" in page(one(misconception=""))


def test_frames_of_an_answer_that_is_right_are_not_shown():
    assert "Where your code stopped" not in page(one(status="right"))


@pytest.mark.parametrize(("status", "headline"), [
    ("unreadable", "Your file could not be read"),
    ("missing", "Nothing was handed in"),
    ("grader_error", "Not graded yet"),
])  # fmt: skip
def test_a_notebook_that_was_not_graded_does_not_look_like_one_with_no_points(status, headline):
    text = without_layout(Read(page(failed("bob", status))).text)
    assert headline in text
    assert FAILED[status] in text
    assert "0 of" not in text and "0 /" not in text


@pytest.mark.parametrize("status", [status for status in STATUSES if status not in ("graded", "not_attempted")])
def test_who_failed_is_told_what_to_do(status):
    told = Read(page(failed("bob", status))).text
    assert any(word in told for word in ("Restart Kernel", "Hand in the", "tell your instructor", "not your fault"))


def test_what_was_said_in_the_notebook_names_the_place_where_it_is_read_elsewhere():
    told = Read(page(one(message="You round down. See 'Padding goes up' above."))).text
    assert "See 'Padding goes up' in the lab." in told


def test_a_cell_says_to_which_exercise_it_belongs():
    cell = CellScore("test_size_for", "size_for", True, False, 0.0, 2.0, "", False)
    stopped = replace(
        ADA, sentence="Python ended (at the cell `test_size_for`).", notes=("The cell `setup` was missing.",)
    )
    told = Read(page(replace(stopped, cells=(cell,)))).text
    assert "Python ended (at the cell test_size_for of 4.2 Size lookup)." in told
    assert "The cell setup was missing." in told


STANDS_ON = replace(
    ADA.exercises[2], status="wrong", score=0, answer="def padding_waste(s):\n    return size_for(3, s)"
)


@pytest.mark.parametrize("status", ["wrong", "not_attempted", "not_run"])
def test_an_answer_that_uses_one_which_is_not_right_says_where_to_look_first(status):
    below = replace(ADA.exercises[1], status=status)
    told = look_first(STANDS_ON, (below, STANDS_ON))
    assert told == "Your answer uses `size_for`, and 4.2 Size lookup is not right yet: look there first."
    assert told.replace("`", "") in Read(page(replace(ADA, exercises=(below, STANDS_ON)))).text


def test_an_answer_is_sent_nowhere_without_need():
    size_for = ADA.exercises[1]
    right = replace(size_for, status="right")
    assert look_first(STANDS_ON, (right, STANDS_ON)) == "", "what it calls is right"
    assert look_first(replace(STANDS_ON, status="right"), (size_for,)) == "", "nothing is wrong with it"
    assert look_first(replace(STANDS_ON, answer=f"{ANSWER}\nsize_for(1, [])"), (size_for,)) == "", "it has its own"
    assert look_first(replace(STANDS_ON, answer="x.size_for(1)  # size_for"), (size_for,)) == "", "it is another"


@pytest.mark.parametrize("use", ["RingMap(3)", "Engine(map=RingMap, seed=1)"])
def test_an_answer_may_be_used_by_the_name_that_it_gives(use):
    ring = replace(ADA.exercises[1], id="ring_map", answer="class RingMap:\n    pass")
    assert "`RingMap`" in look_first(replace(STANDS_ON, answer=f"def f():\n    return {use}"), (ring,))


def test_points_that_a_person_gave_to_a_missing_notebook_are_shown():
    assert "12 of 20 points" in page(replace(failed("bob", "missing"), score=12))


def test_a_regrade_shows_its_note_and_both_scores():
    text = without_layout(Read(page(replace(ADA, history=(REGRADE, replace(REGRADE, exercise=""))))).text)
    assert "4.2 Size lookup: 0 before, 2 now. the test of 4.2 refused a right answer" in text
    assert "All exercises: 0 before" in text


def test_only_a_run_without_a_sandbox_has_a_banner():
    assert "Graded without a sandbox" in page(replace(ADA, isolation="none"))
    assert "Graded without a sandbox" not in page(ADA)


def test_what_was_repaired_is_told():
    shown = page(replace(ADA, notes=("The cell `test_double` had been changed.",)))
    assert "<li>The cell <code>test_double</code> had been changed.</li>" in shown


def test_the_policy_allows_the_pages_own_style_and_nothing_else():
    shown = page(ADA)
    policy = f"default-src 'none'; style-src '{style_hash()}'; base-uri 'none'; form-action 'none'"
    assert ("content", policy) in Read(shown).attributes
    assert shown.split("<style>")[1].split("</style>")[0] == style()
    assert "</" not in style() and "url(" not in style() and "@import" not in style()


def test_nothing_of_a_page_asks_for_an_address():
    addresses = [value for name, value in Read(page(ADA)).attributes if name in ("href", "src", "srcset", "action")]
    assert addresses == [f"#exercise-{number}" for number in range(1, len(ADA.exercises) + 1)]


ANY = st.text(max_size=30) | st.sampled_from([
    "<script>alert(1)</script>", "</style><script>", "</pre></details>", "<img src=x onerror=alert(1)>", "{{ 7 * 7 }}",
    "{% raw %}", "javascript:alert(1)", '" onmouseover="x', "' autofocus onfocus='x", "<!--", "]]>", "`<b>`", "*<i>*",
    "\x00", "\x1b[31mred", "\u202egnp.exe", "\ud800", "&lt;script&gt;", "&#60;b&#62;", "<svg/onload=x>", "\u2028</pre>",
])  # fmt: skip
WRITTEN = {"id": ANY, "title": ANY, "message": ANY, "misconception": ANY, "answer": ANY}


@settings(deadline=None)
@given(st.builds(dict, **WRITTEN), ANY, ANY, st.lists(ANY, max_size=2), st.sampled_from([*WORDS, "<x>"]))
def test_no_text_becomes_markup_wherever_it_stands(written, student, told, more, status):
    exercise = ExerciseResult(status=status, score=0, max_score=1, frames=tuple(more), **written)
    again = replace(REGRADE, note=told, exercise=written["id"])
    result = replace(
        ADA, student=student, lab=told, sentence=told, notes=tuple(more), exercises=(exercise,), history=(again,)
    )
    shown = page(result)
    shown.encode("utf-8")  # a file can hold it
    read = Read(shown)
    assert set(read.tags) <= HARMLESS
    assert not [name for name, _ in read.attributes if name.startswith("on") or name == "style"]
    assert [value for name, value in read.attributes if name in ("href", "src")] == []
    for text in (student, written["title"]):
        assert without_layout(plain(text)) in without_layout(read.text)


def test_every_text_of_a_result_is_known_to_the_test_above():
    """A field that is added later must be escaped and tested as well."""
    assert {field.name for field in fields(ExerciseResult)} == {*WRITTEN, "frames", "status", "score", "max_score"}


HIDDEN = ("assert double(17) == expected_double(17)", "for size in sizes:")


def test_a_hidden_line_appears_nowhere_though_a_result_quotes_it():
    quoting = one(message=f"SyntaxError at {HIDDEN[0]}", frames=(f"----> 5 {HIDDEN[0]}",), answer="pass")
    shown = page(replace(quoting, sentence=HIDDEN[0], notes=(HIDDEN[0],)), hidden=HIDDEN)
    assert "expected_double" not in shown
    assert shown.count(WITHHELD) == 4


def test_a_hidden_line_that_the_student_wrote_as_well_stays_in_their_code():
    assert "for size in sizes:" in Read(page(one(), hidden=HIDDEN)).text


def test_the_marks_around_hidden_tests_are_never_shown_outside_of_the_students_own_cells():
    assert "BEGIN HIDDEN" not in page(one(message="### BEGIN HIDDEN TESTS"))


def test_a_page_holds_no_more_than_a_person_reads():
    long = "x" * 1_000_000
    flood = one(message=long, answer=long, frames=(long,) * 1000)
    shown = page(replace(flood, sentence=long, notes=(long,) * 1000))
    assert shown.count("x") < MAX_ANSWER + MAX_FRAME * MAX_FRAMES + (2 + MAX_NOTES) * MAX_MESSAGE + 1000
    assert f"... and {1_000_000 - MAX_ANSWER} more characters" in shown


def test_the_same_result_makes_the_same_page():
    assert page(ADA) == page(ADA)
    assert LAB in page(ADA)
