"""The tester's device gives no value away unseen, and takes no harm from whoever talks to it."""

import base64

import pytest
import torch

from autograde.inside.device import Device
from autograde.inside.device_ops import ALLOWED, ANSWERS, MOST_ELEMENTS, NotServed, op_of
from autograde.inside.examiner import Examiner
from mini_lib.engine import Engine
from mini_lib.graphs.rules import Treatment, op_name, treatment_of
from mini_lib.labs.lab07.device_reads import noticing_reads
from mini_lib.labs.lab07.handles import SchedulerHandle

X = {"t": 1}
TELLING = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape)


@pytest.fixture
def device():
    """A device on which tensor 1 is [4, 5, 6]."""
    made = Device()
    made.lend(torch.tensor([4, 5, 6]))
    return made


def served():
    """Yield every op that may be asked for."""
    for base in sorted(ALLOWED):
        for name in (base, f"{base}_"):
            packet = getattr(torch.ops.aten, name, None)
            for overload in packet.overloads() if packet is not None else ():
                try:
                    yield op_of(f"{name}.{overload}")
                except NotServed:
                    continue


def test_every_name_on_the_list_is_an_op_of_torch():
    assert {op._opname.removesuffix("_") for op in served()} >= {name.removesuffix("_") for name in ALLOWED}


def test_every_op_that_can_tell_a_value_is_noticed_by_the_labs_rules():
    mask = torch.tensor([True, False])
    for op in served():
        if any(tag in op.tags for tag in TELLING):
            args = (torch.zeros(2), [mask]) if op_name(op) == "index" else (torch.zeros(2),)
            noticed = treatment_of(op, args, {}, lambda _: False)
            assert noticed in (Treatment.READ_BACK, Treatment.DYNAMIC_SHAPE), op


def test_every_op_gives_tensors_but_those_that_answer():
    kinds = {op._opname: [str(one.type) for one in op._schema.returns] for op in served()}
    others = {name for name, found in kinds.items() if set(found) - {"Tensor", "List[Tensor]"}}
    assert others == ANSWERS


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("resize_.default", [X, [1_000_000]]),
        ("set_.source_Tensor", [X, X]),
        ("from_file.default", ["notes.txt"]),
        ("_reshape_alias.default", [X, [9], [1]]),
        ("rand.default", [[3]]),
        ("_print.default", ["hello"]),
        ("no_such_op.default", []),
        ("add", []),
        ("__class__.default", [X]),
        ("div.Tensor_mode", [X, X]),
    ],
)
def test_what_is_not_on_the_list_is_not_served(device, name, args):
    kwargs = {"rounding_mode": "notes.txt"} if name == "div.Tensor_mode" else {}
    with pytest.raises(NotServed):
        device.run(name, args, kwargs)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("zeros.default", [[10**12]]),
        ("zeros.default", [[10**6, 10**6]]),
        ("arange.start_step", [0.0, 1.0, 1e-12]),
        ("repeat.default", [X, [10**9]]),
        ("constant_pad_nd.default", [X, [10**9, 0]]),
        ("tril_indices.default", [10**6, 10**6]),
        ("full.default", [[10**5, 10**5], 1]),
    ],
)
def test_what_would_be_too_large_is_refused_before_it_is_made(device, name, args):
    with pytest.raises(NotServed, match="too large"):
        device.run(name, args, {})


def test_a_view_that_repeats_a_number_too_often_is_refused_as_well(device):
    number = device.run("view.default", [X, [3, 1]], {})["t"][0]
    with pytest.raises(NotServed, match="too large"):
        device.run("expand.default", [{"t": number}, [3, MOST_ELEMENTS]], {})


def test_memory_beyond_a_tensor_is_out_of_reach(device):
    with pytest.raises(RuntimeError, match="out of bounds"):
        device.run("as_strided.default", [X, [100], [1]], {})


def test_new_memory_holds_nothing_that_stood_there(device):
    for _ in range(20):
        number = device.run("empty.memory_format", [[64]], {"dtype": {"d": "int64"}})["t"][0]
        assert set(device.read(number, "tolist")) == {2**63 - 1}


