"""The list of a step's kernels against the steps themselves: what torch runs, on tensors of which size."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from mini_lib.bench.provenance import one_cpu_thread
from mini_lib.config import ModelConfig
from mini_lib.dispatch import CUDAGraphMode, set_forward_context
from mini_lib.graphs import count_launches, recorder
from mini_lib.model import AttentionMetadata, build_model, new_kv_caches
from mini_lib.sim.costs import step_kernels
from mini_lib.sim.costs.around import LOGITS_AT_A_TIME
from mini_lib.sim.kernel_cost import KernelCost, StepShape
from tests.model.paged import Chunk, Paged
from tests.sim.observing import Observer, new_engine, size, watching

STYLES = ("naive", "lean", "fused")
TINY = ModelConfig.tiny()
QWEN = replace(TINY, name="tiny qwen", qk_norm=True, num_layers=3, num_heads=6, num_kv_heads=3, head_dim=8)
UNTIED = replace(TINY, name="tiny untied", tie_embeddings=False, num_kv_heads=1, vocab_size=130, intermediate_size=96)
EXACT = ModelConfig.exact(num_layers=3)
PROMPTS = [[5, 0, 3], [8], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [7, 7]]
LIMITS = [4, 6, 2, 5]
ONE = StepShape.decode(1, context=9)
LARGE = (ModelConfig.gpt2(), ModelConfig.qwen3_0_6b(), ModelConfig.llama_3_2_1b(), ModelConfig.llama_3_8b())
CASES = [(config, style, dtype) for config in (TINY, QWEN, UNTIED) for style in STYLES
         for dtype in (torch.bfloat16, torch.float32)] + [(EXACT, "lean", torch.int64)]  # fmt: skip


def ids_of(case):
    return "-".join(str(part).split(".")[-1] for part in (case[0].name, *case[1:]))


@pytest.fixture(autouse=True)
def one_thread():
    with one_cpu_thread(), torch.no_grad():
        yield


@pytest.mark.parametrize("padded", [0, 8])
@pytest.mark.parametrize("case", CASES, ids=ids_of)
def test_every_kernel_of_an_engine_s_steps_is_listed_with_its_operations_and_bytes(case, padded):
    config, style, dtype = case
    with watching() as steps, new_engine(config, style, dtype, padded, count_launches=False) as engine:
        engine.generate(PROMPTS, LIMITS)
    shapes = [step.shape for step in steps]
    assert any(shape.num_tokens > shape.num_requests for shape in shapes), "a step with pieces of prompts"
    assert any(shape.num_tokens == max(shape.num_requests, padded) for shape in shapes), "a step of decodes"
    for step in steps:
        wanted = step_kernels(config, style, step.shape, itemsize=dtype.itemsize, target="twin")
        for part, observed in zip(wanted, step.kernels, strict=True):
            assert [kernel.name for kernel in part] == [kernel.name for kernel in observed]
            assert part == observed


@pytest.mark.parametrize("config", [QWEN, EXACT], ids=["llama", "exact"])
@pytest.mark.parametrize("style", STYLES)
def test_the_engine_counts_as_many_kernels_in_and_around_the_forward_pass(config, style):
    dtype = torch.int64 if config is EXACT else torch.bfloat16
    with new_engine(config, style, dtype) as engine:
        engine.generate(PROMPTS, LIMITS)
    assert len(engine.stats.steps) >= 6
    for step in engine.stats.steps:
        shape = StepShape(step.num_tokens, step.num_requests, 100, 50)
        before, forward, after = step_kernels(config, style, shape, target="twin")
        assert (step.kernels, step.other_kernels) == (len(forward), len(before) + len(after))


class Step:
    """A step over pages: a piece of a prompt, two decodes and one padded row."""

    def __init__(self, config, style, dtype):
        self.model, self.paged = build_model(config, style=style, dtype=dtype), Paged(config, "cpu", dtype)
        self.inputs = self.paged.inputs([Chunk(2, 4, [7, 0, 5]), Chunk(1, 9, [3]), Chunk(4, 0, [8])], num_padded=6)
        self.shape = StepShape(6, 3, 5 + 6 + 7 + 10 + 1, 7 + 10 + 1)

    def __call__(self):
        metadata = self.paged.metadata(self.inputs["token_rows"], self.inputs["slot_mapping"])
        with set_forward_context(attn_metadata=metadata):
            return self.model(self.inputs["input_ids"], self.inputs["positions"])


@pytest.mark.parametrize("config", [QWEN, UNTIED], ids=["qk_norm", "untied"])
@pytest.mark.parametrize("style", STYLES)
def test_the_names_are_those_of_launches_and_of_a_captured_graph(config, style):
    step = Step(config, style, torch.bfloat16)
    with count_launches() as launches:
        step()
    graph = recorder.CUDAGraph()
    with recorder.graph(graph):
        step()
    names = tuple(kernel.name for kernel in step_kernels(config, style, step.shape, target="twin").forward)
    assert names == launches.names == graph.nodes


def faked(config, style, dtype, num_tokens, device="cpu", observer=None):
    """Return the kernels of a forward pass over tensors that are only shapes: large models take no memory."""
    observer = observer or Observer(look_into_attention=False)
    with FakeTensorMode():
        model = build_model(config, style=style, device=device, dtype=dtype)
        ids = torch.empty(num_tokens, dtype=torch.int64, device=device)
        metadata = AttentionMetadata(
            new_kv_caches(config, 4, 16, device, dtype), ids.new_empty(5, 3), ids, ids, block_size=16, max_seq_len=40
        )
        with set_forward_context(attn_metadata=metadata), observer:
            model(ids, ids)
    return observer.kernels


def without_attention(kernels):
    """Leave out what attention costs, and its second kernel on a GPU: a run on shapes alone knows neither."""
    ops = [kernel for kernel in kernels if not kernel.name.endswith(".put_together")]
    return [kernel._replace(flops=0, num_bytes=0) if kernel.splits else kernel for kernel in ops]


@pytest.mark.parametrize("config", LARGE, ids=lambda config: config.name)
@pytest.mark.parametrize("style", STYLES)
def test_large_models_are_listed_as_they_run(config, style):
    observed = faked(config, style, torch.bfloat16, num_tokens=5)
    wanted = step_kernels(config, style, StepShape(5, 5, 900, 900), target="twin").forward
    assert without_attention(wanted) == observed


@pytest.mark.parametrize("num_tokens", [1, 5])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=str)
@pytest.mark.parametrize("config", [TINY, QWEN, UNTIED], ids=["tiny", "qk_norm", "untied"])
@pytest.mark.parametrize("style", STYLES)
def test_on_a_gpu_torch_s_norm_is_one_kernel_after_a_copy_of_what_is_strided(
    style, config, dtype, num_tokens, monkeypatch
):
    """The run is one on a CPU in which the norm is noted as the kernel that it would be, and not taken apart."""
    observer = Observer(look_into_attention=False, on_gpu=True)

    def one_kernel(hidden, shape, weight, eps):
        observer.note_copy("aten._fused_rms_norm", hidden)
        out, one_each = torch.empty(hidden.shape, dtype=dtype), torch.empty(hidden.shape[:-1])
        observer.kernels.append(KernelCost("aten._fused_rms_norm", 0, size(hidden, weight, out, one_each)))
        return out

    monkeypatch.setattr(torch.nn.functional, "rms_norm", one_kernel)
    observed = faked(config, style, dtype, num_tokens, observer=observer)
    wanted = step_kernels(config, style, StepShape(num_tokens, 1, 9, 9), itemsize=dtype.itemsize, target="gpu")
    assert without_attention(wanted.forward) == observed


def torch_fakes_cuda() -> bool:
    """Tell whether this build of torch can walk through a program for a GPU, be there one or not."""
    try:
        with FakeTensorMode():
            return torch.ones(1).to("cuda").is_cuda
    except (RuntimeError, AssertionError):
        return False


@pytest.mark.skipif(not torch_fakes_cuda(), reason="this torch cannot walk through CUDA programs here")
@pytest.mark.parametrize("num_tokens", [1, 5])
@pytest.mark.parametrize("config", [QWEN, UNTIED], ids=["qk_norm", "untied"])
@pytest.mark.parametrize("style", STYLES)
def test_a_torch_that_knows_cuda_launches_what_is_listed_for_a_gpu(style, config, num_tokens):
    observer = Observer(look_into_attention=False, on_gpu=True)
    observed = faked(config, style, torch.bfloat16, num_tokens, "cuda", observer)
    wanted = step_kernels(config, style, StepShape(num_tokens, 1, 9, 9), target="gpu").forward
    assert without_attention(wanted) == observed


@pytest.mark.parametrize(("config", "style"), [(TINY, style) for style in STYLES] + [(EXACT, "lean")])
def test_between_the_graphs_of_a_piecewise_step_run_the_kernels_that_split(config, style):
    options = {"cudagraph_mode": CUDAGraphMode.PIECEWISE, "dispatcher": None, "capture_sizes": [4, 16]}
    dtype = torch.int64 if config is EXACT else torch.float32
    with new_engine(config, style, dtype, **options) as engine:
        engine.generate([[5, 0, 3], [8]], 3)
    kernels = step_kernels(config, style, StepShape.decode(2, 4), target="twin").forward
    split = [kernel for kernel in kernels if kernel.splits]
    for step in engine.stats.steps:
        assert (step.mode, step.kernels, step.graphs) == (CUDAGraphMode.PIECEWISE, len(split), config.num_layers + 1)


KERNELS = Path(__file__).resolve().parents[2] / "mini_lib" / "model" / "kernels"


def launches_in_triton():
    """Return how often each of the course's own kernels is launched by the op of its name: `kernel[grid](...)`."""
    functions = [node for path in KERNELS.glob("*.py") for node in ast.walk(ast.parse(path.read_text()))
                 if isinstance(node, ast.FunctionDef)]  # fmt: skip
    counts = {
        f"mini_lib.{function.name}": sum(
            isinstance(node, ast.Call) and isinstance(node.func, ast.Subscript) for node in ast.walk(function)
        )
        for function in functions
    }
    return {name: count for name, count in counts.items() if count}


