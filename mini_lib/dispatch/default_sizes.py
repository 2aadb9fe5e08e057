"""The ladders that four engines build when nobody tells them which sizes to capture.

Every rule has the same three parts: a grid whose step grows with the size, a largest size, and a decision on what
happens when the widest batch that can occur is not on the grid. The third is where engines were bitten: a ladder that
ends below the widest batch drops that batch, the most expensive one, into eager mode (nano-vLLM #216, SGLang #21005,
vLLM #57355).

Not modelled: vLLM's speculative and interactive ladders, SGLang's clipping to its request pool and its alignment to
tensor-parallel ranks, and how engines choose the largest size from the memory of the GPU.

>>> default_capture_sizes("vllm", max_num_seqs=12)
[1, 2, 4, 8, 12, 16, 24]
>>> default_capture_sizes("nano-vllm", max_num_seqs=12)  # batches of 9 to 12 have no graph
[1, 2, 4, 8]
"""

from __future__ import annotations

import sys

from mini_lib.withheld import withheld_in

_UNBOUNDED = sys.maxsize

# A grid is a few stretches, each with its own step; a ladder is a grid cut off at its largest size.
_POWERS_TO_4 = (range(1, 3), range(4, 5))
_VLLM = (*_POWERS_TO_4, range(8, 256, 8), range(256, _UNBOUNDED, 16))
_SGLANG = (*_POWERS_TO_4, range(8, 16, 4), range(16, 256, 8), range(256, 512, 16), range(512, _UNBOUNDED, 32))
_SGLANG_SPECULATIVE = (
    *(range(1, 8), range(8, 32, 2), range(32, 40, 8), range(40, 64, 4)),
    *(range(64, 256, 8), range(256, _UNBOUNDED, 16)),
)
_SGLANG_PREFILL = (
    *(range(4, 32, 4), range(32, 256, 16), range(256, 512, 32), range(512, 1024, 64)),
    *(range(1024, 4096, 256), range(4096, _UNBOUNDED, 512)),
)
_MINI_SGLANG = (range(8, _UNBOUNDED, 8),)
_NANO_VLLM = (range(16, _UNBOUNDED, 16),)

ENGINES = ("vllm", "sglang", "sglang-0.5.9", "sglang-speculative", "mini-sglang", "nano-vllm")


@withheld_in("lab04")
def default_capture_sizes(
    engine: str = "vllm",
    *,
    max_num_seqs: int,
    max_num_batched_tokens: int = 8192,
    max_cudagraph_capture_size: int | None = None,
    datacenter_blackwell: bool = False,
) -> list[int]:
    """Return the capture sizes that `engine` builds by default, ascending, each once.

    `engine="vllm"` (vLLM 0.33.0) counts tokens. The grid is 1, 2, 4, then every 8th size below 256, then every 16th.
    It ends at 2 * max_num_seqs, at most 512, or 1024 on a data-center Blackwell (`datacenter_blackwell=True`).
    `max_num_seqs` itself, the widest pure-decode batch, is added even off the grid. An explicit
    `max_cudagraph_capture_size` replaces both: the ladder then ends at the last grid size up to it, silently, so 255
    gives 248. In either case `max_num_batched_tokens` cuts the ladder off, and is its last size when it does.

    The others count requests, `max_num_seqs` is their largest batch, and the last three arguments do not apply:
    `"sglang"` (SGLang 0.5.23): 1, 2, 4, 8, 12, then steps of 8 to 256, of 16 to 512, of 32; the largest batch is added.
    `"sglang-0.5.9"`: the same grid without that addition, so a largest batch of 100 ends at 96.
    `"sglang-speculative"` (0.5.23): closer steps, 1 to 8, of 2 to 32, 4 to 64, 8 to 256, 16; the largest is added.
    `"mini-sglang"` (20fcd7f): 1, 2, 4 whatever the largest batch is, then every 8th size.
    `"nano-vllm"` (bb823b3): 1, 2, 4, 8 whatever the largest batch is, then every 16th size up to 512.

    Raises:
        ValueError: an unknown engine, or a limit below 1.
    """
    _require_at_least_one(max_num_seqs=max_num_seqs, max_num_batched_tokens=max_num_batched_tokens)
    match engine:
        case "vllm":
            ceiling = 1024 if datacenter_blackwell else 512
            return _vllm(max_num_seqs, max_num_batched_tokens, max_cudagraph_capture_size, ceiling)
        case "sglang":
            return sorted({*_up_to(max_num_seqs, _SGLANG), max_num_seqs})
        case "sglang-0.5.9":
            return _up_to(max_num_seqs, _SGLANG)
        case "sglang-speculative":
            return sorted({*_up_to(max_num_seqs, _SGLANG_SPECULATIVE), max_num_seqs})
        case "mini-sglang":
            return [1, 2, 4, *_up_to(max_num_seqs, _MINI_SGLANG)]
        case "nano-vllm":
            return [1, 2, 4, 8, *_up_to(min(max_num_seqs, 512), _NANO_VLLM)]
    raise ValueError(f"no engine is called {engine!r}. The engines are {', '.join(map(repr, ENGINES))}.")


def prefill_capture_sizes(max_num_tokens: int) -> list[int]:
    """Return SGLang 0.5.23's ladder for prefill, in tokens: the batches that piecewise graphs replay.

    Steps of 4 to 32, 16 to 256, 32 to 512, 64 to 1024, 256 to 4096, then 512, as far as `max_num_tokens`. It is a
    function of its own because its sizes are tokens of a prefill, not requests of a decode batch.
    """
    _require_at_least_one(max_num_tokens=max_num_tokens)
    return _up_to(max_num_tokens, _SGLANG_PREFILL)


def _vllm(max_num_seqs: int, max_num_batched_tokens: int, explicit: int | None, ceiling: int) -> list[int]:
    """Return vLLM 0.33.0's ladder (config/vllm.py) for one token per request."""
    if explicit is None:
        wanted = min(2 * max_num_seqs, ceiling)
        widest_decode = {max_num_seqs} if max_num_seqs <= min(wanted, max_num_batched_tokens) else set()
    else:
        _require_at_least_one(max_cudagraph_capture_size=explicit)
        wanted, widest_decode = explicit, set()
    cut_off = {max_num_batched_tokens} if max_num_batched_tokens <= wanted else set()
    largest = min(wanted, max_num_batched_tokens)
    return sorted({*_up_to(largest, _VLLM), *widest_decode, *cut_off})


def _up_to(largest: int, grid: tuple[range, ...]) -> list[int]:
    """Return the sizes of `grid` that are at most `largest`."""
    return [size for part in grid for size in range(part.start, min(part.stop, largest + 1), part.step)]


def _require_at_least_one(**limits: int) -> None:
    for name, value in limits.items():
        if value < 1:
            raise ValueError(
                f"{name} is {value}, and it must be at least 1. "
                "To run without graphs pass no sizes at all: CaptureSizes([]), or enforce_eager=True."
            )
