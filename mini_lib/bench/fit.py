"""`bench fit`: a device's profile from its recorded decode steps, and how far such a profile is off.

Only part "step" of a run is read, and of that only rows whose kernels are known and whose outputs were right. What the
other parts measured directly (copy bandwidth, a graph's cost per node) is left out on purpose, so that whoever compares
the two compares something.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from mini_lib.bench.fit_constants import Fit, fit
from mini_lib.bench.fit_rows import StepRows, values_of, why_unusable
from mini_lib.bench.fit_validation import Validation, validate
from mini_lib.sim import PROFILES, DeviceProfile, RecordedRun, recorded_runs

NOTHING_RECORDED = (
    "No GPU run with decode steps has been recorded yet: on a machine with a GPU, run "
    "`python -m mini_lib.bench record step`, then fit the file that it writes."
)


@dataclass(frozen=True)
class FittedRun:
    """A profile fitted to all usable rows of `run`, and the validation, whose fits never saw what they were asked.

    `base` gave the start, and whatever no recorded step shows. `unusable` counts the rows left out, by reason.
    """

    run: RecordedRun
    base: DeviceProfile
    fit: Fit
    profile: DeviceProfile
    validation: Validation
    unusable: Counter[str]


def newest_gpu_run(runs: Sequence[RecordedRun] | None = None) -> RecordedRun | None:
    """Return the newest run, of those that come with the library, that a GPU recorded decode steps in; None if none."""
    runs = recorded_runs() if runs is None else runs
    return next((run for run in reversed(runs) if run.counts and run.rows("step")), None)


def fit_recorded(run: RecordedRun) -> FittedRun:
    """Return the fitted profile of the machine that `run` was recorded on.

    Raises:
        ValueError: the run has no decode steps, or too few that can be used.
    """
    rows = run.rows("step")
    if not rows:
        raise ValueError(f"{run.path or 'this run'} has no decode steps: `python -m mini_lib.bench record step`.")
    if run.lacks_triton:
        raise ValueError(
            f"{run.path or 'this run'} was recorded without Triton: the course's own kernels were many of torch's, of "
            "which there is no list. Install the extra 'kernels', and record the part again."
        )
    reasons = [why_unusable(row) for row in rows]
    usable = [row for row, reason in zip(rows, reasons, strict=True) if reason is None]
    unusable = Counter(reason for reason in reasons if reason is not None)
    if not usable:
        why = "; ".join(f"{reason} ({count} rows)" for reason, count in unusable.items())
        raise ValueError(f"{run.path or 'this run'} has no decode step that can be fitted: {why}.")
    base = nearest_profile(run.device)
    found = fit(StepRows(usable), base)
    profile = found.profile(base, run.source("step")).with_values(name=run.device)
    return FittedRun(run, base, found, profile, validate(usable, base), unusable)


def nearest_profile(device: str) -> DeviceProfile:
    """Return the profile whose name is a word of the device's, or that of a generic host.

    >>> nearest_profile("NVIDIA H200 NVL").name, nearest_profile("NVIDIA L40S").name
    ('H200', 'generic host')
    """
    words = re.split(r"[^A-Za-z0-9]+", device)
    return next((profile for name, profile in PROFILES.items() if name in words), PROFILES["generic host"])


def fit_result(fitted: FittedRun) -> dict[str, Any]:
    """Return all figures as plain values: what `bench fit` prints as JSON."""
    validation, profile = fitted.validation, fitted.profile
    of_device = {one.name: getattr(profile, one.name) for one in fields(profile)}
    right, pairs = validation.mode_order
    worst = validation.worst
    return {
        "machine": dict(fitted.run.machine),
        "source": fitted.run.source("step"),
        "quotable": fitted.run.counts,
        "base": fitted.base.name,
        "rows": fitted.fit.num_rows,
        "unusable": dict(fitted.unusable),
        "constants": [_constant(fitted, name) for name in fitted.fit.fitted],
        "profile": {name: value for name, value in of_device.items() if name not in ("launch", "sources")},
        "launch": {one.name: getattr(profile.launch, one.name) for one in fields(profile.launch)},
        "sources": dict(profile.sources),
        "held_out": {
            "what": validation.what,
            "points": len(validation.points),
            "mape": validation.mape,
            "mape_of_unseen_batches": validation.mape_of_unseen_batches,
            "worst": worst.error,
            "worst_row": {key: worst.row[key] for key in ("model", "style", "mode", "batch")},
            "noise": validation.noise,
            "mode_order_right": right,
            "mode_order_pairs": pairs,
        },
    }  # fmt: skip


def _constant(fitted: FittedRun, name: str) -> dict[str, Any]:
    assumed = values_of(fitted.base, 0.0)[name] if name != "host_us" else None
    spread = fitted.fit.spread[name]
    return {
        "name": name,
        "fitted": fitted.fit.values[name],
        "spread": spread if spread < 1 else None,
        "assumed": assumed,
    }
