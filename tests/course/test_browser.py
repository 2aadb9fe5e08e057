"""A person opens the course: a real Chromium on the JupyterLab that `make lab` starts, on a temporary work/."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest

import serve
from tests.course.running_lab import RunningLab, running_lab
from work import sync

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
CALM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync")  # fmt: skip
PATIENCE_MS = 120_000  # on a machine that is busy with other tests
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"  # the notebook's own picture, and all it asks for

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt install chromium, or set CHROMIUM to its path"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[RunningLab]:
    """JupyterLab on a fresh work/, its notebooks without outputs: what is seen later was computed there."""
    root = tmp_path_factory.mktemp("student")
    sync(ROOT, root / "work")
    for path in (root / "work").rglob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            cell |= {"outputs": [], "execution_count": None} if cell.cell_type == "code" else {}
        nbformat.write(notebook, path)
    with running_lab(root) as running:
        yield running


@pytest.fixture
def page(lab):
    """A browser's page, and on it `requests`: each address that it asked for."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(CALM))
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        page.requests = []
        page.on("request", lambda request: page.requests.append(request.url))
        yield page
        browser.close()


def open_notebook(page, lab: RunningLab, name: str) -> None:
    """Open the notebook `name` of work/, with no tab of an earlier visit, and wait until its kernel is connected."""
    page.goto(lab.url.replace(f"/lab/tree/{serve.FIRST}", f"/lab/tree/{name}") + "&reset")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    page.locator(".jp-Toolbar-kernelName", has_text=re.compile("Python 3")).wait_for()
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()


def run_all(page) -> None:
    """Choose Run > Run All Cells and wait for the end. Asked too early it is dropped in silence, so ask again."""
    started = page.locator(".jp-InputPrompt", has_text=re.compile(r"\[(\*|\d+)\]"))
    for _ in range(5):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        try:
            started.first.wait_for(timeout=5_000)
            break
        except playwright.TimeoutError:
            continue
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()


def saved(page, path: Path) -> nbformat.NotebookNode:
    """Save with Ctrl-S and return the file once every code cell in it has run."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < deadline:
        page.keyboard.press("Control+s")
        notebook = nbformat.read(path, as_version=4)
        if all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code"):
            return notebook
        time.sleep(0.3)
    raise AssertionError(f"{path.name} was not run to its end within {PATIENCE_MS / 1000:.0f} seconds")


def test_the_first_notebook_opens_runs_to_its_end_and_asks_nothing_of_other_hosts(lab, page, tmp_path):
    open_notebook(page, lab, serve.FIRST)
    run_all(page)
    notebook = saved(page, lab.log.parent / "work" / serve.FIRST)
    page.screenshot(path=tmp_path / "notebook_00.png")
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    errors = ["\n".join(output.traceback) for output in outputs if output.output_type == "error"]
    assert not errors
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in outputs), "the two-lane picture was not drawn"
    assert page.locator(".jp-OutputArea-output img").count() > 0, "the page shows no picture"
    hosts = {urlsplit(url).netloc for url in page.requests if not url.startswith(("data:", "blob:", BADGE))}
    assert hosts == {urlsplit(lab.url).netloc}


def test_the_page_has_no_news_popup_and_no_grading_menu(lab, page):
    open_notebook(page, lab, serve.FIRST)
    assert page.get_by_text("official Jupyter news").count() == 0
    assert page.get_by_role("menuitem", name="Nbgrader").count() == 0


def toy_lab(answer: str) -> nbformat.NotebookNode:
    """Return a lab of one locked test cell, which holds when `answer` is 42."""
    test = nbformat.v4.new_code_cell(f"assert {answer} == 42, 'the answer is another'")
    test.metadata["nbgrader"] = {"grade": True, "grade_id": "test_answer", "locked": True, "points": 1,
                                 "schema_version": 3, "solution": False, "cell_type": "code"}  # fmt: skip
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    return nbformat.v4.new_notebook(cells=[test], metadata=kernel)


@pytest.mark.parametrize(("answer", "verdict"), [("42", "Success!"), ("41", "the answer is another")])
def test_the_validate_button_tells_a_right_lab_from_a_wrong_one(lab, page, answer, verdict):
    name = f"labs/toy_{answer}.ipynb"
    nbformat.write(toy_lab(answer), lab.log.parent / "work" / name)
    assert verdict in validated(page, lab, name)


def test_validating_a_lab_as_it_was_handed_out_says_that_its_tests_fail(lab, page):
    names = sorted((lab.log.parent / "work").glob("labs/lab*/*.ipynb"))
    assert names, "no lab was handed out"
    said = validated(page, lab, names[0].relative_to(lab.log.parent / "work").as_posix())
    assert "failed" in said
    assert "Success" not in said
    assert "still the stub" in said
    assert "Traceback" not in said


def validated(page, lab: RunningLab, name: str) -> str:
    """Open `name`, press Validate and return what the dialog says."""
    open_notebook(page, lab, name)
    page.get_by_text("Validate", exact=True).click()
    dialog = page.locator(".jp-Dialog-content", has_text=re.compile("Success|failed|error", re.IGNORECASE))
    dialog.wait_for()
    return dialog.inner_text()
