"""The result of `bench fit` as tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mini_lib.bench.table import table


def fit_report(result: Mapping[str, Any]) -> str:
    """Return the constants with what was assumed before, then how far fits are off that did not see what they say."""
    head = f"Fitted to {result['rows']} decode steps, {result['source']}"
    warning = [] if result["quotable"] else ["No GPU, or a quick look at one: this tries the fit; no number to quote."]
    left_out = [f"{count} rows left out: {why}" for why, count in result["unusable"].items()]
    rest = f"All else is the profile {result['base']!r}. kernel_us and gap_us go with its graph_gap_us: see --help."
    return "\n".join([head, *warning, *left_out, "", _constants(result), rest, "", *_held_out(result["held_out"])])


def _constants(result: Mapping[str, Any]) -> str:
    rows = [
        [
            one["name"],
            f"{one['fitted']:.3f}",
            "not seen" if one["spread"] is None else f"{one['spread']:.1%}",
            "-" if one["assumed"] is None else f"{one['assumed']:.3f}",
        ]
        for one in result["constants"]
    ]
    return table(["constant", "fitted", "may be off by", "was"], rows)


def _held_out(held_out: Mapping[str, Any]) -> list[str]:
    worst, pairs = held_out["worst_row"], held_out["mode_order_pairs"]
    where = f"{worst['model']} {worst['style']} {worst['mode']} at batch {worst['batch']}"
    share = f"{held_out['mode_order_right'] / pairs:.1%}" if pairs else "-"
    unseen = held_out["mape_of_unseen_batches"]
    rows = [
        ["mean error", f"{held_out['mape']:.2%}"],
        ["mean error, batch unseen too", "-" if unseen is None else f"{unseen:.2%}"],
        ["worst error", f"{held_out['worst']:+.2%} ({where})"],
        ["noise of repeating", f"{held_out['noise']:.2%}"],
        ["modes in the right order", f"{share} of {pairs} pairs that differ by more than noise"],
    ]
    return [f"{held_out['points']} points, {held_out['what']}:", table(["held out", ""], rows)]
