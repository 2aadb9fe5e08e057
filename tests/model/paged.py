"""KV blocks dealt out in a shuffled order to the rows of a request pool, and batches over them."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from mini_lib.config import ModelConfig
from mini_lib.dispatch.forward_context import set_forward_context
from mini_lib.model import AttentionMetadata, new_kv_caches

NUM_ROWS, BLOCK_SIZE, MAX_BLOCKS = 4, 4, 16
CONTEXT = BLOCK_SIZE * MAX_BLOCKS


class Chunk(NamedTuple):
    """The tokens that one request brings to a batch: those of row `row` at positions `start` and following."""

    row: int
    start: int
    tokens: list[int]


class Paged:
    """A KV cache full of garbage, in which rows 1 to 4 own 16 blocks of 4 tokens each, in no order."""

    def __init__(self, config: ModelConfig, device: torch.device, dtype: torch.dtype, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        num_blocks = 1 + NUM_ROWS * MAX_BLOCKS
        blocks = 1 + torch.randperm(num_blocks - 1, generator=generator).view(NUM_ROWS, MAX_BLOCKS)
        self.page_table = torch.cat((torch.zeros_like(blocks[:1]), blocks)).to(device)
        self.kv_caches = new_kv_caches(config, num_blocks, BLOCK_SIZE, device, dtype)
        for number, cache in enumerate(self.kv_caches, 7):
            cache.fill_(-1234567890123 * number if dtype == torch.int64 else float("nan"))

    def slot(self, row: int, position: int) -> int:
        return int(self.page_table[row, position // BLOCK_SIZE]) * BLOCK_SIZE + position % BLOCK_SIZE

    def inputs(self, chunks: list[Chunk], num_padded: int = 0) -> dict[str, Tensor]:
        """Return token ids, positions, rows and slots of a batch; padded tokens are token 0 of row 0 in slot 0."""
        where = [(one.row, one.start + index) for one in chunks for index in range(len(one.tokens))]
        columns = {
            "input_ids": [token for one in chunks for token in one.tokens],
            "positions": [position for _, position in where],
            "token_rows": [row for row, _ in where],
            "slot_mapping": [self.slot(row, position) for row, position in where],
        }
        padding = [0] * max(0, num_padded - len(where))
        device = self.page_table.device
        return {name: torch.tensor([*column, *padding], device=device) for name, column in columns.items()}

    def metadata(self, token_rows: Tensor, slot_mapping: Tensor, max_seq_len: int = CONTEXT) -> AttentionMetadata:
        return AttentionMetadata(self.kv_caches, self.page_table, token_rows, slot_mapping, BLOCK_SIZE, max_seq_len)

    def run(self, model: Any, chunks: list[Chunk], *, num_padded: int = 0, max_seq_len: int = CONTEXT) -> Tensor:
        """Return the hidden states of a batch, padding included."""
        inputs = self.inputs(chunks, num_padded)
        with set_forward_context(
            attn_metadata=self.metadata(inputs["token_rows"], inputs["slot_mapping"], max_seq_len)
        ):
            return model(inputs["input_ids"], inputs["positions"])
