"""What a CUDA graph refuses, what it freezes, and what it allows although people think not: by running into each.

Refused: capture or replay raises, and the first line of what was raised is kept. Frozen: nothing is raised, and replay
answers from the past; the values show it. Allowed: it works, and the values show it too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType

import torch
from torch import Tensor

from mini_lib.bench.table import mib
from mini_lib.graphs import capture, device_of
from mini_lib.graphs.device import reserved_bytes

Attempt = Callable[[Tensor, ModuleType], object]
REFUSALS = (RuntimeError, TypeError, ValueError)


@dataclass(frozen=True)
class Finding:
    """What happened when something was tried: `kind` is refused, frozen, allowed, or unexpected."""

    tried: str
    kind: str
    happened: str
    way_out: str  # empty where there is nothing to avoid


def find_constraints(device_module: ModuleType) -> list[Finding]:
    """Try everything, what is allowed first: a refused capture must not spoil what comes after it."""
    values = torch.arange(1.0, 9.0, device=device_of(device_module))
    allowed = [random_numbers(values, device_module), new_memory(values, device_module)]
    frozen = [rebound_input(values, device_module), python_branch(values, device_module)]
    refused = [
        _run_into(attempt, tried, way_out, values.clone(), device_module) for attempt, tried, way_out in ATTEMPTS
    ]
    return [*refused, *frozen, *allowed]


def _record(fn: Callable[[Tensor], object], values: Tensor, device_module: ModuleType) -> object:
    return capture(fn, values, device_module=device_module, num_warmups=0)


def shape_from_data(values: Tensor, device_module: ModuleType) -> object:
    return _record(lambda x: x[x > 4], values, device_module)


def read_one_value(values: Tensor, device_module: ModuleType) -> object:
    return _record(lambda x: x * x.sum().item(), values, device_module)


def copy_to_cpu(values: Tensor, device_module: ModuleType) -> object:
    return _record(lambda x: (x * 2).cpu(), values, device_module)


def print_a_tensor(values: Tensor, device_module: ModuleType) -> object:
    return _record(lambda x: str(x * 2), values, device_module)  # what print() does first


def wait_for_the_device(values: Tensor, device_module: ModuleType) -> object:
    return _record(lambda x: device_module.synchronize(), values, device_module)


def capture_inside_capture(values: Tensor, device_module: ModuleType) -> object:
    def nested(x: Tensor) -> Tensor:
        with device_module.graph(device_module.CUDAGraph()):
            return x + 1

    return _record(nested, values, device_module)


def another_shape(values: Tensor, device_module: ModuleType) -> object:
    doubled = capture(lambda x: x * 2, values, device_module=device_module)
    return doubled.replay(values[:5].clone())


def moved_input(values: Tensor, device_module: ModuleType) -> object:
    doubled = capture(lambda x: x * 2, values, device_module=device_module)
    values.data = torch.zeros_like(values)
    return doubled.replay()


ATTEMPTS: tuple[tuple[Attempt, str, str], ...] = (
    (shape_from_data, "x[x > 4]", "keep the shape: torch.where(x > 4, x, 0)"),
    (read_one_value, "x.sum().item()", "leave the value on the device: x * x.sum()"),
    (copy_to_cpu, "(x * 2).cpu()", "copy the output after replay"),
    (print_a_tensor, "print(x * 2)", "print the output after replay"),
    (wait_for_the_device, "synchronize()", "wait outside: a graph has no middle to wait in"),
    (capture_inside_capture, "capture in capture", "record both calls in one graph, or two graphs in a row"),
    (another_shape, "replay 5 rows of 8", "pad to the captured size (GraphRunner does)"),
    (moved_input, "x.data = other", "copy into the static input: x.copy_(other)"),
)


def _run_into(attempt: Attempt, tried: str, way_out: str, values: Tensor, device_module: ModuleType) -> Finding:
    try:
        attempt(values, device_module)
    except REFUSALS as error:
        _recover(device_module)
        return Finding(tried, "refused", _first_line(_cause(error)), way_out)
    return Finding(tried, "unexpected", "this version of torch did not refuse it", way_out)


def _cause(error: BaseException) -> BaseException:
    """Return what went wrong first: torch raises that, and "due to a previous error" (901) on leaving the capture."""
    while isinstance(error.__context__, REFUSALS):
        error = error.__context__
    return error


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0]}"


def _recover(device_module: ModuleType) -> None:
    """Record something harmless: a refused capture leaves torch.cuda's generator in capture mode until a good one."""
    _record(lambda x: x + 1, torch.ones(1, device=device_of(device_module)), device_module)


def rebound_input(values: Tensor, device_module: ModuleType) -> Finding:
    """Rebind the name of the static input, and see the replay read the old tensor."""
    static = values.clone()
    doubled = capture(lambda x: x * 2, static, device_module=device_module)
    static = values * 10
    replayed, wanted = doubled.replay()[0].item(), (static * 2)[0].item()
    return _frozen("x = other", replayed, wanted, "copy into the static input: x.copy_(other)")


def python_branch(values: Tensor, device_module: ModuleType) -> Finding:
    """Change what an `if` looks at after capture, and see the replay take the recorded branch."""
    settings = {"double": True}

    def branch(x: Tensor) -> Tensor:
        return x * 2 if settings["double"] else x * 100

    recorded = capture(branch, values.clone(), device_module=device_module)
    settings["double"] = False
    replayed, wanted = recorded.replay()[0].item(), branch(values)[0].item()
    return _frozen("if flag: ...", replayed, wanted, "torch.where on a tensor, or one graph per branch")


def _frozen(tried: str, replayed: float, wanted: float, way_out: str) -> Finding:
    kind = "frozen" if replayed != wanted else "unexpected"
    return Finding(tried, kind, f"no error: replay answers {replayed:g}, the new value wants {wanted:g}", way_out)


def random_numbers(values: Tensor, device_module: ModuleType) -> Finding:
    """Draw random numbers in a graph: each replay advances the generator and draws others."""
    drawn = capture(torch.rand_like, values.clone(), device_module=device_module)
    first, second = (drawn.replay()[0].item() for _ in range(2))
    kind = "allowed" if first != second else "unexpected"
    return Finding("torch.rand_like(x)", kind, f"two replays draw {first:.4f} and {second:.4f}", "")


def new_memory(values: Tensor, device_module: ModuleType) -> Finding:
    """Allocate inside a graph: the memory comes from the graph's own pool, at addresses that stay."""
    outer = capture(partial(torch.outer, values.clone()), values.clone(), device_module=device_module)
    outputs = [outer.replay() for _ in range(2)]
    kind = "allowed" if outputs[0].data_ptr() == outputs[1].data_ptr() else "unexpected"
    reserved = mib(reserved_bytes(outer.pool, device_module))
    happened = f"its private pool holds {reserved} MiB, addresses stay"
    return Finding("torch.outer(x, x)", kind, happened, "")
