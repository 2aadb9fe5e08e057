"""A progress bar that shows itself only to a person.

It writes to stdout and never to stderr (nbgrader gives 0 points to a notebook cell that writes to stderr), only on a
terminal or in a notebook, and only once two seconds have passed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
PATIENCE_S = 2.0


def progress_bar(items: Iterable[T], description: str, wanted: bool = True) -> Iterator[T]:
    """Return an iterator over `items` that draws a bar while a person waits for it."""
    hidden = not (wanted and person_watches())
    return iter(tqdm(items, desc=description, file=sys.stdout, disable=hidden, delay=PATIENCE_S, leave=False))


def person_watches() -> bool:
    """Return whether stdout goes to a terminal or into a notebook."""
    return sys.stdout.isatty() or _in_notebook()


def _in_notebook() -> bool:
    """IPython is asked only when it already runs: a plain script must not import it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ in ("ZMQInteractiveShell", "Shell")  # Jupyter's, Colab's
