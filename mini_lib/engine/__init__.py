"""Everything put together: the map of tokens that are not there yet, the runner of batches, the engine.

Read `engine.py` first: it shows the way of one step through the others.
"""

from mini_lib.engine.capture_model import CaptureCost, CaptureReport
from mini_lib.engine.engine import Engine
from mini_lib.engine.future_map import FutureMap, StaleTokenError, SymbolicTokens
from mini_lib.engine.run import EventLoopError
from mini_lib.engine.runner import ModelRunner
from mini_lib.engine.stats import EngineStats, StepStats

__all__ = [
    "CaptureCost",
    "CaptureReport",
    "Engine",
    "EngineStats",
    "EventLoopError",
    "FutureMap",
    "ModelRunner",
    "StaleTokenError",
    "StepStats",
    "SymbolicTokens",
]
