"""What a capture refuses, in torch's first line, and what is left of the capture then: one text for both devices.

Where torch versions differ, as for `.cpu()` in capture (error 900 before early 2026, a RuntimeError after), either
refusal is right on a GPU, and the twin is held to the newer one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mini_lib.graphs.errors import CaptureError, FirstLine, GraphError, NoGraphError
from tests.graphs.conftest import World

ERROR_900 = FirstLine.UNSUPPORTED_900
ERROR_901 = FirstLine.INVALIDATED_901
PAGEABLE = FirstLine.PAGEABLE_COPY

X = ((0.5, -1.5, 2.5), (3.5, -4.5, 5.5))

READS: dict[str, Callable[[Tensor], object]] = {
    "item": lambda x: x.sum().item(),
    "bool": lambda x: bool(x.sum() > 0),
    "if": lambda x: 1 if x.max() > 2 else 2,
    "int": lambda x: int(x.sum()),
    "float": lambda x: float(x[0, 0]),
    "index": lambda x: [10, 20, 30][x.argmax(dim=1)[0]],
    "select_by_tensor": lambda x: x[x.argmax(dim=1)[0]],
    "slice_by_tensor": lambda x: x[: x.argmax(dim=1)[0]],
    "range": lambda x: list(range(x.argmax(dim=1)[0])),
    "equal": lambda x: torch.equal(x, x + 1),
    "allclose": lambda x: torch.allclose(x, x + 1),
    "in": lambda x: 2.5 in x,
    "format_one": lambda x: f"{x.sum():.2f}",
}
DATA_DEPENDENT: dict[str, Callable[[Tensor], object]] = {
    "nonzero": lambda x: x.nonzero(),
    "where_one_argument": lambda x: torch.where(x > 0),
    "argwhere": lambda x: torch.argwhere(x > 0),
    "mask": lambda x: x[x > 0],
    "masked_select": lambda x: x.masked_select(x > 0),
    "mask_write_tensor": lambda x: x.__setitem__(x > 0, x.sum()),
    "unique": lambda x: x.unique(),
    "unique_consecutive": lambda x: torch.unique_consecutive(x),
    "bincount": lambda x: torch.bincount(x.argmax(dim=1)),
    "one_hot": lambda x: F.one_hot(x.argmax(dim=1)),
    "repeat_interleave": lambda x: torch.repeat_interleave(x.argmax(dim=1)),
}
HOST_COPIES: dict[str, Callable[[Tensor], object]] = {
    "cpu": lambda x: x.cpu(),
    "to_cpu": lambda x: x.to("cpu"),
    "to_cpu_keyword": lambda x: x.to(device="cpu"),
    "tolist": lambda x: x.tolist(),
    "repr": lambda x: repr(x),
    "print": lambda x: f"{x}",
    "new_tensor": lambda x: torch.tensor([1.5, 2.5], device=x.device),
    "new_tensor_one_value": lambda x: torch.tensor(1.5, device=x.device),
    "as_tensor": lambda x: torch.as_tensor([1.5, 2.5], device=x.device),
    "from_numpy": lambda x: torch.as_tensor(np.array([1.5, 2.5]), device=x.device),
    "index_by_list": lambda x: x[:, [0, 2]],
}


def x_of(world: World) -> Tensor:
    return world.tensor(X)


def first_line(error: BaseException) -> str:
    return str(error).splitlines()[0]


@pytest.mark.parametrize("name", [*READS, *DATA_DEPENDENT])
def test_reading_a_value_raises_901_with_the_900_behind_it(world: World, name: str):
    x, read = x_of(world), {**READS, **DATA_DEPENDENT}[name]
    with pytest.raises(RuntimeError) as caught:
        world.capture(lambda: read(x * 2))
    assert first_line(caught.value) == ERROR_901
    behind = caught.value.__context__
    assert isinstance(behind, RuntimeError)
    assert first_line(behind) == ERROR_900


@pytest.mark.parametrize("name", READS)
def test_a_swallowed_900_spoils_the_capture_all_the_same(world: World, name: str):
    x, seen = x_of(world), []

    def swallow() -> None:
        for attempt in (lambda: READS[name](x * 2), lambda: x + 1, lambda: READS[name](x * 2)):
            try:
                attempt()
            except RuntimeError as error:
                seen.append(first_line(error))

    with pytest.raises(RuntimeError) as caught:
        world.capture(swallow)
    assert seen == [ERROR_900, ERROR_901, ERROR_901]
    assert first_line(caught.value) == ERROR_901


def test_one_except_catches_both_devices(world: World):
    x = x_of(world)
    with pytest.raises(getattr(torch, "AcceleratorError", RuntimeError)):
        world.capture(lambda: x.sum().item())


@pytest.mark.parametrize("name", HOST_COPIES)
def test_a_copy_between_host_and_device_is_refused(world: World, name: str):
    x = x_of(world)

    def copy() -> Tensor:
        doubled = x * 2
        with pytest.raises(RuntimeError) as caught:
            HOST_COPIES[name](x + 1)
        assert first_line(caught.value) in ([PAGEABLE] if world.is_twin else [PAGEABLE, ERROR_900])
        return doubled

    if not world.is_twin:
        with pytest.raises(RuntimeError):
            world.capture(lambda: HOST_COPIES[name](x + 1))
        return
    graph, doubled = world.capture(copy)
    graph.replay()
    assert doubled.tolist() == [[1.0, -3.0, 5.0], [7.0, -9.0, 11.0]]


NUMBER_WRITES: dict[str, Callable[[Tensor], object]] = {
    "to_one_element": lambda x: x.__setitem__((0, 1), 1.5),
    "by_index": lambda x: x.__setitem__((slice(None), x.argmax(dim=1)), 1.5),
}


@pytest.mark.parametrize("name", NUMBER_WRITES)
def test_writing_one_number_is_refused_or_right(world: World, name: str):
    """Up to torch 2.14 or so the number is a CPU tensor that is copied; later it is baked into a fill kernel."""
    x, expected, write = x_of(world), x_of(world), NUMBER_WRITES[name]
    write(expected)
    refusal, graph = "", None
    try:
        graph, _ = world.capture(lambda: (x.mul_(1), write(x)))
    except RuntimeError as error:
        refusal = first_line(error)
    if graph is not None:
        graph.replay()
    assert torch.equal(x, expected) if graph else refusal in (PAGEABLE, ERROR_901)


def test_numpy_is_refused(world: World):
    x = x_of(world)
    with pytest.raises((RuntimeError, TypeError)):
        world.capture(lambda: (x + 1).numpy())


WAITS: dict[str, Callable[[World], object]] = {
    "synchronize": lambda world: world.module.synchronize(),
    "stream_synchronize": lambda world: world.module.current_stream().synchronize(),
    "nested_capture": lambda world: world.capture(lambda: None),
}


@pytest.mark.parametrize("name", WAITS)
def test_waiting_for_the_device_is_refused(world: World, name: str):
    x = x_of(world)
    with pytest.raises(RuntimeError, match=ERROR_901) as caught:
        world.capture(lambda: (x + 1, WAITS[name](world)))
    assert first_line(caught.value.__context__) == ERROR_900


def test_a_replay_inside_a_capture_is_refused(world: World):
    x = x_of(world)
    inner, _ = world.capture(lambda: x + 1)
    with pytest.raises(RuntimeError) as caught:
        world.capture(lambda: (x + 2, inner.replay()))
    reasons = {first_line(error) for error in (caught.value, caught.value.__context__) if error}
    assert any(ERROR_900 in reason or FirstLine.REPLAY_WHILE_CAPTURING in reason for reason in reasons)


def test_a_replay_of_random_numbers_inside_a_capture_is_refused_by_the_generator(world: World):
    x = x_of(world)
    inner, _ = world.capture(lambda: F.dropout(x, 0.5))
    with pytest.raises(RuntimeError) as caught:
        world.capture(lambda: (x + 2, inner.replay()))
    assert first_line(caught.value).startswith(FirstLine.REPLAY_WHILE_CAPTURING)


def test_seeding_inside_a_capture_is_refused(world: World):
    x = x_of(world)
    with pytest.raises(RuntimeError) as caught:
        world.capture(lambda: (x + 1, torch.manual_seed(7)))
    assert first_line(caught.value).startswith("Cannot call CUDAGeneratorImpl::set_current_seed during CUDA graph capt")


def test_seeding_works_again_after_it_was_refused(world: World):
    x, seed = x_of(world), torch.manual_seed
    with pytest.raises(RuntimeError):
        world.capture(lambda: (x + 1, torch.manual_seed(7)))
    assert torch.manual_seed is seed
    torch.manual_seed(7)
    assert torch.initial_seed() == 7


def test_shapes_that_do_not_fit_are_refused_while_capturing(world: World):
    x = x_of(world)
    with pytest.raises(RuntimeError, match=r"\[2, 3\] X \[2, 3\]|2x3 and 2x3"):
        world.capture(lambda: (x + 1) @ x)


ALLOWED: dict[str, Callable[[Tensor], object]] = {
    "shape_in_python": lambda x: x * (2 if x.shape[0] > 1 else 3) * len(x) * x.numel(),
    "number_to_mask": lambda x: x.masked_fill(x > 0, 1.5),
    "setitem_number": lambda x: (x * 1).__setitem__(0, 2.5),
    "setitem_mask_number": lambda x: (x * 1).__setitem__(x > 0, 2.5),
    "where": lambda x: torch.where(x > 0, x, 0.0),
    "one_hot": lambda x: F.one_hot(x.argmax(dim=1), num_classes=3),
    "to_device": lambda x: x.to(x.device) * 2,
    "data_ptr": lambda x: (x * 2).data_ptr(),
    "python_list_as_shape": lambda x: x.reshape([3, 2]) * 2,
    "as_tensor_of_tensor": lambda x: torch.as_tensor(x) * 2,
    "repeat_interleave_known": lambda x: torch.repeat_interleave(x.argmax(dim=1) * 0 + 2, output_size=4),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_needs_no_value_is_not_refused(world: World, name: str):
    x = x_of(world)
    world.warm_up(lambda: ALLOWED[name](x))
    graph, _ = world.capture(lambda: ALLOWED[name](x * 1))
    graph.replay()


def test_errors_form_the_tree_that_the_docstring_draws():
    assert issubclass(GraphError, getattr(torch, "AcceleratorError", RuntimeError))
    assert issubclass(CaptureError, GraphError)
    assert issubclass(NoGraphError, GraphError)
