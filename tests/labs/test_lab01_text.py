"""Lab 1 as a student meets it: it runs to its end however much is solved, gives nothing away, and tells the truth."""

from random import Random

import pytest

from mini_lib import withheld
from mini_lib.config import ModelConfig
from mini_lib.labs import lab01 as library
from mini_lib.labs.lab01 import fitting, pictures, servers, sweep, traces
from mini_lib.learn import judge
from mini_lib.sim.crossover import launch_bound_until
from mini_lib.sim.launch_sum import LaunchSum
from mini_lib.sim.profiles import PROFILES
from mini_lib.sim.recorded import MACHINE, RecordedRun
from mini_lib.timing import ASSUMED, CPU, GPU, Kernel, LaunchCosts, LaunchQueue
from tests.labs.lab_rules import TextTests
from tests.labs.test_lab01_answers import RULES

NOTHING = {"launch_us": 0, "graph_launch_us": 0, "graph_node_us": 0, "gap_us": 0, "graph_gap_us": 0}
RIGHT_FITS = [one for one in RULES.notebook.answers.right if one.exercise == "fit"]


class TestText(TextTests):
    rules = RULES


def queue(**costs) -> LaunchQueue:
    """Return a queue of the library in which only what is named costs anything."""
    return LaunchQueue(LaunchCosts(**{**NOTHING, "latency_us": 0, "sync_us": 0, **costs}))


def played(kernel_us, launch_us, gap_us, latency_us, queue_depth) -> list:
    """Return what the library's own queue makes of the arguments of task 1.2."""
    launching = queue(launch_us=launch_us, gap_us=gap_us, latency_us=latency_us, queue_depth=queue_depth)
    for us in kernel_us:
        launching.launch(Kernel("kernel", us))
    timeline = launching.timeline()
    return [[[span.start_us, span.end_us] for span in timeline.lane(lane)] for lane in (CPU, GPU)]


def answer(code: str, name: str):
    namespace: dict = {}
    exec(code, namespace)
    return namespace[name]


def test_the_oracle_and_the_librarys_queue_agree_on_a_thousand_steps(oracle):
    for args in oracle["oracle_queue_cases"](Random(1), 1000):
        assert oracle["oracle_launch_queue"](*args) == played(*args)


def test_the_librarys_own_queue_passes_while_no_lab_is_open():
    withheld.begin("")
    assert judge(library.LAUNCH_QUEUE, played).status == "right"


def test_the_librarys_prices_and_crossovers_are_withheld_too():
    withheld.begin("lab01")
    with pytest.raises(withheld.Withheld, match="withheld in lab 1: write your own"):
        launch_bound_until(ModelConfig.tiny(), "fused", PROFILES["H200"])


def test_a_queue_or_a_row_of_launches_that_was_made_without_the_lab_noticing_is_withheld_as_well():
    withheld.begin("")
    made, row = queue(launch_us=7.5), LaunchSum(7.5, 4.0, 3.0, 0, 1, 0, ((0, 12.5),))
    withheld.begin("lab01")
    for answer in (lambda: made.launch(Kernel("kernel", 3.0)), lambda: row.repeated(8)):
        with pytest.raises(withheld.Withheld, match="withheld in lab 1: write your own"):
            answer()


def test_the_closed_form_is_what_the_librarys_queue_plays(oracle):
    for args in oracle["oracle_equal_kernels"](Random(2), 90):
        num_kernels, kernel_us, *costs = args
        us, regime = oracle["oracle_step_time"](*args)
        assert played([kernel_us] * num_kernels, *costs, 10**6)[1][-1][1] == pytest.approx(us, rel=1e-9)
        assert regime == ("launch-bound" if costs[0] > kernel_us + costs[1] else "GPU-bound")


def test_instances_of_the_closed_form_are_far_from_the_border_of_its_regimes(oracle):
    for _, kernel_us, launch_us, gap_us, _ in oracle["oracle_equal_kernels"](Random(3), 300):
        assert abs(launch_us - kernel_us - gap_us) > 0.1


def test_the_crossover_is_where_steps_in_a_row_begin_to_take_as_long_as_the_gpu_works(oracle):
    for kernels, costs, mode, max_batch in oracle["oracle_models"](Random(4), 12):
        batch = oracle["oracle_crossover"](kernels, costs, mode, max_batch)
        if batch is None:
            continue
        assert not gpu_bound(kernels, costs, mode, batch - 1) or batch == 1
        assert gpu_bound(kernels, costs, mode, batch)


