"""One model, cut into pieces at attention, so that what lies between can be captured while attention runs eagerly.

`compile_model` is the FX road: Dynamo writes the model down once, passes rewrite the graph, and it is cut and wrapped.
"""

from mini_lib.compilation.backend import SplitModel, SplittingBackend
from mini_lib.compilation.compiled_model import CompilationConfig, CompiledModel, StockCompiledModel, compile_model
from mini_lib.compilation.graph_breaks import GraphBreakError
from mini_lib.compilation.modes import CompilationMode
from mini_lib.compilation.passes import GraphCounts, PassReport, count_nodes
from mini_lib.compilation.splitting import SplitItem, split_graph
from mini_lib.compilation.support_torch_compile import compilation_of, set_compilation_config, support_torch_compile

__all__ = [
    "CompilationConfig",
    "CompilationMode",
    "CompiledModel",
    "GraphBreakError",
    "GraphCounts",
    "PassReport",
    "SplitItem",
    "SplitModel",
    "SplittingBackend",
    "StockCompiledModel",
    "compilation_of",
    "compile_model",
    "count_nodes",
    "set_compilation_config",
    "split_graph",
    "support_torch_compile",
]
