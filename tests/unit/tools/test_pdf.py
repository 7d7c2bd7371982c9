"""Printing the book: which browser, and links that stay within the one page."""

import os
import sys

import pytest

from course_utils.errors import CourseError
from tools.site import pdf


@pytest.fixture
def browser(tmp_path, monkeypatch):
    """Return a function that installs a browser which does as it is told."""

    def install(script, name="chromium"):
        program = tmp_path / name
        program.write_text(f"#!{sys.executable}\nimport sys\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        return program

    return install


def test_the_first_browser_that_is_installed_is_taken(browser, tmp_path):
    browser("", "google-chrome")
    assert pdf.find_browser() == str(tmp_path / "google-chrome")
    browser("", "chromium")
    assert pdf.find_browser() == str(tmp_path / "chromium")
    assert pdf.find_browser("google-chrome") == str(tmp_path / "google-chrome")


def test_without_a_browser_one_sentence_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pdf, "BROWSERS", ("chromium", "chrome"))
    assert pdf.main([]) == 1
    assert capsys.readouterr().err == pdf.NO_BROWSER + "\n"
    assert pdf.main(["--browser", "firefox"]) == 1
    assert capsys.readouterr().err == f"There is no program 'firefox'. {pdf.NO_BROWSER}\n"


def test_links_between_pages_stay_within_the_one():
    page = (
        '<a href="../notebooks/05_als.html">a</a><a href="../notebooks/labs/lab01.html#x">b</a>'
        '<a href="book/welcome.html#term-ALS">c</a><img src="../_static/a.png">'
        '<a href="https://x.org/../notebooks/05_als.html">d</a>'
    )
    assert pdf.within_one_page(page, "book/welcome.html") == (
        '<a href="#document-notebooks/05_als">a</a><a href="#x">b</a>'
        '<a href="#term-ALS">c</a><img src="_static/a.png">'
        '<a href="https://x.org/../notebooks/05_als.html">d</a>'
    )


WRITE = "[open(a.split('=')[1], 'w').write(' '.join(sys.argv)) for a in sys.argv if 'to-pdf=' in a]"


def test_the_browser_is_asked_for_a_file_and_gives_it(browser, tmp_path):
    program, page, target = browser(WRITE), tmp_path / "page.html", tmp_path / "course.pdf"
    pdf.print_page(str(program), page, target)
    asked = target.read_text().split()
    assert asked[-1] == page.as_uri()
    assert ("--no-sandbox" in asked) == (os.geteuid() == 0)


@pytest.mark.parametrize(
    "script", ["print('no display', file=sys.stderr)", WRITE + "; sys.exit('no display')"]
)
def test_a_browser_that_fails_is_quoted(browser, tmp_path, script):
    with pytest.raises(CourseError, match=r"chromium printed no PDF, and said: no display"):
        pdf.print_page(str(browser(script)), tmp_path / "page.html", tmp_path / "course.pdf")


def test_an_older_pdf_is_not_taken_for_the_new_one(browser, tmp_path):
    target = tmp_path / "course.pdf"
    target.write_text("of last week")
    with pytest.raises(CourseError, match="said: nothing"):
        pdf.print_page(str(browser("")), tmp_path / "page.html", target)
    assert not target.exists()