def gpu_bound(kernels, costs, mode, batch) -> bool:
    """Play sixty steps in a row on the library's queue: does the last take what the GPU's lane of one step takes?

    Between two replays the library keeps an ordinary gap; the lab leaves that out and says so, and so does this queue.
    """
    gap_us = costs["gap_us" if mode == "eager" else "graph_gap_us"]
    prices = {"launch_us": costs["launch_us"], "graph_launch_us": costs["graph_launch_us"]}
    launching = queue(**prices, gap_us=gap_us, graph_gap_us=gap_us, queue_depth=10**6)
    step = [Kernel("kernel", weights + batch * row) for weights, row in kernels]
    ends = []
    for _ in range(60):
        launching.host("host", costs["host_us"])
        if mode == "eager":
            for kernel in step:
                launching.launch(kernel)
        else:
            launching.launch_graph("step", step)
        ends.append(launching.timeline().end_us)
    return ends[-1] - ends[-2] <= sum(kernel.gpu_us + gap_us for kernel in step) + 1e-6


def test_the_visible_cases_are_what_the_oracle_says(oracle):
    asked = {
        "oracle_launch_queue": library.LAUNCH_QUEUE,
        "oracle_step_time": library.STEP_TIME,
        "oracle_crossover": library.CROSSOVER,
        "oracle_enforce_eager": library.ENFORCE_EAGER,
    }
    for name, exercise in asked.items():
        for case in exercise.cases:
            assert exercise.agrees(oracle[name](*case.args), case.expected), case


def test_the_traces_are_those_that_the_simulator_makes(oracle):
    for seed, shape, case in ((53, (110, 45), 0), (123, (40, 120), 1)):
        (launches, kernels, depth), costs = oracle["oracle_trace"](Random(seed), *shape)
        assert library.FIT.cases[case].expected == costs
        assert depth == traces.QUEUE_DEPTHS[case]
        assert list(library.FIT.cases[case].args[:2]) == [launches, kernels]


def test_the_sweep_is_what_the_simulator_ran(oracle):
    args, other_ran = oracle["oracle_sweep"](Random(8), 6)
    assert (args, other_ran) == (sweep.OTHER_SERVER, sweep.OTHER_RAN_US)
    hidden = {"launch_us": 7.5, "gap_us": 1.0, "latency_us": 2.0, "graph_launch_us": 4.0, "graph_gap_us": 0.6}
    rng, kernel = Random(7), sweep.KERNEL
    us = [kernel["weights_us"] + batch * kernel["row_us"] for _, _, batch in sweep.POINTS]
    ran = [
        oracle["oracle_noisy_step"](rng, hidden, one, *point[:2]) for one, point in zip(us, sweep.POINTS, strict=True)
    ]
    assert ran == sweep.RAN_US
    assert {name: round(one * rng.uniform(0.99, 1.01), 3) for name, one in hidden.items()} == sweep.FITTED


@pytest.mark.parametrize("right", RIGHT_FITS, ids=lambda one: one.name)
def test_a_right_fit_is_within_three_per_cent_and_five_are_allowed(oracle, right):
    rng, fit = Random(11), answer(right.code, "fit")
    for _ in range(100):
        args, costs = oracle["oracle_trace"](rng, 200, 150)
        found = fit(*args)
        assert max(abs(found[name] / us - 1) for name, us in costs.items()) < 0.03
    assert fitting.TOLERANCE == 0.05


def test_a_right_prediction_is_within_four_per_cent_of_noisy_runs_and_five_are_allowed(oracle):
    right = next(one for one in RULES.notebook.answers.right if one.exercise == "predict_sweep")
    rng, predict_sweep = Random(12), answer(right.code, "predict_sweep")
    for _ in range(60):
        args, ran = oracle["oracle_sweep"](rng, 10)
        assert max(abs(mine / us - 1) for mine, us in zip(predict_sweep(*args), ran, strict=True)) < 0.045
    assert sweep.TOLERANCE == 0.05


def test_every_reason_against_graphs_decides_some_hidden_server(oracle):
    drawn = oracle["oracle_servers"](Random(13), 40)
    decided = [oracle["oracle_enforce_eager"](server) for server in drawn]
    assert {eager for eager, _ in decided} == {True, False}
    forbidden = [server for server, (eager, seconds) in zip(drawn, decided, strict=True) if eager and seconds > 0]
    assert any(one["num_graphs"] * one["mib_per_graph"] > one["free_mib"] for one in forbidden)
    assert any(one["num_graphs"] * one["capture_ms"] / 1000 > one["startup_budget_s"] for one in forbidden)
    assert any(eager and seconds < 0 for eager, seconds in decided)


