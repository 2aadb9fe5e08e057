"""What of a function a CUDA graph could hold: its kernels, what stands in the way and where, what would be frozen.

After a first call the function is walked through, and everything refused is noted (`diagnosis.walk`). Then it is
captured for real: the device has the last word, and a refusal that the walk did not see joins the list, with the line
it came from.

Not modelled: other branches than the one that these inputs take. Kernels are counted as the CPU twin counts them, one
per op; a GPU may fuse some or need several for one.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from mini_lib.diagnosis.obstacle import Obstacle
from mini_lib.diagnosis.user_line import user_line
from mini_lib.diagnosis.walk import walk_through
from mini_lib.graphs import capture, device_of
from mini_lib.graphs.errors import EMPTY_GRAPH_WARNING

FROZEN = (
    "Frozen without an error: which branch an `if` on a Python value takes, lengths of loops, and each Python number "
    "that goes into a kernel. A replay repeats those of the capture, and nobody can see that from outside."
)


@dataclass(frozen=True)
class Capturability:
    """What a capture of one call would hold.

    `pieces` are the kernels of each graph that would remain between the obstacles, in order; with no obstacle there is
    one. `frozen` names plain values that the function takes or refers to: a graph keeps what they are at capture.
    """

    pieces: tuple[int, ...]
    obstacles: tuple[Obstacle, ...]
    frozen: tuple[str, ...]
    captured: bool  # a capture of the whole call went through

    @property
    def num_kernels(self) -> int:
        """How many kernels a graph, or all pieces together, would hold."""
        return sum(self.pieces)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "kernels": self.num_kernels,
            "pieces": list(self.pieces),
            "obstacles": [obstacle.as_dict() for obstacle in self.obstacles],
            "frozen": list(self.frozen),
            "captured": self.captured,
        }

    def __str__(self) -> str:
        """Return what a graph could hold, each obstacle with its line, and what would be frozen."""
        kernels = f"{self.num_kernels} kernel{'' if self.num_kernels == 1 else 's'} a call."
        lines = [f"{kernels} {self._held()}", *(f"  {obstacle}" for obstacle in self.obstacles)]
        lines.append(FROZEN)
        if self.frozen:
            lines.append(f"Plain values seen here: {', '.join(self.frozen)}.")
        return "\n".join(lines)

    def _held(self) -> str:
        if self.captured and not self.pieces:
            return "There is nothing for a graph to hold. (A generator runs only when somebody iterates.)"
        if self.captured:
            return "One graph holds the whole call."
        obstacles = f"{len(self.obstacles)} obstacle{'' if len(self.obstacles) == 1 else 's'}"
        sizes = ", ".join(map(str, self.pieces[:12])) + (", ..." if len(self.pieces) > 12 else "")
        room = {0: "no graph", 1: f"one graph ({sizes})"}.get(len(self.pieces), f"{len(self.pieces)} graphs ({sizes})")
        return f"A graph cannot hold it whole: {obstacles}. Around that there is room for {room}."


def examine(fn: Callable[..., object], inputs: Sequence[Any], device_module: ModuleType) -> Capturability:
    """Return what a graph could hold of `fn(*inputs)`.

    `fn` is called for real, three times or more, on copies of the tensors among `inputs`: what it writes elsewhere,
    into a KV cache for example, is written. Its own errors come through.
    """
    fn(
        *copies(inputs)
    )  # what it only does in its first call (tables, an optimizer's state) is no obstacle to a capture
    walk = walk_through(fn, copies(inputs))
    obstacles = [step for step in walk.steps if isinstance(step, Obstacle)]
    refusal = _refusal(fn, inputs, device_module)
    if refusal is not None and refusal.where not in {obstacle.where for obstacle in obstacles}:
        obstacles.append(refusal)
    return Capturability(_pieces(walk.steps), _each_once(obstacles), _plain_values(fn, inputs), refusal is None)


def copies(inputs: Sequence[Any]) -> tuple[Any, ...]:
    """Return the inputs with each tensor copied, also those in lists, tuples and dicts; other values as they are."""
    return tuple(pytree.tree_map_only(Tensor, _copy, value) for value in inputs)


def _copy(tensor: Tensor) -> Tensor:
    # The copy of a leaf is a leaf, so that `tensor.grad` is filled, and writing in place refused, as with the original.
    return tensor.detach().clone().requires_grad_(tensor.requires_grad) if tensor.is_leaf else tensor.clone()


def _refusal(fn: Callable[..., object], inputs: Sequence[Any], device_module: ModuleType) -> Obstacle | None:
    """Return why a capture of the whole call is refused, None if it is not."""
    values = copies(inputs)
    tensors = [value for value in values if isinstance(value, Tensor)]

    def with_plain_values(*static: Tensor) -> object:
        given = iter(static)
        return fn(*(next(given) if isinstance(value, Tensor) else value for value in values))

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=EMPTY_GRAPH_WARNING.split(".")[0])
            capture(with_plain_values, *tensors, device_module=device_module)
    except (RuntimeError, TypeError, ValueError) as error:
        cause = _first_cause(error)
        _record_something_harmless(device_module)
        first_line, _, rule = str(cause).partition("\n\n")
        return Obstacle(first_line.splitlines()[0], rule or first_line, user_line(cause.__traceback__))
    return None


def _first_cause(error: BaseException) -> BaseException:
    """Return what went wrong first: leaving the capture raises a second error, "due to a previous error" (901)."""
    while isinstance(error.__context__, RuntimeError | TypeError | ValueError):
        error = error.__context__
    return error


def _record_something_harmless(device_module: ModuleType) -> None:
    """Leave torch as it was: a refused capture keeps torch.cuda's generator in capture mode until a good one."""
    capture(lambda x: x + 1, torch.ones(1, device=device_of(device_module)), device_module=device_module)


def _pieces(steps: Sequence[str | Obstacle]) -> tuple[int, ...]:
    """Return how many kernels lie between obstacles, leaving out where there are none."""
    sizes = [0]
    for step in steps:
        if isinstance(step, Obstacle):
            sizes.append(0)
        else:
            sizes[-1] += 1
    return tuple(size for size in sizes if size)


def _each_once(obstacles: Sequence[Obstacle]) -> tuple[Obstacle, ...]:
    """Return each obstacle once, in order, with the number of times it was met."""
    met: dict[Obstacle, int] = {}
    for obstacle in obstacles:
        met[obstacle] = met.get(obstacle, 0) + 1
    return tuple(obstacle._replace(times=times) for obstacle, times in met.items())


def _plain_values(fn: Callable[..., object], inputs: Sequence[Any]) -> tuple[str, ...]:
    """Return the plain numbers that `fn` is given, or refers to by name, as "temperature = 0.7"."""
    given = [f"input {place} = {value!r}" for place, value in enumerate(inputs) if _is_plain(value)]
    body = inspect.unwrap(fn)
    if not inspect.isroutine(body) or not hasattr(body, "__code__"):
        return tuple(given)
    names = inspect.getclosurevars(body)
    named = {**names.globals, **names.nonlocals}
    return (*given, *(f"{name} = {value!r}" for name, value in sorted(named.items()) if _is_plain(value)))


def _is_plain(value: object) -> bool:
    return isinstance(value, bool | int | float)
