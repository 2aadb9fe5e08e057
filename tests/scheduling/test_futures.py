"""The scheduler's futures are those of production: they break a ring of slots as SGLang's did, and no row of a pool.

A ring gives every row of every batch a new slot, the pieces of prompts too. Where prompts go first, a decode waits
with its token in a slot while the ring moves on, and at last another token lies there.
"""

from __future__ import annotations

from mini_lib.scheduling import (
    FAMILIES,
    ScheduledRequest,
    SchedulerConfig,
    SchedulerOutput,
    Workload,
    WorkloadRequest,
    event_loop_normal,
    event_loop_overlap,
)
from tests.scheduling import runs
from tests.scheduling.fake_device import FakeDevice
from tests.scheduling.runs import check, run


class RingDevice(FakeDevice):
    """Keeps tokens in a ring of three slots per row, which SGLang 0.5.4 had (and more behind its end)."""

    def _run(self, batch: SchedulerOutput) -> list[int]:
        if not hasattr(self, "ring"):
            self.ring, self.slot_of_row, self.cursor = {}, {}, 0
        samples = super()._run(batch)
        for place, (one, token) in enumerate(zip(batch.requests, samples, strict=True), start=1):
            self.slot_of_row[one.row] = self.cursor + place
            self.ring[self.cursor + place] = token
        self.cursor = (self.cursor + len(samples)) % (3 * self.config.max_num_seqs)
        return samples

    def _resolve(self, one: ScheduledRequest) -> list[int]:
        return [self.ring[self.slot_of_row[one.row]] if token < 0 else token for token in one.token_ids]


def behind_a_prompt_of(num_pieces: int, policy: str) -> Workload:
    """Return one request that decodes, and one whose prompt comes in `num_pieces` pieces of one token."""
    config = SchedulerConfig(
        max_num_seqs=2, max_num_batched_tokens=2, max_chunk_tokens=1, block_size=4, num_blocks=40, max_model_len=64,
        policy=policy,
    )  # fmt: skip
    return Workload("ring", (WorkloadRequest((7,), 6), WorkloadRequest((3,) * num_pieces, 2, arrival_us=11.0)), config)


def is_exact(workload: Workload, loop: runs.Loop) -> bool:
    done = run(workload, loop, vocab_size=97)
    return all(done.answer(number) == done.expected(number) for number in range(len(workload.requests)))


def test_pieces_of_a_prompt_overwrite_a_future_in_a_ring(monkeypatch):
    monkeypatch.setattr(runs, "FakeDevice", RingDevice)
    exact = [is_exact(behind_a_prompt_of(pieces, "prefill_first"), event_loop_overlap) for pieces in range(1, 12)]
    # A ring of 3 * 2 slots: the sixth slot taken after its own lands on it, and the decode reads another token.
    assert exact == [True] * 5 + [False] * 6


def test_a_ring_is_safe_where_a_decode_never_waits(monkeypatch):
    monkeypatch.setattr(runs, "FakeDevice", RingDevice)
    assert all(is_exact(behind_a_prompt_of(pieces, "mixed"), event_loop_overlap) for pieces in range(1, 12))


def test_a_ring_is_safe_where_all_tokens_are_known(monkeypatch):
    monkeypatch.setattr(runs, "FakeDevice", RingDevice)
    assert all(is_exact(behind_a_prompt_of(pieces, "prefill_first"), event_loop_normal) for pieces in range(1, 12))


def test_a_row_of_a_pool_holds_its_future_however_long():
    for pieces in (6, 11, 50):
        check(run(behind_a_prompt_of(pieces, "prefill_first"), event_loop_overlap, vocab_size=97))


def test_the_chunk_heavy_family_breaks_a_ring(monkeypatch):
    monkeypatch.setattr(runs, "FakeDevice", RingDevice)
    broken = [
        seed
        for seed in range(20)
        if not is_exact(FAMILIES["chunk_heavy"](seed, vocab_size=97, policy="prefill_first"), event_loop_overlap)
    ]
    assert len(broken) >= 10
