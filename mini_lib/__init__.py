"""Launch-Bound's library: CUDA graphs, capture sizes and overlap for LLM decode, small enough to read.

Names are handed on lazily (PEP 562): `import mini_lib` imports neither torch nor numpy nor matplotlib,
so that the torch-free rooms (`dispatch`, `timing`) start in a blink and run where torch cannot.

>>> import mini_lib
>>> mini_lib.default_capture_sizes(max_num_seqs=4)
[1, 2, 4, 8]
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME_OF = {
    "ModelConfig": "mini_lib.config",
    "default_capture_sizes": "mini_lib.dispatch",
    "CaptureSizes": "mini_lib.dispatch",
    "padding_waste": "mini_lib.dispatch",
    "CUDAGraphMode": "mini_lib.dispatch",
    "BatchDescriptor": "mini_lib.dispatch",
    "CudagraphDispatcher": "mini_lib.dispatch",
    "AttentionCGSupport": "mini_lib.dispatch",
    "resolve_cudagraph_mode": "mini_lib.dispatch",
    "Span": "mini_lib.timing",
    "Timeline": "mini_lib.timing",
    "get_device_module": "mini_lib.graphs",
    "capture": "mini_lib.graphs",
    "InputBuffers": "mini_lib.graphs",
    "GraphRunner": "mini_lib.graphs",
    "CompilationMode": "mini_lib.compilation",
    "diagnose": "mini_lib.diagnosis",
    "FutureMap": "mini_lib.engine",
    "Engine": "mini_lib.engine",
}
_ROOMS = (
    *("bench", "compilation", "config", "diagnosis", "dispatch", "engine", "graphs"),
    *("labs", "learn", "model", "plots", "scheduling", "sim", "timing"),
)

__all__ = [*_HOME_OF, *_ROOMS]


def __getattr__(name: str) -> Any:
    """Import the room that `name` lives in, at the first time somebody asks for it."""
    if name in _HOME_OF:
        return getattr(import_module(_HOME_OF[name]), name)
    if name in _ROOMS:
        return import_module(f"mini_lib.{name}")
    raise AttributeError(f"module 'mini_lib' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
