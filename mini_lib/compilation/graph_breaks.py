"""What is said when Dynamo cannot write a model down as one graph: where it stopped, why, and the way out.

A graph break is a line that Dynamo cannot trace: a branch on the value of a tensor, `.item()`, `print`. Plain
`torch.compile` runs such a line in Python and goes on with a second graph. A model that is to be cut at attention needs
one graph, so here it is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

_NOT_TRACED = (
    "Dynamo traced nothing. It steps aside during a capture on the CPU twin, under any torch dispatch mode and with "
    "TORCHDYNAMO_DISABLE=1. Call the model once before the capture, as a warm-up does."
)


class GraphBreakError(RuntimeError):
    """A forward pass that Dynamo cannot trace as one graph."""


class _Recorder(Protocol):
    built: Callable[..., Any] | None
    error: Exception | None


@contextmanager
def explain_graph_breaks(forward: Callable[..., Any], recorder: _Recorder) -> Iterator[None]:
    """Turn Dynamo's refusals within the `with` into a `GraphBreakError`, and hand on the backend's own errors bare."""
    from torch._dynamo import exc  # not at the top: it costs seconds, and only who compiles should pay

    try:
        yield
    except exc.Unsupported as stopped:
        raise GraphBreakError(_explanation(forward, stopped)) from None
    except exc.BackendCompilerFailed:
        if recorder.error is None:
            raise
        raise recorder.error from None
    except RuntimeError as error:
        if type(error) is not RuntimeError or recorder.built is not None:
            raise
        raise RuntimeError(_NOT_TRACED) from error  # torch 2.13 says that it found no frame; 2.9 says nothing
    if recorder.built is None:
        raise RuntimeError(_NOT_TRACED)


def _explanation(forward: Callable[..., Any], stopped: Exception) -> str:
    reason = str(stopped).strip().splitlines()[0]
    stack = list(getattr(stopped, "real_stack", None) or [])
    where = f" at {stack[-1].filename}:{stack[-1].lineno}: `{stack[-1].line}`" if stack else ""
    return (
        f"{getattr(forward, '__qualname__', forward)} has a graph break{where}\n\n"
        f"Dynamo says: {reason}. The model is cut out of one graph, so all of it must be traced. Keep decisions on "
        "values on the device (torch.where), move this line out of forward, or hide it in a "
        f"torch.library.custom_op, which is one node.\n\n{stopped}"
    )
