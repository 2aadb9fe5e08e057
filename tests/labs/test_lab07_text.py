"""Lab 7 as a student meets it: it runs to its end however much is solved, gives nothing away, and tells the truth."""

import itertools
from random import Random

import pytest

from mini_lib import withheld
from mini_lib.engine import FutureMap
from mini_lib.labs import lab07 as library
from mini_lib.labs.lab07.desk import Costs
from mini_lib.labs.lab07.loop_run import run_loop
from mini_lib.labs.lab07.map_script import run_script
from mini_lib.labs.lab07.pictures import timeline_of
from mini_lib.labs.lab07.ring_run import CHUNK, run_in_ring
from mini_lib.labs.lab07.ring_workload import ring_table
from mini_lib.learn import judge
from mini_lib.scheduling import event_loop_normal, event_loop_overlap
from tests.labs.lab_rules import TextTests
from tests.labs.test_lab07_answers import RULES


class TestText(TextTests):
    rules = RULES


def test_the_closed_form_is_what_loops_take_on_the_virtual_device(oracle):
    rng = Random(3)
    for _ in range(40):
        steps, costs = rng.randrange(1, 9), Costs(*(float(rng.randrange(10, 900)) for _ in range(3)))
        taken = [
            timeline_of(run_loop(loop, [([1], steps, 0.0)], {}, overlap=overlap, costs=costs)).end_us
            for loop, overlap in ((event_loop_normal, False), (event_loop_overlap, True))
        ]
        assert taken == oracle["oracle_loop_times"](steps, *costs)


def test_the_fewest_steps_are_what_trying_all_small_workloads_finds(oracle):
    kinds = [(CHUNK * pieces, new) for pieces in (1, 2, 4, 5, 6, 7) for new in (1, 2, 3)]
    workloads = [[list(request) for request in some] for some in itertools.product(kinds, repeat=2)]
    workloads += [[[1, 2], list(first), list(second)] for first, second in itertools.product(kinds, repeat=2)]
    for max_num_seqs in (2, 3):
        runs = (run_in_ring(workload, max_num_seqs) for workload in workloads)
        assert min(one.lost.step + 1 for one in runs if one.lost) == oracle["oracle_fewest_steps"](max_num_seqs)


def test_credit_falls_in_a_straight_line_from_all_to_nothing_at_twice_the_steps(oracle):
    credit = oracle["oracle_steps_credit"]
    assert [credit({4: steps})[0] for steps in (5, 10, 40)] == [1, 0, 0]
    assert credit({2: 7, 3: 9})[0] == pytest.approx((1 + 0.5) / 2)


def test_scripts_of_the_oracle_ask_only_for_what_a_ring_remembers(oracle, lab07):
    ring, rng = lab07.solved["RingFutureMap"], Random(9)
    for max_num_seqs in (1, 2, 3, 5):
        for script in (
            oracle["oracle_ring_script"](rng, max_num_seqs, 40),
            oracle["oracle_full_ring"](rng, max_num_seqs),
        ):
            assert run_script(ring, max_num_seqs, script)["told"] == ""


def test_the_librarys_own_map_and_loops_pass_while_no_lab_is_open():
    withheld.begin("")
    assert judge(library.POOL_FUTURE_MAP, FutureMap).status == "right"
    assert judge(library.EVENT_LOOP_NORMAL, event_loop_normal).status == "right"
    assert judge(library.EVENT_LOOP_OVERLAP, event_loop_overlap).status == "right"


def test_the_visible_workloads_have_gaps_and_steps_after_which_nothing_can_be_launched():
    withheld.begin("")
    logs = [run_loop(event_loop_overlap, *case.args, overlap=True)["log"] for case in library.EVENT_LOOP_OVERLAP.cases]
    assert any("wait for arrival" in log for log in logs)
    assert sum("schedule: None" in log for log in logs) >= 3


def test_the_table_of_the_ring_marks_the_place_that_was_overwritten():
    run = run_in_ring([[1, 2], [16, 1], [16, 1], [16, 1]], 4)
    last = ring_table(run, 4).text.splitlines()[-1]
    assert last.startswith("step 4   ✘ ")
    assert "A reads its token: overwritten" in last
