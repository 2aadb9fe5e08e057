"""Compile each kernel for a Hopper GPU, as a launch for Llama-3-8B's shape would: to machine code, without a GPU.

`python -m tests.model.kernel_compiles` launches every kernel on tensors that are only shapes, takes the arguments that
arrive at Triton's compiler, and prints one JSON object: per kernel the bytes of its machine code, its shared memory and
whether it multiplies on tensor cores. An interpreter takes programs that a compiler refuses.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import torch
import triton
from torch import Tensor
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.runtime.jit import JITFunction

from mini_lib.config import ModelConfig
from mini_lib.model.kernels import activation, decode_attention, greedy, kv_write, norms

HOPPER = GPUTarget("cuda", 90, 32)
POINTERS = {torch.bfloat16: "*bf16", torch.float32: "*fp32", torch.int64: "*i64"}
OPTIONS = ("num_warps", "num_stages")


def tensor(*shape: int, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


def launches(config: ModelConfig, num_tokens: int) -> list[Callable[[], Any]]:
    """Return a launch of each op for a decode step of `config`."""
    hidden, wide = tensor(num_tokens, config.hidden_size), config.intermediate_size
    weight, ids = hidden[0], tensor(num_tokens, dtype=torch.int64)
    heads = tensor(num_tokens, config.num_heads + 2 * config.num_kv_heads, config.head_dim)
    q, k, v = heads.split((config.num_heads, config.num_kv_heads, config.num_kv_heads), dim=1)
    cache = tensor(2, 100_000, 16, config.num_kv_heads, config.head_dim)
    table, angles = tensor(9, 128, dtype=torch.int64), tensor(2048, config.head_dim, dtype=torch.float32)
    return [
        lambda: norms.rms_norm(torch.empty_like(q), q, q[0, 0], 1e-5),
        lambda: norms.fused_add_rms_norm(hidden, hidden, weight, 1e-5),
        lambda: activation.silu_and_mul(tensor(num_tokens, wide), tensor(num_tokens, 2 * wide)),
        lambda: kv_write.kv_write(k, v, cache, ids),
        lambda: kv_write.rope_and_kv_write(ids, q, k, v, angles, cache, ids),
        lambda: decode_attention.paged_attention(torch.empty_like(q), q, cache, table, ids, ids, 2048),
        lambda: greedy.sample(tensor(num_tokens, config.vocab_size)),
    ]


def compiled(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Compile `function` for the arguments of one launch, and say what came out."""
    options = {name: kwargs.pop(name) for name in OPTIONS if name in kwargs}
    values = dict(zip(function.arg_names, args, strict=False)) | kwargs
    constants = {(place,): values[name] for place, name in enumerate(function.arg_names) if name.isupper()}
    kinds = {name: "constexpr" if name.isupper() else kind_of(values[name]) for name in function.arg_names}
    source = ASTSource(function, signature=kinds, constexprs=constants)
    binary = triton.compile(source, target=HOPPER, options=options)
    return {
        "code_bytes": len(binary.asm["cubin"]),
        "shared_bytes": binary.metadata.shared,
        "tensor_cores": "mma" in binary.asm["ptx"],
    }


def kind_of(value: Any) -> Any:
    """Return the name of a value's type as Triton spells it."""
    if isinstance(value, tuple):
        return tuple(kind_of(one) for one in value)
    if isinstance(value, Tensor):
        return POINTERS[value.dtype]
    return "fp32" if isinstance(value, float) else "i64" if value >= 2**31 else "i32"


def main() -> None:
    results = {}

    def spy(function: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> None:
        results[function.__name__] = compiled(function, args, kwargs)

    JITFunction.run = spy
    for launch in launches(ModelConfig.llama_3_8b(), num_tokens=1):
        launch()
    print(json.dumps(results))


if __name__ == "__main__":
    main()
