"""The sample class, written from short recipes: `python -m autograde.recipes` (from the repository's root).

Each student is one kind of submission that graders meet. Right and wrong answers are taken by name from the lab's
`mutants.py`; what happened to the notebook as a file is done to it here. What grading must give stands in
`golden.json`; after a change that is meant, look at the new results before you keep them:

    python -m autograde grade autograde/sample_class --json > golden.json
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograde.course import Course, Lab
from autograde.inside.results import write_whole
from autograde.mutants import load_answers

Notebook = dict[str, Any]
LAB = "lab04"
RIGHT = {
    "default_sizes": "default_sizes without the given grid",
    "size_for": "size_for by bisection",
    "padding_waste": "padding_waste from fractions, one step at a time",
    "pad_batch": "pad_batch with another harmless token",
    "best_sizes": "best_sizes by recursion with a memory",
    "break_even_steps": "break_even_steps by doubling and halving",
}


@dataclass(frozen=True)
class Recipe:
    """One student: named answers, answers in their own words, and what became of the file."""

    named: Mapping[str, str] = field(default_factory=lambda: RIGHT)
    written: Mapping[str, str] = field(default_factory=dict)
    change: Callable[[Notebook], Notebook | str | None] = lambda notebook: None


def cell(notebook: Notebook, grade_id: str) -> dict[str, Any]:
    """Return the cell that nbgrader knows by this name."""
    return next(one for one in notebook["cells"] if one["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)


def delete_a_test(notebook: Notebook) -> None:
    notebook["cells"].remove(cell(notebook, "test_size_for"))


def edit_a_test(notebook: Notebook) -> None:
    cell(notebook, "test_padding_waste")["source"] = "print('passed')"


def copy_an_answer(notebook: Notebook) -> None:
    """A first try above, the right answer in a copy below its test; both carry nbgrader's marks."""
    test, answer = cell(notebook, "test_size_for"), cell(notebook, "size_for")
    second = copy.deepcopy(answer)
    answer["source"] = "def size_for(num_tokens, sizes):\n    return sizes[-1]"
    notebook["cells"].insert(notebook["cells"].index(test) + 1, second)


def lose_metadata(notebook: Notebook) -> None:
    """What export and import by another tool leaves: text and types, nothing else."""
    for one in notebook["cells"]:
        one["metadata"] = {}
        del one["id"]
    notebook["nbformat_minor"] = 4


def save_on_colab(notebook: Notebook) -> None:
    """Colab moves each id into the metadata, and a scratch cell is left at the end."""
    notebook["metadata"]["colab"] = {"provenance": []}
    notebook["nbformat_minor"] = 0
    for one in notebook["cells"]:
        one["metadata"]["id"] = one.pop("id")
    scratch = {"cell_type": "code", "source": "size_for(3)", "metadata": {"id": "q7ScratchCell"}}
    notebook["cells"].append({**scratch, "outputs": [], "execution_count": None})


def hand_in_a_page(notebook: Notebook) -> str:
    return "<!DOCTYPE html>\n<html><body><h1>Sign in to continue</h1></body></html>\n"


LOOKUP_HEAD = "def size_for(num_tokens, sizes):\n"
LOOKUP = "    return next((size for size in sizes if size >= num_tokens), None)\n"
CLASS = {
    "perfect": Recipe(),
    "untouched": Recipe(named={}),
    "half_done": Recipe({name: RIGHT[name] for name in ("default_sizes", "size_for", "padding_waste")}),
    "one_wrong": Recipe({**RIGHT, "padding_waste": "padding_waste: divided by real rows"}),
    "partial": Recipe({**RIGHT, "best_sizes": "best_sizes: greedy"}),
    "hard_coded": Recipe({**RIGHT, "size_for": "size_for: knows the visible cases only"}),
    "calls_the_library": Recipe({**RIGHT, "default_sizes": "default_sizes: calls the library"}),
    "syntax_error": Recipe(written={"size_for": "def size_for(num_tokens, sizes)\n" + LOOKUP}),
    "infinite_loop": Recipe(
        written={
            "break_even_steps": "def break_even_steps(histogram, few, many, ms_per_graph, us_per_padded_row):\n"
            "    steps = 1\n    while steps > 0:\n        steps += 1\n    return steps\n"
        }
    ),
    "prints_a_lot": Recipe(
        written={"size_for": f"{LOOKUP_HEAD}    print('looking for', num_tokens, '.' * 99)\n{LOOKUP}"}
    ),
    "warns_on_stderr": Recipe(
        written={"size_for": f"import warnings\n\n\n{LOOKUP_HEAD}    warnings.warn('slow', stacklevel=2)\n{LOOKUP}"}
    ),
    "kernel_dies": Recipe(
        written={
            "best_sizes": "import os\n\n\ndef best_sizes(*args, **kwargs):\n    # as compiled code that crashes\n"
            "    os.abort()\n"
        }
    ),
    "deleted_cell": Recipe(change=delete_a_test),
    "edited_test": Recipe({**RIGHT, "padding_waste": "padding_waste: share of steps"}, change=edit_a_test),
    "duplicated_cell": Recipe(change=copy_an_answer),
    "lost_metadata": Recipe(change=lose_metadata),
    "saved_on_colab": Recipe(change=save_on_colab),
    "not_a_notebook": Recipe(named={}, change=hand_in_a_page),
}


def submissions(course: Course, lab: Lab) -> dict[str, str]:
    """Return the text of each student's file."""
    released = json.loads(course.release_path(lab).read_text(encoding="utf-8"))
    code = {one.name: one.code for one in load_answers(lab.folder / "mutants.py").all()}
    return {student: _file(copy.deepcopy(released), recipe, code) for student, recipe in CLASS.items()}


def _file(notebook: Notebook, recipe: Recipe, code: Mapping[str, str]) -> str:
    answers = {**{exercise: code[name] for exercise, name in recipe.named.items()}, **recipe.written}
    for exercise, source in answers.items():
        cell(notebook, exercise)["source"] = source.strip("\n")
    made = recipe.change(notebook)
    return made if isinstance(made, str) else json.dumps(made or notebook, indent=1, ensure_ascii=False) + "\n"


def path_of(course: Course, lab: Lab, student: str) -> Path:
    """Return where a student of the sample class hands in."""
    return course.sample_class / student / lab.name / f"{lab.name}.ipynb"


def main() -> int:
    """Write the sample class and say where."""
    course = Course()
    lab = course.lab(LAB)
    for student, text in submissions(course, lab).items():
        write_whole(path_of(course, lab, student), text)
    print(f"{len(CLASS)} submissions in {course.sample_class.relative_to(course.root)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
