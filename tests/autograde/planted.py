"""What a student puts beside the notebook, or in its place: links, FIFOs, devices, folders, other files.

Each function changes `<class>/<student>/<lab>`, in which the notebook already lies. git can hold none of this.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

NEIGHBOUR = "perfect"  # an honest student of the same class
RAISES = "raise RuntimeError('a file of a student was imported')\n"


def _notebook(folder: Path) -> Path:
    return folder / f"{folder.name}.ipynb"


def _gone(folder: Path) -> Path:
    """Take the notebook away, and return where it was."""
    path = _notebook(folder)
    path.unlink()
    return path


def link(target: str) -> Callable[[Path], None]:
    return lambda folder: _gone(folder).symlink_to(target)


def beside(**texts: str) -> Callable[[Path], None]:
    """Files beside the notebook; two underscores in a name stand for a slash, and `.py` is added."""

    def plant(folder: Path) -> None:
        for name, text in texts.items():
            path = folder / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    return plant


link_to_a_classmate = link(f"../../{NEIGHBOUR}/toy/toy.ipynb")
link_to_itself = link("toy.ipynb")
link_to_nothing = link("nothing.ipynb")
link_to_a_device = link("/dev/zero")
link_to_the_solution = link("../../../../solutions/toy/toy.py")
own_random = beside(random=RAISES)
own_kernel = beside(ipykernel_launcher=RAISES)
own_numpy = beside(numpy=RAISES, json=RAISES, math=RAISES, os=RAISES)
own_library = beside(mini_lib=RAISES, autograde__inside=RAISES, sitecustomize=RAISES, usercustomize=RAISES)


def fifo(folder: Path) -> None:
    os.mkfifo(_gone(folder))


def fifo_beside(folder: Path) -> None:
    for name in ("data.csv", "other.ipynb", "timestamp.txt"):
        os.mkfifo(folder / name)


def a_socket(folder: Path) -> None:
    """A socket's path may have 108 bytes, so it is bound from within its folder."""
    path, before = _gone(folder), Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(before)


def sparse(folder: Path) -> None:
    """100 GB that take no place on the disk."""
    with _gone(folder).open("wb") as file:
        file.truncate(100 * 2**30)


def hard_link(folder: Path) -> None:
    _gone(folder).hardlink_to(folder.parent.parent / NEIGHBOUR / folder.name / f"{folder.name}.ipynb")


def renamed(folder: Path) -> None:
    """What a browser does to the second download."""
    _notebook(folder).rename(folder / f"{folder.name} (1).ipynb")


def taken_back(folder: Path) -> None:
    _gone(folder)


def a_folder(folder: Path) -> None:
    """A folder with the notebook's name, as some archives unpack."""
    _gone(folder).mkdir()


def two_renamed(folder: Path) -> None:
    """Two notebooks, and nothing says which of them counts."""
    (folder / "b.ipynb").write_bytes(_notebook(folder).read_bytes())
    _notebook(folder).rename(folder / "a.ipynb")


def escapes_in_names(folder: Path) -> None:
    """The names are told in a sentence, which must not steer a terminal nor a page."""
    (folder / "\x1b[2J\x1b[31m.ipynb").write_bytes(_notebook(folder).read_bytes())
    _notebook(folder).rename(folder / "<img src=x onerror=alert(1)>.ipynb")


def beside_checkpoints(folder: Path) -> None:
    """What Jupyter and two systems leave beside a notebook."""
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / f"{folder.name}-checkpoint.ipynb").write_text("{}")
    (folder / ".DS_Store").write_bytes(bytes(64))
    (folder / "__MACOSX").mkdir()
    (folder / f"._{folder.name}.ipynb").write_bytes(bytes(64))


def links_beside(folder: Path) -> None:
    for name, target in (("passwd.txt", "/etc/passwd"), ("sol.txt", "../../../../solutions/toy/toy.py"), ("up", "..")):
        (folder / name).symlink_to(target)


def link_for_the_folder(folder: Path) -> None:
    """The lab's folder is a link to a classmate's."""
    shutil.rmtree(folder)
    folder.symlink_to(f"../{NEIGHBOUR}/{folder.name}")


def link_for_the_student(folder: Path) -> None:
    shutil.rmtree(folder.parent)
    folder.parent.symlink_to(NEIGHBOUR)


def link_to_the_solutions(folder: Path) -> None:
    """The lab's folder is a link to the course's own."""
    shutil.rmtree(folder)
    folder.symlink_to("../../../solutions/toy")


def a_file_for_the_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("my lab\n")


def forged_timestamp(folder: Path) -> None:
    (folder / "timestamp.txt").write_text("1999-01-01 00:00:00 UTC")


def broken_timestamp(folder: Path) -> None:
    (folder / "timestamp.txt").write_text("yesterday\n=1+1")


def settings_beside(folder: Path) -> None:
    """Files that Python, IPython, matplotlib, nbgrader and git read where they find them."""
    (folder / ".ipython" / "profile_default" / "startup").mkdir(parents=True)
    (folder / ".ipython" / "profile_default" / "startup" / "00.py").write_text(RAISES)
    (folder / "matplotlibrc").write_text("backend: module://ipykernel_launcher\n")
    (folder / "nbgrader_config.py").write_text(RAISES)
    (folder / "lab.toml").write_text("seed = 3\n[limits]\nmemory_gb = 1000\n")
    (folder / "evil.pth").write_text("import os; os._exit(3)\n")
    (folder / "pyvenv.cfg").write_text("home = .\n")


def many_files(folder: Path) -> None:
    for n in range(3_000):
        (folder / f"{n}.txt").touch()


def not_readable(folder: Path) -> None:
    """Only the superuser could open it, and a grader that runs as one does."""
    _notebook(folder).chmod(0)
