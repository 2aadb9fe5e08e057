"""A request: its tokens, what of them is computed, what it owns, and in which state it is.

Two counters run at different times. `num_computed_tokens` advances when a batch is *launched*, so that the next batch
can be made at once; tokens are appended when a batch is *processed*. Between the two, a sampled token is in flight:
it exists on the device, and the CPU knows only that it does.

>>> request = Request(request_id=7, prompt=(5, 0, 3), max_new_tokens=2)
>>> request.row, request.num_prefill_tokens = 1, 3
>>> request.launch(num_tokens=3).token_ids  # the prompt; its token is now in flight
(5, 0, 3)
>>> request.launch(num_tokens=1).token_ids  # FUTURE_TOKEN: the device will fill it in
(-1,)
>>> request.is_complete  # two tokens in flight, and two were asked for: there is nothing more to launch
True
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from mini_lib.scheduling.batch import FUTURE_TOKEN, ScheduledRequest


class RequestStatus(Enum):
    """Where a request is in its life; `Request` draws the way. The value of a finished one is its finish reason."""

    WAITING = "waiting"
    RUNNING = "running"
    RETRACTED = "retracted"
    FINISHED_STOPPED = "stop"
    FINISHED_LENGTH = "length"
    FINISHED_ABORTED = "abort"

    is_finished: bool  # whether it is over; settled once, because it is asked for every token

    def __init__(self, value: str) -> None:
        self.is_finished = self.name.startswith("FINISHED")


@dataclass(slots=True, eq=False)
class Request:
    """One prompt and the answer that grows behind it.

    ```text
    WAITING ── admitted: row, KV blocks ──> RUNNING ── last token processed ──> FINISHED_STOPPED, FINISHED_LENGTH
                                             │   ^
                       KV short: gives all back   └── admitted again, recomputes its tokens
                                             v   │
                                           RETRACTED            abort() leads from anywhere to FINISHED_ABORTED
    ```

    `row` is 0 and `block_ids` is empty unless it is RUNNING. `num_in_flight` counts tokens that were sampled by
    launched batches and not processed yet; a retraction forgets them, and they will be sampled again.
    """

    request_id: int
    prompt: tuple[int, ...]
    max_new_tokens: int
    arrival_us: float = 0.0
    status: RequestStatus = RequestStatus.WAITING
    row: int = 0
    block_ids: list[int] = field(default_factory=list)
    num_computed_tokens: int = 0
    num_prefill_tokens: int = 0  # known tokens at its admission: before they are computed it does not decode
    num_in_flight: int = 0
    num_retractions: int = 0
    reads_future: bool = False  # its next token stays a reference to the device, even if it is known by then
    token_ids: list[int] = field(init=False)  # the prompt and all processed tokens

    def __post_init__(self) -> None:
        self.token_ids = list(self.prompt)

    @property
    def output_token_ids(self) -> list[int]:
        """The tokens of the answer that were processed."""
        return self.token_ids[len(self.prompt) :]

    @property
    def num_output_tokens(self) -> int:
        """How many tokens of the answer were processed."""
        return len(self.token_ids) - len(self.prompt)

    @property
    def num_tokens(self) -> int:
        """Tokens that exist: the known ones and those in flight."""
        return len(self.token_ids) + self.num_in_flight

    @property
    def max_kv_tokens(self) -> int:
        """The most tokens whose KV it ever needs: nobody reads that of the last."""
        return len(self.prompt) + self.max_new_tokens - 1

    @property
    def is_prefilling(self) -> bool:
        """Whether it ingests tokens that were known at its admission. A prompt of one token prefills as well."""
        return self.num_computed_tokens < self.num_prefill_tokens

    @property
    def is_complete(self) -> bool:
        """Whether the tokens in flight are its last: its length ends it, known ahead of time."""
        return len(self.token_ids) - len(self.prompt) + self.num_in_flight >= self.max_new_tokens

    def launch(self, num_tokens: int) -> ScheduledRequest:
        """Advance over the next `num_tokens` tokens, and return what it brings to the batch."""
        start, end = self.num_computed_tokens, self.num_computed_tokens + num_tokens
        is_future = self.reads_future or end > len(self.token_ids)
        tokens = (FUTURE_TOKEN,) if is_future else tuple(self.token_ids[start:end])
        samples = end == self.num_tokens
        self.num_computed_tokens = end
        self.num_in_flight += samples
        self.reads_future = False
        brought = (self.request_id, self.row, start, tokens, tuple(self.block_ids), samples)
        return tuple.__new__(ScheduledRequest, brought)  # a third of the time of a call with six arguments

    def forget(self) -> None:
        """Go back to where nothing is computed. The known tokens stay; what is in flight belongs to an earlier life."""
        self.num_computed_tokens = self.num_in_flight = 0
        self.reads_future = False
        self.num_retractions += 1
