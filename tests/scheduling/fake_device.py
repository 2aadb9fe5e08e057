"""A device that computes nothing until somebody waits, with a next token that depends on everything.

Two layers of KV. An entry of the first mixes a token with its position; an entry of the second folds all entries of the
first up to its own, read through the block table; the next token folds all entries of the second. So one wrong, stale,
swapped or missing entry changes the token. Integers only: there is no rounding to hide behind.

Work runs in launch order, from what the batch said at its launch. `FUTURE_TOKEN` is read from the row's last sample.
"""

from __future__ import annotations

from collections.abc import Callable

from mini_lib.scheduling import FUTURE_TOKEN, ScheduledRequest, SchedulerConfig, SchedulerOutput

MASK = 2**61 - 1
NEVER_WRITTEN = 0xDEAD

Event = tuple[str, int]  # ("launch" | "wait" | "process", step)


class Deadlock(RuntimeError):
    """Somebody waited for a step that cannot end before he himself moves on."""


def fold(values: list[int]) -> int:
    """Hash `values` in their order."""
    state = 1442695040888963407
    for value in values:
        state = (state * 6364136223846793005 + value) & MASK
        state ^= state >> 29
    return state


def generate(prompt: tuple[int, ...], max_new_tokens: int, vocab_size: int, stop_token_id: int | None) -> list[int]:
    """Return what one request must get: alone, step by step, without blocks, rows or batches."""
    tokens, first, second = list(prompt), [], []
    while len(tokens) < len(prompt) + max_new_tokens:
        for position in range(len(second), len(tokens)):
            first.append(fold([tokens[position], position]))
            second.append(fold(first))
        tokens.append(fold(second) % vocab_size)
        if tokens[-1] == stop_token_id:
            break
    return tokens[len(prompt) :]


class FakeDevice:
    """A `Runner`. With `gate`, step k + 1 does not end before step k was processed."""

    def __init__(self, config: SchedulerConfig, vocab_size: int, log: list[Event], *, gate: bool = False) -> None:
        self.config = config
        self.vocab_size = vocab_size
        self.log = log
        self.gate = gate
        self.batches: list[SchedulerOutput] = []
        self._kv: tuple[dict[int, int], dict[int, int]] = ({}, {})  # of both layers, by slot
        self._last_of_row: dict[int, int] = {}
        self._queue: list[Callable[[], None]] = []
        self._results: list[list[int]] = []

    def execute_model(self, batch: SchedulerOutput) -> Output:
        assert batch.step == len(self.batches), "steps are counted in order of launch"
        check_batch(batch, self.config)
        self.log.append(("launch", batch.step))
        self.batches.append(batch)
        self._queue.append(lambda: self._results.append(self._run(batch)))
        return Output(self, batch.step)

    def finish(self, step: int) -> list[int]:
        """Run the queue up to `step`, as a stream does, and return its tokens."""
        self.log.append(("wait", step))
        if self.gate and step and ("process", step - 1) not in self.log:
            raise Deadlock(f"waited for step {step}, and step {step - 1} was not processed yet")
        while len(self._results) <= step:
            self._queue[len(self._results)]()
        return list(self._results[step])

    def _run(self, batch: SchedulerOutput) -> list[int]:
        inputs = [self._resolve(one) for one in batch.requests]
        samples = [self._forward(one, tokens) for one, tokens in zip(batch.requests, inputs, strict=True)]
        # Pieces of prompts leave their token in the row as well, as in SGLang: nobody may read it.
        self._last_of_row.update({one.row: token for one, token in zip(batch.requests, samples, strict=True)})
        return samples

    def _resolve(self, one: ScheduledRequest) -> list[int]:
        return [self._last_of_row[one.row] if token == FUTURE_TOKEN else token for token in one.token_ids]

    def _forward(self, one: ScheduledRequest, tokens: list[int]) -> int:
        first, second = self._kv
        slots = [
            one.block_ids[position // self.config.block_size] * self.config.block_size
            + position % self.config.block_size
            for position in range(one.start + len(tokens))
        ]
        for place, token in enumerate(tokens):
            position = one.start + place
            first[slots[position]] = fold([token, position])
            second[slots[position]] = fold([first.get(slot, NEVER_WRITTEN) for slot in slots[: position + 1]])
        return fold([second.get(slot, NEVER_WRITTEN) for slot in slots]) % self.vocab_size


class Output:
    """A `ModelRunnerOutput`."""

    def __init__(self, device: FakeDevice, step: int) -> None:
        self._device = device
        self._step = step

    def wait(self) -> list[int]:
        return self._device.finish(self._step)


def check_batch(batch: SchedulerOutput, config: SchedulerConfig) -> None:
    """What must hold for a batch whatever its tokens are."""
    rows = [one.row for one in batch.requests]
    blocks = [block for one in batch.requests for block in one.block_ids]
    assert 0 < batch.num_tokens <= config.max_num_batched_tokens
    assert len(set(rows)) == len(rows) and set(rows) <= set(range(1, config.max_num_seqs + 1))
    assert len(set(blocks)) == len(blocks) and set(blocks) <= set(range(1, config.num_blocks))
    for one in batch.requests:
        end = one.start + len(one.token_ids)
        assert len(one.block_ids) == config.blocks_for(end), "it owns what it needs by now, and no more"
        assert FUTURE_TOKEN not in one.token_ids[:-1]
        assert len(one.token_ids) <= config.chunk_tokens
    if batch.uniform_decode:
        assert all(len(one.token_ids) == 1 and one.samples for one in batch.requests)
