"""The pages in a real Chromium: nothing runs, nothing is fetched, and they can be read on a phone and in the dark."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import pytest

from autograde.feedback import page
from autograde.report.page import report_page
from tests.autograde.made_results import ADA, REGRADE, a_class, failed

CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt install chromium, or set CHROMIUM to its path"),
]
EVIL = "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">"
ALL = replace(ADA, notes=(EVIL,), sentence=EVIL, history=(REGRADE,), isolation="none")
PAGES = ("feedback", "not_graded", "report")


@pytest.fixture(scope="module")
def pages():
    """The pages by name."""
    made = (page(ALL), page(failed("bob", "grader_error")), report_page("class", [*a_class(30), ALL]))
    return dict(zip(PAGES, made, strict=True))


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def shown(browser, tmp_path):
    """Return a function that opens a page; what the browser complained of and asked for is kept beside it."""

    def show(text: str, width: int = 1100, scheme: str = "light", media: str = "screen"):
        path = tmp_path / "page.html"
        path.write_text(text, encoding="utf-8")
        tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        tab.emulate_media(media=media, color_scheme=scheme)
        tab.complaints, tab.requests = [], []
        tab.on("console", lambda message: tab.complaints.append(message.text))
        tab.on("request", lambda request: tab.requests.append(request.url))
        tab.goto(path.as_uri())
        return tab

    return show


def ground(tab) -> str:
    return tab.evaluate("getComputedStyle(document.documentElement).backgroundColor")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_runs_nothing_and_asks_for_nothing(shown, pages, name):
    tab = shown(pages[name])
    assert tab.complaints == []
    assert [address for address in tab.requests if not address.startswith(("file:", "data:"))] == []
    assert tab.title() != "ran"


@pytest.mark.parametrize("name", PAGES)
def test_the_policy_stops_a_script_that_got_into_a_page(shown, pages, name):
    tab = shown(pages[name].replace("</body>", f"{EVIL}<p style='color:red' id='styled'>x</p></body>"))
    assert tab.title() != "ran"
    assert "Content Security Policy" in " ".join(tab.complaints)
    assert tab.evaluate("getComputedStyle(document.getElementById('styled')).color") != "rgb(255, 0, 0)"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_on_a_phone(shown, pages, name):
    tab = shown(pages[name], width=400)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_dark_in_the_dark_and_light_on_paper(shown, pages, name):
    assert ground(shown(pages[name], scheme="dark")) == "rgb(20, 23, 28)"
    assert ground(shown(pages[name], scheme="dark", media="print")) == "rgb(255, 255, 255)"


def test_a_dark_page_takes_the_dark_pictures(shown, pages):
    light, dark = (
        shown(pages["report"], scheme=scheme).evaluate("[...document.images].map(one => one.currentSrc)")
        for scheme in ("light", "dark")
    )
    assert len(light) == len(dark) == 2
    assert set(light).isdisjoint(dark)


def test_every_picture_is_drawn(shown, pages):
    assert all(shown(pages["report"]).evaluate("[...document.images].map(one => one.naturalWidth > 100)"))


def test_on_paper_the_answer_is_unfolded(shown, pages):
    height = "document.querySelector('details').offsetHeight"
    on_screen, on_paper = (shown(pages["feedback"], media=media).evaluate(height) for media in ("screen", "print"))
    assert on_paper > on_screen + 20  # pixels: a line of code and its frame
