"""Whatever the mode, the loop, the device and the way of cutting: the tokens are those of eager, sequential decoding.

The model's next token is a hash of every KV entry that it reads through the page table, in integers. So this is no
comparison of rounded numbers: one wrong slot, table, position, order or token changes what comes out.

`make test` runs a part of the matrix in which every two choices meet; `make soak` (LAUNCH_BOUND_SOAK) runs all of it,
on several seeds.
"""

from __future__ import annotations

import itertools
import os
import random

import pytest

from mini_lib.compilation import CompilationMode
from mini_lib.dispatch import CUDAGraphMode
from mini_lib.scheduling.workloads import FAMILIES
from tests.engine.serving import POLICIES, all_free, engine_for, oracle_of, serve

CHOICES = (
    tuple(CUDAGraphMode),
    (False, True),  # async_scheduling
    tuple(POLICIES),
    (CompilationMode.NONE, CompilationMode.VLLM_COMPILE),
    tuple(FAMILIES),
    ("mixed", "prefill_first"),
)
SOAK = bool(os.environ.get("LAUNCH_BOUND_SOAK"))
SEEDS = (11, 12) if SOAK else (101,)


def pairs(case):
    return set(itertools.combinations(enumerate(case), 2))


def every_two_choices():
    """Return cases in which every two choices of different columns meet at least once, the same ones each time."""
    source, cases = random.Random(7), list(itertools.product(*CHOICES))
    missing, chosen = set().union(*map(pairs, cases)), []
    while missing:
        best = max(source.sample(cases, 100), key=lambda case: len(pairs(case) & missing))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


def name(case):
    mode, overlaps, policy, cut, family, scheduling = case
    loop, way = "overlap" if overlaps else "normal", "FX" if cut else "breakable"
    return f"{mode.name}-{loop}-{policy}-{way}-{family}-{scheduling}"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", list(itertools.product(*CHOICES)) if SOAK else every_two_choices(), ids=name)
def test_tokens_are_those_of_eager_sequential_decoding(case, seed):
    mode, overlaps, policy, cut, family, scheduling = case
    workload = FAMILIES[family](seed, policy=scheduling)
    engine = engine_for(
        workload, cudagraph_mode=mode, async_scheduling=overlaps, stream_policy=policy, compilation_mode=cut,
    )  # fmt: skip
    with engine:
        assert serve(engine, workload) == oracle_of(workload)
        assert all_free(engine)
