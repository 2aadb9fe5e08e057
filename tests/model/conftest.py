"""Models on the device of this machine: the CPU twin always, a GPU where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest
import torch

from mini_lib.bench.provenance import one_cpu_thread
from mini_lib.graphs import device_of, recorder

WORLDS = ["twin", pytest.param("cuda", marks=pytest.mark.gpu)] if torch.cuda.is_available() else ["twin"]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with one_cpu_thread(), torch.inference_mode():
        yield


@pytest.fixture(params=WORLDS)
def device_module(request: pytest.FixtureRequest) -> ModuleType:
    return recorder if request.param == "twin" else torch.cuda


@pytest.fixture
def device(device_module: ModuleType) -> torch.device:
    return device_of(device_module)
