"""What a student's process needs to work with what lives at the tester's: its device, and the objects that it makes.

A call of the tester's that brings a tensor or a device runs with factories that make tensors over there, and so does
every call of an object that was made in such a call: a map keeps its tokens on the device that it was given. While any
call of the tester's runs, the classes that `made_by_the_tester` names are made there; the student's own cells get the
class itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from autograde.inside.library_codecs import Modules, Records, library_class
from autograde.inside.peer import Answer, Peer, Request, Verb
from autograde.inside.tensor_codecs import Devices, Dtypes, FarTensors
from autograde.inside.values import Codec

if TYPE_CHECKING:
    from autograde.inside.far_tensors import FarDevice

BRINGS_THE_DEVICE = ("tensor", "device")


class Borrowing:
    """One per student's process. `peer` is the conversation with the tester."""

    def __init__(self) -> None:
        self.peer: Peer
        self._calls = 0  # of the tester's that are running, one within the other
        self._made_on_the_device: set[int] = set()  # numbers of objects that were lent to the tester

    @property
    def verbs(self) -> dict[str, Verb]:
        """What the tester may ask."""
        return {"made_by_the_tester": self._made_by_the_tester}

    @property
    def codecs(self) -> Iterable[Codec]:
        """What crosses beside plain data."""
        return Records(lends=False), Modules(), Devices(), Dtypes(), FarTensors(lambda: self.home)

    @cached_property
    def home(self) -> FarDevice:
        """The tester's device, from its first tensor on."""
        from autograde.inside.far_tensors import FarDevice

        return FarDevice(self._ask)

    def called(self, request: Request, run: Any) -> Answer:
        """Answer a call of the tester's by `run`."""
        with self._during_a_call():
            if not self._is_on_the_device(request):
                return run(request)
            from autograde.inside.far_factories import on_the_device

            with on_the_device(self.home):
                answer: Answer = run(request)
        made = answer.get("is")
        if isinstance(made, dict) and "mine" in made:
            self._made_on_the_device.add(made["mine"]["number"])
        return answer

    @contextmanager
    def _during_a_call(self) -> Iterator[None]:
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1

    def _is_on_the_device(self, request: Request) -> bool:
        brings = request["brings"]  # tags; the tester tells, so that not all that it sends must be searched
        return request["of"] in self._made_on_the_device or any(tag in BRINGS_THE_DEVICE for tag in brings)

    def _ask(self, verb: str, **request: Any) -> Any:
        """Return what the tester answers, not decoded: numbers and shapes."""
        answer = self.peer.ask(verb, **request)
        return answer["is"] if "is" in answer else self.peer.value(answer)

    def _made_by_the_tester(self, request: Request) -> Answer:
        for name in request["names"]:
            self._hand_over(name, library_class(name))
        return {}

    def _hand_over(self, name: str, kind: Any) -> None:
        """Let calls of a class ask the tester: what `__new__` gives is no instance, so `__init__` does not run."""

        def new(cls: Any, *args: Any, **kwargs: Any) -> Any:
            if self._calls and cls is kind:
                sent = self.peer.border.encode(list(args)), self.peer.border.encode(kwargs)
                return self.peer.value(self.peer.ask("make", name=name, args=sent[0], kwargs=sent[1]))
            return object.__new__(cls)

        kind.__new__ = staticmethod(new)
