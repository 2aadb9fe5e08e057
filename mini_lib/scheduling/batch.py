"""What the scheduler and the runner say to each other: plain frozen values, no tensors and no requests.

A batch is a snapshot. The requests move on while it runs (they finish, are retracted, are aborted), and its result
must still be read as of its launch.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

FUTURE_TOKEN = -1  # "the token that this row sampled last": the device has it, the CPU may not know it yet


class ScheduledRequest(NamedTuple):
    """What one request brings to a batch: the tokens at positions `start` .. `start + len(token_ids) - 1`.

    `row` is its place in the request pool (`req_pool_index`): from 1 up, its own until it ends or is retracted; row 0
    is padding. `token_ids` holds `FUTURE_TOKEN` at most once, at its end: for a token that was not known when the
    batch after its own was made. A row may wait for some batches until it reads it. `block_ids` are all KV blocks that
    it owns, in order of position. `samples` tells whether the token sampled after the last position is an output; a
    piece of a prompt that is not its end samples nothing that anybody reads.
    """

    request_id: int
    row: int
    start: int
    token_ids: tuple[int, ...]
    block_ids: tuple[int, ...]
    samples: bool


class SchedulerOutput(NamedTuple):
    """One batch to run. `uniform_decode` is judged by the *state* of its requests, never by shape alone."""

    step: int  # 0, 1, 2, ... in order of launch
    requests: tuple[ScheduledRequest, ...]
    uniform_decode: bool  # every request decodes, and brings one token

    @property
    def num_tokens(self) -> int:
        """Rows of the forward pass, before padding."""
        return sum(len(request.token_ids) for request in self.requests)


class NewToken(NamedTuple):
    """A token that a user gets to see. `finish_reason` is "length", "stop" or None: not finished."""

    request_id: int
    token_id: int
    finish_reason: str | None


class ModelRunnerOutput(Protocol):
    """The result of a launched batch, which may not be there yet."""

    def wait(self) -> list[int]:
        """Wait for the batch, and return one sampled token per request, in the order of the batch."""


class Runner(Protocol):
    """Runs batches: `ModelRunner` on a device, `SimRunner` on a virtual clock."""

    def execute_model(self, batch: SchedulerOutput) -> ModelRunnerOutput:
        """Launch the batch and return at once."""
