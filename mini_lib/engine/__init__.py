"""Everything put together: the map of tokens that are not there yet, the runner of batches, the engine."""

from mini_lib.engine.future_map import FutureMap, StaleTokenError, SymbolicTokens

__all__ = ["FutureMap", "StaleTokenError", "SymbolicTokens"]
