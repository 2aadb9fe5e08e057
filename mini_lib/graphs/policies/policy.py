"""Streams and events for a program that launches work and goes on: one text, whatever plays the device.

The CPU launches work into *streams*. Work of one stream runs in order; work of two streams runs in any order, unless
one waits for an *event* of the other. The CPU itself waits for events, and only when it needs what the device made.

>>> from mini_lib.graphs.policies import stream_policy
>>> with stream_policy("lazy") as policy:
...     total = policy.host_tensor((1,), torch.int64)
...     add = policy.kernel(lambda number: total.add_(number))
...     stream = policy.stream("forward")
...     policy.start()
...     stream.launch(add, 7)
...     early = total.item()
...     stream.record_event().synchronize()
...     early, total.item()
(0, 7)

`StreamPolicy`, `WorkStream` and `WorkEvent` check what they are asked and hand it on to a `Device`, of which there are
four: `inline`, `lazy`, `process` and `cuda`. Not modelled: priorities, several devices, work that is launched by work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from mini_lib.graphs.policies.work import Kernel, Launch
from mini_lib.timing import Span

Stream = Any  # what the device calls a stream
Mark = Any  # a place in a stream: behind everything that it held when the mark was made


class Device(Protocol):
    """What plays the GPU. It is told about streams and marks, and nothing about the program."""

    def start(self, kernels: Sequence[Kernel]) -> None:
        """Get ready. Kernels, host tensors and everything that they use are there now."""

    def new_stream(self, name: str) -> Stream:
        """Return a new queue of work."""

    def launch(self, stream: Stream, launch: Launch) -> None:
        """Queue the work and return at once. After a failure: drop it."""

    def mark(self, stream: Stream) -> Mark:
        """Return a mark behind what `stream` holds by now."""

    def wait(self, stream: Stream, mark: Mark) -> None:
        """Let what comes to `stream` later run after the mark is reached."""

    def synchronize(self, mark: Mark) -> None:
        """Return when the mark is reached, or raise `DeviceWorkError`."""

    def query(self, mark: Mark) -> bool:
        """Tell whether the mark is reached, or raise `DeviceWorkError`."""

    def drain(self) -> None:
        """Return when all streams are empty, or raise `DeviceWorkError`."""

    def host_tensor(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Return zeros on the host that the device reads and writes as well."""

    def spans(self) -> list[Span]:
        """Return what ran and when."""

    def close(self) -> None:
        """Let go of everything; twice does no harm."""


class WorkEvent:
    """A mark in a stream, made by `WorkStream.record_event`."""

    def __init__(self, policy: StreamPolicy, device: Device, mark: Mark) -> None:
        self._policy, self._device, self.mark = policy, device, mark

    def synchronize(self) -> None:
        """Wait on the CPU until the device has reached the mark.

        Raises:
            DeviceWorkError: work launched earlier failed.
        """
        self._policy.check_running()
        self._device.synchronize(self.mark)

    def query(self) -> bool:
        """Tell whether the device has reached the mark, without waiting."""
        self._policy.check_running()
        return self._device.query(self.mark)


class WorkStream:
    """A queue of work on the device."""

    def __init__(self, policy: StreamPolicy, device: Device, name: str) -> None:
        self.name = name
        self._policy, self._device, self._queue = policy, device, device.new_stream(name)

    def launch(self, kernel: Kernel, *args: Any, name: str = "") -> None:
        """Order `kernel.fn(*args)` and return at once.

        `args` are plain values, copied now; tensors belong into the kernel from the start. What `fn` returns is lost.

        Raises:
            RuntimeError: the policy has not started, or is closed.
            TypeError, ValueError: no kernel, a kernel of another policy, or an argument that is no plain value.
        """
        self._policy.check_launch(kernel)
        self._device.launch(self._queue, Launch(kernel, args, name or kernel.name))

    def record_event(self, event: WorkEvent | None = None) -> WorkEvent:
        """Return an event that is reached when the work so far is done.

        A given event is moved here, as `torch.cuda.Event.record` moves it: who waits for it from now on waits for more.
        """
        self._policy.check_running()
        mark = self._device.mark(self._queue)
        if event is None:
            return WorkEvent(self._policy, self._device, mark)
        event.mark = mark
        return event

    def wait_event(self, event: WorkEvent) -> None:
        """Let work that is launched here from now on run after `event`, as it was recorded by now."""
        self._policy.check_running()
        self._device.wait(self._queue, event.mark)


class StreamPolicy:
    """A device as a program sees it: make kernels, streams and host tensors, start, launch, close."""

    def __init__(self, name: str, device: Device) -> None:
        self.name = name
        self._device = device
        self._kernels: list[Kernel] = []
        self._started = self._closed = False

    def kernel(self, fn: Callable[..., object]) -> Kernel:
        """Make `fn` known as device work. It reaches its tensors by closure; also good as a decorator."""
        self._check_not_started("kernel()", "a worker would know nothing of the new one")
        self._kernels.append(Kernel(len(self._kernels), fn))
        return self._kernels[-1]

    def host_tensor(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Return zeros in memory that the CPU and the device both see: pinned for CUDA, shared with a worker."""
        self._check_not_started("host_tensor()", "a worker would not share it")
        return self._device.host_tensor(shape, dtype)

    def stream(self, name: str) -> WorkStream:
        """Return a new stream."""
        self._check_open()
        return WorkStream(self, self._device, name)

    def start(self) -> None:
        """Hand the device over to the launches: kernels, captured graphs and tensors must be there by now."""
        self._check_not_started("start()", "one start is enough")
        self._device.start(self._kernels)
        self._started = True

    def synchronize(self) -> None:
        """Wait on the CPU until all streams are empty.

        Raises:
            DeviceWorkError: work launched earlier failed.
        """
        self.check_running()
        self._device.drain()

    def gpu_spans(self) -> list[Span]:
        """Return what the device did and when: name of launch, lane "GPU", microseconds of `time.perf_counter`."""
        return self._device.spans()

    def close(self) -> None:
        """Let the device go. Work that nobody waited for may never run. A second call does nothing."""
        self._closed = True
        self._device.close()

    def __enter__(self) -> StreamPolicy:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def check_launch(self, kernel: Kernel) -> None:
        """Raise unless `kernel` is one of ours and the device is running."""
        self.check_running()
        if not isinstance(kernel, Kernel):
            raise TypeError(
                f"launch() got {kernel!r}, which the device does not know. Make it known before the start: "
                "`step = policy.kernel(step)`, then policy.start(), then stream.launch(step)."
            )
        if kernel.index >= len(self._kernels) or self._kernels[kernel.index] is not kernel:
            raise ValueError(f"The kernel {kernel.name!r} belongs to another policy: make it with this one's kernel().")

    def check_running(self) -> None:
        """Raise unless the policy has started and is not closed."""
        self._check_open()
        if not self._started:
            raise RuntimeError(
                f"The {self.name!r} device has not started. Capture your graphs and make kernels and host tensors "
                "first, then call policy.start(); launches and events come after it."
            )

    def _check_not_started(self, call: str, reason: str) -> None:
        self._check_open()
        if self._started:
            raise RuntimeError(f"{call} comes before policy.start(), and this policy has started: {reason}.")

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError(
                f"This {self.name!r} policy is closed. Make a new one with stream_policy({self.name!r})."
            )
