"""What a graph could not hold of a function, and on which line: on the twin, which refuses as CUDA does."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest
import torch

import mini_lib
from mini_lib.diagnosis import Verdict, diagnose
from mini_lib.diagnosis.live import NUM_TIMED, run_live
from mini_lib.diagnosis.walk import walk_through
from mini_lib.graphs import capture, is_current_stream_capturing, recorder
from mini_lib.timing import LaunchCosts
from tests.diagnosis import with_obstacles
from tests.diagnosis.with_obstacles import from_a_helper, marked, nested_capture, nothing_in_the_way, several

X = torch.tensor([[0.3, -0.7, 1.1], [0.9, 0.2, -0.4], [-0.6, 0.8, 0.5]])


def examined(fn, *inputs):
    return diagnose(fn, *inputs, device_module=recorder).capturability


@pytest.mark.parametrize("fn", [several, from_a_helper, nested_capture], ids=lambda fn: fn.__name__)
def test_each_obstacle_is_found_on_its_line(fn):
    obstacles = examined(fn, X).obstacles
    assert [(o.where.line, name) for o, (_, name) in zip(obstacles, marked(fn.__name__), strict=True)
            if name in o.rule] == marked(fn.__name__)  # fmt: skip
    assert {o.where.file for o in obstacles} == {with_obstacles.__file__}


def test_an_obstacle_in_a_loop_is_told_once_with_how_often():
    item = next(o for o in examined(several, X).obstacles if ".item()" in o.rule)
    assert item.times == 3 and "3 times a call" in str(item) and "y.sum().item()" in str(item)


def test_the_pieces_between_obstacles_hold_all_kernels():
    held = examined(several, X)
    # mm, sum, gt | relu, mul, sum | mul, sum | mul, sum | gt | (index, tolist, print, tensor, synchronize) mul
    assert held.pieces == (3, 3, 2, 2, 1, 1)
    assert not held.captured and "room for 6 graphs (3, 3, 2, 2, 1, 1)" in str(held)


def test_a_function_with_nothing_in_the_way_is_one_graph_with_as_many_kernels_as_a_capture_records():
    held = examined(nothing_in_the_way, X)
    assert held.captured and held.obstacles == () and len(held.pieces) == 1
    assert held.num_kernels == capture(nothing_in_the_way, X.clone(), device_module=recorder).graph.num_nodes
    assert "One graph holds the whole call" in str(held)


def test_plain_numbers_that_would_be_frozen_are_named():
    assert examined(nothing_in_the_way, X, 3.0).frozen == ("input 1 = 3.0", "TEMPERATURE = 0.7")
    assert "which branch" in str(examined(nothing_in_the_way, X))


def test_the_callers_tensors_and_the_twin_are_left_as_they_were():
    mine = X.clone()
    examined(lambda x: x.mul_(2.0).sum().item(), mine)
    assert torch.equal(mine, X)
    assert not is_current_stream_capturing()
    assert capture(lambda x: x + 1, mine, device_module=recorder).replay()[0, 0].item() == pytest.approx(1.3)


def test_tensors_in_containers_and_random_states_are_left_as_they_were_too():
    mine, before = {"x": X.clone(), "more": [X.clone()]}, torch.get_rng_state()

    def step(held):
        held["more"][0].mul_(2.0)
        return held["x"].add_(torch.randn(3))

    assert examined(step, mine).captured
    assert torch.equal(mine["x"], X) and torch.equal(mine["more"][0], X)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_function_that_trains_its_input_finds_the_gradient_there():
    weights = X.clone().requires_grad_()

    def train(weights):
        (weights * weights).sum().backward()
        return weights.grad * 0.1

    assert examined(train, weights).captured and weights.grad is None


def test_a_call_that_computes_nothing_is_promised_no_graph():
    def steps(x):
        yield x * 2.0

    found = diagnose(steps, X, device_module=recorder)
    assert "There is nothing for a graph to hold" in str(found) and "launches no kernel" in found.sentence


def test_what_is_only_done_in_a_first_call_is_no_obstacle():
    tables = {}

    def step(x):
        if "scale" not in tables:
            tables["scale"] = torch.tensor([1.5, 2.5, 3.5])
        return x * tables["scale"]

    assert examined(step, X).captured


def test_numpy_is_not_taken_for_the_call_that_came_before_it():
    held = examined(lambda x: x.dim() and torch.from_numpy(x.numpy() * 2.0), X)
    assert all("from dim" not in obstacle.rule for obstacle in held.obstacles)


def test_a_line_of_a_cell_is_called_as_the_notebook_calls_it(monkeypatch):
    code = compile("def cell(x):\n    y = x * 2\n    return y.sum().item()\n", "/tmp/ipykernel_1/23.py", "exec")
    names = {}
    exec(code, names)
    where = examined(names["cell"], X).obstacles[0].where
    assert str(where) == "23.py:3 in cell"
    shell = SimpleNamespace(
        compile=SimpleNamespace(format_code_name=lambda name: ("Cell", "In[7]") if name == where.file else None)
    )
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert str(where) == "Cell In[7]:3 in cell"
    assert str(where._replace(file="model.py")) == "model.py:3 in cell"


def test_the_last_line_of_a_cell_shows_a_sentence_and_no_timeline():
    assert repr(diagnose(several, X, device_module=recorder)).startswith("Diagnosis('Too little to tell: ")


def test_an_error_of_the_function_itself_comes_through_and_leaves_nothing_behind():
    with pytest.raises(ZeroDivisionError):
        examined(lambda x: x * (1 / 0), X)
    assert not is_current_stream_capturing()


def test_a_walk_that_raised_at_the_first_obstacle_would_be_caught():
    walk = walk_through(several, (X.clone(),))
    assert sum(not isinstance(step, str) for step in walk.steps) > 5


def test_on_a_cpu_nothing_is_claimed_about_times():
    costs = LaunchCosts(10.0, 2.5, 0.0, 4.0, 0.7, 2.0, 5.0)
    found = diagnose(nothing_in_the_way, X, device_module=recorder, costs=costs)
    assert found.verdict is Verdict.UNKNOWN and found.shares is None and found.gains is None
    assert "a CPU cannot tell" in found.sentence and "less than 6 µs on average" in found.sentence
    with pytest.raises(ValueError, match="Nothing was timed"):
        found.picture()


def test_all_of_it_can_be_written_as_json():
    plain = json.loads(json.dumps(diagnose(several, X, device_module=recorder).as_dict()))
    assert plain["capturability"]["pieces"] == [3, 3, 2, 2, 1, 1]
    assert plain["capturability"]["obstacles"][0]["where"]["function"] == "several"


def test_a_module_of_torch_can_be_diagnosed():
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU(), torch.nn.Dropout())
    assert examined(model, X).captured


def test_the_library_hands_it_on():
    assert mini_lib.diagnose is diagnose


def test_a_live_run_counts_calls_and_reads_its_own_profile():
    calls = []

    def step(x):
        calls.append(1)
        return x @ x

    run = run_live(step, (X,), recorder)
    assert len(calls) > NUM_TIMED and "CUDA events" in run.note
    assert {span.name for span in run.trace.timeline.spans} >= {"aten::matmul"}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_small_kernels_are_launch_bound_and_large_ones_are_not():
    def layers(x):
        for _ in range(60):
            x = (x * 1.001).relu()
        return x

    small = diagnose(layers, torch.ones(64, device="cuda"))
    assert small.verdict is Verdict.LAUNCH_BOUND and small.capturability.captured
    assert diagnose(layers, torch.ones(1 << 28, device="cuda")).verdict is Verdict.GPU_BOUND


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_obstacles_are_found_on_their_lines_too():
    def reads(x):
        y = (x * 2).cpu()
        torch.cuda.synchronize()
        return x * y.sum().item()

    obstacles = diagnose(reads, torch.ones(8, device="cuda")).capturability.obstacles
    assert [o.where.function for o in obstacles][:1] == ["reads"]
