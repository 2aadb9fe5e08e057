"""Prices: the closed form equals the launch queue, launch by launch, as long as no launch has to wait."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import pytest

from mini_lib.config import ModelConfig
from mini_lib.dispatch import CUDAGraphMode
from mini_lib.sim import PROFILES, DeviceProfile, StepPricer, StepShape, steady_us, step_kernels
from mini_lib.sim.launch_sum import Hull, LaunchSum
from mini_lib.sim.pricing import READS
from mini_lib.timing import GPU, LaunchCosts, LaunchQueue
from mini_lib.timing.streams import Event

NONE, PIECEWISE, FULL = CUDAGraphMode.NONE, CUDAGraphMode.PIECEWISE, CUDAGraphMode.FULL
MODES = (NONE, PIECEWISE, FULL)
MODELS = (ModelConfig.tiny(), ModelConfig.gpt2(), ModelConfig.qwen3_0_6b(), ModelConfig.exact(),
          ModelConfig.exact(num_layers=1))  # fmt: skip
ROUNDING_US = 1e-6


def some_profile(random: Random) -> DeviceProfile:
    """Return a device nobody builds: launches may cost more than kernels, gaps nothing, graphs a lot."""

    def us(largest):
        return random.choice([0.0, random.uniform(0, largest), largest])

    launch = LaunchCosts(
        launch_us=us(12), graph_launch_us=us(40), graph_node_us=us(0.5), gap_us=us(4), graph_gap_us=us(4),
        latency_us=us(30), sync_us=5.0, queue_depth=10**6,
    )  # fmt: skip
    return replace(
        PROFILES["generic host"], launch=launch, kernel_us=us(9), own_op_us=us(20),
        copy_gb_per_s=random.uniform(20, 5000), tflops=random.uniform(1, 800),
    )  # fmt: skip


def some_shape(random: Random) -> StepShape:
    num_requests = random.randint(1, 9)
    kv_tokens = num_requests * random.randint(1, random.choice([10, 5000]))
    num_tokens = num_requests * random.choice([1, 1, 30])
    return StepShape(num_tokens, num_requests, kv_tokens * random.randint(1, 5), kv_tokens)


def played(pricer, profile, mode, shape, start_us, free_us):
    """Return (CPU time of the launches, when the GPU is done) on a queue whose GPU is free from `free_us` on."""
    queue = LaunchQueue(profile.launch)
    queue.now_us = start_us
    queue.wait_event(Event(GPU, free_us + profile.launch.gap_us))
    pricer.play(queue, mode, shape)
    return queue.now_us - start_us, queue.record_event().done_us


@pytest.mark.parametrize("seed", range(12))
def test_a_price_equals_playing_the_step_on_the_launch_queue(seed):
    random = Random(seed)
    for mode in MODES:
        model, style, profile = random.choice(MODELS), random.choice(["naive", "lean", "fused"]), some_profile(random)
        pricer, shape = StepPricer(model, style, profile), some_shape(random)
        price = pricer.price(mode, shape)
        turning_us = price.behind_us - price.gpu_us  # where who waits for whom changes
        for free_us in (-math.inf, 0.0, turning_us, turning_us + 0.5, turning_us - 0.5, 1e6):
            launch_us, done_us = played(pricer, profile, mode, shape, 17.0, 17.0 + free_us)
            assert price.launch_us == pytest.approx(launch_us, abs=ROUNDING_US)
            assert price.gpu_done_us(17.0, 17.0 + free_us) == pytest.approx(done_us, abs=ROUNDING_US)


@pytest.mark.parametrize("mode", MODES)
def test_a_price_counts_the_launches_and_the_kernels_that_the_queue_sees(mode):
    pricer, shape = StepPricer(ModelConfig.tiny(), "lean", PROFILES["H100"]), StepShape.decode(4, context=100)
    queue = LaunchQueue(PROFILES["H100"].launch)
    pricer.play(queue, mode, shape, "step 7")
    price, timeline = pricer.price(mode, shape), queue.timeline()
    words = [span.name.split()[0] for span in timeline.lane("CPU")]
    assert (price.kernels, price.graphs) == (words.count("launch"), words.count("replay"))
    assert price.busy_us == pytest.approx(timeline.busy_us("GPU"))
    names = [kernel.name for part in step_kernels(ModelConfig.tiny(), "lean", shape) for kernel in part]
    assert [span.name for span in timeline.lane("GPU")] == names


def test_a_mode_decides_how_many_graphs_a_step_launches_and_attention_stays_out_of_the_pieces():
    config, shape = ModelConfig.gpt2(), StepShape.decode(2, context=50)
    pricer = StepPricer(config, "fused", PROFILES["A100"])
    before, forward, after = step_kernels(config, "fused", shape)
    around, splitting = len(before + after), sum(kernel.splits for kernel in forward)
    assert splitting % config.num_layers == 0 and splitting >= 2 * config.num_layers
    launched = {mode: pricer.price(mode, shape)[-2:] for mode in MODES}
    assert launched[PIECEWISE] == (around + splitting, config.num_layers + 1)
    assert launched[FULL] == (around, 1)
    assert launched[NONE] == (around + len(forward), 0)


def test_the_same_kernels_are_busy_equally_long_in_every_mode():
    pricer = StepPricer(ModelConfig.qwen3_0_6b(), "naive", PROFILES["L4"])
    busy = {pricer.price(mode, StepShape.decode(8, context=700)).busy_us for mode in MODES}
    assert max(busy) == pytest.approx(min(busy), rel=1e-12)


def test_attention_is_the_only_kernel_of_a_step_that_longer_requests_make_dearer():
    for model in MODELS:
        parts = [step_kernels(model, "lean", StepShape.decode(3, context)) for context in (10, 1000)]
        changed = {
            one.name
            for short, long in zip(*parts, strict=True)
            for one, other in zip(short, long, strict=True)
            if one != other
        }
        assert changed <= READS and len(changed) == 1


def test_a_price_is_the_price_of_a_queue_that_never_fills():
    """With four places a launch waits, and then the step takes the CPU longer than its price says."""
    profile = PROFILES["H200"].with_values(launch=replace(PROFILES["H200"].launch, queue_depth=4), kernel_us=50.0)
    pricer, shape = StepPricer(ModelConfig.tiny(), "fused", profile), StepShape.decode(1, context=20)
    price = pricer.price(NONE, shape)
    assert played(pricer, profile, NONE, shape, 0.0, 0.0)[0] > price.launch_us + 1000


def test_the_steady_time_is_what_a_long_block_of_steps_takes_on_the_queue():
    """Once where launches are slow, once where kernels are, and in between."""
    for kernel_us in (0.5, 2.0, 9.0):
        launch = replace(PROFILES["H200"].launch, queue_depth=10**6)
        profile = PROFILES["H200"].with_values(kernel_us=kernel_us, launch=launch)
        pricer, shape = StepPricer(ModelConfig.gpt2(), "fused", profile), StepShape.decode(2, context=300)
        for mode in MODES:
            queue, done_us = LaunchQueue(launch), []
            for _ in range(30):
                queue.host("stage", 40.0)
                pricer.play(queue, mode, shape)
                done_us.append(queue.record_event().done_us)
            expected = steady_us(pricer.price(mode, shape), host_us=40.0)
            assert (done_us[-1] - done_us[9]) / 20 == pytest.approx(expected, rel=1e-9)


def test_a_price_depends_on_every_constant_of_launching_and_of_kernels():
    """So no constant is read and then forgotten."""
    base, shape = PROFILES["T4"], StepShape.decode(4, context=500)

    def prices(profile):
        pricer = StepPricer(ModelConfig.gpt2(), "fused", profile)
        return [pricer.price(mode, shape) for mode in MODES]

    costs = ("launch_us", "graph_launch_us", "graph_node_us", "gap_us", "graph_gap_us", "latency_us")
    others = [base.with_values(launch=replace(base.launch, **{name: 99.0})) for name in costs]
    others += [base.with_values(**{name: 99.0}) for name in ("copy_gb_per_s", "tflops", "kernel_us", "own_op_us")]
    for other in others:
        assert prices(other) != prices(base)


def test_only_the_kernels_of_the_course_pay_for_python_between_torch_and_triton():
    shape, base = StepShape.decode(4, context=100), PROFILES["H200"].with_values(own_op_us=0.0)
    for style in ("naive", "fused"):
        kernels = [kernel for part in step_kernels(ModelConfig.tiny(), style, shape) for kernel in part]
        own = sum(kernel.name.startswith("mini_lib.") for kernel in kernels)
        with_us, without_us = (
            StepPricer(ModelConfig.tiny(), style, profile).price(NONE, shape).launch_us
            for profile in (base.with_values(own_op_us=7.0), base)
        )
        assert with_us - without_us == pytest.approx(7.0 * own)
        assert 0 < own < len(kernels)


def test_a_step_of_nobody_or_of_less_than_no_context_has_no_shape():
    for batch_size, context in ((0, 5), (-1, 5), (3, -1)):
        with pytest.raises(ValueError, match=f"a batch of {batch_size} requests that see {context} positions"):
            StepShape.decode(batch_size, context)


def test_policies_and_unknown_styles_have_no_price():
    pricer = StepPricer(ModelConfig.tiny(), "fused", PROFILES["T4"])
    with pytest.raises(ValueError, match="no batch runs in FULL_AND_PIECEWISE"):
        pricer.price(CUDAGraphMode.FULL_AND_PIECEWISE, StepShape.decode(1, 5))
    with pytest.raises(ValueError, match="no costs for style 'inductor'"):
        StepPricer(ModelConfig.tiny(), "inductor", PROFILES["T4"])


def test_a_row_repeated_is_the_row_written_out():
    random = Random(3)
    for times in (0, 1, 2, 7):
        times_us = [[random.uniform(0, 9) for _ in range(3)] for _ in range(4)]
        rows = [
            LaunchSum(cpu_us, gpu_us, 1.0, reads, 1, 0, ((reads, 4 * late_us),))
            for reads, (cpu_us, gpu_us, late_us) in zip((0, 1, 0, 2), times_us, strict=True)
        ]
        row = LaunchSum.of(rows)
        folded, written_out = row.repeated(times), LaunchSum.of([row] * times)
        assert folded[:6] == pytest.approx(written_out[:6])
        for attention_us in (0.0, 1.0, 4.5, 30.0):
            heights = [
                max((us + n * attention_us for n, us in one.lines), default=0.0) for one in (folded, written_out)
            ]
            assert heights[0] == pytest.approx(heights[1])


def test_a_hull_is_the_largest_of_its_lines_everywhere():
    random = Random(5)
    for _ in range(50):
        lines = [(random.randint(0, 9), random.uniform(0, 100)) for _ in range(random.randint(1, 40))]
        hull = Hull(lines)
        for attention_us in (0.0, 0.01, 1.0, random.uniform(0, 50), 1e5):
            assert hull.at(attention_us) == pytest.approx(max(us + n * attention_us for n, us in lines))
        assert len(hull) <= len({n for n, _ in lines})
