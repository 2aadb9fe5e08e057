"""Stream policies: what plays the GPU while the CPU goes on.

`inline` is infinitely fast and hides most mistakes; `lazy` is as slow as it may be and shows them; `process` is a
worker process that really works at the same time; `cuda` is the GPU. A program is written once, and if it waits where
it must, all four give the same result, bit for bit where the kernels are the same.
"""

from __future__ import annotations

from collections.abc import Collection
from types import ModuleType

from mini_lib.graphs import recorder
from mini_lib.graphs.device import device_of, get_device_module
from mini_lib.graphs.policies.cuda import CudaDevice
from mini_lib.graphs.policies.inline import InlineDevice
from mini_lib.graphs.policies.lazy import LazyDevice
from mini_lib.graphs.policies.policy import Device, StreamPolicy, WorkEvent, WorkStream
from mini_lib.graphs.policies.process import ProcessDevice
from mini_lib.graphs.policies.work import DeviceWorkError, Kernel

__all__ = ["Device", "DeviceWorkError", "Kernel", "StreamPolicy", "WorkEvent", "WorkStream", "stream_policy"]


def stream_policy(
    name: str = "auto", device_module: ModuleType | None = None, *, run_ahead: Collection[str] = ()
) -> StreamPolicy:
    """Return a policy by name: "inline", "lazy", "process", "cuda", or "auto": `cuda` on a GPU, else `inline`.

    Args:
        name: which one.
        device_module: `torch.cuda` or the twin, where the kernels' tensors live; None takes what fits the policy.
        run_ahead: only for "lazy": names of streams that run at launch, as soon as their edges allow.

    Raises:
        ValueError: another name, or a policy that does not go with the device.
        RuntimeError: "process" where it cannot work: no fork, or CUDA has started in this process.
    """
    if name not in ("auto", "inline", "lazy", "process", "cuda"):
        raise ValueError(f"There is no stream policy {name!r}: choose 'inline', 'lazy', 'process', 'cuda' or 'auto'.")
    if name == "auto":
        name = "cuda" if _is_cuda(device_module or get_device_module()) else "inline"
    if name == "process":
        _must_be(recorder, device_module, "'process' forks, and plays the GPU for tensors of the CPU twin")
        return StreamPolicy(name, ProcessDevice())
    if name == "cuda":
        _must_be(get_device_module("cuda"), device_module, "'cuda' runs on the GPU")
        return StreamPolicy(name, CudaDevice())
    device_module = device_module or get_device_module()
    if name == "lazy":
        return StreamPolicy(name, LazyDevice(device_module, run_ahead))
    return StreamPolicy(name, InlineDevice(device_module))


def _is_cuda(device_module: ModuleType) -> bool:
    return device_of(device_module).type == "cuda"


def _must_be(wanted: ModuleType, given: ModuleType | None, reason: str) -> None:
    if given not in (None, wanted):
        raise ValueError(f"The policy {reason}: it goes with {wanted.__name__}, not with {given.__name__}.")
