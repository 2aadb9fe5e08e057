"""The program behind a trace, run again on the launch queue: as it was, and as it would be with graphs or overlap.

From the steady part of a trace the calls are read off with their own times, the CPU's other work between them, and the
GPU's work with its own. The launch queue (`mini_lib.timing`) then plays that program. Played as it was, it must take
about as long as in the trace: this is the check that the other answers rest on. Then it is played with changes:

- graphs: in each stretch between two waits, from the first kernel to the last, everything is one graph launch, or
  several where the CPU did other work in between. The dispatch between those launches is gone; the other work stays.
- pieces: the same, but kernels of attention are launched one by one between the graphs, as piecewise capture does.
- overlap: each wait waits for the stretch before, so the GPU works while the CPU prepares the next step. That asks that
  launches do not depend on what was read back (tokens stay on the device, as in `FutureMap`), and pinned memory for it.

Not modelled: graphs with branches, how streams wait for one another, kernels that change with the way in which they
are launched, and static inputs that must be copied first.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from statistics import median
from typing import NamedTuple

from mini_lib.diagnosis.calls import Pairs, Reading, Work
from mini_lib.diagnosis.shares import PAUSE_LAUNCHES, launch_period_us
from mini_lib.diagnosis.steady import Steady
from mini_lib.timing import Event, Kernel, LaunchCosts, LaunchQueue

ATTENTION = re.compile(r"attention|attn|fmha|flash|paged", re.IGNORECASE)
"""Names of kernels between which piecewise capture records: vLLM splits a model at attention."""

AT_ONCE = 1.02
"""Streams whose work takes this much longer in sum than by the clock run side by side; less is measuring noise."""


class Action(NamedTuple):
    """A call of the program: what the CPU did before it, how long the call takes, and what it brings or waits for."""

    pause_us: float  # other CPU work since the call before
    is_dispatch: bool  # ... which is dispatch: it goes where the launches go
    call_us: float
    brings: str  # "work", "graph" or ""
    works: tuple[Work, ...]
    waits: bool


class Program(NamedTuple):
    """What is played: the actions of each stretch, and what launching costs as far as the trace shows it."""

    stretches: tuple[tuple[Action, ...], ...]
    costs: LaunchCosts
    measured_us: float  # how long these stretches took in the trace


class Change(NamedTuple):
    """What is changed when a program is played."""

    graphs: bool = False
    pieces: bool = False
    overlap: bool = False


def program_of(reading: Reading, pairs: Pairs, steady: Steady, assumed: LaunchCosts) -> Program | None:
    """Return the program of the steady part, or None if it is not known which call launched what."""
    inside = [place for place, call in enumerate(reading.calls) if steady.start_us <= call.start_us < steady.end_us]
    if not inside or any(place not in pairs for place in inside if reading.calls[place].brings):
        return None
    short_us = PAUSE_LAUNCHES * launch_period_us(reading.calls)
    own_us = _median([c.end_us - c.start_us for c in reading.launches if not c.waits], assumed.launch_us)
    stretches: list[tuple[Action, ...]] = []
    actions: list[Action] = []
    free_from_us, edge, before = steady.start_us, 1, ""
    for place in inside:
        call = reading.calls[place]
        pause_us = max(call.start_us - free_from_us, 0.0)
        is_dispatch = bool(before and call.brings) and pause_us <= short_us
        call_us = max(call.end_us - max(call.start_us, free_from_us), 0.0)
        if call.brings and call.waits:
            call_us = min(pairs[place][0].start_us - call.start_us, own_us)  # the rest of it is waiting
        actions.append(Action(pause_us, is_dispatch, call_us, call.brings, pairs.get(place, ()), call.waited))
        free_from_us, before = max(free_from_us, call.end_us), "" if call.waited else call.brings
        if call.waited and edge < len(steady.edges) and call.end_us >= steady.edges[edge]:
            stretches.append(tuple(actions))
            actions, edge = [], edge + 1
    stretches += [tuple(actions)] if actions else []
    costs = _costs(reading, pairs, assumed)
    return Program(tuple(stretches), costs, steady.end_us - steady.start_us)


def play(program: Program, change: Change, costs: LaunchCosts | None = None) -> float:
    """Return how long the program takes with `change`, in microseconds, on a launch queue with `costs`."""
    queue = LaunchQueue(costs or program.costs)
    marks: list[Event] = []
    for stretch in program.stretches:
        for part in _recorded(stretch, change) if change.graphs else [[action] for action in stretch]:
            _play(queue, part, marks if change.overlap else None)
        marks.append(max((queue.record_event(lane) for lane in _lanes(stretch)), key=lambda mark: mark.done_us))
    return max(queue.now_us, max((span.end_us for span in queue.timeline().spans), default=0.0))


def _play(queue: LaunchQueue, part: Sequence[Action], earlier: list[Event] | None) -> None:
    """Play one action, or several that have become one graph. `earlier`: the ends of stretches, if waits overlap."""
    first = part[0]
    if len(part) > 1:
        queue.host("other work", sum(action.pause_us for action in part if not action.is_dispatch))
        queue.launch_graph("recorded", [_kernel(work) for action in part for work in action.works], _lanes(part)[0])
        return
    if first.pause_us:
        queue.host("other work", first.pause_us)
    if first.brings:
        _bring(queue, first)
    elif not first.waits:
        queue.host("a wait for nothing", first.call_us)
    if first.waits and earlier is None:
        queue.synchronize()
    elif first.waits and earlier:
        queue.synchronize(earlier[-1])


def _bring(queue: LaunchQueue, action: Action) -> None:
    """Spend the time of a call, and put its work on its stream."""
    kernels, lane = [_kernel(work) for work in action.works], action.works[0].lane
    if action.brings == "graph":
        spent_us = queue.costs.graph_launch_us + len(kernels) * queue.costs.graph_node_us
        queue.host("call", max(action.call_us - spent_us, 0.0))
        queue.launch_graph("as it was", kernels, lane)
        return
    queue.host("call", action.call_us)
    if action.works[0].is_copy:
        queue.copy(kernels[0].name, kernels[0].gpu_us, lane)
    else:
        queue.launch(kernels[0], lane)


def _recorded(stretch: Sequence[Action], change: Change) -> Iterator[list[Action]]:
    """Yield the actions of a stretch, those that go into one graph together."""
    kernels = [place for place, action in enumerate(stretch) if _may_be_recorded(action, change)]
    first, last = (kernels[0], kernels[-1]) if kernels else (0, -1)
    graph: list[Action] = []
    for place, action in enumerate(stretch):
        joins = first <= place <= last and action.brings == "work" and not action.waits
        joins = joins and not (change.pieces and _is_attention(action))
        if graph and not (joins and action.is_dispatch):
            yield graph
            graph = []
        if joins:
            graph.append(action)
        else:
            yield [action]
    if graph:
        yield graph


def _may_be_recorded(action: Action, change: Change) -> bool:
    is_kernel = action.brings == "work" and not action.works[0].is_copy
    return is_kernel and not (change.pieces and _is_attention(action))


def _is_attention(action: Action) -> bool:
    return _names_attention(action.works[0].name)


@lru_cache(maxsize=4096)
def _names_attention(name: str) -> bool:
    return bool(ATTENTION.search(name))


def changes_something(program: Program, change: Change) -> bool:
    """Return whether there are launches to record, for graphs, and kernels of attention beside them, for pieces."""
    if not change.graphs:
        return True
    records = any(len(part) > 1 for stretch in program.stretches for part in _recorded(stretch, change))
    actions = [action for stretch in program.stretches for action in stretch if action.brings == "work"]
    return records and (not change.pieces or any(map(_is_attention, actions)))


def runs_at_once(program: Program) -> bool:
    """Return whether streams worked at the same time, so that a graph would have branches."""
    actions = [action for stretch in program.stretches for action in stretch]
    works = sorted((work.start_us, work.end_us) for action in actions for work in action.works)
    covered_us, until_us = 0.0, -math.inf
    for start_us, end_us in works:
        covered_us += max(end_us - max(start_us, until_us), 0.0)
        until_us = max(until_us, end_us)
    return sum(end_us - start_us for start_us, end_us in works) > AT_ONCE * covered_us


def _kernel(work: Work) -> Kernel:
    return Kernel(work.name, work.end_us - work.start_us)


def _lanes(stretch: Sequence[Action]) -> list[str]:
    return list({work.lane: None for action in stretch for work in action.works}) or ["GPU"]


def _costs(reading: Reading, pairs: Pairs, assumed: LaunchCosts) -> LaunchCosts:
    """Return the costs of launching as the trace shows them, else as assumed.

    The launch calls' own times are played as CPU work, so `launch_us` is 0.
    """
    launched = {works[0]: reading.calls[place] for place, works in pairs.items()}
    in_graphs = {work for works in pairs.values() for work in works[1:]}
    latencies, gaps, graph_gaps = [], [], []
    free_from_us = {work.lane: float("-inf") for work in reading.works}
    for work in reading.works:
        gap_us, call = work.start_us - free_from_us[work.lane], launched.get(work)
        free_from_us[work.lane] = max(free_from_us[work.lane], work.end_us)
        if work in in_graphs:
            graph_gaps += [max(gap_us, 0.0)] if gap_us < math.inf else []
        elif call is not None and call.end_us >= work.start_us - gap_us:
            latencies.append(max(work.start_us - call.end_us, 0.0))
        elif call is not None:
            gaps.append(max(gap_us, 0.0))
    gap_us = _median(gaps, assumed.gap_us)  # between the kernels of a graph there is no more than that
    return replace(
        assumed,
        launch_us=0.0,
        gap_us=gap_us,
        graph_gap_us=_median(graph_gaps, min(assumed.graph_gap_us, gap_us)),
        latency_us=_median(latencies, assumed.latency_us),
        sync_us=_median(_tails(reading), assumed.sync_us),
        source="a trace; what it does not show: " + assumed.source,
    )


def _tails(reading: Reading) -> list[float]:
    """Return how long each wait lasted beyond the end of what it waited for."""
    ends = sorted(work.end_us for work in reading.works)
    waits = [call for call in reading.calls if call.waited and not call.brings]
    return [call.end_us - ends[bisect_right(ends, call.end_us) - 1] for call in waits]


def _median(found: Sequence[float], otherwise: float) -> float:
    return median(found) if found else otherwise
