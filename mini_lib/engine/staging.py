"""Where the CPU writes a batch down before the device fetches it: pinned host memory, two sets, in turns.

A copy from pinned memory does not make the CPU wait; so the memory must stay as it is until the copy has happened.
With one set the CPU would overwrite the batch that the device is about to fetch (mini-sglang #103, vLLM #40756: right
for weeks, wrong under load). With two sets the CPU prepares one batch while the device fetches the other, and a set is
written again only after the tokens of its last batch have come back.

>>> from mini_lib.scheduling.batch import ScheduledRequest, SchedulerOutput
>>> limits = Limits(max_num_seqs=2, max_num_batched_tokens=8, max_model_len=8, block_size=4, num_kv_blocks=5)
>>> staging = StagingSet(limits, lambda shape, dtype: torch.zeros(shape, dtype=dtype))
>>> staging.write(SchedulerOutput(0, (ScheduledRequest(7, 2, 3, (11, 12), (4, 1), True),), False))
>>> {name: values[:2].tolist() for name, values in staging.tokens.items()}
{'input_ids': [11, 12], 'positions': [3, 4], 'token_rows': [2, 2], 'slot_mapping': [19, 4]}
>>> staging.page_table.tolist(), staging.requests["last_token"][:1].tolist()
([[0, 0], [0, 0], [4, 1]], [1])
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from mini_lib.engine.limits import Limits
from mini_lib.scheduling.batch import ScheduledRequest, SchedulerOutput

HostTensor = Callable[[tuple[int, ...], torch.dtype], Tensor]  # memory that both CPU and device can reach
TOKEN_INPUTS = ("input_ids", "positions", "token_rows", "slot_mapping")
REQUEST_INPUTS = ("rows", "last_token")


class StagingSet:
    """Host memory for one batch on its way to the device, and for its tokens on their way back. All int64.

    `tokens` holds one value per token: its id (or `FUTURE_TOKEN`), its position, its request's row, the KV slot that it
    writes. `requests` holds one value per request: its row, and the place of its last token in the batch. `page_table`
    has a row per place in the request pool, and only the rows of the batch are up to date. `sampled` takes the tokens
    that come back, `launches` the number of kernels and graphs that the step launched.
    """

    def __init__(self, limits: Limits, host_tensor: HostTensor) -> None:
        self.block_size = limits.block_size
        int64 = torch.int64
        self.tokens = {name: host_tensor((limits.max_num_batched_tokens,), int64) for name in TOKEN_INPUTS}
        self.requests = {name: host_tensor((limits.max_num_seqs,), int64) for name in REQUEST_INPUTS}
        self.page_table = host_tensor((limits.max_num_seqs + 1, limits.max_blocks), int64)
        self.sampled = host_tensor((limits.max_num_seqs,), int64)
        self.launches = host_tensor((3,), int64)

    def write(self, batch: SchedulerOutput) -> None:
        """Write `batch` down. Whoever calls this has seen to it that the device is done with what stood here."""
        for name, values in zip(TOKEN_INPUTS, self._token_inputs(batch.requests), strict=True):
            _fill(self.tokens[name], values)
        _fill(self.requests["rows"], [request.row for request in batch.requests])
        _fill(self.requests["last_token"], list(_last_tokens(batch.requests)))
        for request in batch.requests:
            _fill(self.page_table[request.row], request.block_ids)

    def _token_inputs(self, requests: Sequence[ScheduledRequest]) -> Iterator[list[int]]:
        """Yield the four inputs in the order of `TOKEN_INPUTS`, the requests one after the other."""
        yield [token for request in requests for token in request.token_ids]
        yield [position for request in requests for position in _positions(request)]
        yield [request.row for request in requests for _ in request.token_ids]
        yield [self._slot(request, position) for request in requests for position in _positions(request)]

    def _slot(self, request: ScheduledRequest, position: int) -> int:
        block, offset = divmod(position, self.block_size)
        return request.block_ids[block] * self.block_size + offset


def _positions(request: ScheduledRequest) -> range:
    return range(request.start, request.start + len(request.token_ids))


def _last_tokens(requests: Sequence[ScheduledRequest]) -> Iterator[int]:
    """Yield, per request, the place of its last token in the batch: the row of hidden states that is sampled from."""
    end = 0
    for request in requests:
        end += len(request.token_ids)
        yield end - 1


def _fill(target: Tensor, values: Sequence[int]) -> None:
    target[: len(values)] = torch.tensor(values, dtype=torch.int64)
