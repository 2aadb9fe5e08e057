"""What holds for every lab: a test module states its `Rules` and takes over the tests of `AnswerTests` or `TextTests`.

    class TestAnswers(AnswerTests):
        rules = RULES

pytest runs the methods as tests of that module. What is special to one lab stays in that lab's own test modules.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest

from autograde.build import build
from autograde.mutants import Mutant
from autograde.release import secret_lines
from mini_lib import withheld
from mini_lib.learn import Case, Exercise, judge
from tests.labs.cells import ROOT, Cell, LabNotebook, exercise_of, graded, run, sentence

GARBAGE = (
    None,
    True,
    0,
    -1.5,
    float("nan"),
    "text",
    [],
    [[]],
    [None, None],
    [["a", "b"]],
    [[[None]], [[0, 1]]],
    {},
    {1: 2},
)
STUB = "def {name}(*args, **kwargs):\n    raise NotImplementedError()"


@dataclass(frozen=True)
class Rules:
    """One lab: its number, what the library says in it, and what its tests have to know besides."""

    lab: str
    library: ModuleType
    exercises: tuple[Exercise, ...]
    points: int
    least_mutants: int
    least_right_answers: int
    least_secret_lines: int
    withheld_call: str  # a line of Python that calls what the library withholds
    library_answers: tuple[Callable[..., Any], ...] = ()  # what the library itself would answer a task with
    names: Mapping[str, str] = field(default_factory=dict)  # exercise -> what its cell defines, if called otherwise
    quiet: tuple[str, ...] = ()  # modules whose pictures have tests of their own, and take their time
    shared_ideas: Mapping[str, str] = field(default_factory=dict)  # exercises that share some of their wrong ideas
    hidden_cases: Mapping[str, tuple[Case, ...]] = field(default_factory=dict)  # that a wrong idea needs to show itself

    @property
    def notebook(self) -> LabNotebook:
        return notebook(self.lab)

    def name_of(self, exercise_id: str) -> str:
        """Return the name of the function or class that the answer to an exercise defines."""
        return self.names.get(exercise_id, exercise_id)

    def test_cells(self) -> list[Cell]:
        return [cell for cell in self.notebook.cells if exercise_of(cell)]


_NOTEBOOKS: dict[str, LabNotebook] = {}


def notebook(lab: str) -> LabNotebook:
    """Return the lab as built, the same for all tests of a session."""
    return _NOTEBOOKS.setdefault(lab, LabNotebook(lab))


def reference(lab: str) -> dict[str, Any]:
    """Return the oracle of a lab: the names that its `reference.py` defines."""
    text = (notebook(lab).lab.folder / "reference.py").read_text(encoding="utf-8")
    namespace: dict[str, Any] = {"__name__": "reference"}
    exec(compile(text, "reference.py", "exec"), namespace)
    return namespace


def give_parameters(metafunc: pytest.Metafunc) -> None:
    """Give each test of a lab its mutants, right answers, exercises, or numbers of solved tasks."""
    rules: Rules | None = getattr(metafunc.cls, "rules", None)
    if rules is None:
        return
    answers = rules.notebook.answers
    drawn: dict[str, tuple[Iterable[Any], Callable[[Any], str]]] = {
        "mutant": (answers.mutants, lambda one: one.name),
        "right_answer": (answers.right, lambda one: one.name),
        "exercise": (rules.exercises, lambda one: one.id),
        "num_solved": (range(len(rules.exercises) + 1), str),
    }
    for name, (values, ids) in drawn.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, list(values), ids=ids)


class AnswerTests:
    """The lab's tests are good: wrong answers lose and are told why, right ones lose nothing."""

    rules: Rules

    @pytest.fixture(autouse=True)
    def _in_the_grader(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Open the lab, and let `check` do as in nbgrader: no picture, and an error for an answer that is not right."""
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
        self.rules.notebook.solved  # noqa: B018 - runs the solution once, which opens the lab
        withheld.begin(self.rules.lab)

    def test_the_solution_earns_all_points(self):
        earned = {
            cell.grade_id: graded(cell, dict(self.rules.notebook.solved)).score for cell in self.rules.test_cells()
        }
        assert earned == {cell.grade_id: cell.points for cell in self.rules.test_cells()}
        assert sum(earned.values()) == self.rules.points

    def test_a_wrong_answer_loses_points_and_is_told_why(self, mutant):
        parts = self.rules.notebook.grade(mutant.exercise, mutant.code)
        points = sum(cell.points for cell in self.rules.test_cells() if exercise_of(cell) == mutant.exercise)
        assert points - sum(part.score for part in parts) >= mutant.loses
        assert mutant.told in sentence(parts)

    def test_a_right_answer_that_is_written_differently_loses_nothing(self, right_answer):
        parts = self.rules.notebook.grade(right_answer.exercise, right_answer.code)
        assert [part.sentence for part in parts] == [""] * len(parts)

    def test_there_are_as_many_wrong_and_right_answers_as_the_lab_promises(self):
        answers = self.rules.notebook.answers
        assert len(answers.mutants) >= self.rules.least_mutants
        assert len(answers.right) >= self.rules.least_right_answers

    def test_an_unwritten_answer_is_not_attempted(self, exercise):
        code = STUB.format(name=self.rules.name_of(exercise.id))
        parts = self.rules.notebook.grade(exercise.id, code)
        assert all(part.score == 0 and part.sentence.startswith("NotAttempted: ") for part in parts)

    def test_a_misspelled_name_is_told_as_what_it_is_and_not_as_a_wrong_idea(self, exercise):
        def misspelled(*args, **kwargs):
            return lenght(args)  # noqa: F821

        assert "NameError: name 'lenght' is not defined" in judge(exercise, misspelled).sentence

    @pytest.mark.parametrize("answer", GARBAGE, ids=repr)
    def test_an_answer_of_another_shape_is_told_so_and_breaks_nothing(self, exercise, answer):
        verdict = judge(exercise, lambda *args, **kwargs: answer)
        assert verdict.status == "wrong" or answer in [case.expected for case in exercise.cases]
        assert verdict.sentence

    def test_another_seed_draws_other_instances_and_still_accepts_what_is_right(self):
        mine, other = f"SEED = {self.rules.notebook.lab.seed}\n", "SEED = 987654\n"
        tests = [cell._replace(source=cell.source.replace(mine, other)) for cell in self.rules.test_cells()]
        assert any(other in cell.source for cell in tests)
        assert all(graded(cell, dict(self.rules.notebook.solved)).sentence == "" for cell in tests)

    def test_every_wrong_idea_that_has_a_name_is_had_by_some_wrong_answer(self):
        exercises = {exercise.id: exercise for exercise in self.rules.exercises}
        ideas = {name: {idea.name for idea in exercise.misconceptions} for name, exercise in exercises.items()}
        had: dict[str, set[str | None]] = {name: set() for name in exercises}
        for mutant in self.rules.notebook.answers.mutants:
            had[mutant.exercise].add(self._idea_of(exercises[mutant.exercise], mutant))
        for first, second in self.rules.shared_ideas.items():  # an idea that both know may be had by either
            both = ideas[first] & ideas[second] & (had[first] | had[second])
            had[first] |= both
            had[second] |= both
        assert {name: ideas[name] - had[name] for name in exercises if ideas[name] - had[name]} == {}

    def _idea_of(self, exercise: Exercise, mutant: Mutant) -> str | None:
        namespace = dict(self.rules.notebook.solved)
        run(Cell("", 0, mutant.code), namespace)
        answer = namespace[self.rules.name_of(exercise.id)]
        return judge(exercise, answer, self.rules.hidden_cases.get(exercise.id, ())).misconception

    def test_in_the_grader_a_new_process_does_not_get_the_librarys_answer_either(self):
        environment = {**os.environ, **self.rules.notebook.lab.environment}
        command = [sys.executable, "-c", self.rules.withheld_call]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.stdout == ""
        assert f"withheld in lab {int(self.rules.lab[3:])}: write your own" in done.stderr


class TextTests:
    """The lab as a student meets it: it runs to its end however much is solved, gives nothing away, tells the truth."""

    rules: Rules

    @property
    def source(self) -> str:
        return self.rules.notebook.lab.source.read_text(encoding="utf-8")

    @property
    def release(self) -> nbformat.NotebookNode:
        name = self.rules.notebook.lab.name
        return nbformat.read(ROOT / "labs" / name / f"{name}.ipynb", as_version=4)

    def test_with_the_first_k_tasks_solved_the_notebook_runs_to_its_end(self, num_solved, tmp_path: Path, monkeypatch):
        monkeypatch.setenv("LAUNCH_BOUND_PREDICTIONS", str(tmp_path / "predictions.json"))
        for module in self.rules.quiet:
            monkeypatch.setattr(f"{module}.nobody_looks", lambda: True)
        solved = {exercise.id for exercise in self.rules.exercises[:num_solved]}
        states = run_release(self.release, self.rules.notebook, solved)
        expected = {name: "right" if exercise_of(Cell(name, 0, "")) in solved else "not attempted" for name in states}
        assert states == expected

    def test_the_release_holds_no_line_of_an_answer_or_of_a_hidden_test(self):
        shown = "\n".join(cell.source for cell in self.release.cells)
        lab = self.rules.notebook.lab
        secret = secret_lines(build(lab, lab.seed))
        assert len(secret) > self.rules.least_secret_lines
        assert [line for line in secret if line in shown.splitlines()] == []
        assert "oracle" not in shown

    def test_nothing_in_the_library_answers_a_task(self):
        """Neither what a lab says to its student nor what is withheld may be handed in as an answer."""
        withheld.begin(self.rules.lab)
        library = self.rules.library
        rooms = [
            importlib.import_module(f"{library.__name__}.{one.name}") for one in pkgutil.iter_modules(library.__path__)
        ]
        offered = {one for room in rooms for _, one in inspect.getmembers(room, callable) if hasattr(one, "__name__")}
        offered |= set(self.rules.library_answers)
        assert len(offered) > 20
        for exercise in self.rules.exercises:
            assert [one for one in offered if judge(exercise, one).status == "right"] == []

    def test_every_sentence_points_to_a_paragraph_of_the_lab(self):
        told = {idea.see for exercise in self.rules.exercises for idea in exercise.misconceptions if idea.see}
        assert {see for see in told if f"**{see}.**" not in self.source and f"**{see}**" not in self.source} == set()

    def test_header_and_table_of_each_task_are_those_of_the_library(self, exercise):
        points = sum(cell.points for cell in self.rules.test_cells() if exercise_of(cell) == exercise.id)
        assert exercise.points == points
        hard, worth = ("●" * number + "○" * (5 - number) for number in (exercise.difficulty, exercise.importance))
        told = f"{exercise.minutes} minutes · {exercise.points} points · CPU"
        number = exercise.title.split()[0]
        assert re.search(
            rf"^# ### {number} .*\n# difficulty {hard} · importance {worth} · {told}", self.source, re.MULTILINE
        )
        row = next(line for line in self.source.splitlines() if line.startswith(f"# | {number} |"))
        assert row.endswith(f"| {hard} | {worth} | {exercise.minutes} | {exercise.points} |")

    def test_each_task_has_three_hints(self):
        assert {len(exercise.hints) for exercise in self.rules.exercises} == {3}

    def test_hidden_tests_overwrite_no_name_that_a_student_might_use(self):
        names = set()
        for cell in self.rules.notebook.cells:
            hidden = re.findall(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", cell.source, re.DOTALL)
            for node in ast.parse("\n".join(hidden)).body:
                names |= _bound_by(node)
        assert {name for name in names if not name.startswith("oracle_")} == {"SEED"}


def run_release(release: nbformat.NotebookNode, lab: LabNotebook, solved: set[str]) -> dict[str, str]:
    """Run a released notebook with these exercises solved; return what each check said, by its grade_id."""
    answers = {cell.grade_id: cell.source for cell in lab.cells if cell.grade_id in solved}
    namespace: dict[str, Any] = {"__name__": "__main__"}
    states = {}
    for cell in [cell for cell in release.cells if cell.cell_type == "code"][1:]:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        value, _ = run(Cell(grade_id, 0, answers.get(grade_id, cell.source)), namespace)
        if grade_id.startswith("test_"):
            states[grade_id] = value.status
    return states


def _bound_by(statement: ast.stmt) -> set[str]:
    """Return the names that a statement binds; comprehensions keep theirs to themselves."""
    if isinstance(statement, ast.FunctionDef):
        return {statement.name}
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    inner = [part for part in getattr(statement, "body", []) if isinstance(part, ast.stmt)]
    found = {node.id for target in targets if target for node in ast.walk(target) if isinstance(node, ast.Name)}
    return found.union(*map(_bound_by, inner)) if inner else found
