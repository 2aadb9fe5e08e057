"""Lab 4 as a student meets it: it runs to its end however much is solved, gives nothing away, and tells the truth."""

import json
from random import Random

import pytest

from mini_lib import default_capture_sizes
from mini_lib.labs import lab04 as library
from mini_lib.labs.lab04 import ladders_shown
from tests.labs.cells import ROOT
from tests.labs.lab_rules import TextTests
from tests.labs.test_lab04_answers import RULES


class TestText(TextTests):
    rules = RULES


def test_the_oracle_knows_every_row_of_production(oracle):
    facts = json.loads((ROOT / "tests" / "data" / "capture_sizes_vllm.json").read_text(encoding="utf-8"))
    rows = {(int(seqs), 8192, None): sizes for seqs, sizes in facts["default_by_max_num_seqs"].items()}
    explicit = facts["explicit_max_capture_size__max_num_seqs_256"]
    rows |= {(256, 8192, int(largest)): sizes for largest, sizes in explicit.items()}
    for limits, sizes in facts["small_max_num_batched_tokens"].items():
        seqs, tokens = map(int, limits.split("/"))
        rows[seqs, tokens, None] = sizes
    assert [args for args, sizes in rows.items() if oracle["oracle_default_sizes"](*args) != sizes] == []
    for args, runs in oracle["oracle_production_rows"]():
        assert rows[oracle["oracle_arguments"](args)] == oracle["oracle_spelled_out"](runs)


def test_the_oracle_and_the_library_agree_on_a_thousand_ladders(oracle):
    for seqs, tokens, explicit in oracle["oracle_configurations"](Random(5), 1000):
        ladder = default_capture_sizes(
            max_num_seqs=seqs, max_num_batched_tokens=tokens, max_cudagraph_capture_size=explicit
        )
        assert oracle["oracle_default_sizes"](seqs, tokens, explicit) == ladder


def test_the_known_optimum_is_what_trying_all_ladders_finds(oracle):
    rng = Random(6)
    for num_graphs in (1, 2, 3, 4, 5, 7, 9) * 5:
        traffic = oracle["oracle_histogram"](rng, 7, 30)
        best = oracle["oracle_best_ladders"](traffic, num_graphs)
        assert oracle["oracle_padded_rows"](best[0], traffic) == oracle["oracle_least_rows"](traffic, num_graphs)


def test_the_numbers_that_the_lab_shows_are_true(oracle):
    for num_graphs, rows in ladders_shown.LEAST_PADDED_ROWS.items():
        assert oracle["oracle_least_rows"](library.TRAFFIC, num_graphs) == rows
    assert oracle["oracle_padded_rows"](library.EIGHT_SIZES, library.TRAFFIC) == ladders_shown.LEAST_PADDED_ROWS[8]
    assert default_capture_sizes(max_num_seqs=256) == library.VLLM_SIZES
    for case in library.BREAK_EVEN.cases:
        assert oracle["oracle_break_even"](*case.args) == case.expected


def test_credit_falls_in_a_straight_line_from_all_to_nothing_at_ten_per_cent(oracle):
    traffic = {4: 100, 5: 7, 10: 1}  # with two sizes [4, 10] pads 35 rows; [5, 10] pads 100

    def share(num_padded):
        oracle["oracle_padded_rows"] = lambda ladder, histogram: num_padded
        return oracle["oracle_credit"]([([4, 10], traffic, 2)])[0]

    assert share(35) == 1
    assert share(35 * 1.05) == pytest.approx(0.5)
    assert share(35 * 1.1) == pytest.approx(0)
    assert share(35 * 3) == 0
