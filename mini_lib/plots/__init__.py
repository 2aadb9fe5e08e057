"""The course's figures: the only room that imports matplotlib. They draw data and compute none.

CPU above GPU in every one of them, idle time hatched grey, colours that the colour-blind can tell apart and that keep
their order in greyscale. Each function returns a `Picture`, which `show` displays with its caption.
"""

from mini_lib.plots.address_map import address_map
from mini_lib.plots.bottleneck import bottleneck
from mini_lib.plots.compare_runs import compare
from mini_lib.plots.lanes import compare_lanes, two_lanes
from mini_lib.plots.picture import Picture, show
from mini_lib.plots.staircase import staircase

__all__ = ["Picture", "address_map", "bottleneck", "compare", "compare_lanes", "show", "staircase", "two_lanes"]
