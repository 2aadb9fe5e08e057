"""Plain text tables: columns as wide as their widest cell, numbers to the right."""

from __future__ import annotations

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return the rows under the header, columns aligned; a column of numbers stands at its right edge."""
    columns = list(zip(header, *rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    right = [all(_is_number(cell) for cell in column[1:]) for column in columns]
    rule = ["-" * width for width in widths]
    return "\n".join(_line(row, widths, right) for row in (header, rule, *rows))


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    cells = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(row, widths, right, strict=True)
    )
    return "  ".join(cells).rstrip()


def _is_number(cell: str) -> bool:
    return cell.removesuffix("x").lstrip("-").replace(".", "", 1).isdigit()


def mib(num_bytes: float) -> str:
    """Return a number of bytes in MiB with one digit behind the point."""
    return f"{num_bytes / 2**20:.1f}"
