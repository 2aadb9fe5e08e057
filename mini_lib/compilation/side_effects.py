"""A model that is traced once sets no attributes: it would set them at the trace and never again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def refuse_assignments(forward: Callable[..., Any]) -> Iterator[None]:
    """Look whether the module behind `forward` sets attributes within the `with`; if so, undo it and say which.

    Raises:
        ValueError: it did, in itself or in one of its parts.
    """
    module = getattr(forward, "__self__", None)
    parts = list(module.modules()) if isinstance(module, torch.nn.Module) else []
    before = [dict(vars(part)) for part in parts]
    yield
    for part, attributes in zip(parts, before, strict=True):
        _refuse_changes(part, attributes)


def _refuse_changes(part: torch.nn.Module, before: dict[str, Any]) -> None:
    after = dict(vars(part))
    changed = sorted(name for name in before | after if before.get(name, part) is not after.get(name, part))
    if changed:
        vars(part).clear()
        vars(part).update(before)
        raise ValueError(
            f"{type(part).__name__}.forward sets {', '.join(changed)}. A model that is traced once would do that at "
            "the trace and never again: return the value, or write it into a tensor that exists before."
        )
