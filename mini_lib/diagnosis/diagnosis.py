"""A diagnosis: the verdict on a trace, the evidence for it, what to do, and what to expect of it.

>>> from mini_lib.timing import decode_step
>>> found = diagnose_trace(decode_step(num_kernels=40, kernel_us=3.0).eager)
>>> found.verdict.value, round(found.shares.launching, 2)
('launch-bound', 0.6)
>>> str(found.gains.of("CUDA graphs"))
'CUDA graphs: 1.98x (1.84x to 2.39x), 310 -> 157 µs'

Not seen: what the CPU does between its calls, other processes on the GPU, and what a profiler itself costs, which makes
launches look slower than they are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mini_lib.diagnosis.calls import Pairs, Reading, read
from mini_lib.diagnosis.gain import Gains, assumptions, gains_of
from mini_lib.diagnosis.pairing import pair
from mini_lib.diagnosis.program import program_of
from mini_lib.diagnosis.shares import Shares, gaps, shares_of
from mini_lib.diagnosis.steady import Steady, steady_part
from mini_lib.diagnosis.verdict import HELD_UP_MATTERS, LEAST_WORK, WHY, Verdict, advice, close_call, judge, stalled
from mini_lib.timing import ASSUMED, LaunchCosts, Span, Timeline

if TYPE_CHECKING:
    from mini_lib.diagnosis.capturability import Capturability
    from mini_lib.plots import Picture

ONE_GAP = 0.5
"""A gap that is more than this share of all idle time gets a sentence of its own."""
SHOWN_WORKS = 40
"""Kernels and copies that the picture zooms to: about a step of a small model, or a few layers of a large one."""
_CAPTIONS = {
    "computing": "GPU computes",
    "copying": "GPU copies",
    "between": "GPU runs nothing, though work is there",
    "launching": "GPU waits: CPU launches",
    "waiting": "GPU waits: CPU waited, has not launched again",
    "elsewhere": "GPU waits: CPU does other things, or nothing",
}


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """What holds a program up. `print` it; `picture()` draws a typical stretch.

    `shares`, `gains`, `steady` and `timeline` are None where there was nothing to time (a CPU). `graph_share` is the
    share of kernels and copies that graphs bring already. `capturability` says what of a function a graph could hold;
    it is None for a trace. `notes` qualify the verdict.
    """

    verdict: Verdict
    shares: Shares | None = None
    gains: Gains | None = None
    steady: Steady | None = None
    timeline: Timeline | None = None
    graph_share: float = 0.0
    capturability: Capturability | None = None
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The verdict and its reason, in one sentence."""
        why = WHY.get(self.verdict, self.notes[0] if self.notes else "")
        share = f" (the GPU is busy {self.shares.busy:.0%} of the time)" if self.shares else ""
        return f"{self.verdict.value[0].upper()}{self.verdict.value[1:]}: {why}{share}."

    @property
    def advice(self) -> str:
        """What to do about it."""
        return advice(self.verdict, self.graph_share)

    def picture(self) -> Picture:
        """Return the two lanes, zoomed to a typical stretch.

        Raises:
            ValueError: nothing was timed, so there is nothing to draw.
        """
        from mini_lib.plots import two_lanes

        return two_lanes(self.typical_stretch(), title=f"{self.verdict.value}: a typical stretch")

    def typical_stretch(self) -> Timeline:
        """Return some forty kernels from the beginning of a stretch in which a random moment is likely to fall.

        Raises:
            ValueError: nothing was timed.
        """
        if self.timeline is None or self.steady is None:
            raise ValueError("Nothing was timed here, so there is no timeline: run on a GPU, or diagnose a trace.")
        start_us, end_us = self.steady.start_us, self.steady.end_us
        begun = [work.start_us for work in read(self.timeline).works if start_us <= work.start_us < end_us]
        edges = self.steady.edges
        if self.steady.num_stretches == 1:
            edges = (start_us, *begun[SHOWN_WORKS::SHOWN_WORKS], end_us)
        left = _where_half_is_over(edges)
        last = bisect_left(begun, left) + SHOWN_WORKS
        return self.timeline.between(left, begun[last] if last < len(begun) else end_us)

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain values, ready for JSON."""
        return {
            "verdict": self.verdict.value,
            "sentence": self.sentence,
            "advice": self.advice,
            "shares": self.shares._asdict() if self.shares else None,
            "steady_us": self.steady.end_us - self.steady.start_us if self.steady else None,
            "graph_share": self.graph_share,
            "stretches": self.steady.num_stretches if self.steady else None,
            "gains": [gain._asdict() | {"speedup": gain.speedup} for gain in self.gains.gains] if self.gains else [],
            "model_error": self.gains.model_error if self.gains else None,
            "capturability": self.capturability.as_dict() if self.capturability else None,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        """Return the verdict, the shares, the advice, the gain, and what a graph could not hold."""
        parts = [self.sentence, *self._evidence(), f"What to do: {self.advice}", *self._expectation()]
        parts += [str(self.capturability)] if self.capturability else []
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        """Return the verdict and its reason: a timeline is too long for a notebook's last line."""
        return f"Diagnosis({self.sentence!r})"

    def _evidence(self) -> list[str]:
        notes = [note for note in self.notes if note not in self.sentence]
        if self.shares is None or self.steady is None:
            return notes
        us = self.steady.end_us - self.steady.start_us
        stretches = self.steady.num_stretches
        many = f"{stretches} stretches between waits" if stretches > 1 else "one stretch"
        head = f"Where {us:,.0f} µs go ({many})"
        rows = [f"  {_CAPTIONS[name]:<46} {share:6.1%}" for name, share in self.shares._asdict().items()]
        return ["\n".join([head, *rows]), *notes]

    def _expectation(self) -> list[str]:
        if self.gains is None:
            return []
        lines = ["Gain to expect", *(f"  {gain}" for gain in self.gains.gains)]
        return ["\n".join([*lines, *(f"  {sentence}" for sentence in assumptions(self.gains))])]


