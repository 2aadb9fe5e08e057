"""The process from which every submission's own process is forked, with nbgrader loaded once.

Loading nbgrader takes 2 s of one core. Started before the caller loads it for itself, the server is ready in time.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext


def start() -> ForkServerContext:
    """Start the server, if it does not run yet, and return the way to start processes from it. Does not wait."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["autograde.run"])
    forkserver.ensure_running()
    return context
