"""Who runs, who waits, and what the running ones own: a row each, and KV blocks for the tokens that they computed.

Both lists are in order of arrival, and memory is granted in that order too. When a request runs short of KV blocks,
the latest arrival is *retracted* for it: it gives everything back, waits again, and recomputes its tokens later. The
latest itself waits. So the oldest request always moves on, and with it everybody, sooner or later.

A token that was in flight at the retraction is dropped. It is sampled again from the same tokens, so it is the same.

Not modelled: swapping KV out to the CPU, sharing the blocks of a common prefix.
"""

from __future__ import annotations

from bisect import insort

from mini_lib.scheduling.config import SchedulerConfig
from mini_lib.scheduling.free_list import FreeList
from mini_lib.scheduling.requests import Request, RequestStatus


def by_arrival(request: Request) -> tuple[float, int]:
    """Return what requests are sorted by, in every list of them."""
    return request.arrival_us, request.request_id


class RequestPool:
    """The unfinished requests, and the free rows and KV blocks. A batch is made from `running`."""

    def __init__(self, config: SchedulerConfig) -> None:
        self._config = config
        self.waiting: list[Request] = []
        self.running: list[Request] = []
        self.rows = FreeList("row", config.max_num_seqs)
        self.blocks = FreeList("KV block", config.usable_blocks)

    def add(self, request: Request) -> None:
        """Let `request` wait for its turn."""
        insort(self.waiting, request, key=by_arrival)

    def admit(self, now_us: float) -> Request | None:
        """Give a row to the first request that waits, and return it; None: nobody arrived, or he does not fit.

        Nobody overtakes a request that does not fit.
        """
        if not (self.waiting and self.waiting[0].arrival_us <= now_us and self.has_room_for(self.waiting[0])):
            return None
        request = self.waiting.pop(0)
        insort(self.running, request, key=by_arrival)
        request.status, request.row = RequestStatus.RUNNING, self.rows.take()[0]
        request.num_prefill_tokens = request.num_tokens
        return request

    def has_room_for(self, request: Request) -> bool:
        """Tell whether a row is free, and KV blocks for all tokens of `request` and a first new one.

        Only the first piece of them is allocated when it is admitted, but whoever is let in on less is retracted in no
        time.
        """
        num_tokens = min(request.num_tokens + 1, request.max_kv_tokens)
        return bool(self.rows) and self._config.blocks_for(num_tokens) <= len(self.blocks)

    def grow(self, request: Request, num_tokens: int) -> bool:
        """Own the KV blocks for the next `num_tokens` tokens of `request`, retracting later arrivals for them.

        Returns False where that cannot be in this step. Nobody came later then: it keeps what it has and waits until
        an older request ends, or needs that memory.
        """
        num_blocks = self._config.blocks_for(request.num_computed_tokens + num_tokens) - len(request.block_ids)
        if num_blocks <= 0:  # as in most steps of a decode
            return True
        while num_blocks > len(self.blocks):
            # Whoever is complete is spared: its last token is in flight, and its blocks come free in a moment.
            latest = next(other for other in reversed(self.running) if not other.is_complete)
            if latest is request:
                return False
            self.retract(latest)
        request.block_ids += self.blocks.take(num_blocks)
        return True

    def retract(self, request: Request) -> None:
        """Take row and KV blocks from `request` and let it wait again, before all who arrived later."""
        self._release(request)
        request.forget()
        request.status = RequestStatus.RETRACTED
        self.add(request)

    def finish(self, request: Request, status: RequestStatus) -> None:
        """Let `request` go, wherever it is. A batch in flight may still write to what it owned.

        That is harmless: batches run in order, so the next owner's writes come later.
        """
        if request.status is RequestStatus.RUNNING:
            self._release(request)
        else:
            self.waiting.remove(request)
        request.status = status

    def _release(self, request: Request) -> None:
        self.running.remove(request)
        self.rows.give_back([request.row])
        self.blocks.give_back(request.block_ids)
        request.row, request.block_ids = 0, []
