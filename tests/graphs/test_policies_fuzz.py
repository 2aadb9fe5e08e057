"""Random programs with every edge that they need, and no other: all devices agree, and a lost edge is lost by `lazy`.

A program is a list of launches on streams; each reads two cells and writes a third. What it must wait for follows from
who wrote and who read those cells before, as in any schedule of tasks. `LAUNCH_BOUND_SOAK` asks for many more programs.
"""

from __future__ import annotations

import os
import random
from typing import NamedTuple

import pytest
import torch

from tests.graphs.pipeline import new_policy

NUM_PROGRAMS = 2000 if os.environ.get("LAUNCH_BOUND_SOAK") else 60
STREAMS = ("a", "b", "c")
NUM_CELLS, NUM_LAUNCHES = 5, 12


class Task(NamedTuple):
    """One launch: cell `out` becomes a mix of two cells, and then the CPU may wait for it."""

    stream: str
    out: int
    left: int
    right: int
    is_waited_for: bool


def random_program(seed: int) -> list[Task]:
    rng = random.Random(seed)
    return [
        Task(rng.choice(STREAMS), *(rng.randrange(NUM_CELLS) for _ in range(3)), rng.random() < 0.2)
        for _ in range(NUM_LAUNCHES)
    ]


def edges_of(program: list[Task]) -> list[tuple[int, int]]:
    """Return the pairs (earlier, later) whose order matters, between different streams."""
    return [
        (i, j)
        for j, later in enumerate(program)
        for i, earlier in enumerate(program[:j])
        if earlier.stream != later.stream
        and (earlier.out in (later.out, later.left, later.right) or later.out in (earlier.left, earlier.right))
    ]


def run(program: list[Task], edges: list[tuple[int, int]], name: str, run_ahead: tuple[str, ...] = ()) -> list[int]:
    """Return all cells as the CPU saw them: after each wait of its own, and at the end."""
    with new_policy(name, run_ahead=run_ahead) as policy:
        cells = policy.host_tensor((NUM_CELLS,), torch.int64)
        cells.copy_(torch.arange(NUM_CELLS) + 2)

        @policy.kernel
        def mix(number, out, left, right):
            cells[out] = (cells[left] * 31 + cells[right] * 7 + number) % 10007

        streams = {stream: policy.stream(stream) for stream in STREAMS}
        policy.start()
        seen: list[int] = []
        events = []
        for number, task in enumerate(program):
            for earlier, later in edges:
                if later == number:
                    streams[task.stream].wait_event(events[earlier])
            streams[task.stream].launch(mix, number, task.out, task.left, task.right)
            events.append(streams[task.stream].record_event())
            if task.is_waited_for:
                events[-1].synchronize()
                seen.append(
                    0 if any(other.out == task.out for other in program[number + 1 :]) else cells[task.out].item()
                )
        policy.synchronize()
        return seen + cells.tolist()


@pytest.mark.parametrize(("name", "share"), [("lazy", 1), ("process", 10)])  # a fork takes longer than a program
def test_every_device_computes_what_inline_computes(name, share):
    for seed in range(NUM_PROGRAMS // share):
        program = random_program(seed)
        edges = edges_of(program)
        assert run(program, edges, name) == run(program, edges, "inline"), f"program {seed}"


@pytest.mark.parametrize("run_ahead", [(stream,) for stream in STREAMS] + [STREAMS])
def test_no_stream_that_runs_ahead_changes_the_result(run_ahead):
    for seed in range(NUM_PROGRAMS):
        program = random_program(seed)
        edges = edges_of(program)
        assert run(program, edges, "lazy", run_ahead) == run(program, edges, "inline"), f"program {seed}"


def test_without_its_edges_hardly_a_program_survives_all_adversaries():
    lost = 0
    for seed in range(NUM_PROGRAMS):
        program = random_program(seed)
        right = run(program, [], "inline")
        adversaries = [(), *((stream,) for stream in STREAMS)]
        lost += any(run(program, [], "lazy", run_ahead) != right for run_ahead in adversaries)
    assert lost > 0.9 * NUM_PROGRAMS
