"""The same two worlds as in tests/graphs: the CPU twin always, `torch.cuda` where there is a GPU."""

from __future__ import annotations

from tests.graphs.conftest import one_thread, world

__all__ = ["one_thread", "world"]
