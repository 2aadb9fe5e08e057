"""Who is in the next batch, and with how many tokens: the two policies, and why their batches look different.

"mixed" (vLLM): everybody who decodes brings one token, and pieces of prompts fill the step up. "prefill_first"
(SGLang): as long as there are prompts to compute, batches hold nothing else, and the decodes wait.

In both, memory is granted in order of arrival. Where it runs short nobody newer gets any in this step.
"""

from __future__ import annotations

from mini_lib.scheduling.config import SchedulerConfig
from mini_lib.scheduling.request_pool import RequestPool
from mini_lib.scheduling.requests import Request

Share = tuple[Request, int]  # a request, and how many tokens it will bring to the batch


def plan_batch(pool: RequestPool, config: SchedulerConfig, now_us: float) -> list[Share]:
    """Return the shares of the next batch, their KV blocks allocated; empty where nobody can run.

    Requests may be admitted and retracted on the way.
    """
    if config.policy == "mixed":
        return _Step(pool, config, now_us).plan(prefills=True, decodes=True)
    prefills = _Step(pool, config, now_us).plan(prefills=True, decodes=False)
    return prefills or _Step(pool, config, now_us).plan(prefills=False, decodes=True)


class _Step:
    """One attempt to fill a step."""

    def __init__(self, pool: RequestPool, config: SchedulerConfig, now_us: float) -> None:
        self._pool = pool
        self._config = config
        self._now_us = now_us
        self._budget = config.max_num_batched_tokens  # for prompts
        self._shares: list[Share] = []

    def plan(self, *, prefills: bool, decodes: bool) -> list[Share]:
        """Return the shares of those who run, then of those who are admitted."""
        wanted = {True: prefills, False: decodes}
        launchable = [(request, request.is_prefilling) for request in self._pool.running if not request.is_complete]
        if decodes:  # each has its token for sure, however long an older prompt is
            self._budget -= sum(not is_prefilling for _, is_prefilling in launchable)
        for request, is_prefilling in launchable:
            # Whoever was retracted for an older one on the way is RUNNING no more, and owns no row.
            if request.row and wanted[is_prefilling] and not self._share(request, is_prefilling):
                return self._shares
        if prefills:
            self._admit()
        return self._shares

    def _admit(self) -> None:
        while self._budget and (request := self._pool.admit(self._now_us)):
            self._share(request, is_prefilling=True)

    def _share(self, request: Request, is_prefilling: bool) -> bool:
        """Put `request` into the batch; False where KV is short. One for whom no budget is left waits, and is fine."""
        num_tokens = self._piece(request) if is_prefilling else 1
        if num_tokens and not self._pool.grow(request, num_tokens):
            return False
        if num_tokens:
            self._shares.append((request, num_tokens))
            self._budget -= num_tokens if is_prefilling else 0
        return True

    def _piece(self, request: Request) -> int:
        left = request.num_prefill_tokens - request.num_computed_tokens
        return min(left, self._config.chunk_tokens, self._budget)
