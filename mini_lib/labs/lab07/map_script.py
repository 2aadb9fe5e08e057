"""Drive a student's map by a script of plain data, and report in plain data what came of it.

A script is a list of calls in the order in which an engine would make them:

    ["reserve", [3, 1]]               for the requests in rows 3 and 1; a row 0 is a padded row
    ["stash", 0, [70, 0]]             the tokens for what the first `reserve` (number 0) handed out
    ["resolve", [5, "0.1", "0.0"]]    token 5, then the second and the first symbolic id of reserve number 0
    ["bound", 20]                     in all, the map may have used at most 20 different ids

Only numbers go in and come out: which id the map chose for "0.1" is the map's own affair, and no test looks at it
beyond its sign. The tester knows what every id stands for, because it chose the tokens itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from mini_lib.labs.lab07.device_reads import noticing_reads
from mini_lib.labs.lab07.findings import FINE, Fault, Finding
from mini_lib.labs.lab07.map_values import require_int64, require_values
from mini_lib.withheld import Withheld

Script = Sequence[Sequence[Any]]


def run_script(make_map: Callable[..., Any], max_num_seqs: int, script: Script) -> Finding:
    """Return what is wrong with the map that `make_map(max_num_seqs, device)` makes, as a finding; `FINE` for nothing.

    Raises:
        NotImplementedError: the constructor or `reserve` is still the stub.
    """
    with noticing_reads() as reads:
        try:
            run = _MapRun(make_map, max_num_seqs, reads)
            for step in script:
                getattr(run, step[0])(*step[1:])
            run.require_nothing_moved()
        except Fault as fault:
            return fault.finding
    if run.waited:
        return Fault("reads back", _READS_BACK.format(call=run.waited[0])).finding
    return FINE


_READS_BACK = (
    "Your map uses `{call}`, which needs a value from the device: the CPU stops there until all that was launched has "
    "run, and nothing overlaps any more. Stay on the device: `torch.where` takes both sides and waits for nobody."
)


class _MapRun:
    """One map at work: what it was asked, what it handed out, and what the tester knows about each id."""

    def __init__(self, make_map: Callable[..., Any], max_num_seqs: int, reads: list[str]) -> None:
        self.reads, self.waited = reads, list[str]()
        self.max_num_seqs = max_num_seqs
        self.map = self._call("__init__", lambda: make_map(max_num_seqs, torch.device("cpu")))
        self.reserved: list[tuple[list[int], list[int]]] = []  # rows and ids of each reserve
        self.tokens: dict[str, int] = {}  # "0.1" -> the token that was stashed for it
        self.kept: list[tuple[str, Tensor, list[int]]] = []  # tensors that must not change any more, and their values

    def reserve(self, rows: list[int]) -> None:
        given = torch.tensor(rows, dtype=torch.int64)
        ids = self._call("reserve", lambda: self.map.reserve(given))
        require_int64("reserve", ids, len(rows))
        self._require_untouched("reserve", given, rows)
        numbers = ids.tolist()
        _require_symbolic(rows, numbers)
        self.reserved.append((rows, numbers))
        self._keep("reserve", ids)

    def stash(self, batch: int, tokens: list[int]) -> None:
        ids, given = torch.tensor(self.reserved[batch][1], dtype=torch.int64), torch.tensor(tokens, dtype=torch.int64)
        self._call("stash", lambda: self.map.stash(ids, given))
        self._require_untouched("stash", given, tokens)
        self._require_untouched("stash", ids, self.reserved[batch][1])
        self.tokens |= {f"{batch}.{place}": token for place, token in enumerate(tokens)}

    def resolve(self, wanted: list[int | str]) -> None:
        ids = [self._id(item) if isinstance(item, str) else item for item in wanted]
        given = torch.tensor(ids, dtype=torch.int64)
        got = self._call("resolve", lambda: self.map.resolve(given))
        self._require_untouched("resolve", given, ids)
        require_int64("resolve", got, len(ids))
        require_values(wanted, ids, got.tolist(), self.tokens)
        self._keep("resolve", got)

    def bound(self, num_ids: int) -> None:
        used = {number for _, numbers in self.reserved for number in numbers}
        if len(used) > num_ids:
            total = sum(len(numbers) for _, numbers in self.reserved)
            raise Fault(
                "one id after the other",
                f"{total} tokens were stashed for at most {self.max_num_seqs} requests at a time, and your map used "
                f"{len(used)} different ids for them. Then its memory grows with the tokens that wait, or some token "
                "is forgotten. A request that has a row of its own needs one place, and always the same.",
            )

    def require_nothing_moved(self) -> None:
        """Raise if something that the map handed out has changed since: it was a window on the map's own memory."""
        for name, tensor, values in self.kept:
            if tensor.tolist() != values:
                raise Fault(
                    "hands out its own memory",
                    f"What `{name}` gave back was {values[:6]} at first and is {tensor.tolist()[:6]} now: it is a view "
                    "of the map's own memory, and later calls write there. Give a new tensor back.",
                )

    def _id(self, name: str) -> int:
        batch, place = map(int, name.split("."))
        return self.reserved[batch][1][place]

    def _keep(self, name: str, tensor: Tensor) -> None:
        self.kept.append((name, tensor, tensor.tolist()))

    def _call(self, name: str, call: Callable[[], Any]) -> Any:
        """Return what a method gives back; what it raises becomes a fault, and what it reads back is noted."""
        before = len(self.reads)
        try:
            result = call()
        except (Fault, Withheld):
            raise
        except NotImplementedError:
            if name in ("__init__", "reserve"):
                raise
            raise Fault("unfinished", f"`{name}` is still the stub, and the other methods need it.") from None
        except Exception as error:
            first_line = (str(error).splitlines() or [""])[0][:200]
            raise Fault(
                f"{name} raises {type(error).__name__}", f"`{name}` raised {type(error).__name__}: {first_line}"
            ) from error
        finally:
            self.waited += self.reads[before:] if name != "__init__" else []
        return result

    def _require_untouched(self, name: str, tensor: Tensor, values: list[int]) -> None:
        if tensor.tolist() != values:
            raise Fault(
                "changes its caller's tensor",
                f"`{name}` changed the tensor that it was given: {values[:6]} became {tensor.tolist()[:6]}. The "
                "scheduler keeps that tensor for the next step. Compute a new one.",
            )


def _require_symbolic(rows: list[int], ids: list[int]) -> None:
    """Refuse ids that could be tokens, or that stand for two requests; a padded row (0) may have any id."""
    live = [number for row, number in zip(rows, ids, strict=True) if row != 0]
    if any(number == 0 for number in live):
        raise Fault("an id is 0", f"`reserve` gave {ids[:8]} back. 0 is a token, and minus 0 is 0: begin at 1.")
    if any(number > 0 for number in live):
        raise Fault(
            "ids are not negative",
            f"`reserve` gave {ids[:8]} back: {max(live)} is a token like any other. Symbolic ids are below 0.",
        )
    if len(set(live)) < len(live):
        raise Fault("one id for two", f"`reserve` for rows {rows[:8]} gave {ids[:8]} back: one id for two requests.")
