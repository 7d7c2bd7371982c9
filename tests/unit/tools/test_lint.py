"""Each rule catches its counter-example and passes what is fine."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from course_utils.errors import CourseError
from tools.notebooks import lint
from tools.notebooks.lint import RULES, Page, lint_script
from tools.notebooks.setup_cell import Repository, badge, read_repository, render, setup_source

REPOSITORY = Repository("https://github.com/some-org/some-course", "main")
NAME = "notebooks/01_tiny.ipynb"
ALT = {"mystnb": {"image": {"alt": "A line that rises from zero to two"}}}
TITLE, SETUP, TEXT, FIGURE, CODE = range(5)


def output(text: str = "", *, png: bool = False) -> Any:
    """Return one output, text or figure."""
    if png:
        data = {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure size 640x480 with 1 Axes>"}
        return nbformat.v4.new_output("display_data", data=data)
    return nbformat.v4.new_output("stream", text=text)


def good_cells() -> list[Any]:
    """Return the cells of a small notebook that has no faults."""
    markdown, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    return [
        markdown(f"# Tiny\n\nA promise.\n\n{badge(NAME, REPOSITORY)}"),
        code(setup_source(REPOSITORY), metadata={"tags": ["setup"]}, execution_count=1),
        markdown("## A part\n\nSee [the glossary](../book/glossary.md#recall-at-k)."),
        code("ax = plot()", metadata=ALT, execution_count=2, outputs=[output(png=True)]),
        code("print(1)", execution_count=3, outputs=[output("1\n")]),
    ]


def page_of(root: Path, cells: list[Any], script_cells: list[Any] | None = None) -> Page:
    """Write a notebook under `root`; return it with the script it is said to come from."""
    (root / "book").mkdir(exist_ok=True)
    (root / "book/glossary.md").write_text("# Glossary\n\n## Recall at `k`\n")
    (root / "book/images").mkdir(exist_ok=True)
    (root / "book/images/colab.svg").touch()
    (root / "notebooks").mkdir(exist_ok=True)
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbformat.write(notebook, root / NAME)
    script = nbformat.v4.new_notebook(cells=script_cells or cells)
    return Page(root, root / NAME, notebook, script, REPOSITORY)


def findings(root: Path, rule: Any, cells: list[Any]) -> list[str]:
    """Return what one rule says about a notebook."""
    found: list[str] = rule(page_of(root, cells))
    return found


@pytest.mark.parametrize("rule", RULES)
def test_a_good_notebook_passes(tmp_path: Path, rule: Any) -> None:
    assert findings(tmp_path, rule, good_cells()) == []


def test_every_rule_is_run() -> None:
    written = {f for name, f in vars(lint).items() if name.startswith("rule_")}
    assert written == set(RULES)


def test_every_rule_has_a_docstring_and_says_what_to_do(tmp_path: Path) -> None:
    assert all(rule.__doc__ for rule in RULES)
    cells = good_cells()
    cells[CODE].source = "f'/home/me' ;"
    said = [line for rule in RULES for line in rule(page_of(tmp_path, cells))]
    assert said
    assert all(line.startswith("cell 5: ") and "; " in line for line in said)


@pytest.mark.parametrize("change", ["source", "tags", "type", "removed"])
def test_pair(tmp_path: Path, change: str) -> None:
    ours, theirs = good_cells(), good_cells()
    if change == "source":
        theirs[CODE].source = "print(2)"
    elif change == "tags":
        theirs[CODE].metadata["tags"] = ["nbval-ignore-output"]
    elif change == "type":
        theirs[CODE] = nbformat.v4.new_markdown_cell("print(1)")
    else:
        del theirs[CODE]
    [finding] = lint.rule_pair(page_of(tmp_path, ours, theirs))
    assert finding.startswith("5 cells, but 4" if change == "removed" else "cell 5")


@pytest.mark.parametrize(("count", "empty"), [(None, False), (7, False), (None, True)])
def test_executed(tmp_path: Path, count: int | None, empty: bool) -> None:
    cells = good_cells()
    cells[CODE].execution_count = count
    if empty:
        cells[CODE].source = " \n"
    found = findings(tmp_path, lint.rule_executed, cells)
    assert [line[:7] for line in found] == ([] if empty else ["cell 5:"])


@pytest.mark.parametrize("tags", [[], ["raises-exception"]])
def test_no_errors(tmp_path: Path, tags: list[str]) -> None:
    cells = good_cells()
    cells[CODE].metadata["tags"] = tags
    cells[CODE].outputs = [nbformat.v4.new_output("error", ename="ValueError", evalue="no")]
    found = findings(tmp_path, lint.rule_no_errors, cells)
    assert bool(found) is not bool(tags)


def test_setup_cell(tmp_path: Path) -> None:
    cells = good_cells()
    cells[SETUP].source += "\n"
    assert "outdated" in findings(tmp_path, lint.rule_setup_cell, cells)[0]
    assert "0 setup cells" in findings(tmp_path, lint.rule_setup_cell, good_cells()[2:])[0]
    twice = [good_cells()[SETUP], *good_cells()]
    assert "2 setup cells" in findings(tmp_path, lint.rule_setup_cell, twice)[0]


@pytest.mark.parametrize("metadata", [{}, {"mystnb": {"image": {"alt": "a line"}}}])
def test_alt_text(tmp_path: Path, metadata: dict[str, Any]) -> None:
    cells = good_cells()
    cells[FIGURE].metadata = nbformat.from_dict(metadata)
    [finding] = findings(tmp_path, lint.rule_alt_text, cells)
    assert finding.startswith("cell 4: a figure without alt text")


@pytest.mark.parametrize(
    "text",
    ["/home/me/x", "'/work/main'", "file:///Users/me", "/root/.cache", "/tmp/a", r"C:\Users\me"],
)
@pytest.mark.parametrize("where", ["source", "output"])
def test_machine_paths(tmp_path: Path, text: str, where: str) -> None:
    cells = good_cells()
    if where == "source":
        cells[TEXT].source = f"Look at {text}"
    else:
        cells[CODE].outputs = [output(f"\x1b[32mfile\x1b[0m {text}\n")]
    assert len(findings(tmp_path, lint.rule_machine_paths, cells)) == 1


@pytest.mark.parametrize(
    "text", ["https://x.org/home/me", "~/work/x", "data/tmp/x", "s3://b/tmp/x", r"print('K:\n')"]
)
def test_machine_paths_spares(tmp_path: Path, text: str) -> None:
    cells = good_cells()
    cells[CODE].outputs = [output(text)]
    assert findings(tmp_path, lint.rule_machine_paths, cells) == []


# A few of them: all kinds are in test_secret_scan.py.
MADE_UP = "MADEUP" * 9
FAKES = {
    "an AWS access key id": ["AKIA" + MADE_UP[:16], "ASIA" + MADE_UP[:16]],
    "a Hugging Face token": ["hf_" + MADE_UP],
    "a GitHub token": ["ghp_" + MADE_UP, "github_pat_" + MADE_UP],
    "a presigned URL": ["X-Amz-Signature=" + MADE_UP, "?AWSAccessKeyId=" + MADE_UP],
    "a private key": [" ".join(["-----BEGIN RSA", "PRIVATE", "KEY-----"])],
    "a secret": [
        "aws_secret_access_key" + f" = '{MADE_UP}'",
        '"SessionToken"' + f': "{MADE_UP}"',
        "AWS_SECRET_ACCESS_KEY" + f"={MADE_UP}",
        "PASSWORD" + f'="{MADE_UP}"',
    ],
}


@pytest.mark.parametrize(("kind", "fake"), [(k, fake) for k in FAKES for fake in FAKES[k]])
@pytest.mark.parametrize("where", ["source", "output"])
def test_credentials(tmp_path: Path, kind: str, fake: str, where: str) -> None:
    cells = good_cells()
    if where == "source":
        cells[CODE].source = fake
    else:
        cells[CODE].outputs = [output(fake)]
    found = findings(tmp_path, lint.rule_credentials, cells)
    assert [kind in line for line in found] == [True]
    assert MADE_UP[:12] not in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "secret_key = os.environ['AWS_SECRET_ACCESS_KEY']",
        "client(aws_secret_access_key=server.secret_key)",
        "secret = 'too short'",
        "tokenizer = 'sentence-transformers/all-MiniLM-L6-v2'",
        "the query ends in `X-Amz-Signature=…`",
        "hf_hub_download_something_long_enough",
    ],
)
def test_credentials_spares(tmp_path: Path, text: str) -> None:
    cells = good_cells()
    cells[CODE].source = text
    assert findings(tmp_path, lint.rule_credentials, cells) == []


def test_the_tools_and_their_tests_hold_no_credentials(
    tmp_path: Path, repository_root: Path
) -> None:
    cells = good_cells()
    for path in [*(repository_root / "tools").rglob("*.py"), Path(__file__)]:
        cells[CODE].source = path.read_text(encoding="utf-8")
        assert findings(tmp_path, lint.rule_credentials, cells) == []


def test_no_nbval_comments(tmp_path: Path) -> None:
    cells = good_cells()
    cells[CODE].source = "# NBVAL" + "_SKIP\nprint(1)"
    assert findings(tmp_path, lint.rule_no_nbval_comments, cells)
    cells[CODE].source = "# nbval compares this\nprint(1)"
    assert not findings(tmp_path, lint.rule_no_nbval_comments, cells)


@pytest.mark.parametrize(
    "change", ["missing", "another notebook", "another branch", "twice", "later"]
)
def test_badge(tmp_path: Path, change: str) -> None:
    cells, line = good_cells(), badge(NAME, REPOSITORY)
    other = badge("notebooks/02_other.ipynb", REPOSITORY)
    stale = badge(NAME, REPOSITORY._replace(branch="old"))
    if change == "later":
        cells[TEXT].source += f"\n\n{line}"
    new = {"another notebook": other, "another branch": stale, "twice": f"{line}\n{line}"}
    cells[TITLE].source = cells[TITLE].source.replace(line, new.get(change, ""))
    [finding] = findings(tmp_path, lint.rule_badge, cells)
    assert "no Colab badge for this very notebook" in finding


def test_size(tmp_path: Path) -> None:
    cells = good_cells()
    cells[CODE].outputs = [output("x" * 1_500_000)]
    assert "1.5 MB" in findings(tmp_path, lint.rule_size, cells)[0]


def test_no_addresses(tmp_path: Path) -> None:
    cells = good_cells()
    shown = {"text/plain": "[<matplotlib.lines.Line2D at 0x7faa76320b50>]"}
    cells[CODE].outputs = [nbformat.v4.new_output("display_data", data=shown)]
    assert findings(tmp_path, lint.rule_no_addresses, cells)
    cells[CODE].outputs = [output("the byte at 0x10")]
    assert not findings(tmp_path, lint.rule_no_addresses, cells)


def test_no_semicolons(tmp_path: Path) -> None:
    cells = good_cells()
    cells[CODE].source = "a = 1; b = 2\nax.plot([0, 1]);\n"
    assert findings(tmp_path, lint.rule_no_semicolons, cells)
    cells[CODE].source = "a = 1; b = 2\nlines = ax.plot([0, 1])"
    assert not findings(tmp_path, lint.rule_no_semicolons, cells)


def test_missing_and_broken_notebooks_are_findings(tmp_path: Path) -> None:
    script = tmp_path / "notebooks/01_tiny.py"
    script.parent.mkdir()
    script.write_text("# %%\n1\n")
    [finding] = lint_script(tmp_path, script, REPOSITORY)
    assert finding == f"{NAME}: missing; run `make notebooks`"
    (tmp_path / NAME).write_text("no JSON")
    [finding] = lint_script(tmp_path, script, REPOSITORY)
    assert "not a notebook" in finding


def test_render_sets_badge_and_setup_cell_once_and_for_all() -> None:
    script = (
        "# ---\n# jupyter: {}\n# ---\n\n# %% [markdown]\n# # Title\n#\n# A promise.\n\n"
        '# %% tags=["setup"]\nold\n\n# %%\nprint(1)\n'
    )
    new = render(script, NAME, REPOSITORY)
    assert f"# A promise.\n#\n# {badge(NAME, REPOSITORY)}\n\n# %% tags" in new
    assert f'"setup"]\n{setup_source(REPOSITORY)}\n\n# %%\nprint(1)\n' in new
    assert render(new, NAME, REPOSITORY) == new
    moved = render(new, NAME, REPOSITORY._replace(branch="next"))
    assert moved.count("Open in Colab") == 1
    assert "/main" not in moved
    with pytest.raises(CourseError, match="markdown"):
        render("# %%\n1\n", NAME, REPOSITORY)


@pytest.mark.parametrize("extra", ["s3", "s3,serve"])
def test_a_lesson_that_asks_for_extras_installs_them(extra: str) -> None:
    script = f'# %% [markdown]\n# # Title\n\n# %% tags=["setup"] extra="{extra}"\nold\n'
    new = render(script, NAME, REPOSITORY)
    assert f'extra="{extra}"\n{setup_source(REPOSITORY, extra)}\n' in new
    assert f'"course-utils[{extra}] @ {REPOSITORY.url}/archive/' in new


def test_badge_of_a_lab_reaches_up_two_folders() -> None:
    line = badge("notebooks/labs/lab01_x.ipynb", REPOSITORY)
    assert "(../../book/images/colab.svg)" in line
    assert line.endswith("/some-org/some-course/blob/main/notebooks/labs/lab01_x.ipynb)")


def test_repository_is_read_from_the_config(tmp_path: Path) -> None:
    config = tmp_path / "_config.yml"
    config.write_text(
        "repository:\n  url: https://github.com/some-org/some-course/\n  branch: main\n"
    )
    assert read_repository(tmp_path) == REPOSITORY
    config.write_text("repository:\n  url: https://example.org/x\n  branch: main\n")
    with pytest.raises(CourseError, match=r"github\.com/owner/name"):
        read_repository(tmp_path)
    config.write_text("title: x\n")
    with pytest.raises(CourseError, match=r"repository\.branch"):
        read_repository(tmp_path)


@pytest.mark.parametrize("extra", ["", "s3,serve"])
def test_a_setup_cell_is_formatted_however_long_the_address_is(
    tmp_path: Path, repository_root: Path, extra: str
) -> None:
    for length in range(1, 60):
        repository = Repository(f"https://github.com/{'o' * length}/course", "main")
        (tmp_path / f"{length}.py").write_text(f"{setup_source(repository, extra)}\n")
    command = [sys.executable, "-m", "ruff", "format", "--diff", "--no-cache", "--config"]
    run = subprocess.run(
        [*command, str(repository_root / "pyproject.toml"), str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert (run.stdout, run.returncode) == ("", 0), run.stderr