@pytest.mark.parametrize("style", STYLES)
def test_an_op_of_the_course_is_as_many_kernels_on_a_gpu_as_its_function_launches(style):
    launches = launches_in_triton()
    twin, gpu = (step_kernels(QWEN, style, ONE, target=target) for target in ("twin", "gpu"))
    wanted = [one.name for op in (*twin.forward, *twin.after) for one in [op] * launches.get(op.name, 0)]
    launched = [kernel.name.removesuffix(".put_together") for kernel in (*gpu.forward, *gpu.after)]
    assert [name for name in launched if name.startswith("mini_lib.")] == wanted
    assert wanted.count("mini_lib.sample") == 2


def test_the_second_kernel_of_an_op_reads_what_the_first_has_written():
    twin, gpu = (step_kernels(TINY, "fused", StepShape.decode(3, 50), target=target) for target in ("twin", "gpu"))
    parts = 3 * 4 * (16 + 2) * 4  # per token and head: a sum of 16 channels, the sum of weights, the largest score
    largest = 3 * (4 + 8)  # 512 logits a row are one program's: the largest and its place
    for part, between, result in (("forward", parts, 3 * 64 * 2), ("after", largest, 3 * 8)):
        whole = next(one for one in getattr(twin, part) if one.name in ("mini_lib.paged_attention", "mini_lib.sample"))
        place = [one.name for one in getattr(gpu, part)].index(whole.name)
        first, second = getattr(gpu, part)[place : place + 2]
        ids = 3 * 8 if part == "forward" else 0  # attention asks for the positions again
        assert first.num_bytes == whole.num_bytes - result + between
        assert first.splits == second.splits == whole.splits
        assert (first.flops, second.flops, second.num_bytes) == (whole.flops, 0, between + ids + result)
    assert f"BLOCK = {LOGITS_AT_A_TIME}\n" in (KERNELS / "greedy.py").read_text()


