"""The recorder: walks through a function once, and writes down every kernel instead of launching it.

It sits below autograd as a `TorchDispatchMode`, so that it sees each op with its final arguments, backward passes
included, and nothing global is patched. Per op: ask `rules` what to do; let `shapes` say what would come out; take
memory for that from the `pool`, full of poison; write down a `Node` over the bare addresses.

Not modelled: other streams and other threads, whose work runs at once and unseen; ops inside a custom op, which is one
node; the launch latency that makes graphs worth having.
"""

from __future__ import annotations

from typing import Any, NoReturn

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from mini_lib.graphs.errors import CaptureError, FirstLine
from mini_lib.graphs.hints import hint_for
from mini_lib.graphs.host_reads import HostReads
from mini_lib.graphs.inputs import ExternalInputs, shadow_of
from mini_lib.graphs.nodes import Node, node_of
from mini_lib.graphs.pool import Pool
from mini_lib.graphs.rules import Treatment, op_name, treatment_of
from mini_lib.graphs.shapes import Frozen, TensorSpec, infer
from mini_lib.graphs.signatures import Signature, map_tensors, signature_of


class Recording(TorchDispatchMode):
    """What is known of a capture while it is under way: its nodes, its inputs, and whether it is spoiled."""

    def __init__(self, pool: Pool, host_reads: HostReads) -> None:
        super().__init__()
        self.pool, self.host_reads = pool, host_reads
        self.nodes: list[Node] = []
        self.inputs = ExternalInputs()
        self.spoiled_by = ""  # the hint of the first refusal

    def __torch_dispatch__(
        self, func: OpOverload, types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        with torch._C.DisableTorchFunction():
            return self._handle(func, args, kwargs or {})

    def refuse(self, first_line: FirstLine, hint: str) -> NoReturn:
        """Raise CUDA's error 900. From now on the capture is spoiled: whatever comes next raises 901."""
        self.check_not_spoiled()
        self.spoiled_by = hint
        raise CaptureError(first_line, hint)

    def check_not_spoiled(self) -> None:
        """Raise CUDA's error 901 if something was refused before, even if the student caught that error."""
        if self.spoiled_by:
            hint = f"The capture was spoiled before. What spoiled it: {self.spoiled_by}"
            raise CaptureError(FirstLine.INVALIDATED_901, hint)

    def _handle(self, func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        treatment = treatment_of(func, args, kwargs, self.inputs.is_number)
        if treatment is Treatment.RUN_NOW:
            return self._run_now(func, args, kwargs)
        if treatment is Treatment.TAKE_APART:
            with self:
                return func.decompose(*args, **kwargs)
        if treatment in (Treatment.READ_BACK, Treatment.DYNAMIC_SHAPE, Treatment.HOST_COPY):
            self._refuse_op(func, treatment)
        return self._record(func, args, kwargs, launches=treatment is Treatment.RECORD)

    def _run_now(self, func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = func(*args, **kwargs)
        if op_name(func) == "lift_fresh":
            self.inputs.note_number(result)
        return result

    def _refuse_op(self, func: OpOverload, treatment: Treatment) -> NoReturn:
        hint = hint_for(treatment, signature_of(func).name, self.host_reads.call)
        if treatment is Treatment.HOST_COPY:
            raise CaptureError(FirstLine.PAGEABLE_COPY, hint)  # found out before the launch: the capture survives
        self.refuse(FirstLine.UNSUPPORTED_900, hint)

    def _record(self, func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], launches: bool) -> Any:
        self.check_not_spoiled()
        signature, inferred = signature_of(func), infer(func, args, kwargs)
        self._grow_outs(signature, kwargs, inferred.keywords)
        results: list[Any] = []
        fresh: list[Any] = []
        for given_back, frozen in zip(signature.returns, inferred.results, strict=True):
            new = None if given_back else self._allocate(frozen, signature.name)
            results.append(signature.argument(given_back, args, kwargs) if given_back else new)
            fresh.append(new if isinstance(new, Tensor | list) else None)
        if launches:
            shadows = map_tensors((args, kwargs, fresh), lambda tensor: self._shadow(tensor, signature.name))
            self.nodes.append(node_of(func, *shadows))
        return results[0] if len(results) == 1 else tuple(results) or None

    def _allocate(self, frozen: Frozen, label: str) -> Any:
        """Return poisoned tensors from the pool for the specs in `frozen`, and its plain values as they are."""
        if isinstance(frozen, TensorSpec):
            return self._tensor(frozen, label)
        return [self._allocate(item, label) for item in frozen[2]] if frozen[0] == "sequence" else frozen[2]

    def _tensor(self, spec: TensorSpec, label: str) -> Tensor:
        if spec.num_bytes == 0:
            return torch.empty_strided(spec.size, spec.stride, dtype=spec.dtype)
        lease = self.pool.allocate(spec.num_bytes, label)
        tensor = shadow_of(spec, torch.frombuffer(lease, dtype=torch.uint8).untyped_storage(), 0)
        return tensor.fill_(True) if spec.dtype is torch.bool else tensor

    def _grow_outs(self, signature: Signature, kwargs: dict[str, Any], after: dict[str, Frozen]) -> None:
        """Give an `out=` tensor of the wrong shape new memory, as torch does."""
        for name in signature.outs:
            out, spec = kwargs[name], after[name]
            if isinstance(out, Tensor) and out.shape != spec.size:
                new = self._tensor(spec, signature.name)
                out.set_(new.untyped_storage(), 0, spec.size, spec.stride)

    def _shadow(self, tensor: Tensor, read_by: str) -> Tensor:
        """Return a tensor over the same bytes that keeps no block of the pool alive."""
        if tensor.device.type != "cpu":
            raise CaptureError(FirstLine.TWIN_ONLY, f"{read_by} got a tensor on {tensor.device}: it records the CPU.")
        segment = self.pool.find(tensor.data_ptr())
        if segment is None:
            shadow = self.inputs.shadow(tensor, read_by)
        else:
            offset = (tensor.data_ptr() - segment.address) // tensor.element_size()
            shadow = shadow_of(TensorSpec.of(tensor), segment.memory.untyped_storage(), offset)
        shadow = shadow.conj() if tensor.is_conj() else shadow
        return torch._neg_view(shadow) if tensor.is_neg() else shadow