def test_the_costs_that_the_lab_calls_assumed_are_those_of_the_library():
    assert (ASSUMED.launch_us, ASSUMED.gap_us, ASSUMED.latency_us) == (pictures.LAUNCH_US, 1, 2)  # those that 1.1 names
    for server in servers.SERVERS.values():
        for name in ("launch_us", "gap_us", "graph_launch_us", "graph_gap_us"):
            assert server[name] == getattr(ASSUMED, name)


@pytest.mark.parametrize(("kernel_us", "ends_us"), [(3, 65), (6, 68), (12, 112.5)])
def test_the_step_that_opens_the_lab_is_what_the_librarys_queue_plays(kernel_us, ends_us):
    withheld.begin("")
    timeline = pictures.opening_step(kernel_us)
    drawn = [[[span.start_us, span.end_us] for span in timeline.lane(lane)] for lane in (CPU, GPU)]
    assert drawn == played([kernel_us] * 8, 7.5, 1, 2, 64)
    assert timeline.end_us == ends_us


def test_pictures_of_a_students_own_lanes_are_drawn_and_captioned(monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    verdict = judge(library.LAUNCH_QUEUE, played)
    assert library.LAUNCH_QUEUE.picture(verdict.outcomes) is not None
    assert library.show_step(3, 6, 12) is not None
    assert library.show_trace() is not None


def test_the_numbers_in_the_text_are_true(oracle):
    times = dict(zip(map(tuple, sweep.POINTS), sweep.RAN_US, strict=True))
    assert round(times["eager", 40, 4] / times["graph", 40, 4], 1) == 2.6  # "two and a half times faster"
    assert round(times["eager", 40, 256] / times["graph", 40, 256], 2) == 1.03  # "3 % faster"
    assert "two and a half times faster" in TestText().source
    head_and_tail = [
        1 - 7 * pace / oracle["oracle_step_time"](8, us, 7.5, 1, 2)[0] for us, pace in ((3, 7.5), (12, 13))
    ]
    assert [round(share, 1) for share in head_and_tail] == [0.2, 0.2]  # "with eight they are a fifth"


def test_the_part_of_the_trace_that_is_drawn_is_as_the_text_says():
    launches, kernels = library.TRACE
    waited = [launches[n][1] > kernels[n - 1][1] for n in range(107, 113)]
    assert waited == [True] * 5 + [False]  # "up to kernel 110 the GPU waits"; 111 comes so late that it waits again
    assert launches[111][1] - launches[111][0] > 6 * 7.3  # "launch 111 is an outlier"
    full = [n for n in range(7, len(launches)) if kernels[n - 7][1] > launches[n][0]]
    assert [n for n in full if n >= 107] == list(range(120, len(launches)))  # "from launch 120 on"
    assert traces.QUEUE_DEPTHS[0] == 7


def recorded(device: str, **parts) -> RecordedRun:
    """Return a run with invented rows: only their shape is that of a recorded one."""
    made = {"command": "a test", "date": "2026-01-01"}
    machine = dict.fromkeys(MACHINE, "invented") | {"device": device}
    return RecordedRun(machine, {name: {**made, "rows": rows} for name, rows in parts.items()})


def test_the_optional_cell_says_that_nothing_was_recorded_or_shows_what_was(monkeypatch, capsys):
    step = {"model": "qwen3-0.6b", "style": "naive", "batch": 8}
    rows = [{**step, "mode": "NONE", "median_us": 30.0}, {**step, "mode": "FULL", "median_us": 12.0}]
    fit = {"what": "chain fit", "eager_launch_us": 5.0, "fixed_us": 6.0, "node_us": 1.5}
    found = []
    monkeypatch.setattr("mini_lib.labs.lab01.recorded.recorded_runs", lambda: found)
    library.show_recorded()
    assert capsys.readouterr().out == "No GPU has been recorded for this course yet: " + (
        "the traces and times above are the simulator's.\n"
    )
    found += [recorded("CPU twin", step=rows), recorded("a GPU", launch=[fit], step=rows), recorded("half a GPU")]
    library.show_recorded()
    shown = capsys.readouterr().out
    assert "an eager launch takes 5.0 us, a replay 6.0 us and 1.50 us for each kernel in it" in shown
    assert "batch 8                     30.0        12.0    2.50" in shown
    assert shown.count("recorded on a GPU") == 2
    assert "twin" not in shown
