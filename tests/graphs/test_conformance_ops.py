"""Replay equals eager, bit for bit, for every op in every grad mode: one text for the twin and for `torch.cuda`."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest
import torch
from torch import Tensor

from tests.graphs.conftest import World
from tests.graphs.op_data import Data, draw
from tests.graphs.ops import NOT_DIFFERENTIATED, OPS, UNSTEADY_BACKWARD_ON_CUDA, UNSTEADY_ON_CUDA, Op

GRAD_MODES = {"grad": torch.enable_grad, "no_grad": torch.no_grad, "inference_mode": torch.inference_mode}


def run(op: Op, data: Data, differentiate: bool) -> list[Tensor]:
    """Return the results of `op`, and the gradients of their sum where there are some."""
    results = op(data)
    flat = [results] if isinstance(results, Tensor) else list(results)
    summed = [(result.abs() * 0.75).sum() for result in flat if result.requires_grad]
    if not (differentiate and summed):
        return flat
    grads = torch.autograd.grad(torch.stack(summed).sum(), data.leaves, allow_unused=True)
    return flat + [grad for grad in grads if grad is not None]


def bits(tensor: Tensor) -> Tensor:
    return tensor.detach().resolve_conj().contiguous().reshape(-1).view(torch.uint8)


def layout(tensor: Tensor) -> tuple[torch.Size, torch.dtype, tuple[int, ...]]:
    return tensor.shape, tensor.dtype, tensor.stride()


def assert_same_bits(mine: list[Tensor], its: list[Tensor]) -> None:
    assert [layout(one) for one in mine] == [layout(one) for one in its]
    for number, (one, other) in enumerate(zip(mine, its, strict=True)):
        assert torch.equal(bits(one), bits(other)), f"tensor {number} differs:\n{one}\nnot\n{other}"


@pytest.mark.parametrize("grad_mode", GRAD_MODES)
@pytest.mark.parametrize("name", OPS)
def test_replay_equals_eager_bit_for_bit(world: World, name: str, grad_mode: str):
    if not world.is_twin and name in UNSTEADY_ON_CUDA:
        pytest.skip("this kernel does not repeat its own bits on a GPU")
    unsteady = set() if world.is_twin else UNSTEADY_BACKWARD_ON_CUDA
    differentiate = grad_mode == "grad" and name not in NOT_DIFFERENTIATED | unsteady
    mode: AbstractContextManager[object] = GRAD_MODES[grad_mode]()
    static, eager = draw(1, world.device), draw(1, world.device)
    for leaf in static.leaves + eager.leaves if differentiate else ():
        leaf.requires_grad_()

    with mode:
        world.warm_up(lambda: run(OPS[name], draw(1, world.device), False))
        static.copy_from(draw(1, world.device))
        graph, replayed = world.capture(lambda: run(OPS[name], static, differentiate))
        for seed in (2, 3, 4):
            static.copy_from(draw(seed, world.device))
            eager.copy_from(draw(seed, world.device))
            graph.replay()
            assert_same_bits(replayed + static.all(), run(OPS[name], eager, differentiate) + eager.all())


def test_the_list_is_as_long_as_promised():
    assert len(OPS) >= 60
    assert OPS.keys() >= UNSTEADY_ON_CUDA | UNSTEADY_BACKWARD_ON_CUDA


def test_different_seeds_give_different_data():
    one, other = draw(2, torch.device("cpu")), draw(3, torch.device("cpu"))
    assert not any(torch.equal(mine, its) for mine, its in zip(one.all(), other.all(), strict=True))
