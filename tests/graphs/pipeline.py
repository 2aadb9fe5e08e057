"""A small decode pipeline over a stream policy, written once, with the classic mistakes as switches.

Each step the CPU writes four numbers into a staging buffer. The schedule stream copies them into the static buffer, the
forward stream folds them into its state and writes four tokens where the CPU can read them. Steps overlap: step k is
launched, and step k + 1 is staged, before the tokens of step k - 1 are read.

Mistakes (the names are those of the course's list of properties): `no_wait_sched` D1, `no_copy_sync` D4, `no_war` D5,
`no_staging_guard` D6, `event_reuse` D10.
"""

from __future__ import annotations

import pytest
import torch

from mini_lib.graphs import device_of, recorder
from mini_lib.graphs.policies import StreamPolicy, stream_policy

NUM_STEPS = 7
WIDTH = 4
ON_CPU = ("inline", "lazy", "process")
POLICIES = [*ON_CPU, *([pytest.param("cuda", marks=pytest.mark.gpu)] if torch.cuda.is_available() else [])]


def new_policy(name: str, **options) -> StreamPolicy:
    """Return a policy for tensors of the twin, or of the GPU for "cuda"."""
    if name == "process" and torch.cuda.is_initialized():
        pytest.skip("CUDA has started in this process, so it cannot be forked")
    return stream_policy(name, None if name in ("process", "cuda") else recorder, **options)


class Pipeline:
    """The device's half: static buffer, state, and two kernels. `ran` is the order of steps, where it can be seen."""

    def __init__(self, policy: StreamPolicy, num_sets: int) -> None:
        device = device_of(torch.cuda if policy.name == "cuda" else recorder)
        self.static = torch.full((WIDTH,), -1, dtype=torch.int64, device=device)
        self.state = torch.arange(WIDTH, device=device)
        self.staging = [policy.host_tensor((WIDTH,), torch.int64) for _ in range(num_sets)]
        self.tokens = [policy.host_tensor((WIDTH,), torch.int64) for _ in range(2)]
        self.ran: list[int] = []

    def copy_in(self, slot: int) -> None:
        self.static.copy_(self.staging[slot], non_blocking=True)

    def step(self, number: int) -> None:
        self.ran.append(number)
        self.state.mul_(31).add_(self.static).remainder_(1009)
        self.tokens[number % 2].copy_(self.state, non_blocking=True)


def inputs_of(number: int) -> torch.Tensor:
    """Return what step `number` reads: other numbers in each step, 0 among them."""
    return torch.tensor([0, 3, 5, 7]) + 11 * number


def expected() -> list[list[int]]:
    """Return the tokens of all steps, computed one after the other."""
    state, tokens = torch.arange(WIDTH), []
    for number in range(NUM_STEPS):
        state = (state * 31 + inputs_of(number)).remainder(1009)
        tokens.append(state.tolist())
    return tokens


def run(policy: StreamPolicy, mistake: str = "", num_sets: int = 1, seen: list[int] | None = None) -> list[list[int]]:
    """Return the tokens that the CPU read. `seen` collects how many steps had run by the time of each reading."""
    pipeline = Pipeline(policy, num_sets)
    copy_in, step = policy.kernel(pipeline.copy_in), policy.kernel(pipeline.step)
    schedule, forward = policy.stream("schedule"), policy.stream("forward")
    policy.start()
    copied: list = [None] * num_sets  # per staging set: when it may be written again
    done: list = []
    tokens: list[list[int]] = []

    def stage(number: int) -> None:
        slot = number % num_sets
        if copied[slot] and mistake != "no_staging_guard":
            copied[slot].synchronize()
        pipeline.staging[slot].copy_(inputs_of(number))

    def launch(number: int) -> None:
        slot = number % num_sets
        if done and mistake != "no_war":
            schedule.wait_event(done[-1])
        schedule.launch(copy_in, slot)
        copied[slot] = schedule.record_event()
        if mistake != "no_wait_sched":
            forward.wait_event(copied[slot])
        forward.launch(step, number, name=f"step {number}")
        done.append(forward.record_event(done[-1] if done and mistake == "event_reuse" else None))

    def process(number: int) -> None:
        if mistake != "no_copy_sync":
            done[number].synchronize()
        tokens.append(pipeline.tokens[number % 2].tolist())
        if seen is not None:
            seen.append(len(pipeline.ran))

    stage(0)
    for number in range(NUM_STEPS):
        launch(number)
        if number + 1 < NUM_STEPS:
            stage(number + 1)
        if number:
            process(number - 1)
    process(NUM_STEPS - 1)
    return tokens
