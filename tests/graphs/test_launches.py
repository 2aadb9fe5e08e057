"""What counts as a launch: kernels one by one, a replay once, and nothing that runs on the CPU alone."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mini_lib.graphs import BufferSpec, GraphRunner, InputBuffers, capture, count_launches, note_graph_launch
from mini_lib.graphs.rules import Treatment, treatment_of


def test_views_shapes_and_empty_memory_cost_no_launch(world):
    x = world.tensor([[1.0, 2.0], [3.0, 4.0]])
    with count_launches() as launches:
        x.t().reshape(-1)[1:].unsqueeze(0).expand(3, 3)
        torch.empty_like(x)
        x.view(4).split(2)
    assert launches.names == ("aten.clone",)  # only reshape of a transposed matrix has to move anything


def test_kernels_are_counted_by_name_and_in_order(world):
    x = world.tensor([1.0, 2.0])
    with count_launches() as launches:
        (x * 2 + 1).relu() * 3
    assert launches.names == ("aten.mul", "aten.add", "aten.relu", "aten.mul")
    assert (launches.kernels, launches.graphs, launches.total) == (4, 0, 4)
    assert launches.by_name == {"aten.mul": 2, "aten.add": 1, "aten.relu": 1}


@pytest.mark.parametrize("inference", [False, True])
def test_a_composite_counts_as_what_it_is_made_of_with_and_without_inference_mode(world, inference):
    x, weight = world.tensor([[1.0, 2.0]]), world.tensor([[3.0, 4.0]])
    with torch.inference_mode(inference), count_launches() as launches:
        y = torch.nn.functional.linear(x, weight)
    assert launches.names == ("aten.mm",)
    assert y.item() == 11.0


def test_counting_changes_no_result_and_no_gradient(world):
    x = world.tensor([1.0, 2.0]).requires_grad_()
    with count_launches() as launches:
        x.exp().sum().backward()
    assert torch.equal(x.grad, x.detach().exp())
    assert {"aten.exp", "aten.sum", "aten.mul"} <= set(launches.names)


def test_a_custom_op_is_one_launch(world):
    @torch.library.custom_op("test_launches::twice_and_one", mutates_args=())
    def twice_and_one(x: torch.Tensor) -> torch.Tensor:
        return x * 2 + 1

    with count_launches() as launches:
        twice_and_one(world.tensor([1.0]))
    assert [name for name in launches.names if "twice" in name] == ["test_launches.twice_and_one"]
    assert "aten.mul" not in launches.names


def test_a_composite_with_a_kernel_of_its_own_on_the_device_is_left_whole(world):
    """As torch's `_fused_rms_norm`: one kernel on a GPU. Taken apart there, counting would change the numbers."""
    library = torch.library.Library("test_launches_own", "DEF")
    library.define("twice_less_one(Tensor x) -> Tensor")
    library.impl("twice_less_one", lambda x: x * 2 - 1, "CompositeImplicitAutograd")
    library.impl("twice_less_one", lambda x: x * 2 - 1, "CUDA")
    op = torch.ops.test_launches_own.twice_less_one.default
    with torch.inference_mode(), count_launches() as launches:
        y = op(world.tensor([1.5]))
    assert launches.names == (("aten.mul", "aten.sub") if world.is_twin else ("test_launches_own.twice_less_one",))
    assert treatment_of(op, (OnCuda([1.5]),), {}, lambda _: False) is Treatment.RECORD
    assert y.item() == 2.0


class OnCuda(torch.Tensor):
    is_cuda = True


def test_eager_launches_are_the_nodes_of_a_capture(world):
    if not world.is_twin:
        pytest.skip("only the twin shows its nodes")
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.GELU(), torch.nn.LayerNorm(8), torch.nn.Linear(8, 2))
    x = torch.randn(3, 4)
    with torch.no_grad():
        recorded = capture(model, x, device_module=world.module)
        with count_launches() as launches:
            model(x)
    assert launches.names == recorded.graph.nodes


def test_a_replay_is_one_graph_launch_whatever_is_in_it(world):
    x = world.tensor([1.0, 2.0])
    recorded = capture(lambda x: (x * 2 + 1).relu(), x, device_module=world.module)
    with count_launches() as launches:
        recorded.replay()
        recorded.replay()
    assert (launches.kernels, launches.graphs) == (0, 2)


def test_copying_inputs_in_is_a_launch_of_its_own(world):
    recorded = capture(lambda x: x * 2, world.tensor([1.0]), device_module=world.module)
    with count_launches() as launches:
        recorded.replay(world.tensor([5.0]))
    assert (launches.names[-1:], launches.graphs) == (("aten.copy_",), 1)


def test_capture_launches_nothing_and_is_not_counted(world):
    x = world.tensor([1.0, 2.0])
    world.warm_up(lambda: x * 2)
    with count_launches() as launches:
        world.capture(lambda: (x * 2 + 1).relu())
    assert (world.kernels_of_the_program(launches), launches.graphs) == ((), 0)


def test_no_mode_of_the_user_sees_the_nodes_of_a_replay(world):
    class Spy(TorchDispatchMode):
        seen = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            Spy.seen += 1
            return func(*args, **(kwargs or {}))

    x = world.tensor([1.0])
    recorded = capture(lambda x: x * 2, x, device_module=world.module)
    with Spy():
        recorded.replay()
    assert Spy.seen == 0
    assert recorded.output.item() == 2.0


def test_nested_counters_see_the_same_and_end_on_their_own(world):
    x = world.tensor([1.0])
    with count_launches() as outer:
        x * 2
        with count_launches() as inner:
            x + 1
            note_graph_launch()
        x - 1
    x * 3
    note_graph_launch()
    assert inner.names == ("aten.add",) and inner.graphs == 1
    assert outer.names == ("aten.mul", "aten.add", "aten.sub") and outer.graphs == 1


def test_a_runner_launches_one_graph_where_eager_launches_every_kernel(world):
    buffers = InputBuffers(4, {"x": BufferSpec(torch.float32)}, world.device)
    runner = GraphRunner(lambda x: (x * 2 + 1).relu(), buffers, [4], device_module=world.module)
    runner.capture(progress=False)
    x = world.tensor([1.0, 2.0, 3.0])
    with count_launches() as launches:
        runner(x=x)
        runner.run_eagerly(x=x)
    assert launches.graphs == 1
    assert launches.by_name["aten.relu"] == 1  # the eager one


def test_filling_by_mask_with_a_plain_number_is_one_kernel(world):
    x = world.tensor([1.0, -2.0])
    with count_launches() as launches:
        x[x < 0] = 5.0
    assert launches.names[0] == "aten.lt"
    assert x.tolist() == [1.0, 5.0]


def test_torch_compile_goes_on_under_a_counter():
    graphs = []

    def backend(gm, example_inputs):
        graphs.append(gm)
        return gm.forward

    compiled, x = torch.compile(lambda x: (x * 2).relu(), backend=backend), torch.ones(3)
    with count_launches() as cold:
        compiled(x)
    with count_launches() as warm:
        compiled(x)
    torch._dynamo.reset()
    if hasattr(TorchDispatchMode, "ignore_compile_internals"):  # an older torch steps aside for any mode
        assert len(graphs) == 1
    assert cold.names == warm.names == ("aten.mul", "aten.relu")
