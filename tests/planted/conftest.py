"""One CPU thread on tensors this small, as in tests/graphs."""

from __future__ import annotations

from tests.graphs.conftest import one_thread

__all__ = ["one_thread"]
