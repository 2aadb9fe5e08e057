"""Pictures of a student's own run: two lanes from the virtual device, and who sits where in a ring."""

from __future__ import annotations

from typing import Any

from mini_lib.labs.lab07.desk import COSTS
from mini_lib.labs.watching import nobody_looks
from mini_lib.learn import Outcome
from mini_lib.timing import CPU, GPU, Span, Timeline


def lanes(outcomes: tuple[Outcome, ...], *, case: int, title: str) -> object | None:
    """Return the CPU and GPU lanes of the run of one case, None where nobody looks at it: in a grader."""
    value: Any = outcomes[case].value if case < len(outcomes) else None
    if nobody_looks() or not isinstance(value, dict) or not value.get("spans"):
        return None
    from mini_lib.plots import two_lanes  # here, so that matplotlib waits until the first picture

    return two_lanes(timeline_of(value), title=f"{title}: {value['fault'] or 'the busy case'}")


def timeline_of(value: dict[str, Any]) -> Timeline:
    """Return the timeline of one reported run, its spans named so that they fit a picture."""
    return Timeline(Span(lane, _short(name), start_us, end_us) for lane, name, start_us, end_us in value["spans"])


def _short(name: str) -> str:
    return name.replace("schedule", "sched").replace("process", "proc")


def show_steps(num_steps: int = 3) -> object | None:
    """Return a picture of sequential steps as they would be: computed from the lab's costs, no loop has run."""
    if nobody_looks():
        return None
    from mini_lib.plots import two_lanes

    spans = []
    for step in range(num_steps):
        start_us = step * sum(COSTS)
        launched_us, ended_us = start_us + COSTS.schedule_us, start_us + COSTS.schedule_us + COSTS.gpu_us
        spans.append(Span(CPU, f"sched {step}", start_us, launched_us))
        spans.append(Span(GPU, f"step {step}", launched_us, ended_us))
        spans.append(Span(CPU, f"proc {step}", ended_us, ended_us + COSTS.process_us))
    return two_lanes(Timeline(spans), title="Three decode steps, one after the other")
