"""Lab 4's tests are good: wrong answers lose and are told why, right ones lose nothing, the stub is not attempted."""

from mini_lib import default_capture_sizes
from mini_lib.labs import lab04 as library
from mini_lib.learn import Case
from tests.labs.cells import Cell, graded, run
from tests.labs.lab_rules import AnswerTests, Rules

BEYOND_THE_CEILING = Case((256, 8192, 544), [1, 2, 4, *range(8, 256, 8), *range(256, 545, 16)])
RULES = Rules(
    lab="lab04",
    library=library,
    exercises=(
        library.DEFAULT_SIZES,
        library.SIZE_FOR,
        library.PADDING_WASTE,
        library.PAD_BATCH,
        library.BEST_SIZES,
        library.BREAK_EVEN,
    ),
    points=20,
    least_mutants=70,
    least_right_answers=6,
    least_secret_lines=100,
    withheld_call="from mini_lib.dispatch import CaptureSizes\nprint(CaptureSizes([1, 8]).pad(5))",
    library_answers=(default_capture_sizes,),
    hidden_cases={"default_sizes": (BEYOND_THE_CEILING,)},  # one wrong idea about explicit maxima shows nowhere else
)


class TestAnswers(AnswerTests):
    rules = RULES

    def test_another_seed_still_knows_a_good_ladder_from_the_best(self):
        mine = f"SEED = {RULES.notebook.lab.seed}\n"
        greedy = next(one for one in RULES.notebook.answers.mutants if one.name == "best_sizes: greedy")
        gap = next(cell for cell in RULES.test_cells() if cell.grade_id == "test_best_sizes__gap")
        namespace = dict(RULES.notebook.solved)
        run(Cell("", 0, greedy.code), namespace)
        other = gap._replace(source=gap.source.replace(mine, "SEED = 987654\n"))
        assert other != gap
        assert graded(other, namespace).score < gap.points
