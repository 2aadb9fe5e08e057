"""A fit as pictures: recorded steps as points, the fitted profile's as lines, one file per model and style."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mini_lib.bench.fit import FittedRun
from mini_lib.bench.fit_rows import why_unusable
from mini_lib.plots import Picture, compare
from mini_lib.sim.recorded_steps import recorded_and_simulated


def save_pictures(fitted: FittedRun, folder: Path) -> list[Path]:
    """Draw the run against its fit into `folder`, and return the files. Rows that no fit can use are not drawn.

    Raises:
        OSError: the folder cannot be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, picture in pictures(fitted):
        files.append(folder / f"{name}.png")
        files[-1].write_bytes(picture.png())
    return files


def pictures(fitted: FittedRun) -> Iterator[tuple[str, Picture]]:
    """Yield (model and style, picture). The lines are those of the profile that was fitted to these very points."""
    rows = [row for row in fitted.run.rows("step") if why_unusable(row) is None]
    for model, style in dict.fromkeys((row["model"], row["style"]) for row in rows):
        times = recorded_and_simulated(rows, fitted.profile, model, style, fitted.fit.values["host_us"])
        yield (
            f"{model}_{style}",
            compare(*times, title=f"{model}, {style}, on {fitted.run.device}: recorded and fitted"),
        )
