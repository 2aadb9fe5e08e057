"""One text, two worlds: a test that takes `world` runs on the twin always, and on `torch.cuda` where there is a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
import torch

from mini_lib.bench.provenance import one_cpu_thread
from mini_lib.graphs import Launches, device_of, recorder
from mini_lib.graphs.capture import pool_let_go

WORLDS = ["twin", pytest.param("cuda", marks=pytest.mark.gpu)] if torch.cuda.is_available() else ["twin"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one sentence what a skip of each test's second half would say six hundred times."""
    if not torch.cuda.is_available():
        terminalreporter.write_line("tests/graphs ran on the CPU twin alone: its other half needs a CUDA device.")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """On tensors this small a second thread only waits, up to 10 ms an op on a busy machine."""
    with one_cpu_thread():
        yield


@dataclass(frozen=True)
class World:
    """A device module and the device that its graphs can capture."""

    module: ModuleType
    device: torch.device

    @property
    def is_twin(self) -> bool:
        return self.module is recorder

    def warm_up(self, fn: Callable[[], object]) -> None:
        """Run `fn` once on a side stream, as torch's own documentation does before a capture."""
        side = self.module.Stream()
        side.wait_stream(self.module.current_stream())
        with self.module.stream(side):
            fn()
        self.module.current_stream().wait_stream(side)

    def capture(self, fn: Callable[[], Any], **options: Any) -> tuple[Any, Any]:
        """Return the graph of one call of `fn`, and what the call handed back."""
        graph = self.module.CUDAGraph()
        if not self.is_twin:  # its pool has a name, so that a refused capture can let go of it
            options = {"pool": self.module.graph_pool_handle(), **options}
        with pool_let_go(self.module, options.get("pool")), self.module.graph(graph, **options):
            result = fn()
        return graph, result

    def kernels_of_the_program(self, launches: Launches) -> tuple[str, ...]:
        """Return what was launched, without the fills by which torch up to 2.11 readies its generator for a capture."""
        return tuple(name for name in launches.names if self.is_twin or name != "aten.fill_")

    def tensor(self, values: Any, dtype: torch.dtype | None = None) -> torch.Tensor:
        return torch.tensor(values, dtype=dtype, device=self.device)


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    module = recorder if request.param == "twin" else torch.cuda
    world = World(module, device_of(module))
    yield world
    if not world.is_twin:
        recover(world)


def recover(world: World) -> None:
    """Clean up what torch leaves behind on a GPU after a refused capture: its side stream, a generator in capture."""
    world.module.set_stream(world.module.default_stream())
    world.module.synchronize()
    x = world.tensor([1.5])
    world.capture(lambda: x + 1)
