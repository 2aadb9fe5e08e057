"""What an eager trace says of graphs, pieces and overlap, against the simulated runs with them."""

from __future__ import annotations

import pytest

from mini_lib.diagnosis import diagnose_trace
from mini_lib.timing import Kernel, LaunchQueue, Span, Timeline, decode_step
from tests.diagnosis.programs import FAST_HOST, eager, graph, loop, moved, overlapped, pieces

STEPS = [(40, 3.0, 20.0), (120, 2.0, 150.0), (40, 7.0, 20.0), (30, 20.0, 0.0), (40, 6.4, 400.0)]
OF_STEPS = pytest.mark.parametrize("step", STEPS, ids=str)
CLOSE = 0.003  # less than pieces and whole graphs differ by: what a mistake of either would show


def per_step(run, body):
    """How long a steady step takes: the time of 30 less that of 10, so that beginnings and ends are gone."""
    return (run(body, steps=30).duration_us - run(body, steps=10).duration_us) / 20


def predicted(road, body, steps=10):
    found = diagnose_trace(loop(body, steps=steps))
    return found.gains.of(road).then_us / found.steady.num_stretches


@OF_STEPS
def test_graphs_give_what_the_eager_trace_alone_predicts(step):
    assert predicted("CUDA graphs", eager(*step)) == pytest.approx(per_step(loop, graph(*step)), rel=CLOSE)


@OF_STEPS
def test_pieces_give_what_the_eager_trace_alone_predicts(step):
    assert predicted("piecewise graphs", eager(*step)) == pytest.approx(per_step(loop, pieces(*step)), rel=CLOSE)


@OF_STEPS
@pytest.mark.parametrize(("road", "body"), [("overlap", eager), ("graphs and overlap", graph)])
def test_overlap_gives_what_the_eager_trace_alone_predicts(step, road, body):
    # Of its 40 steps the first hides nothing, and the last is hidden by nothing: hence the larger tolerance.
    assert predicted(road, eager(*step), steps=40) == pytest.approx(per_step(overlapped, body(*step)), rel=0.04)


@pytest.mark.parametrize("num_kernels", [5, 40, 300])
@pytest.mark.parametrize("kernel_us", [1.0, 3.0, 12.0])
def test_one_step_alone_is_enough(num_kernels, kernel_us):
    both = decode_step(num_kernels, kernel_us, prepare_us=0.0)
    gain = diagnose_trace(both.eager).gains.of("CUDA graphs")
    assert gain.now_us == pytest.approx(both.eager.duration_us)
    assert gain.then_us == pytest.approx(both.graph.duration_us, rel=CLOSE)
    assert gain.best_us <= gain.then_us <= gain.worst_us


def test_the_program_played_again_takes_as_long_as_its_trace():
    for body in (eager(), graph(), pieces(), eager(kernel_us=30.0)):
        found = diagnose_trace(loop(body))
        if found.gains.model_error is not None:
            assert abs(found.gains.model_error) < 0.01
    assert diagnose_trace(loop(eager())).gains.model_error is not None


def test_what_is_a_graph_already_is_promised_no_graphs():
    gains = diagnose_trace(loop(graph())).gains
    with pytest.raises(KeyError, match="no gain of 'CUDA graphs'"):
        gains.of("CUDA graphs")
    assert gains.of("overlap").speedup > 1.1


def test_a_gpu_bound_program_is_promised_little_even_with_a_thousand_launches():
    found = diagnose_trace(loop(eager(num_kernels=1000, kernel_us=9.0), steps=4))
    assert found.gains.of("CUDA graphs").speedup < 1.05


def test_costs_that_the_trace_shows_are_taken_from_it():
    found = diagnose_trace(loop(eager(num_kernels=400), costs=FAST_HOST))
    assert found.gains.costs.gap_us == pytest.approx(FAST_HOST.gap_us)
    slower = diagnose_trace(moved(loop(eager()), times=3.0))
    assert slower.gains.costs.latency_us == pytest.approx(6.0)
    assert slower.gains.costs.sync_us == pytest.approx(15.0)


def test_where_nobody_knows_who_launched_what_there_is_a_bound_and_no_more():
    spans = [s for place, s in enumerate(loop(eager()).spans) if s.lane == "CPU" or place % 7]  # kernels got lost
    found = diagnose_trace(Timeline(spans))
    gain = found.gains.of("CUDA graphs")
    assert gain.is_bound and found.gains.model_error is None
    assert gain.speedup == pytest.approx(1 / (1 - found.shares.launching))
    assert "at most" in str(gain) and "Only bounds" in str(found)


def test_a_program_that_does_not_play_as_it_was_gets_bounds():
    queue = LaunchQueue()
    for _ in range(8):  # the side stream runs a long kernel, and the main one waits for it on the GPU
        eager(10, 3.0)(queue)
        queue.launch(Kernel("long", 400.0), stream="GPU side")
        queue.wait_event(queue.record_event("GPU side"))
        queue.launch(Kernel("long", 400.0))
    found = diagnose_trace(queue.timeline())
    assert abs(found.gains.model_error) > 0.1
    assert all(gain.is_bound for gain in found.gains.gains)
    assert "misses the trace by" in str(found)


def test_a_wrong_model_of_graphs_would_be_caught():
    # The mistake: launching is taken away and the gaps between kernels with it.
    found = diagnose_trace(loop(eager()))
    wrong_us = found.shares.computing * found.gains.of("CUDA graphs").now_us / found.steady.num_stretches
    assert wrong_us != pytest.approx(per_step(loop, graph()), rel=0.2)


def test_a_span_of_no_length_does_no_harm():
    timeline = Timeline([*loop(eager()).spans, Span("CPU", "mark", 50.0, 50.0)])
    assert diagnose_trace(timeline).shares == diagnose_trace(loop(eager())).shares