def diagnose_trace(
    timeline: Timeline, launched_by: Mapping[Span, Span] | None = None, *, costs: LaunchCosts = ASSUMED
) -> Diagnosis:
    """Return what holds the program behind `timeline` up: simulated, or read by `mini_lib.timing.trace_file`.

    `launched_by` has for work the call that brought it, as `TraceFile.launched_by`; without it they are paired by
    counting. `costs` fills in what the trace does not show, above all the gaps inside graphs.
    """
    reading = read(timeline, launched_by)
    missing = _missing(reading)
    if missing:
        return Diagnosis(Verdict.UNKNOWN, timeline=timeline, notes=(missing,))
    steady, pairs = steady_part(reading), pair(reading)
    if steady.end_us <= steady.start_us:
        return Diagnosis(Verdict.UNKNOWN, timeline=timeline, notes=("all that the trace holds takes no time",))
    shares = shares_of(reading, pairs, steady.start_us, steady.end_us)
    gains = gains_of(program_of(reading, pairs, steady, costs), shares, steady.end_us - steady.start_us)
    dropped = f"Left out as warm-up: {steady.num_dropped} stretches at the beginning." if steady.num_dropped > 1 else ""
    notes = (close_call(shares), stalled(shares), _one_gap(reading, shares, steady), dropped)
    graph_share = _graph_share(reading, pairs, steady)
    return Diagnosis(judge(shares), shares, gains, steady, timeline, graph_share, notes=tuple(filter(None, notes)))


def _missing(reading: Reading) -> str:
    """Return what keeps a trace from being judged, "" if nothing does."""
    if not reading.works:
        return "the trace holds no work of a GPU, kernels or copies"
    if len(reading.works) < LEAST_WORK:
        return f"the trace holds {len(reading.works)} kernels and copies, and {LEAST_WORK} are the least"
    return "" if reading.launches else "the trace holds no launch, so it does not say what the GPU waited for"


def _where_half_is_over(edges: Sequence[float]) -> float:
    """Return where the stretch begins that holds the middle of all time, if they are put in order of their lengths."""
    left_us = (edges[-1] - edges[0]) / 2
    in_order = sorted((round(right - left, 3), left) for left, right in pairwise(edges))  # of equals the earlier one
    for length, left in in_order:
        left_us -= length
        if left_us <= 0:
            return left
    return in_order[-1][1]


def _graph_share(reading: Reading, pairs: Pairs, steady: Steady) -> float:
    """Return how much of the work in the steady part comes from graphs, as a share of its number."""
    inside = [w for w in reading.works if steady.start_us <= w.start_us < steady.end_us]
    from_graphs = {w for place, works in pairs.items() if reading.calls[place].brings == "graph" for w in works}
    return sum(work in from_graphs for work in inside) / len(inside) if inside else 0.0


def _one_gap(reading: Reading, shares: Shares, steady: Steady) -> str:
    """Return a sentence on a single gap that makes up most of the idle time, "" if none does."""
    total_us = steady.end_us - steady.start_us
    longest = max(gaps(reading.works, steady.start_us, steady.end_us), key=lambda gap: gap[1] - gap[0], default=None)
    share = (longest[1] - longest[0]) / total_us if longest else 0.0
    if longest is None or share < ONE_GAP * (1.0 - shares.busy) or share < HELD_UP_MATTERS:
        return ""
    return (
        f"One gap of {longest[1] - longest[0]:,.0f} µs is {share:.0%} of this time; without it the GPU is busy "
        f"{shares.busy / (1.0 - share):.0%}. One gap says little of how the program usually runs: profile more steps."
    )
