"""What a simulation says, against what can be worked out by hand, and against itself."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from mini_lib.config import ModelConfig
from mini_lib.dispatch import CUDAGraphMode
from mini_lib.scheduling import (
    FAMILIES,
    Lengths,
    SchedulerConfig,
    WorkloadRequest,
    event_loop_normal,
    offline_ramp,
    poisson,
)
from mini_lib.sim import PROFILES, StepPricer, simulate
from mini_lib.sim.runner_device import COPIES_PER_STEP
from mini_lib.timing import CPU, GPU, LaunchCosts
from mini_lib.timing.trace_file import TraceFile, read_trace
from tests.sim.pricing_by_playing import COSTS, PROFILE, PlayingPricer

TINY, QWEN, H200 = ModelConfig.tiny(), ModelConfig.qwen3_0_6b(), PROFILES["H200"]
LOOPS = ["normal", "overlap"]
MODES = [CUDAGraphMode.NONE, CUDAGraphMode.PIECEWISE, CUDAGraphMode.FULL]
PRICER = PlayingPricer(COSTS)
CROWD = [WorkloadRequest((5, 0, 3, 1), 20)] * 4
# Gaps and latencies of 0, so that a step's time is a sum on either side.
PLAIN = LaunchCosts(
    launch_us=2.0, graph_launch_us=3.0, graph_node_us=0.0, gap_us=0.0, graph_gap_us=0.0, latency_us=0.0, sync_us=4.0
)


def constant_steps(step_us, kernel_us, loop):
    """Return the times between tokens where every step costs the same, and the CPU's and the GPU's share of a step."""
    profile = PROFILE.with_values(launch=PLAIN, step_us=step_us, request_us=1.5, kernel_us=0.0)
    pricer = PlayingPricer(PLAIN, kernel_us=kernel_us, row_us=0.0, kv_us=0.0)
    result = simulate(CROWD, TINY, profile, mode=CUDAGraphMode.NONE, loop=loop, pricer=pricer)
    launches = 8
    cpu_us = step_us + len(CROWD) * 1.5 + (COPIES_PER_STEP + launches) * PLAIN.launch_us + PLAIN.sync_us
    return result.emissions.times_of(0), cpu_us, launches * kernel_us


def gaps(times_us):
    return [later - earlier for earlier, later in pairwise(times_us)]


@pytest.mark.parametrize(("step_us", "kernel_us"), [(50.0, 40.0), (500.0, 40.0), (10.0, 90.0)])
def test_the_normal_loop_takes_the_sum_of_cpu_and_gpu_and_the_overlap_loop_the_larger(step_us, kernel_us):
    times, cpu_us, gpu_us = constant_steps(step_us, kernel_us, "normal")
    # A kernel runs while the next is launched, so launches of a kernel's length or less are hidden but for the first.
    hidden_us = 7 * PLAIN.launch_us
    assert gaps(times) == pytest.approx([cpu_us + gpu_us - hidden_us] * 19)
    times, cpu_us, gpu_us = constant_steps(step_us, kernel_us, "overlap")
    assert gaps(times)[1:-1] == pytest.approx([max(cpu_us, gpu_us)] * 17)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("family", FAMILIES)
def test_no_loop_is_faster_than_its_cpu_or_its_gpu(family, loop):
    for seed in range(4):
        result = simulate(FAMILIES[family](seed), TINY, PROFILE, loop=loop, pricer=PRICER, timeline="steps")
        waits = [span for span in result.timeline.lane(CPU) if span.name.startswith("wait")]
        cpu_us = result.timeline.busy_us(CPU) - sum(span.duration_us for span in waits)
        assert result.timeline.duration_us >= max(cpu_us, result.gpu_busy_us)


def test_overlap_is_faster_where_both_work_and_no_answer_changes():
    for policy in ("mixed", "prefill_first"):
        workload = FAMILIES["gated"](3, policy=policy)
        normal, overlap = (simulate(workload, TINY, PROFILE, loop=loop, pricer=PRICER) for loop in LOOPS)
        assert overlap.summary.duration_us < normal.summary.duration_us
        assert overlap.finish_reasons == normal.finish_reasons
        assert overlap.summary.num_tokens == normal.summary.num_tokens


@pytest.mark.parametrize("loop", LOOPS)
def test_in_launch_bound_decode_less_is_launched_from_mode_to_mode_and_steps_are_shorter(loop):
    steps = [simulate(CROWD, QWEN, H200, mode=mode, loop=loop).summary.itl_us.p50 for mode in MODES]
    assert steps[0] > 2 * steps[1] > 2 * steps[2]
    idle = [simulate(CROWD, QWEN, H200, mode=mode, loop=loop).gpu_idle_share for mode in MODES]
    assert idle[0] > idle[1] > idle[2]


def test_rows_are_padded_as_the_dispatcher_pads_them_and_steps_counted_by_mode():
    # Three rows decode in the graph for 4; prompts of 12 tokens in that for 16; nobody is in the graph for 32.
    requests = [WorkloadRequest((1, 2, 3, 4), 6)] * 3
    result = simulate(requests, TINY, PROFILE, capture_sizes=[4, 16, 32], pricer=PRICER, loop="normal")
    assert result.steps_by_mode == {CUDAGraphMode.PIECEWISE: 1, CUDAGraphMode.FULL: 5}
    assert (result.num_tokens, result.padded_tokens) == (12 + 5 * 3, 4 + 5 * 1)
    assert result.padding_share == pytest.approx(9 / 36)
    assert result.num_steps == 6
    eager = simulate(requests, TINY, PROFILE, capture_sizes=[], pricer=PRICER)
    assert eager.steps_by_mode == {CUDAGraphMode.NONE: 6} and eager.padded_tokens == 0


def test_graphs_are_counted_as_they_are_captured():
    full, none = (simulate(CROWD, TINY, H200, mode=mode, capture_sizes=[1, 2, 4]) for mode in (MODES[2], MODES[0]))
    assert (full.startup.graphs, none.startup.graphs) == (3, 0)
    assert full.startup.seconds > none.startup.seconds == 0


def test_the_same_simulation_twice_is_the_same():
    for family in FAMILIES.values():
        first, second = (simulate(family(9), TINY, PROFILE, pricer=PRICER) for _ in range(2))
        assert list(first.emissions.tokens()) == list(second.emissions.tokens())
        assert first.summary == second.summary


FASTER = {
    "memory": {"copy_gb_per_s": 2 * H200.copy_gb_per_s}, "arithmetic": {"tflops": 2 * H200.tflops},
    "kernels": {"kernel_us": H200.kernel_us / 2}, "scheduler": {"step_us": 0.0}, "requests": {"request_us": 0.0},
    "launches": {"launch": replace(H200.launch, launch_us=1.0)}, "gaps": {"launch": replace(H200.launch, gap_us=0.1)},
    "queue": {"launch": replace(H200.launch, queue_depth=4096)},
}  # fmt: skip


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("name", FASTER)
def test_a_faster_machine_is_never_slower_where_everybody_is_there_from_the_start(name, loop):
    # Then no decision depends on time. With arrivals a faster machine may batch worse, and be slower for somebody.
    for seed, mode in enumerate(MODES):
        requests = offline_ramp(12, lengths=Lengths((1, 60), (1, 20)), seed=seed)
        profiles = H200, H200.with_values(**FASTER[name])
        slow, fast = (simulate(requests, QWEN, profile, mode=mode, loop=loop) for profile in profiles)
        assert list(fast.emissions.runs) == list(slow.emissions.runs)
        assert all(a <= b for a, b in zip(fast.emissions.times_us, slow.emissions.times_us, strict=True))


@pytest.mark.parametrize("timeline", ["steps", "kernels"])
@pytest.mark.parametrize("loop", LOOPS)
def test_a_timeline_is_consistent(loop, timeline):
    for family in FAMILIES.values():
        result = simulate(family(4), TINY, PROFILE, loop=loop, pricer=PRICER, timeline=timeline)
        whole = result.timeline
        for name in whole.lanes:
            lane = whole.lane(name)
            assert all(a.end_us <= b.start_us + 1e-9 for a, b in pairwise(lane)), "one after another"
            assert whole.busy_us(name) + whole.idle_us(name) == pytest.approx(whole.duration_us)
        launched = {span.name.split()[-1]: span for span in whole.lane(CPU) if span.name.startswith("launch")}
        if timeline == "steps":
            for span in whole.lane(GPU):
                assert launched[span.name.split()[-1]].start_us < span.start_us
        assert whole.lane(CPU)[0].name == "schedule"


@pytest.mark.parametrize("loop", LOOPS)
def test_the_order_of_launching_and_processing_is_the_loops(loop):
    result = simulate(CROWD, TINY, PROFILE, loop=loop, pricer=PRICER, timeline="steps")
    at = {span.name: span.start_us for span in result.timeline.lane(CPU)}
    overlapped = [at[f"launch {step}"] < at[f"process {step - 1}"] for step in range(1, result.num_steps)]
    assert set(overlapped) == {loop == "overlap"}


def test_a_timeline_goes_to_a_file_and_says_that_it_was_simulated(tmp_path):
    result = simulate(CROWD, TINY, PROFILE, pricer=PRICER, timeline="kernels")
    result.trace_file(command="a test").save(tmp_path / "trace.json")
    assert TraceFile.load(tmp_path / "trace.json").timeline == result.timeline
    made_by = read_trace(tmp_path / "trace.json").made_by
    assert (made_by["kind"], made_by["command"], made_by["loop"]) == ("simulated", "a test", "overlap")
    with pytest.raises(ValueError, match="kept no timeline"):
        simulate(CROWD, TINY, PROFILE, pricer=PRICER).trace_file()


def test_figures_of_one_request_follow_from_its_times():
    result = simulate([WorkloadRequest((1, 2), 3, arrival_us=250.0)], TINY, PROFILE, pricer=PRICER, loop="normal")
    first, second, third = result.emissions.times_of(0)
    summary = result.summary
    assert summary.ttft_us.mean == first - 250.0
    assert summary.tpot_us.mean == pytest.approx((third - first) / 2)
    assert summary.itl_us.max == max(second - first, third - second)
    assert summary.tokens_per_s == pytest.approx(3 / (third - 250.0) * 1e6)
    assert result.gpu_us < third - 250.0, "the first scheduling and the last processing are no time of the GPU"


def test_the_gpus_time_begins_with_the_first_launch():
    late, soon = (
        simulate([WorkloadRequest((1, 2), 3, arrival_us=us)], TINY, PROFILE, pricer=PRICER) for us in (9000.0, 0.0)
    )
    assert late.gpu_us == pytest.approx(soon.gpu_us)
    assert late.gpu_idle_share == pytest.approx(soon.gpu_idle_share)
    assert 0 < late.gpu_idle_share < 1


def test_a_loop_of_ones_own_is_simulated_too_and_may_return_nothing():
    def loop(scheduler, runner):
        for _ in event_loop_normal(scheduler, runner):
            pass

    own, ours = (simulate(CROWD, TINY, PROFILE, loop=one, pricer=PRICER) for one in (loop, "normal"))
    assert own.summary == ours.summary and own.loop == "loop"


def test_the_table_shows_every_figure():
    text = str(simulate(CROWD, TINY, H200))
    for word in ("TTFT", "TPOT", "ITL", "tokens/s", "GPU idle", "FULL", "padding", "graphs", "MiB", "overlap"):
        assert word in text


@pytest.mark.parametrize(("arguments", "message"), [
    ({"workload": []}, "holds no request"),
    ({"loop": "both"}, "there is no loop 'both'"),
    ({"mode": "FULL"}, "mode is 'FULL'"),
    ({"timeline": "all"}, "timeline is 'all'"),
    ({"style": "fast"}, "style"),
    ({"fast_forward": True, "timeline": "steps"}, "keeps no timeline"),
    ({"fast_forward": True, "loop": event_loop_normal}, "step by step"),
    ({"workload": [WorkloadRequest((1,) * 200, 100)]}, "the context holds 256"),
    ({"workload": [WorkloadRequest((), 1)]}, "empty prompt"),
    ({"workload": FAMILIES["retract"](0), "scheduler_config": SchedulerConfig(
        max_num_seqs=2, max_num_batched_tokens=8, block_size=1, num_blocks=3, max_model_len=64)}, "could never finish"),
])  # fmt: skip
def test_bad_input_is_refused_with_a_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate(**{"workload": CROWD, "model": TINY, "profile": H200, **arguments})


@pytest.mark.parametrize("wrong", [{"model": "tiny"}, {"profile": "H200"}])
def test_a_name_in_place_of_a_model_or_a_profile_is_refused_with_the_way_out(wrong):
    with pytest.raises(TypeError, match=r"is the text .* give the thing itself"):
        simulate(**{"workload": CROWD, "model": TINY, "profile": H200, **wrong})


def test_a_server_that_gets_more_than_it_can_do_lets_its_users_wait():
    lengths = Lengths((10, 30), (10, 30))
    calm, crowded = (
        simulate(poisson(60, rate_per_s=rate, lengths=lengths), QWEN, H200, loop="overlap") for rate in (5.0, 2000.0)
    )
    assert crowded.summary.ttft_us.p99 > 5 * calm.summary.ttft_us.p99
    assert crowded.gpu_idle_share < calm.gpu_idle_share
    pricer = StepPricer(QWEN, "fused", H200)
    again = simulate(poisson(60, rate_per_s=5.0, lengths=lengths), QWEN, H200, pricer=pricer)
    assert again.summary == calm.summary