def test_an_out_of_another_size_is_refused(device):
    small = device.run("zeros.default", [[2]], {"dtype": {"d": "int64"}})["t"][0]
    with pytest.warns(UserWarning, match="resized"), pytest.raises(NotServed, match="would resize"):
        device.run("add.out", [X, X], {"out": {"t": small}})


def test_a_composite_op_that_reads_is_seen_reading_whoever_takes_it_apart(device):
    with noticing_reads() as reads:
        device.run("repeat_interleave.self_Tensor", [X, X], {})
    assert reads == ["torch.repeat_interleave"]


@pytest.mark.parametrize(
    ("name", "numbers", "more"),
    [
        ("div.Scalar_mode", [-(2**63), 1], {"rounding_mode": "trunc"}),  # divided by -1: a signal
        ("repeat_interleave.Tensor", [2**63 - 1, 2**63 - 1, 3], {}),  # 1 in all, as 64 bits add up
        ("bincount.default", [300_000_000], {}),
    ],
)
def test_values_that_would_end_the_tester_are_refused_and_the_refusal_is_a_read(device, name, numbers, more):
    own = device.lend(torch.tensor(numbers))[0]
    beside = [-1] if more else []
    with noticing_reads() as reads, pytest.raises(NotServed):
        device.run(name, [{"t": own}, *beside], more)
    assert reads == [".item()"]


def test_dividing_other_numbers_with_that_rounding_works(device):
    found = device.run("div.Scalar_mode", [X, -2], {"rounding_mode": "trunc"})["t"][0]
    assert device.read(found, "tolist") == torch.div(device.tensor(X["t"]), -2, rounding_mode="trunc").tolist()


@pytest.mark.parametrize(("name", "factors"), [("mm.default", 2), ("unbind.int", 1), ("split.Tensor", 1)])
def test_an_op_that_takes_long_for_its_size_is_refused(device, name, factors):
    own = device.lend(torch.zeros(1024, 1024, dtype=torch.float16))[0]
    rest = [1] if name == "split.Tensor" else []
    with pytest.raises(NotServed, match="too many"):
        device.run(name, [{"t": own}] * factors + rest, {})


@pytest.mark.parametrize("number", [0, 2, -1, True, "1", None, 1.0])
def test_a_number_that_was_given_to_nobody_is_no_tensor(device, number):
    with pytest.raises(NotServed):
        device.read(number, "tolist")


@pytest.mark.parametrize("how", ["__class__", "storage", "share_memory_", "data_ptr", ""])
def test_nothing_but_values_can_be_read(device, how):
    with pytest.raises(NotServed):
        device.read(1, how)


def test_rounding_to_millions_of_decimals_is_refused(device):
    with pytest.raises(NotServed, match="decimals"):
        device.run("round.decimals_out", [X], {"decimals": 10**6, "out": X})


def test_so_many_tensors_are_held_and_no_more(device, monkeypatch):
    monkeypatch.setattr("autograde.inside.device.MOST_BYTES", 100_000)
    for _ in range(24):
        device.run("ones.default", [[1000]], {})
    with pytest.raises(NotServed, match="full"):
        device.run("ones.default", [[1000]], {})


def test_memory_of_dropped_tensors_can_be_used_again(device, monkeypatch):
    monkeypatch.setattr("autograde.inside.device.MOST_BYTES", 100_000)
    dropped = []
    for _ in range(100):
        dropped = [device.run("ones.default", [[1000]], {}, dropped)["t"][0]]
    assert device.read(dropped[0], "tolist") == [1.0] * 1000


@pytest.mark.parametrize("data", ["no base64!", base64.b64encode(b"123").decode(), 7])
def test_what_is_no_content_is_no_tensor(device, data):
    with pytest.raises((NotServed, ValueError, RuntimeError)):
        device.constant("int64", data, [1])


def test_a_students_code_may_call_public_methods_of_the_library_alone():
    examiner = object.__new__(Examiner)
    handle = SchedulerHandle(lambda *args: None)
    assert examiner.may_call(handle, "schedule") and examiner.may_call(iter([1]), "__next__")
    for target, method in [(handle, "_ask"), (handle, "__init__"), ({}, "clear"), (Engine, "mro"), (print, "__self__")]:
        assert not examiner.may_call(target, method)
