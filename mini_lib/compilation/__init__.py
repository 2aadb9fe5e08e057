"""One model, cut into pieces at attention, so that what lies between can be captured while attention runs eagerly.

`BreakableCUDAGraphWrapper` cuts while it captures, and needs no compiler; `CUDAGraphWrapper` makes a graph of a whole
model or of one piece. `PiecewiseGraphRunner` does the same for a plain list of functions.
`compile_model` is the FX road: Dynamo writes the model down once, passes rewrite the graph, and it is cut and wrapped.
"""

from mini_lib.compilation.backend import SplitModel, SplittingBackend, compile_with_inductor
from mini_lib.compilation.breakable import BreakableCUDAGraphWrapper, SegmentedGraph
from mini_lib.compilation.capturing import set_cudagraph_capturing_enabled
from mini_lib.compilation.compiled_model import CompilationConfig, CompiledModel, StockCompiledModel, compile_model
from mini_lib.compilation.fusion import fuse_add_rms_norm
from mini_lib.compilation.graph_breaks import GraphBreakError
from mini_lib.compilation.modes import CompilationMode
from mini_lib.compilation.passes import GraphCounts, PassReport, count_nodes
from mini_lib.compilation.piecewise import PiecewiseGraphRunner
from mini_lib.compilation.splitting import SplitItem, split_graph
from mini_lib.compilation.support_torch_compile import compilation_of, set_compilation_config, support_torch_compile
from mini_lib.compilation.wrapper import CUDAGraphEntry, CUDAGraphOptions, CUDAGraphWrapper

__all__ = [
    "BreakableCUDAGraphWrapper",
    "CUDAGraphEntry",
    "CUDAGraphOptions",
    "CUDAGraphWrapper",
    "CompilationConfig",
    "CompilationMode",
    "CompiledModel",
    "GraphBreakError",
    "GraphCounts",
    "PassReport",
    "PiecewiseGraphRunner",
    "SegmentedGraph",
    "SplitItem",
    "SplitModel",
    "SplittingBackend",
    "StockCompiledModel",
    "compilation_of",
    "compile_model",
    "compile_with_inductor",
    "count_nodes",
    "fuse_add_rms_norm",
    "set_compilation_config",
    "set_cudagraph_capturing_enabled",
    "split_graph",
    "support_torch_compile",
]
