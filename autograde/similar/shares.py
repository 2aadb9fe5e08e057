"""How much of what two students wrote is the same, for all pairs of a class at once.

The share of a pair is the weight of the fingerprints that both have, divided by the number that the shorter of the two
has. Three things keep short and obvious answers out of it:

- fingerprints of the release and of the course's own solution are taken out of everybody's, before anything is counted;
- a fingerprint weighs log(n / owners), scaled so that one of two owners weighs 1: what most of the class has, weighs
  little, what a fifth of it has, about a third;
- the divisor is at least `FLOOR`: a few lines cannot make a large share.

Not seen: an answer written anew in another order of thought; and where a large part of a class shares one text, each
pair of them comes to less than two alone would, though to more than the rest of the class: the picture shows a hump.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

FLOOR = 200  # fingerprints in one exercise: about eight lines beyond the release and the solution
FLOOR_WHOLE = 300  # in all of a student's code
AT_A_TIME = 4_096  # fingerprints in one matrix, so that memory does not grow with the class's code


def of_pairs(owned: Sequence[np.ndarray], floor: int) -> np.ndarray:
    """Return the share of each two of `owned`, sets of fingerprints as sorted arrays: a symmetric matrix, 0 to 1."""
    class_size = max(2, sum(len(one) > 0 for one in owned))  # one alone has no pair, and its weights no scale
    counted, owners = np.unique(np.concatenate([*owned, np.array([], np.int64)]), return_counts=True)
    common, weights = counted[owners > 1], weight(owners[owners > 1], class_size)
    shared = np.zeros((len(owned), len(owned)))
    for first in range(0, len(common), AT_A_TIME):
        chunk = slice(first, first + AT_A_TIME)
        has = np.array([np.isin(common[chunk], one, assume_unique=True) for one in owned], dtype=np.float64)
        shared += (has * weights[chunk]) @ has.T
    sizes = np.array([len(one) for one in owned])
    found = shared / np.maximum(np.minimum.outer(sizes, sizes), floor)
    np.fill_diagonal(found, 0.0)
    return np.round(found, 4)


def weight(owners: np.ndarray, class_size: int) -> np.ndarray:
    """Return what a fingerprint counts that so many of a class have: 1 for two of them, near 0 for all.

    >>> [round(float(one), 2) for one in weight(np.array([2, 6, 20, 60]), 60)]
    [1.0, 0.68, 0.33, 0.0]
    """
    return np.log((class_size + 1) / owners) / np.log((class_size + 1) / 2)


def unexplained(parts: Mapping[str, np.ndarray], explained: np.ndarray) -> dict[str, np.ndarray]:
    """Return each part's set of fingerprints without those in `explained`."""
    return {name: np.setdiff1d(hashes, explained) for name, hashes in parts.items()}


def together(parts: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return all fingerprints of one student as one set, so that code counts wherever it was moved to."""
    return np.unique(np.concatenate([*parts.values(), np.array([], np.int64)]))
