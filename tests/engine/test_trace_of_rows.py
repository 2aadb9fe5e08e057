"""The life of a symbolic token in the real engine: written once it is sampled, read once, in that order, row by row."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from mini_lib.engine import FutureMap
from mini_lib.scheduling.workloads import FAMILIES
from tests.engine.serving import PROMPTS, all_free, engine_for, oracle, oracle_of, serve, small_engine
from tests.planted.planting import Bug, planted


class TracedMap(FutureMap):
    """Writes down W and R per row."""

    def __init__(self, max_num_seqs, device):
        super().__init__(max_num_seqs, device, debug=True)
        self.trace = defaultdict(str)

    def resolve(self, input_ids):
        for symbolic in input_ids[input_ids < 0].tolist():
            self.trace[-symbolic] += "R"
        return super().resolve(input_ids)

    def stash(self, ids, tokens):
        for symbolic in ids.tolist():
            self.trace[-symbolic] += "W"
        super().stash(ids, tokens)


def trace_of(workload, **options):
    maps = []

    def new_map(max_num_seqs, device):
        maps.append(TracedMap(max_num_seqs, device))
        return maps[0]

    with engine_for(workload, future_map=new_map, **options) as engine:
        assert serve(engine, workload) == oracle_of(workload)
        assert all_free(engine)
    return maps[0].trace


@pytest.mark.parametrize("scheduling", ["mixed", "prefill_first"])
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_read_of_a_row_has_a_write_of_its_own(family, scheduling):
    trace = trace_of(FAMILIES[family](7, policy=scheduling), enforce_eager=True)
    assert trace and 0 not in trace, "row 0 is padding: nobody reserves a place for it"
    for row, letters in trace.items():
        assert re.fullmatch(r"(W+R)*W*", letters), f"row {row}: {letters}"
        assert "WR" * 2 in letters or len(letters) < 8


def test_a_request_alone_writes_and_reads_in_turns():
    maps = []
    factory = lambda rows, device: maps.append(TracedMap(rows, device)) or maps[0]  # noqa: E731
    with small_engine(future_map=factory, max_num_seqs=1) as engine:
        assert engine.generate([[5, 0, 3]], 5) == oracle([[5, 0, 3]], 5)
    assert dict(maps[0].trace) == {1: "WRWRWRWRW"}


def test_the_normal_loop_writes_and_never_reads():
    """The CPU knows every token by then; the map is written all the same, so that both loops run the same step."""
    trace = trace_of(FAMILIES["random"](7), async_scheduling=False)
    assert set("".join(trace.values())) == {"W"}


def test_a_token_that_was_never_stashed_is_named_and_ends_the_engine():
    bug = Bug("no stash", "mini_lib.engine.device_step", "DeviceStep.run", "self.future_map.stash(ids, tokens)", "pass")
    with planted(bug), small_engine(debug=True, stream_policy="lazy") as engine:
        with pytest.raises(RuntimeError, match=r"StaleTokenError: The tokens of rows \[1, 2\]"):
            engine.generate(PROMPTS[:2], 4)
        with pytest.raises(RuntimeError, match="StaleTokenError"):  # as on a GPU: after an error the device is lost
            engine.generate(PROMPTS[:2], 4)
