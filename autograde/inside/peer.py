"""One end of the conversation between the tester and a student's process: asks, and answers while it waits.

A frame is either {"ask": verb, ...} or an answer. Whoever has asked and reads an `ask` answers that first: so a test
calls a student's loop, which calls the tester's scheduler, which calls the student's map, and both stacks grow and
shrink together. A call carries its arguments as values, and its answer tells which of them it changed.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from autograde.inside import wire
from autograde.inside.far_errors import FarError, rebuilt, told
from autograde.inside.mirrors import SPECIAL, describe, mirror
from autograde.inside.values import Border, Codec, Handle
from mini_lib.learn.values import NotPlain

MAX_ANSWER = 8 * 2**20  # bytes
Request = Mapping[str, Any]
Answer = dict[str, Any]
Verb = Callable[[Request], Answer]
CHANGED = (list, dict, set)


class Gone(BaseException):
    """The other end is gone, silent or talks nonsense. No `except Exception` on the way up may take it for an answer.

    `how` is "closed", "broken" or "silent".
    """

    def __init__(self, how: str, why: str) -> None:
        super().__init__(why)
        self.how = how


class Peer:
    """Asks the other end, and answers it. `verbs` are what it may ask beside calls, `codecs` what crosses beside data.

    `soft` is the moment at which a student's code is interrupted, `deadline` the one at which nobody waits any longer.
    """

    def __init__(self, sock: socket.socket, verbs: Mapping[str, Verb], codecs: Iterable[Codec] = ()) -> None:
        self.sock = sock
        self.soft: float | None = None
        self.deadline: float | None = None
        self.verbs: dict[str, Verb] = {"call": self._called, **verbs}
        self.border = Border(describe, self._mirror, codecs)
        self.gone: Gone | None = None

    def running(self, request: Request) -> AbstractContextManager[object]:
        """Return what holds while something runs for the other end."""
        return contextlib.nullcontext()

    def talking(self) -> AbstractContextManager[object]:
        """Return what holds while frames go to and fro."""
        return contextlib.nullcontext()

    def frames(self, error: BaseException) -> Iterable[str]:
        """Return which lines of an exception's traceback the other end may see."""
        return ()

    def heard(self, error: BaseException) -> None:
        """Take note of an exception from the other end, just before it is raised here."""

    def number_of(self, error: BaseException) -> int | None:
        """Return a number under which an exception of this end is known when it comes back."""
        return None

    def known(self, number: object) -> BaseException | None:
        """Return the exception of this number, if it is one of ours that comes back."""
        return None

    def may_call(self, target: object, method: str) -> bool:
        """Tell whether the other end may call this method of what was lent to it."""
        return not method.startswith("_") or method in SPECIAL

    def ask(self, verb: str, **request: Any) -> Answer:
        """Return the other end's answer.

        Raises:
            Gone: there is none, and there will be none to anything asked later.
        """
        if self.soft is not None:
            request["seconds"] = max(0.0, self.soft - time.monotonic())
        with self.talking():
            self._send({"ask": verb, **request})
            while "ask" in (frame := self._receive()):
                self._send(self._answer(frame))
            return frame

    def serve(self) -> None:
        """Answer until the other end is gone."""
        with self.talking():
            while True:
                self._send(self._answer(self._receive()))

    def call(self, number: int, method: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Any:
        """Call an object of the other end, and return what it returned; raise what it raised.

        Raises:
            NotPlain: the answer is none that can cross.
            KeyboardInterrupt: the time was up before it was called.
        """
        if self.soft is not None and time.monotonic() >= self.soft:
            raise KeyboardInterrupt
        self.border.used.clear()
        sent = {"args": self.border.encode(list(args)), "kwargs": self.border.encode(dict(kwargs))}
        answer = self.ask("call", of=number, method=method, brings=list(self.border.used), **sent)
        with self.sense():
            self._change(args, answer.get("changed", {}))
        return self.value(answer, ends_a_loop=method == "__next__")

    def value(self, answer: Answer, ends_a_loop: bool = False) -> Any:
        """Return the value that an answer holds, or raise what it says was raised."""
        with self.sense():
            if "raised" in answer:
                error = self.known(answer["raised"].get("yours")) or rebuilt(answer["raised"], ends_a_loop)
            elif "refused" in answer:
                error = NotPlain(str(answer["refused"])[:500])
            else:
                return self.border.decode(answer["is"])
        self.heard(error)
        raise error

    def result(self, run: Callable[[], object]) -> Answer:
        """Run something for the other end, and return the answer that tells what came of it."""
        try:
            return {"is": self.border.encode(run())}
        except NotPlain as refusal:
            return {"refused": str(refusal)}
        except Gone:
            raise
        except BaseException as error:
            return self.raised(error)

    def raised(self, error: BaseException) -> Answer:
        """Return the answer that tells of an exception. One that came from the other end goes home by its number."""
        came = issubclass(type(error), FarError)  # isinstance would ask the exception, which may say anything
        if came and getattr(error, "number", None) is not None:
            return {"raised": {**told(error, self.frames(error)), "yours": getattr(error, "number", None)}}
        return {"raised": {**told(error, self.frames(error)), "number": self.number_of(error)}}

    @contextlib.contextmanager
    def sense(self) -> Iterator[None]:
        """Take nonsense in what the other end said for its end."""
        try:
            yield
        except (ValueError, RecursionError, KeyError, TypeError, IndexError, AttributeError) as error:
            self.gone = Gone("broken", f"the other end talks nonsense: {error}")
            raise self.gone from error

    def _called(self, request: Request) -> Answer:
        args, kwargs = self.border.decode(request["args"]), self.border.decode(request["kwargs"])
        target, method = self.border.lent(request["of"]), str(request["method"])
        if method and not self.may_call(target, method):
            raise ValueError(f"{method} is no public method")
        with self.running(request):
            answer = self.result(lambda: (getattr(target, method) if method else target)(*args, **kwargs))
            changed = dict(self._changed(request["args"], args))
        return {**answer, "changed": changed} if changed else answer

    def _changed(self, sent: list[Any], args: list[object]) -> Iterator[tuple[str, Any]]:
        """Yield the arguments that a call changed, by position."""
        for place, (before, value) in enumerate(zip(sent, args, strict=True)):
            if type(value) in CHANGED:
                with contextlib.suppress(NotPlain):  # what a call made of it cannot be told
                    after = self.border.encode(value)
                    if after != before:
                        yield str(place), after

    def _change(self, args: tuple[object, ...], changed: Mapping[str, Any]) -> None:
        for place, after in changed.items():
            mine, new = args[int(place)], self.border.decode(after)
            if isinstance(mine, list) and isinstance(new, list):
                mine[:] = new
            elif isinstance(mine, dict | set) and isinstance(new, dict | set):
                mine.clear()
                mine.update(new)

    def _answer(self, frame: Request) -> Answer:
        """Return the answer to a frame that asks."""
        verb = self.verbs.get(str(frame.get("ask")))
        if verb is None:
            return {"raised": told(ValueError(f"nobody answers to {frame.get('ask')!r} here"))}
        try:
            return verb(frame)
        except Gone:
            raise
        except Exception as error:
            return self.raised(error)

    def _mirror(self, handle: Handle) -> object:
        return mirror(handle, self.call)

    def _send(self, frame: Answer) -> None:
        self._unless_gone(lambda: wire.send(self.sock, json.dumps(frame), self.deadline))

    def _receive(self) -> Answer:
        text = self._unless_gone(lambda: wire.receive(self.sock, MAX_ANSWER, self.deadline))
        with self.sense():
            frame = json.loads(text)
            if not isinstance(frame, dict):
                raise ValueError("a frame that neither asks nor answers")
            return frame

    def _unless_gone(self, talk: Callable[[], Any]) -> Any:
        if self.gone is not None:
            raise self.gone
        try:
            return talk()
        except wire.WireError as error:
            self.gone = Gone(type(error).__name__.lower(), str(error))
            raise self.gone from error
