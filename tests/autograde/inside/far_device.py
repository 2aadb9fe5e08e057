"""A tester's device and a student's end of it in one process, for tests: the tester has a thread of its own.

Modes of torch belong to a thread, so what watches the tester's tensors sees nothing of the student's side, as it would
between processes. All that crosses is JSON.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from autograde.inside.far_tensors import FarDevice, FarTensor
from autograde.inside.lending import Lending
from mini_lib.labs.lab07.device_reads import noticing_reads


class Across:
    """Both ends. `reads` are what a lab's test would have noticed."""

    def __init__(self) -> None:
        self._lending = Lending()
        self.device = self._lending.device
        self.home = FarDevice(self._ask)
        self.reads: list[str] = []
        self._tester = ThreadPoolExecutor(max_workers=1)

    def tensor(self, values: Any, dtype: torch.dtype = torch.int64) -> FarTensor:
        """Return a tensor that the tester made and hands out."""
        real = self._tester.submit(torch.tensor, values, dtype=dtype).result()
        return self.home.tensor(self.device.lend(real))

    def real(self, far: FarTensor) -> torch.Tensor:
        """Return the tester's tensor."""
        return self.device.tensor(far.number)

    def _ask(self, verb: str, **request: Any) -> Any:
        sent = json.dumps(request)
        return json.loads(self._tester.submit(self._served, verb, sent).result())

    def _served(self, verb: str, sent: str) -> str:
        with noticing_reads() as reads:
            try:
                return json.dumps(self._lending.verbs[verb](json.loads(sent))["is"])
            finally:
                self.reads += reads
