"""The engine on tensors this small: one CPU thread, since a second one only waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mini_lib.bench.provenance import one_cpu_thread


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with one_cpu_thread():
        yield