def test_only_the_kernel_that_reads_kv_depends_on_how_long_the_requests_are():
    for target in ("gpu", "twin"):
        for style in STYLES:
            short, long = (step_kernels(QWEN, style, StepShape.decode(3, context), target=target) for context in (7, 9))
            assert (short.before, short.after) == (long.before, long.after)
            differing = {one.name for one, other in zip(short.forward, long.forward, strict=True) if one != other}
            assert differing == {"mini_lib.paged_attention"}


def test_attention_computes_what_each_token_sees_and_reads_each_request_once():
    prompt, decode = (
        next(
            kernel for kernel in step_kernels(TINY, "lean", shape).forward if kernel.name == "mini_lib.paged_attention"
        )
        for shape in (StepShape.prefill(10), StepShape.decode(10, 10))
    )
    assert (prompt.flops, decode.flops) == (4 * 55 * 64, 4 * 100 * 64)
    assert decode.num_bytes - prompt.num_bytes == 90 * 2 * 32 * 2  # 90 positions more, keys and values of 32 numbers


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"style": "quick"}, "'quick'"),
        ({"target": "tpu"}, "'tpu'"),
        ({"itemsize": 8}, "8 bytes per number"),
    ],
)
def test_what_has_no_costs_is_refused_in_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        step_kernels(TINY, **{"style": "lean", "shape": StepShape.decode(1, 1), **options})
