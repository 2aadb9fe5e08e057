"""A tensor that lives with the tester behaves like one of this process, and every read of it is seen over there."""

import copy

import numpy as np
import pytest
import torch

from autograde.inside.far_factories import on_the_device
from autograde.inside.far_tensors import FarTensor
from mini_lib.labs.lab07.device_reads import noticing_reads
from tests.autograde.inside.far_device import Across

# Each line is run on x = [4, 5, 6] and y = [1, 0, 2], once in one process and once across.
NO_READ = """
x + y; 2 - x; x // 2; -x % 3; 2 ** y; x.float().mean(); torch.where(x < 5, x, y); (-1 - x).clamp(min=0); x[y]; x[1:]
x @ y; torch.cat([x, y]); torch.stack([x, y]); x.sort().values; x.sort(descending=True); torch.topk(x, 2); x.flip(0)
x.roll(1); x.take(y); x.gather(0, y); x.index_select(0, y); x.index_put((y,), x); x.scatter(0, y, x)
x.masked_fill(x > 4, 0); x.view(3, 1).expand(3, 2).reshape(-1); x.unsqueeze(0).T; x.to(torch.int32); x.abs().neg_()
x.clone().fill_(9); x.split(2); torch.full((3,), -1); torch.arange(3); torch.zeros(2, dtype=torch.int64)
torch.ones_like(x); x.new_full((2,), 7); torch.tensor([1, 2, 3]) + x; torch.as_tensor([1, 2, 3])[y]
torch.from_numpy(np.arange(3))[y]; torch.div(x, 2, rounding_mode="floor")
torch.add(x, y, out=torch.zeros(3, dtype=torch.int64)); x.cumsum(0); x.argsort(); torch.isin(x, y)
torch.linspace(0, 1, 3) * x; x.float().softmax(0); x.float().std(); torch.einsum("i,j->ij", x, y); x.numel(); x.dim()
list(x.shape); str(x.dtype); len(x); x.is_contiguous(); str(x.device); x.type(); torch.randperm(3).sum() + x
copy.deepcopy(x); sum(x); x.unbind(); x.data; x[[0, 2]]
""".replace("\n", ";")
READS = """
x.tolist(); int(x[0]); x.max().item(); bool((x > 3).any()); [1] * y[0]; list(range(y[2])); x[: y[2]]; x[x > 4]
x.nonzero(); torch.masked_select(x, x > 4); torch.unique(x); y.bincount(); y.repeat_interleave(y); torch.equal(x, y)
torch.allclose(x, y); x.numpy(); np.asarray(x); x.cpu(); repr(x); f"{x[0]} {x}"; 5 in x; max(x); sorted(y)
[int(i) for i in x]; torch.arange(y[2]); torch.where(x > 4); torch.full((2,), y[2]); torch.tensor([x[0], y[0]])
""".replace("\n", ";")


def lines(text):
    return [line.strip() for line in text.split(";") if line.strip()]


@pytest.fixture
def across():
    return Across()


def shown(value):
    if isinstance(value, torch.Tensor):
        return value.tolist(), str(value.dtype)
    return [shown(item) for item in value] if isinstance(value, list | tuple) else value


def run(line, x, y):
    torch.manual_seed(0)
    return eval(line, {"torch": torch, "np": np, "copy": copy, "x": x, "y": y})


def both(line, across):
    with noticing_reads() as reads:
        here = run(line, torch.tensor([4, 5, 6]), torch.tensor([1, 0, 2]))
    x, y = across.tensor([4, 5, 6]), across.tensor([1, 0, 2])
    with on_the_device(across.home):
        there = run(line, x, y)
    return here, reads, there, list(across.reads)


@pytest.mark.parametrize("line", lines(NO_READ))
def test_what_reads_no_value_gives_the_same_and_is_no_read(line, across):
    here, reads, there, seen = both(line, across)
    assert np.array_equal(here, there) if isinstance(here, np.ndarray) else shown(there) == shown(here)
    assert seen == reads == []


@pytest.mark.parametrize("line", lines(READS))
def test_what_reads_a_value_gives_the_same_and_is_seen_under_the_same_name(line, across):
    here, reads, there, seen = both(line, across)
    assert np.array_equal(here, there) if isinstance(here, np.ndarray) else shown(there) == shown(here)
    assert seen == reads != []


def test_a_mask_that_is_written_through_is_seen(across):
    x = across.tensor([4, 5, 6])
    x[x > 4] = across.tensor([7, 8])
    assert across.reads == ["x[mask] = ..."]
    assert x.tolist() == [4, 7, 8]


def test_views_share_the_memory_of_their_base(across):
    x = across.tensor([4, 5, 6])
    x[1:].fill_(0)
    assert across.real(x).tolist() == [4, 0, 0]


def test_what_works_in_place_gives_the_very_tensor_back(across):
    x = across.tensor([4, 5, 6])
    assert x.add_(1) is x
    assert x.unsqueeze_(0) is x and x.shape == (1, 3) and across.real(x).shape == (1, 3)


def test_an_ordinary_tensor_is_written_through_and_shared_by_its_views(across):
    table = torch.zeros(4, dtype=torch.int64)
    with on_the_device(across.home):
        table[across.tensor([1, 2])] = across.tensor([7, 8])
        assert (table[1:] + across.tensor([0, 0, 0])).tolist() == [7, 8, 0]


def test_outside_of_a_call_torch_makes_ordinary_tensors(across):
    with on_the_device(across.home):
        assert isinstance(torch.zeros(2), FarTensor)
    assert not isinstance(torch.zeros(2), FarTensor)


def test_random_numbers_are_the_students_own(across):
    torch.manual_seed(5)
    here = torch.rand(3)
    torch.manual_seed(5)
    with on_the_device(across.home):
        there = torch.rand(3)
    assert isinstance(there, FarTensor)
    assert there.tolist() == here.tolist()


def test_a_read_with_all_modes_taken_off_is_seen(across):
    x = across.tensor([4, 5, 6])
    with torch._C.DisableTorchFunction(), torch.utils._python_dispatch._disable_current_modes():
        assert int(x[0]) == 4
    assert across.reads == [".item()"]


def test_an_error_that_tells_a_value_counts_as_a_read(across):
    x, ids = across.tensor([4, 5, 6]), across.tensor([7])
    with pytest.raises(IndexError, match="index 7 is out of bounds"):
        x[ids]
    assert across.reads == [".item()"]


def test_an_error_that_shapes_alone_explain_is_no_read(across):
    with pytest.raises(RuntimeError, match="must match the size"):
        across.tensor([4, 5, 6]) + across.tensor([1, 2])
    assert across.reads == []


def test_tensors_that_are_dropped_here_are_forgotten_there(across):
    x = across.tensor([4, 5, 6])
    for _ in range(50):
        x = x + 1
    assert len(across.device._tensors) <= 4
    assert x.tolist() == [54, 55, 56]
