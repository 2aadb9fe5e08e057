"""The kernels in Triton: interpreted on a CPU, compiled for a GPU that is not there, and run where there is one."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import mini_lib.model
from mini_lib.model import kernels
from tests.model.kernel_cases import BUGS, CASES, ONLY_ON_A_GPU, compare, real_kernels

ROOT = Path(__file__).resolve().parents[2]
GPU = torch.cuda.is_available()
OPS = {case.op for case in CASES.values()}
triton_on_a_cpu = pytest.mark.skipif(
    GPU or importlib.util.find_spec("triton") is None, reason="Triton is not here, or a GPU is, which runs the kernels"
)
on_a_gpu = pytest.mark.skipif(not GPU, reason="no GPU here")


def results_of(module: str, **environment: str) -> dict[str, Any]:
    """Return what a module of these tests prints, run as a process of its own."""
    command = [sys.executable, "-m", f"tests.model.{module}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def interpreted() -> dict[str, str]:
    """What the interpreter found wrong, per case and per bug: it takes seconds, so all of it runs at once."""
    return results_of("kernel_cases", TRITON_INTERPRET="1")


@triton_on_a_cpu
@pytest.mark.parametrize("name", CASES)
def test_an_interpreted_kernel_does_what_the_plain_op_does(name, interpreted):
    assert interpreted[name] == ""


@triton_on_a_cpu
@pytest.mark.parametrize("name", BUGS)
def test_a_wrong_kernel_is_found_out(name, interpreted):
    assert "not close" in interpreted[name] or "not equal" in interpreted[name]


@triton_on_a_cpu
def test_every_kernel_compiles_for_a_gpu_and_fits_the_smallest_that_it_is_meant_for(tmp_path):
    built = results_of("kernel_compiles", TRITON_CACHE_DIR=str(tmp_path))
    assert len(built) == 9
    assert all(kernel["code_bytes"] > 0 for kernel in built.values())
    # An L4 gives a program 99 KiB of shared memory, the least of all GPUs from compute capability 8.0 on.
    assert max(kernel["shared_bytes"] for kernel in built.values()) <= 99 * 1024
    assert [name for name, kernel in built.items() if kernel["tensor_cores"]] == ["_look_at_a_span"]


@pytest.mark.skipif(GPU, reason="with a GPU the kernels are meant to be imported")
def test_no_kernel_is_imported_for_tensors_on_a_cpu():
    code = (
        "import sys; from mini_lib import Engine, ModelConfig\n"
        "with Engine(ModelConfig.tiny(), style='fused', max_num_seqs=1, capture_sizes=[1]) as engine:\n"
        "    engine.generate([[5, 0, 7]], 3)\n"
        # (torch._dynamo looks into Triton by itself, where it is installed.)
        "print([name for name in sys.modules if name.startswith('mini_lib.model.kernels.')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("op", sorted(OPS))
def test_an_op_has_a_kernel_for_cuda_beside_its_body_and_none_for_a_cpu(op):
    has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key
    assert hasattr(torch.ops.mini_lib, op)
    assert has_kernel(f"mini_lib::{op}", "CUDA") and has_kernel(f"mini_lib::{op}", "CompositeExplicitAutograd")
    assert not has_kernel(f"mini_lib::{op}", "CPU")


def test_where_kernels_cannot_run_and_for_strided_numbers_the_body_runs(monkeypatch):
    monkeypatch.setattr(kernels, "_kernel", lambda module, name: lambda *args: f"{module}.{name}")
    call = kernels.kernel_or_body("norms", "rms_norm", lambda *args: "body")
    answers = []
    for here in (False, True):
        monkeypatch.setattr(kernels, "kernels_run_here", lambda here=here: here)
        answers.append((call(torch.ones(2, 4), 1e-5), call(torch.ones(4, 2).t(), 1e-5)))
    assert answers == [("body", "body"), ("norms.rms_norm", "body")]


@pytest.mark.gpu
@on_a_gpu
@pytest.mark.skipif(not kernels.kernels_run_here(), reason="no Triton here, or a GPU that it does not know")
@pytest.mark.parametrize("name", [*CASES, *ONLY_ON_A_GPU])
def test_a_kernel_on_a_gpu_does_what_the_plain_op_does_on_a_cpu(name):
    compare((CASES | ONLY_ON_A_GPU)[name], real_kernels(), torch.device("cuda"))


@pytest.mark.gpu
@on_a_gpu
@pytest.mark.skipif(not kernels.kernels_run_here(), reason="no Triton here, or a GPU that it does not know")
@pytest.mark.parametrize("num_tokens", [1, 40, 600])
def test_how_far_a_kernel_might_look_changes_no_bit(num_tokens):
    generator = torch.Generator().manual_seed(2)
    cache = torch.randn(2, 65, 16, 4, 64, generator=generator).to("cuda", torch.bfloat16)
    query = torch.randn(num_tokens, 8, 64, generator=generator).to("cuda", torch.bfloat16)
    table = torch.stack((torch.zeros(64).long(), 1 + torch.randperm(64, generator=generator))).cuda()
    positions = torch.arange(num_tokens, device="cuda") % 300
    outs = []
    for max_seq_len in (300, 301, 513, 1024):
        outs.append(torch.empty_like(query))
        rows = torch.ones_like(positions)
        mini_lib.model.paged_attention(outs[-1], query, cache, table, rows, positions, max_seq_len)
    assert all(torch.equal(out, outs[0]) for out in outs)


@pytest.mark.gpu
@on_a_gpu
@pytest.mark.skipif(not kernels.kernels_run_here(), reason="no Triton here, or a GPU that it does not know")
def test_a_graph_captured_for_one_length_reads_another_length_when_it_is_replayed():
    generator = torch.Generator().manual_seed(3)
    cache = torch.randn(2, 65, 16, 4, 64, generator=generator).cuda()
    query, table = torch.randn(2, 8, 64, generator=generator).cuda(), torch.arange(1, 65, device="cuda").view(1, -1)
    rows, positions = torch.zeros(2, device="cuda").long(), torch.zeros(2, device="cuda").long()
    out, arguments = torch.empty_like(query), (query, cache, table, rows, positions, 1024)
    mini_lib.model.paged_attention(out, *arguments)  # compiles
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        mini_lib.model.paged_attention(out, *arguments)
    for lengths in ([0, 1000], [700, 63], [64, 1023]):
        positions.copy_(torch.tensor(lengths))
        graph.replay()
        wanted = torch.empty_like(out)
        mini_lib.model.paged_attention(wanted, *arguments)
        assert torch.equal(out, wanted) and out.isfinite().all()
