"""A device that runs nothing until somebody waits, and then only what must have run by then.

A real GPU promises no more than that: work of another stream, or behind the mark that is waited for, may or may not
have run. This device takes the worst case every time, so a missing `wait_event`, a staging buffer that is rewritten too
early and an event that was recorded anew show at once and always. A program is synchronised if it gives the same on
`lazy` as on `inline`.

The other worst case is a stream that runs *ahead* of its neighbour, and overwrites what that has not read yet. Streams
named in `run_ahead` do so: their work runs at launch, unless an edge holds it back. A race between two streams shows in
one of the two cases, so try a program with each of its streams ahead in turn.

Not modelled: two kernels at the same time, half of one and half of the other.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Collection, Sequence
from types import ModuleType
from typing import NamedTuple, cast

import torch
from torch import Tensor

from mini_lib.graphs.policies.work import Kernel, Launch, WorkLog, carry_out, packed
from mini_lib.timing import Span


class Queue:
    """A stream: launches, and marks of other streams to reach before going on."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.items: deque[Launch | Mark] = deque()
        self.num_queued = 0
        self.num_done = 0

    @property
    def is_free(self) -> bool:
        """Whether the oldest item may run now."""
        if not self.items:
            return False
        oldest = self.items[0]
        return isinstance(oldest, Launch) or oldest.reached

    def push(self, item: Launch | Mark) -> None:
        """Queue one item."""
        self.items.append(item)
        self.num_queued += 1

    def pop(self) -> Launch | Mark:
        """Take the oldest item out: it is done."""
        self.num_done += 1
        return self.items.popleft()


class Mark(NamedTuple):
    """A place in a queue: behind its first `position` items."""

    queue: Queue
    position: int

    @property
    def reached(self) -> bool:
        """Whether everything before it is done."""
        return self.queue.num_done >= self.position


class LazyDevice:
    """Queues work, and runs the least of it that a wait allows, in the order of streams and edges."""

    def __init__(self, device_module: ModuleType, run_ahead: Collection[str] = ()) -> None:
        self._finish = device_module.synchronize
        self._run_ahead = frozenset(run_ahead)
        self._log = WorkLog()
        self._queues: list[Queue] = []
        self._asked: Mark | None = None

    def start(self, kernels: Sequence[Kernel]) -> None:
        """Nothing to get ready."""

    def new_stream(self, name: str) -> Queue:
        """Return an empty queue."""
        self._queues.append(Queue(name))
        return self._queues[-1]

    def launch(self, stream: Queue, launch: Launch) -> None:
        """Queue it, with a copy of its arguments as they are now."""
        stream.push(launch._replace(args=pickle.loads(packed(launch.args))))
        self._hurry()

    def mark(self, stream: Queue) -> Mark:
        """Return the place behind all that is queued by now."""
        return Mark(stream, stream.num_queued)

    def wait(self, stream: Queue, mark: Mark) -> None:
        """Queue the mark: who comes past it must have reached it."""
        stream.push(mark)

    def synchronize(self, mark: Mark) -> None:
        """Run what lies before the mark, and what that waits for, and nothing else."""
        waiting = [mark]
        while waiting:
            wanted = waiting[-1]
            if wanted.reached:
                waiting.pop()
            elif wanted.queue.is_free:
                self._run(wanted.queue.pop())
            else:  # an edge: first the other stream, as far as the edge demands
                waiting.append(cast("Mark", wanted.queue.items[0]))
        self._hurry()
        self._log.check()

    def query(self, mark: Mark) -> bool:
        """Answer no, as long as may be: asking twice in a row for the same mark lets the device get there."""
        if not mark.reached and self._asked == mark:
            self.synchronize(mark)
        self._asked = mark
        self._log.check()
        return mark.reached

    def drain(self) -> None:
        """Run everything, stream by stream."""
        for queue in self._queues:
            self.synchronize(self.mark(queue))

    def host_tensor(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Plain memory."""
        return torch.zeros(tuple(shape), dtype=dtype)

    def spans(self) -> list[Span]:
        """The times at which somebody's wait made work run: the CPU's own."""
        return self._log.spans()

    def close(self) -> None:
        """Forget what is queued: nobody waited for it."""
        for queue in self._queues:
            queue.items.clear()

    def _hurry(self) -> None:
        """Let the streams that run ahead do whatever no edge forbids."""
        ahead = [queue for queue in self._queues if queue.name in self._run_ahead]
        while free := [queue for queue in ahead if queue.is_free]:
            self._run(free[0].pop())

    def _run(self, item: Launch | Mark) -> None:
        if isinstance(item, Launch) and not self._log.failure:
            self._log.note(item.name, carry_out(item, self._finish))
