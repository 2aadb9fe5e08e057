"""Spans inside spans: those that lie in no other, and who owns a moment that several claim.

A profiler's spans nest: a call lies inside an op, which lies inside another. Counting or drawing them needs either the
outer ones alone, or each moment given to one span.

>>> op, call = Span("CPU", "aten::mm", 0, 10), Span("CPU", "cudaLaunchKernel", 4, 7)
>>> outermost([call, op]) == [op]
True
>>> [(span.name, span.start_us, span.end_us) for span in flat([op, call])]
[('aten::mm', 0, 4), ('cudaLaunchKernel', 4, 7), ('aten::mm', 7, 10)]
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mini_lib.timing.span import Span


def outermost(spans: Iterable[Span]) -> list[Span]:
    """Return the spans that lie inside no other, by start."""
    kept: list[Span] = []
    for span in sorted(spans, key=_outer_first):
        if not kept or span.end_us > kept[-1].end_us:
            kept.append(span)
    return kept


def flat(spans: Iterable[Span]) -> list[Span]:
    """Return the spans cut so that no two overlap: a moment belongs to the span that began last, of those then open.

    A span of no length owns no moment and is left out.
    """
    pieces: list[Span] = []
    owner: tuple[int, Span] | None = None
    for place, piece in _pieces(sorted(spans, key=_outer_first)):
        if owner and owner[0] == place and owner[1].end_us == piece.start_us:
            pieces[-1] = replace(owner[1], end_us=piece.end_us)
        else:
            pieces.append(piece)
        owner = place, pieces[-1]
    return pieces


def _pieces(spans: list[Span]) -> Iterator[tuple[int, Span]]:
    """Yield each stretch between two starts or ends, and the place of its owner: the open span that began last."""
    open_spans: list[tuple[int, Span]] = []  # a heap: the one that began last comes first
    now_us = -math.inf
    starts = [*(span.start_us for span in spans), math.inf]
    for place, start_us in enumerate(starts):
        while open_spans and now_us < start_us:
            owner = -open_spans[0][0], open_spans[0][1]
            until_us = min(owner[1].end_us, start_us)
            if now_us < until_us:
                yield owner[0], replace(owner[1], start_us=now_us, end_us=until_us)
                now_us = until_us
            if owner[1].end_us <= now_us:
                heapq.heappop(open_spans)
        if place < len(spans):
            now_us = max(now_us, start_us)
            heapq.heappush(open_spans, (-place, spans[place]))


def _outer_first(span: Span) -> tuple[float, float]:
    # Where two begin at once, the longer one is around the shorter one.
    return span.start_us, -span.end_us
