"""The tester of lab 7's loops: it hangs for nobody, believes nobody, and lets nobody touch what is its own."""

import numpy as np
import pytest
import torch

from mini_lib import Engine, withheld
from mini_lib.labs.lab07.device_reads import noticing_reads
from mini_lib.labs.lab07.engine_run import OVERLAPPED_ENGINE, serve
from mini_lib.labs.lab07.loop_run import run_loop
from mini_lib.labs.lab07.virtual_device import VirtualDevice, alone
from mini_lib.learn import judge
from mini_lib.scheduling import Scheduler, SchedulerConfig, event_loop_overlap

REQUESTS = [([5, 0, 3], 6, 0.0), ([7, 7, 1, 9, 2, 10, 8, 4], 5, 0.0), ([11], 9, 500.0)]


@pytest.fixture(autouse=True)
def _closed():
    withheld.begin("")


def fault(loop, requests=REQUESTS, **limits):
    return run_loop(loop, requests, limits, overlap=True)["fault"]


def test_a_loop_that_would_wait_for_ever_is_told_so_and_nobody_waits():
    def waits_at_once(scheduler, runner):
        first = scheduler.schedule()
        runner.execute_model(first)
        second = scheduler.schedule()
        runner.execute_model(second).wait()

    found = run_loop(waits_at_once, REQUESTS, {}, overlap=True)
    assert found["fault"] == "deadlock"
    assert "step 1 is held back until it is" in found["told"]


def test_a_loop_that_swallows_its_refusal_is_told_all_the_same():
    def swallows(scheduler, runner):
        try:
            runner.execute_model(None)
        except BaseException:
            return

    assert fault(swallows) == "launches None"


def test_a_loop_that_never_asks_for_anything_new_is_ended():
    def spins(scheduler, runner):
        while scheduler.has_unfinished():
            pass

    assert fault(spins) == "never ends"


def test_a_generator_that_never_ends_is_ended():
    def yields(scheduler, runner):
        while True:
            yield []

    assert fault(yields) == "never ends"


def test_tokens_that_the_device_did_not_give_are_refused():
    def invents(scheduler, runner):
        batch = scheduler.schedule()
        output = runner.execute_model(batch)
        runner.execute_model(scheduler.schedule())
        scheduler.update_from_output(batch, [token + 1 for token in output.wait()])

    assert fault(invents) == "tokens of another step"


def test_a_loop_gets_nothing_to_hold_but_names_and_numbers():
    held = {}

    def looks(scheduler, runner):
        batch = scheduler.schedule()
        output = runner.execute_model(batch)
        held.update(batch=batch, tokens=output.wait(), handles=(scheduler, runner, output))
        raise StopIteration

    fault(looks)
    assert type(held["batch"]) is int
    assert all(type(token) is int for token in held["tokens"])
    assert all(not hasattr(handle, "__dict__") for handle in held["handles"])
    with pytest.raises(AttributeError):
        held["handles"][0].log = []


def test_a_changed_list_of_tokens_changes_nothing_on_the_device():
    def meddles(scheduler, runner):
        for _ in event_loop_overlap(_Meddling(scheduler), runner):
            pass

    class _Meddling:
        def __init__(self, scheduler):
            self.scheduler = scheduler

        def __getattr__(self, name):
            return getattr(self.scheduler, name)

        def update_from_output(self, batch, tokens):
            news = self.scheduler.update_from_output(batch, list(tokens))
            tokens[:] = [0] * len(tokens)
            return news

    assert fault(meddles) == ""


@pytest.mark.parametrize("limits", [{}, {"max_chunk_tokens": 1}, {"num_blocks": 7}, {"policy": "prefill_first"}])
def test_each_request_gets_the_tokens_that_it_gets_alone(limits):
    assert fault(event_loop_overlap, **limits) == ""


def test_retractions_and_stop_tokens_happen_in_the_visible_cases():
    config = {"max_num_seqs": 4, "max_num_batched_tokens": 16, "max_chunk_tokens": 6, "block_size": 4}
    scheduler = Scheduler(SchedulerConfig(**config, num_blocks=7, max_model_len=64))
    device = VirtualDevice(4)
    requests = [scheduler.add_request(prompt, 9) for prompt in ([1, 2, 3, 4, 5], [6, 7, 8], [9, 10])]
    while scheduler.has_unfinished():
        batch = scheduler.schedule()
        device.launch(batch)
        scheduler.update_from_output(batch, device.run_through(batch.step))
    assert sum(request.num_retractions for request in requests) > 0
    stopped = [alone(prompt, 20, 5) for prompt in ([3, 1], [9, 9, 2], [1, 2, 3, 4], [12, 0])]
    assert sum(tokens[-1] == 5 and len(tokens) < 20 for tokens in stopped) >= 2


def test_a_lost_token_in_a_ring_is_known_by_its_number_and_not_by_its_value():
    device = VirtualDevice(4, num_places=1)
    config = SchedulerConfig(
        max_num_seqs=2, max_num_batched_tokens=8, max_chunk_tokens=1, block_size=4, num_blocks=9, max_model_len=16
    )
    scheduler = Scheduler(config)
    for _ in range(2):
        scheduler.add_request([4], 3)  # twins: the token that is there equals the one that is wanted
    first = scheduler.schedule()
    device.launch(first)
    second = scheduler.schedule()
    device.launch(second)
    assert device.run_through(1)[0] == device.tokens[1][1]
    assert [read.is_lost for read in device.reads] == [True, False]


def test_reading_a_value_back_is_noticed_under_each_of_its_names():
    tokens = torch.tensor([3, -1, -4])
    with noticing_reads() as reads:
        tokens.tolist()
        int(tokens[0])
        tokens[tokens > 0]
        tokens.clone()[tokens < 0] = torch.tensor([7, 8])
        torch.where(tokens < 0, tokens, -tokens)
    assert reads == [".tolist()", ".item()", "x[mask]", "x[mask] = ..."]


def test_a_loop_that_never_ends_inside_the_engine_is_ended_too():
    def asks_for_ever(scheduler, runner):
        batch = scheduler.schedule()
        runner.execute_model(batch)
        while scheduler.has_unfinished():
            scheduler.schedule()

    def build(config, **settings):
        return Engine(config, event_loop=asks_for_ever, **settings)

    assert serve(build, "gated", 3, {})["fault"] == "never ends"


def test_an_engine_whose_pieces_are_stubs_is_not_attempted():
    def stub(*args):
        raise NotImplementedError

    for pieces in ({"event_loop": stub}, {"event_loop": event_loop_overlap, "future_map": stub}):
        verdict = judge(
            OVERLAPPED_ENGINE, lambda config, pieces=pieces, **settings: Engine(config, **pieces, **settings)
        )
        assert verdict.status == "not attempted"


@pytest.mark.parametrize("read", [torch.Tensor.tolist, torch.Tensor.numpy, np.asarray, np.from_dlpack])
def test_whoever_carries_values_to_the_cpu_is_noticed(read):
    with noticing_reads() as reads:
        read(torch.tensor([3, 4]))
    assert reads
