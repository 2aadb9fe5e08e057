"""Which stretches of a student's text are shared with another's, as runs that a page can colour.

Every sign of the text belongs to one run: `few` (shared, and few in the class have it), `many` (shared, as much of the
class does), `known` (stands in the release or in the course's own solution) or "" for what is the student's alone.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import NamedTuple

import numpy as np

from autograde.similar.readers import Part

KINDS = ("", "known", "many", "few")  # a later one covers an earlier one
LINE_ENDS = re.compile(r"[ \t]*\n\s*")


class Run(NamedTuple):
    """A stretch of text of one kind."""

    kind: str
    text: str


def runs(part: Part, others: np.ndarray, known: np.ndarray, held_by_few: np.ndarray) -> list[Run]:
    """Return a text in runs; `others` are the fingerprints of the one that it is compared with."""
    shared = np.isin(part.hashes, others) & ~np.isin(part.hashes, known)
    few = shared & np.isin(part.hashes, held_by_few)
    kind = np.zeros(len(part.text), dtype=np.int8)
    for number, chosen in enumerate((np.isin(part.hashes, known), shared, few), start=1):
        kind[_covered(part, chosen)] = number
    for gap in LINE_ENDS.finditer(part.text):
        kind[gap.start() : gap.end()] = 0  # a mark ends with its line
    signs = groupby(zip(kind.tolist(), part.text, strict=True), key=lambda sign: sign[0])
    return [Run(KINDS[number], "".join(sign for _, sign in group)) for number, group in signs]


def _covered(part: Part, chosen: np.ndarray) -> np.ndarray:
    """Return for each sign of the text whether a chosen fingerprint lies on it."""
    steps = np.zeros(len(part.text) + 1, dtype=np.int64)
    np.add.at(steps, part.starts[chosen], 1)
    np.add.at(steps, part.ends[chosen], -1)
    return np.cumsum(steps)[:-1] > 0
