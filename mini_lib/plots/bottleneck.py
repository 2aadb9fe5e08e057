"""Who sets the pace of a step, batch by batch: the CPU's launches or the GPU's kernels.

Two thin lines are what each of the two needs, the thick one is the longer of both, which is the step. Where the CPU's
line lies above, the ground is tinted: there the step is launch-bound. A further line may show the same kernels launched
as a graph.
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.ticker import FuncFormatter, NullLocator

from mini_lib.plots.picture import BLACK, BLUE, GREEN, ORANGE, Picture, drawing

_WIDTH, _HEIGHT = 9.6, 3.9
_PLACE = (0.075, 0.13, 0.905, 0.75)  # left, bottom, width, height: shares of the picture


def bottleneck(
    batch_sizes: Sequence[int],
    cpu_us: Sequence[float],
    gpu_us: Sequence[float],
    graph_us: Sequence[float] = (),
    *,
    title: str = "",
) -> Picture:
    """Return a picture of an eager step by batch size, from what CPU and GPU need for it; one value per batch size.

    `graph_us`, if given, are the times of the same step from a graph.

    Raises:
        ValueError: the lengths differ, or there are fewer than two batch sizes, between which nothing can be drawn.
    """
    lengths = {len(batch_sizes), len(cpu_us), len(gpu_us), *([len(graph_us)] if graph_us else [])}
    if len(lengths) > 1 or len(batch_sizes) < 2:
        raise ValueError(
            f"{len(batch_sizes)} batch sizes, {len(cpu_us)} times of the CPU, {len(gpu_us)} of the GPU and "
            f"{len(graph_us)} of a graph: give one time per batch size, and two sizes or more."
        )
    step_us = list(map(max, cpu_us, gpu_us))
    with drawing():
        picture = Picture(_WIDTH, _HEIGHT)
        axes = picture.add_axes(_PLACE)
        axes.set_xscale("log", base=2)
        launch_bound = [cpu > gpu for cpu, gpu in zip(cpu_us, gpu_us, strict=True)]
        top = 1.12 * max(step_us)
        axes.fill_between(batch_sizes, top, where=launch_bound, color=ORANGE, alpha=0.18, linewidth=0)
        axes.plot(batch_sizes, step_us, color=BLACK, linewidth=3.2, alpha=0.85, label="step, eager: the longer of both")
        axes.plot(batch_sizes, cpu_us, color=ORANGE, linewidth=1.6, linestyle="--", label="CPU: all launches")
        axes.plot(batch_sizes, gpu_us, color=BLUE, linewidth=1.6, linestyle=":", label="GPU: kernels and gaps")
        if graph_us:
            axes.plot(batch_sizes, graph_us, color=GREEN, linewidth=2.0, linestyle="-.", label="step, from a graph")
        for name, holds in (("launch-bound", True), ("GPU-bound", False)):
            if holds in launch_bound:
                begin = batch_sizes[launch_bound.index(holds)]
                axes.text(begin, 0.97 * top, f"  {name}", va="top", color=BLACK, size=9)
        axes.set(
            xlim=(batch_sizes[0], batch_sizes[-1]), ylim=(0, top), xlabel="requests in the batch", ylabel="ms a step"
        )
        axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda us, _: f"{us / 1e3:g}"))
        axes.legend(loc="lower right", framealpha=0.9, edgecolor="none", fontsize=8.5)
        picture.text(_PLACE[0], 0.97, title, va="top", weight="bold", size=10.5)
    return picture
