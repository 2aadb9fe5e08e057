"""What people enter in the gradebook is theirs: no run touches it, and a mark for an earlier answer is shown again."""

import pytest
from nbgrader.api import Gradebook

from autograde import gradebook
from autograde.merged import READ_AGAIN
from tests.autograde.quick_class import answers


@pytest.fixture
def address(toy):
    return gradebook.url(toy.out / "gradebook.db")


def entered(address, student, cell, score=None, comment=None, extra=None):
    """Do what the formgrader does when a person saves."""
    with Gradebook(address, gradebook.COURSE_ID) as book:
        grade = book.find_grade(cell, "toy", "toy", student)
        grade.manual_score, grade.extra_credit = score, extra
        grade.needs_manual_grade = score is None and grade.auto_score is None
        if comment is not None:
            book.find_comment(cell.removeprefix("test_"), "toy", "toy", student).manual_comment = comment
        book.db.commit()


def waits(address, student, cell):
    with Gradebook(address, gradebook.COURSE_ID) as book:
        return book.find_grade(cell, "toy", "toy", student).needs_manual_grade


def exercise(printed, student, name):
    return next(one for one in printed[student]["exercises"] if one["id"] == name)


def test_a_mark_stays_and_is_to_be_looked_at_again_when_the_answer_changed(toy, address):
    assert waits(address, "ada", "why")
    entered(address, "ada", "why", 2.5, "Good.")
    assert not waits(address, "ada", "why")
    before = toy.grade()
    assert exercise(before, "ada", "why")["message"] == "Good."
    assert not waits(address, "ada", "why")
    toy.hand_in({"ada": {**answers(1), "double": "double = abs"}})  # another exercise
    toy.grade()
    assert not waits(address, "ada", "why")
    toy.hand_in({"ada": {**answers(1), "why": "I think again."}})
    after = exercise(toy.grade(), "ada", "why")
    assert (after["score"], after["status"], after["message"]) == (2.5, "partial", f"Good. {READ_AGAIN}")
    assert waits(address, "ada", "why")
    assert "it waits to be looked at again" in (toy.out / "feedback" / "ada" / "toy" / "toy.html").read_text()
    toy.grade()
    assert waits(address, "ada", "why")
    entered(address, "ada", "why", 3)
    assert exercise(toy.grade(), "ada", "why")["message"] == "Good."
    assert not waits(address, "ada", "why")


def test_a_mark_on_a_test_is_to_be_looked_at_again_when_what_it_tests_changed(toy, address):
    entered(address, "ada", "test_double", 1)
    assert exercise(toy.grade(), "ada", "double")["score"] == 1
    toy.hand_in({"ada": {**answers(1), "double": "double = abs"}})
    toy.grade()
    assert waits(address, "ada", "test_double")
    assert not waits(address, "ada", "test_roots")


def test_a_mark_that_a_person_took_back_gives_way_to_ours(toy, address):
    ours = exercise(toy.grade(), "ada", "double")
    entered(address, "ada", "test_double", 0.5)
    assert exercise(toy.grade(), "ada", "double")["score"] == 0.5
    entered(address, "ada", "test_double", None)
    assert exercise(toy.grade(), "ada", "double") == ours


def test_extra_credit_and_a_comment_count_without_a_mark(toy, address):
    before = exercise(toy.grade(), "ada", "double")
    entered(address, "ada", "test_double", None, "Neat.", 0.5)
    after = exercise(toy.grade(), "ada", "double")
    assert after["score"] == before["score"] + 0.5
    assert (after["status"], after["message"]) == (before["status"], f"{before['message']} Neat.")
    toy.hand_in({"ada": answers(9)})
    assert exercise(toy.grade(), "ada", "double")["message"].endswith("Neat.")


def test_every_cell_of_every_student_has_a_score_and_what_others_wrote_there_is_put_right(toy, address):
    assert toy.grade()["bob"]["score"] > 0
    (toy.course.submitted / "bob" / "toy" / "toy.ipynb").unlink()
    toy.grade()
    with Gradebook(address, gradebook.COURSE_ID) as book:
        grades = book.find_submission_notebook("toy", "toy", "bob").grades
        assert {(one.name, one.auto_score, one.needs_manual_grade) for one in grades} == {
            ("test_double", 0, False), ("test_roots", 0, False), ("why", 0, False)
        }  # fmt: skip
        grades[0].auto_score, grades[0].needs_manual_grade = 100, True
        book.find_comment("why", "toy", "toy", "ada").auto_comment = "?"
        book.remove_student("cyd")
        book.db.commit()
    toy.grade()
    with Gradebook(address, gradebook.COURSE_ID) as book:
        assert book.find_submission_notebook("toy", "toy", "bob").score == 0
        assert book.find_comment("why", "toy", "toy", "ada").auto_comment is None
        assert len(book.find_submission_notebook("toy", "toy", "cyd").grades) == 3


def test_a_lab_that_gained_a_cell_is_refused_while_marks_would_be_lost_and_taken_else(toy, address):
    text = toy.lab.source.read_text() + '\n# %% grade_id="test_late" points=1\nassert double(1) == 2\n'
    toy.lab.source.write_text(text)
    entered(address, "ada", "why", 1)
    called = toy.call("grade")
    assert called.returncode == 1
    assert f"toy has lost or gained graded cells since a person graded it by hand. Move {toy.out}" in called.stderr
    entered(address, "ada", "why", None)
    assert all(one["max_score"] == 10 for one in toy.grade().values())
