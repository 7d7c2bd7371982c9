"""Headings, links, anchors and directives are found in Markdown as in HTML, and checked."""

from pathlib import Path

import pytest
from test_lint import FIGURE, TEXT, findings, good_cells

from tools.notebooks import lint
from tools.notebooks.lint import anchors, headings


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("### Too deep", "h3 'Too deep' after h1"),
        ("# Another title", "have one h1"),
        ("<h3>Too deep</h3>", "h3 'Too deep' after h1"),
        ("## One\n\n#### Too deep", "h4 'Too deep' after h2"),
        ("```\n# no heading\n```\n\n<!-- <h4>none</h4> -->", None),
        ("<h2 id='x'>Two</h2>\n\n### Three\n\n## Two again", None),
    ],
)
def test_headings(tmp_path: Path, text: str, wanted: str | None) -> None:
    cells = good_cells()
    cells[TEXT].source = text
    found = findings(tmp_path, lint.rule_headings, cells)
    assert (wanted in found[0]) if wanted else not found


def test_headings_title_first(tmp_path: Path) -> None:
    assert findings(tmp_path, lint.rule_headings, good_cells()[TEXT:])
    assert "no title" in findings(tmp_path, lint.rule_headings, good_cells()[FIGURE:])[0]


@pytest.mark.parametrize(
    "text",
    [
        "[x](02_absent.ipynb)",
        "[x](#no-such-part)",
        "[x](../book/glossary.md#no-such-word)",
        "![x](../book/images/absent.svg)",
        "<img src='../book/images/absent.svg' alt=''>",
        "see <a class='x' href=\"absent.md\">this</a>",
        "[x](/book/glossary.md)",
        "[x](../book)",
        "[x](../book/images/colab.svg#x)",
        "[x](../../outside.md)",
    ],
)
def test_links(tmp_path: Path, text: str) -> None:
    cells, root = good_cells(), tmp_path / "course"
    root.mkdir()
    (tmp_path / "outside.md").touch()
    cells[TEXT].source = f"## A part\n\n{text}"
    [finding] = findings(root, lint.rule_links, cells)
    assert finding.startswith("cell 3: ")


@pytest.mark.parametrize(
    "text",
    [
        "[x](01_tiny.ipynb#a-part) and [x](#tiny)",
        "[x](https://example.org/absent#x) <me@example.org>",
        "```\n[x](absent.md)\n```\n\n`[x](absent.md)`",
        "<a href='../book/glossary.md'>x</a> ![x](../book/images/colab.svg)",
        "<details id='more'>\n\n[x](#more)\n\n</details>",
    ],
)
def test_links_spares(tmp_path: Path, text: str) -> None:
    cells = good_cells()
    cells[TEXT].source = f"## A part\n\n{text}"
    assert findings(tmp_path, lint.rule_links, cells) == []


def test_anchors_are_those_of_github() -> None:
    sources = ["(mark)=\n# Recall@k, *again*", "## A `b` c\n\n## A b c\n"]
    assert anchors(sources) == {"mark", "recallk-again", "a-b-c", "a-b-c-1"}
    assert anchors([]) == set()
    assert headings("Title\n=====") == [(1, "Title")]


@pytest.mark.parametrize(
    "text",
    ["```{note}\nHello\n```", ":::{note}\nHello\n:::", "~~~{math}\nx\n~~~", "a\n::::{tip} b"],
)
def test_no_directives(tmp_path: Path, text: str) -> None:
    cells = good_cells()
    cells[TEXT].source = text
    [finding] = findings(tmp_path, lint.rule_no_directives, cells)
    assert "MyST directive" in finding


@pytest.mark.parametrize(
    "text",
    ['<div class="admonition note">\n\nx\n\n</div>', "```python\nx = {}\n```", "use `:::{x}`"],
)
def test_no_directives_spares(tmp_path: Path, text: str) -> None:
    cells = good_cells()
    cells[TEXT].source = text
    assert findings(tmp_path, lint.rule_no_directives, cells) == []
