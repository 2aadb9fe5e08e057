"""The two loops around a device: what is launched and processed when, by their log; and labs and early ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mini_lib import withheld
from mini_lib.scheduling import (
    FAMILIES,
    SchedulerConfig,
    Workload,
    WorkloadRequest,
    event_loop_normal,
    event_loop_overlap,
)
from tests.scheduling.runs import check, run

CONFIG = SchedulerConfig(max_num_seqs=2, max_num_batched_tokens=8, block_size=2, num_blocks=20, max_model_len=32)
THREE_STEPS = Workload("three steps", (WorkloadRequest((4, 0), 3),), CONFIG)
CHUNKED = Workload("in three pieces", (WorkloadRequest((4,) * 20, 1),), CONFIG)
TWO_LONELY = Workload("two lonely ones", (WorkloadRequest((4,), 1), WorkloadRequest((5,), 1, 900.0)), CONFIG)


def test_the_normal_loop_takes_one_step_after_the_other():
    log = run(THREE_STEPS, event_loop_normal).log
    assert log == [(what, step) for step in range(3) for what in ("launch", "wait", "process")]


def test_the_overlap_loop_processes_each_step_under_the_next_and_flushes_the_last():
    done = run(THREE_STEPS, event_loop_overlap)
    check(done)
    assert done.log == [
        ("launch", 0),
        *(("launch", 1), ("wait", 0), ("process", 0)),
        *(("launch", 2), ("wait", 1), ("process", 1)),
        *(("wait", 2), ("process", 2)),
    ]


@pytest.mark.parametrize("loop", [event_loop_normal, event_loop_overlap])
def test_an_idle_loop_waits_for_the_next_arrival_once_nothing_is_in_flight(loop):
    done = run(TWO_LONELY, loop)
    check(done)
    assert [len(batch.requests) for batch in done.device.batches] == [1, 1]
    assert done.scheduler._clock.now_us() >= 900.0


@pytest.mark.parametrize("loop", [event_loop_normal, event_loop_overlap])
def test_a_loop_without_requests_ends_at_once(loop):
    assert run(Workload("nobody", (), CONFIG), loop).log == []


@pytest.mark.parametrize("loop", [event_loop_normal, event_loop_overlap])
def test_every_step_yields_once(loop):
    assert run(THREE_STEPS, loop).news_by_yield == [1, 1, 1]
    assert run(CHUNKED, loop).news_by_yield == [0, 0, 1]


@pytest.mark.parametrize("loop", [event_loop_normal, event_loop_overlap])
def test_requests_may_be_added_while_the_loop_runs(loop):
    late = [WorkloadRequest((6, 0), 3), WorkloadRequest((1,), 5)]

    def adding(scheduler, runner):
        for news in loop(scheduler, runner):
            yield news
            if late:
                one = late.pop()
                scheduler.add_request(one.prompt, one.max_new_tokens)

    done = run(THREE_STEPS, adding)
    everybody = (*THREE_STEPS.requests, WorkloadRequest((1,), 5), WorkloadRequest((6, 0), 3))
    done.workload = Workload("with late ones", everybody, CONFIG)
    check(done)
    assert len(done.scheduler.requests) == 3


@pytest.mark.parametrize("loop", [event_loop_normal, event_loop_overlap])
def test_the_loops_are_withheld_in_lab_7(loop, monkeypatch):
    monkeypatch.setattr(withheld, "_open_lab", "lab07")
    with pytest.raises(withheld.Withheld, match="withheld in lab 7: write your own"):
        loop(None, None)


def test_the_device_would_find_a_wrong_token(monkeypatch):
    """The check of all checks: one entry of one block is damaged, and the tokens differ."""
    from tests.scheduling import fake_device

    forward = fake_device.FakeDevice._forward

    def damaged(self, one, tokens):
        if one.start == 5:
            self._kv[0][one.block_ids[0] * self.config.block_size] += 1
        return forward(self, one, tokens)

    monkeypatch.setattr(fake_device.FakeDevice, "_forward", damaged)
    with pytest.raises(AssertionError, match="request"):
        check(run(FAMILIES["gated"](0), event_loop_overlap))


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
for name in ("torch", "numpy", "matplotlib", "tqdm"):
    sys.modules[name] = None  # an import of it raises ImportError
from mini_lib.scheduling import FAMILIES, Scheduler, event_loop_overlap
from mini_lib.timing import VirtualClock, WallClock
print(len(FAMILIES), Scheduler(FAMILIES["gated"](0).scheduler_config).has_unfinished())
"""


def test_scheduling_needs_the_standard_library_alone():
    root = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-S", "-c", SCRIPT, str(root)], capture_output=True, text=True)
    assert done.stdout.strip() == "5 False", done.stderr
