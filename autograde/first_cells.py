"""The first two cells of every notebook: a badge that opens it on Colab, and a cell that installs the library there.

Both are generated from `[project.urls] Repository` in pyproject.toml, so that the address of the course stands once.
The install cell asks for the library first and installs only when the import fails: on a machine that was set up by
`make lab` it does nothing, and running it twice does nothing either. The library has lower bounds only, so pip
replaces nothing that Colab brings along.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"


class FirstCells(NamedTuple):
    """Source of the badge (markdown) and of the install cell (code)."""

    badge: str
    install: str


def first_cells(path: str, pyproject: Path = PYPROJECT) -> FirstCells:
    """Return badge and install cell for the notebook at `path` (relative to the repository, `/` between its parts)."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    repository = repository_url(project)
    return FirstCells(badge_markdown(repository, path), install_code(repository, project["name"]))


def repository_url(project: dict[str, Any]) -> str:
    """Return the repository's https address from the `[project]` table.

    Raises:
        ValueError: the table has no `urls.Repository`, from which badge and install cell are made.
    """
    url = project.get("urls", {}).get("Repository", "")
    if not url.startswith("https://"):
        raise ValueError(f"pyproject.toml: [project.urls] Repository is {url!r}; it must be the course's https address")
    return str(url).rstrip("/").removesuffix(".git")


def badge_markdown(repository: str, path: str) -> str:
    """Return the line of markdown that opens `path` of a GitHub repository on Colab."""
    opened = repository.removeprefix("https://github.com/")
    return f"[![Open in Colab]({BADGE})](https://colab.research.google.com/github/{opened}/blob/main/{path})"


def install_code(repository: str, distribution: str) -> str:
    """Return the cell that installs `distribution` where the library is missing, and does nothing elsewhere."""
    return (
        "# Installs the course's library where it is missing (on Colab). Anywhere else this cell does nothing.\n"
        "try:\n"
        "    import mini_lib\n"
        "except ImportError:\n"
        f'    %pip install -q "{distribution} @ git+{repository}"'
    )
