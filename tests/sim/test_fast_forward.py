"""A leap changes nothing: bit for bit the times, counts, tokens, rows and blocks of a simulation step by step."""

from __future__ import annotations

import os
from random import Random

import pytest

from mini_lib.dispatch import CudagraphDispatcher, CUDAGraphMode, default_capture_sizes
from mini_lib.scheduling import FAMILIES, Lengths, SchedulerConfig, Workload, bursty, poisson, summarize
from mini_lib.sim.emissions import Emissions
from mini_lib.sim.fast_forward.rows import DecodeRows
from mini_lib.sim.fast_forward.state import LeapState
from mini_lib.sim.simulate import Simulation
from mini_lib.sim.startup import Startup
from mini_lib.sim.timed_scheduler import TimedScheduler
from tests.sim.pricing_by_playing import COSTS, PROFILE, PlayingPricer

NUM_TRACES = 1000 if os.environ.get("LAUNCH_BOUND_SOAK") else 60
PRICER = PlayingPricer(COSTS)
MODES = [CUDAGraphMode.NONE, CUDAGraphMode.PIECEWISE, CUDAGraphMode.FULL_AND_PIECEWISE]
LOOPS = ["normal", "overlap"]
SOME_TRACES = range(21)


def traffic(draw: Random, policy: str) -> Workload:
    """Return random traffic on a scheduler with random limits, whose KV memory is tight in two cases of three."""
    lengths, count, seed = Lengths((1, 40), (1, 60)), draw.randint(5, 40), draw.randrange(10**6)
    if draw.random() < 0.5:
        requests = poisson(count, rate_per_s=draw.uniform(100, 8000), lengths=lengths, seed=seed)
    else:
        burst, gap_us = draw.randint(1, 8), draw.uniform(100, 9000)
        requests = bursty(count, burst_size=burst, gap_us=gap_us, lengths=lengths, seed=seed)
    rows, block_size = draw.randint(1, 9), draw.choice([1, 2, 4, 16])
    longest = -(-100 // block_size)
    return Workload("traffic", requests, SchedulerConfig(
        max_num_seqs=rows, max_num_batched_tokens=draw.randint(rows, 64), max_chunk_tokens=draw.choice([None, 5]),
        block_size=block_size, num_blocks=1 + longest * draw.choice([1, 2, rows]), max_model_len=128, policy=policy,
    ))  # fmt: skip


def trace(number: int):
    """Return a random (workload, token function or None, mode)."""
    draw = Random(number)
    policy, kind = draw.choice(["mixed", "prefill_first"]), number % 7
    families = list(FAMILIES.values())
    workload = families[kind](number, policy=policy) if kind < len(families) else traffic(draw, policy)
    vocabulary = draw.choice([None, 5, 13, 29])
    token_at = vocabulary and (lambda request, position: Random(f"{number} {request} {position}").randrange(vocabulary))
    return workload, token_at, draw.choice(MODES)


def simulated(workload, token_at, mode, loop, fast_forward):
    config = workload.scheduler_config
    sizes = default_capture_sizes(max_num_seqs=config.max_num_seqs)
    dispatcher = CudagraphDispatcher(mode, sizes, max_num_seqs=config.max_num_seqs)
    simulation = Simulation(
        config, PROFILE, dispatcher, PRICER, loop=loop, token_at=token_at, fast_forward=fast_forward
    )
    simulation.run(workload.requests)
    return simulation


def everything(simulation):
    """Return all that is known after a run: requests with all their fields, free rows and blocks in order, times."""
    scheduler, result = simulation.scheduler, simulation.result(model="", style="", mode=None, startup=Startup(0, 0, 0))
    requests = [[getattr(one, name) for name in one.__slots__] for one in scheduler.requests.values()]
    places = (scheduler._pool.rows._free, scheduler._pool.blocks._free, scheduler._num_steps, scheduler._launched)
    return {
        "requests": requests, "places": places, "clock": simulation.clock.us,
        "times": result.emissions.times_us, "runs": result.emissions.runs, "summary": result.summary,
        "steps": result.steps_by_mode, "padding": (result.num_tokens, result.padded_tokens),
        "gpu": (result.gpu_busy_us, result.gpu_us), "ends": result.finish_reasons,
    }  # fmt: skip


def difference(number: int, loop: str) -> list[str]:
    """Return in what a leaping simulation of trace `number` differs from one step by step."""
    stepped, leapt = (everything(simulated(*trace(number), loop, fast_forward)) for fast_forward in (False, True))
    return [name for name in stepped if stepped[name] != leapt[name]]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_leap_is_equal_to_its_steps_in_every_bit_on_random_traces(loop):
    different = {number: found for number in range(NUM_TRACES) if (found := difference(number, loop))}
    assert not different


@pytest.mark.parametrize("loop", LOOPS)
def test_steady_traffic_is_leapt_over_nearly_completely(loop, monkeypatch):
    asked = []
    schedule = TimedScheduler.schedule
    monkeypatch.setattr(TimedScheduler, "schedule", lambda self: asked.append(1) or schedule(self))
    config = SchedulerConfig(
        max_num_seqs=8, max_num_batched_tokens=64, block_size=4, num_blocks=400, max_model_len=128,
    )  # fmt: skip
    workload = Workload("steady", poisson(60, rate_per_s=400.0, lengths=Lengths((1, 90), (1, 30))), config)
    simulation = simulated(workload, None, MODES[2], loop, fast_forward=True)
    idle = 60  # between two requests with nobody there the real loop waits
    assert len(asked) < 2 * idle < simulation.runner.num_steps / 5


@pytest.mark.parametrize("number", SOME_TRACES)
def test_the_compressed_summary_is_that_of_the_tokens_one_by_one(number):
    simulation = simulated(*trace(number), "overlap", fast_forward=True)
    arrivals = {one.request_id: one.arrival_us for one in simulation.scheduler.requests.values()}
    emissions = simulation.scheduler.emissions
    assert emissions.summary(arrivals) == summarize(arrivals, emissions.tokens())


def test_a_summary_of_nothing_and_of_single_tokens_is_that_of_the_tokens():
    for emitted in ([], [(5.0, [1])], [(5.0, [1]), (7.5, [0])]):
        emissions, arrivals = Emissions(), {0: 1.0, 1: 2.5}
        for time_us, numbers in emitted:
            emissions.add(time_us, numbers)
        ours, theirs = emissions.summary(arrivals), summarize(arrivals, emissions.tokens())
        assert repr(ours) == repr(theirs)  # NaN is not equal to itself


# --- the check finds what is wrong


def one_block_late(patch):
    right = DecodeRows.join
    patch.setattr(DecodeRows, "join", lambda self, one: (
        right(self, one), self._by_phase.insert(0, self._by_phase.pop())))  # fmt: skip


def forgets_the_positions_of_who_leaves(patch):
    right = DecodeRows.leave

    def wrong(self):
        before = self.kv_tokens
        gone = right(self)
        self.kv_tokens = before
        return gone

    patch.setattr(DecodeRows, "leave", wrong)


def does_not_look_at_the_clock(patch):
    patch.setattr(LeapState, "look_at_waiting", lambda self: None)


def leaps_over_stops(patch):
    patch.setattr("mini_lib.sim.fast_forward.stops.Stops.position_of", lambda self, one: 1 << 60)


def spends_blocks_that_are_not_there(patch):
    patch.setattr(DecodeRows, "affordable", lambda self, num_steps: num_steps)


@pytest.mark.parametrize("plant", [
    one_block_late, forgets_the_positions_of_who_leaves, does_not_look_at_the_clock, leaps_over_stops,
    spends_blocks_that_are_not_there,
])  # fmt: skip
def test_a_wrong_leap_is_found(plant, monkeypatch):
    plant(monkeypatch)

    def is_found(number):
        try:
            return bool(difference(number, LOOPS[number % 2]))
        except (ValueError, IndexError, KeyError, RuntimeError):
            return True

    assert any(map(is_found, SOME_TRACES))
