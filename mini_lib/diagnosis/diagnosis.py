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

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mini_lib.diagnosis.calls import Reading, read
from mini_lib.diagnosis.gain import Gains, assumptions, gains_of
from mini_lib.diagnosis.pairing import pair
from mini_lib.diagnosis.program import program_of
from mini_lib.diagnosis.shares import Shares, shares_of
from mini_lib.diagnosis.steady import Steady, steady_part
from mini_lib.diagnosis.verdict import ADVICE, LEAST_WORK, WHY, Verdict, close_call, judge
from mini_lib.timing import ASSUMED, LaunchCosts, Span, Timeline

if TYPE_CHECKING:
    from mini_lib.diagnosis.capturability import Capturability
    from mini_lib.plots import Picture

SHOWN_WORKS = 40
"""Kernels and copies that the picture zooms to: about a step of a small model, or a few layers of a large one."""
_CAPTIONS = {
    "computing": "GPU computes",
    "copying": "GPU copies",
    "between": "GPU between kernels, work is there",
    "launching": "GPU waits: CPU launches",
    "waiting": "GPU waits: CPU waited, has not launched again",
    "elsewhere": "GPU waits: CPU does other things, or nothing",
}


@dataclass(frozen=True)
class Diagnosis:
    """What holds a program up. `print` it; `picture()` draws a typical stretch.

    `shares`, `gains`, `steady` and `timeline` are None where there was nothing to time (a CPU). `capturability` says
    what of a function a graph could hold; it is None for a trace. `notes` qualify the verdict.
    """

    verdict: Verdict
    shares: Shares | None = None
    gains: Gains | None = None
    steady: Steady | None = None
    timeline: Timeline | None = None
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
        return ADVICE[self.verdict]

    def picture(self) -> Picture:
        """Return the two lanes, zoomed to a typical stretch.

        Raises:
            ValueError: nothing was timed, so there is nothing to draw.
        """
        from mini_lib.plots import two_lanes

        return two_lanes(self.typical_stretch(), title=f"{self.verdict.value}: a typical stretch")

    def typical_stretch(self) -> Timeline:
        """Return the part of the timeline in the middle of the steady part, some forty kernels long.

        Raises:
            ValueError: nothing was timed.
        """
        if self.timeline is None or self.steady is None:
            raise ValueError("Nothing was timed here, so there is no timeline: run on a GPU, or diagnose a trace.")
        edges = self.steady.edges
        start_us = edges[(len(edges) - 1) // 2]
        works = [work for work in read(self.timeline).works if work.start_us >= start_us]
        until_us = works[SHOWN_WORKS].start_us if len(works) > SHOWN_WORKS else self.steady.end_us
        return _cut(self.timeline, start_us, min(until_us, self.steady.end_us))

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain values, ready for JSON."""
        return {
            "verdict": self.verdict.value,
            "sentence": self.sentence,
            "advice": self.advice,
            "shares": self.shares._asdict() if self.shares else None,
            "steady_us": self.steady.end_us - self.steady.start_us if self.steady else None,
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

    def _evidence(self) -> list[str]:
        notes = [note for note in self.notes if note not in self.sentence]
        if self.shares is None or self.steady is None:
            return notes
        us = self.steady.end_us - self.steady.start_us
        head = f"Where {us:,.0f} µs go ({self.steady.num_stretches} stretches between waits)"
        rows = [f"  {_CAPTIONS[name]:<46} {share:6.1%}" for name, share in self.shares._asdict().items()]
        return ["\n".join([head, *rows]), *notes]

    def _expectation(self) -> list[str]:
        if self.gains is None:
            return []
        lines = ["Gain to expect", *(f"  {gain}" for gain in self.gains.gains)]
        return ["\n".join([*lines, *(f"  {sentence}" for sentence in assumptions(self.gains))])]


def diagnose_trace(timeline: Timeline, *, costs: LaunchCosts = ASSUMED) -> Diagnosis:
    """Return what holds the program behind `timeline` up: simulated, or read by `mini_lib.timing.trace_file`.

    `costs` fills in what the trace does not show, above all the gaps inside graphs.
    """
    reading = read(timeline)
    missing = _missing(reading)
    if missing:
        return Diagnosis(Verdict.UNKNOWN, timeline=timeline, notes=(missing,))
    steady, pairs = steady_part(reading), pair(reading)
    if steady.end_us <= steady.start_us:
        return Diagnosis(Verdict.UNKNOWN, timeline=timeline, notes=("all that the trace holds takes no time",))
    shares = shares_of(reading, pairs, steady.start_us, steady.end_us)
    gains = gains_of(program_of(reading, pairs, steady, costs), shares, steady.end_us - steady.start_us)
    dropped = f"Left out as warm-up: {steady.num_dropped} stretches at the beginning." if steady.num_dropped > 1 else ""
    notes = tuple(filter(None, (close_call(shares), dropped)))
    return Diagnosis(judge(shares), shares, gains, steady, timeline, notes=notes)


def _missing(reading: Reading) -> str:
    """Return what keeps a trace from being judged, "" if nothing does."""
    if not reading.works:
        return "the trace holds no work of a GPU, kernels or copies"
    if len(reading.works) < LEAST_WORK:
        return f"the trace holds {len(reading.works)} kernels and copies, and {LEAST_WORK} are the least"
    return "" if reading.launches else "the trace holds no launch, so it does not say what the GPU waited for"


def _cut(timeline: Timeline, start_us: float, end_us: float) -> Timeline:
    inside = (span for span in timeline.spans if span.end_us > start_us and span.start_us < end_us)
    cut = (Span(s.lane, s.name, max(s.start_us, start_us), min(s.end_us, end_us)) for s in inside)
    return Timeline(cut)
