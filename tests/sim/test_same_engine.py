"""The simulator runs the same engine: batch for batch what the real one schedules, launches, pads and emits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mini_lib.config import ModelConfig
from mini_lib.dispatch import CUDAGraphMode
from mini_lib.scheduling import FAMILIES, Workload, event_loop_normal, event_loop_overlap
from mini_lib.sim.simulate import simulate
from tests.engine.serving import SMALL_VOCABULARY, engine_for, oracle_of, serve
from tests.sim.pricing_by_playing import COSTS, PROFILE, PlayingPricer

PRICER = PlayingPricer(COSTS)
LOOPS = {"normal": event_loop_normal, "overlap": event_loop_overlap}


def all_at_once(workload: Workload) -> Workload:
    """Return the workload with every arrival at 0: then no decision depends on how fast anything is."""
    return replace(workload, requests=tuple(one._replace(arrival_us=0.0) for one in workload.requests))


def watched(loop, batches):
    """Return `loop` with every batch that it launches put into `batches`."""

    def run(scheduler, runner):
        launch = runner.execute_model
        runner.execute_model = lambda batch: batches.append(batch) or launch(batch)
        yield from loop(scheduler, runner)

    return run


def simulated(workload, tokens, mode, loop, batches):
    """Simulate `workload` with the tokens that the model gives."""
    sequences = [(*one.prompt, *answer) for one, answer in zip(workload.requests, tokens, strict=True)]

    def token_at(request_id, position):
        return (*sequences[request_id], 0, 0)[position]  # beyond the end: what an overshoot samples, nobody reads

    return simulate(workload, ModelConfig.tiny(), PROFILE, mode=mode, loop=watched(LOOPS[loop], batches),
                    token_at=token_at, pricer=PRICER)  # fmt: skip


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("policy", ["mixed", "prefill_first"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_simulator_makes_the_batches_of_the_real_engine_and_pads_them_alike(family, policy, loop):
    mode = CUDAGraphMode.FULL_AND_PIECEWISE
    workload = all_at_once(FAMILIES[family](5, policy=policy))
    real, ours = [], []
    with engine_for(workload, cudagraph_mode=mode, stream_policy="inline", event_loop=watched(LOOPS[loop], real),
                    ) as engine:  # fmt: skip
        tokens = serve(engine, workload)
    result = simulated(workload, tokens, mode, loop, ours)
    assert ours == real
    assert result.steps_by_mode == engine.stats.modes
    assert result.padded_tokens == engine.stats.padded_tokens
    assert result.num_tokens == sum(step.num_tokens for step in engine.stats.steps)
    assert result.finish_reasons == {number: one.status.value for number, one in engine.scheduler.requests.items()}
    assert [len(result.emissions.times_of(number)) for number in range(len(tokens))] == list(map(len, tokens))


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("family", FAMILIES)
def test_requests_that_arrive_over_time_get_as_many_tokens_as_eager_decoding_gives_them(family, loop):
    workload = FAMILIES[family](6)
    tokens = oracle_of(workload)
    result = simulated(workload, tokens, CUDAGraphMode.NONE, loop, [])
    stop = workload.scheduler_config.stop_token_id
    assert SMALL_VOCABULARY.vocab_size > (stop or 0)
    for number, answer in enumerate(tokens):
        assert len(result.emissions.times_of(number)) == len(answer)
        assert result.finish_reasons[number] == ("stop" if answer and answer[-1] == stop else "length")
