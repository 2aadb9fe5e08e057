"""What the tester does for a student's code beside answering calls: it runs ops on its device, and makes objects.

A lab may say in `lab.toml` which classes of the library are `made_by_the_tester`. While a call of the tester runs over
there, `Engine(...)` makes a real engine here, out of the student's functions and of what the tester had handed out, and
the student's code holds a handle of it. So a test that asks `isinstance(engine, Engine)` can believe the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from autograde.inside.library_codecs import Modules, Records, library_class
from autograde.inside.peer import Answer, Peer, Request, Verb
from autograde.inside.tensor_codecs import Devices, Dtypes, LentTensors
from autograde.inside.values import Codec

if TYPE_CHECKING:
    from autograde.inside.device import Device

MOST = 1_000_000  # of a whole number that an object is made with: an engine for so many requests would fill the memory


class Lending:
    """The tester's device, and the classes of which it makes objects. `peer` is the conversation that they serve."""

    def __init__(self, made_by_the_tester: Sequence[str] = ()) -> None:
        self.peer: Peer
        self._classes = tuple(made_by_the_tester)

    @property
    def verbs(self) -> dict[str, Verb]:
        """What the student's process may ask."""
        return {"op": self._op, "read": self._read, "constant": self._constant, "make": self._make}

    @property
    def codecs(self) -> Iterable[Codec]:
        """What crosses beside plain data."""
        return Records(lends=True), Modules(), Devices(), Dtypes(), LentTensors(lambda: self.device)

    def begin(self, peer: Peer) -> None:
        """Serve this conversation, and tell the other end what is made here."""
        self.peer = peer
        if self._classes:
            peer.ask("made_by_the_tester", names=list(self._classes))

    @cached_property
    def device(self) -> Device:
        """The device, from its first tensor on: torch is not for every lab."""
        from autograde.inside.device import Device

        return Device()

    def _op(self, request: Request) -> Answer:
        return {"is": self.device.run(request["op"], request["args"], request["kwargs"], request["dropped"])}

    def _read(self, request: Request) -> Answer:
        return {"is": self.device.read(request["number"], request["how"])}

    def _constant(self, request: Request) -> Answer:
        return {"is": self.device.constant(request["dtype"], request["content"], request["shape"])}

    def _make(self, request: Request) -> Answer:
        if request["name"] not in self._classes:
            raise ValueError(f"{request['name']!r:.60} is not made by the tester")
        args, kwargs = self.peer.border.decode(request["args"]), self.peer.border.decode(request["kwargs"])
        for number in (*args, *kwargs.values()):
            if isinstance(number, int) and abs(number) > MOST:
                raise ValueError(f"{number} is too large a number for what the tester makes: {MOST} is the most.")
        return self.peer.result(lambda: library_class(request["name"])(*args, **kwargs))
