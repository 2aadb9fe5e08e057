"""The engine on small tensors: one CPU thread, since a second one only waits, and little garbage to look through.

An engine collects garbage before it captures. With pytest, torch and Dynamo loaded that takes ten times as long as the
capture, unless what is there already is frozen.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from mini_lib.bench.provenance import one_cpu_thread


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with one_cpu_thread():
        yield


@pytest.fixture(autouse=True, scope="module")
def little_garbage() -> Iterator[None]:
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
