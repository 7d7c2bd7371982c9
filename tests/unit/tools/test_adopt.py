"""Adopting the course: every name is replaced, no output is, and twice is as good as once."""

import json
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
import yaml

from course_utils.errors import CourseError
from tools.labs import derive
from tools.notebooks import build
from tools.notebooks.kernel import normalise, read_script, set_ids
from tools.notebooks.setup_cell import read_repository, render
from tools.upkeep import adopt
from tools.upkeep.names import Names, left_behind, read_names, renamed

SOLUTION = """\
# %% [markdown]
# # Lab 1: A bucket · solution
#
# Read `s3://first-bucket/data`, not `first-bucket-backup`.

# %% tags=["setup"]

# %%
bucket = "s3://first-bucket"  # SOLUTION

# %%
print(1 + 1)
"""
OLD = Names("https://github.com/first-org/first-course", "first-bucket", "First course")
NEW = Names("https://github.com/Second.org/2nd", "second.bucket", 'Second: "a & b"')
PAGE = """\
# First course

Clone https://github.com/first-org/first-course.git or read https://first-org.github.io/first-course/.
[Binder](https://mybinder.org/v2/gh/first-org/first-course/main), `aws s3 ls s3://first-bucket/`,
not https://github.com/first-org/first-course-2, not s3://first-bucket.old, not data/first-course.
"""


def course(root: Path) -> Path:
    """Write a course of one lab, with its solution and outputs, that git tracks."""
    for folder in ("notebooks/solutions", "notebooks/labs", "book/images"):
        (root / folder).mkdir(parents=True)
    (root / "book/images/colab.svg").touch()
    (root / "sample.dat").write_bytes("Café::first-bucket".encode("latin-1"))
    (root / "README.md").write_text(PAGE)
    (root / "run").write_text("#!/bin/sh\ngit clone https://github.com/first-org/first-course\n")
    (root / "run").chmod(0o755)
    (root / "_config.yml").write_text(
        f"# names\ntitle: {OLD.title}  # theirs\nclass_bucket: {OLD.bucket}\n"
        f"repository:\n  url: {OLD.url}\n  branch: main\n"
    )
    repository = read_repository(root)
    name = "notebooks/solutions/lab01_bucket"
    (root / f"{name}.py").write_text(render(SOLUTION, f"{name}.ipynb", repository))
    derive.write(root, repository)
    for script in build.find_scripts(root):
        notebook = read_script(script.read_text(), script.name)
        for count, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), 1):
            cell.execution_count = count
        notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text="2\n")]
        set_ids(notebook)
        normalise(notebook)
        script.with_suffix(".ipynb").write_text(nbformat.writes(notebook) + "\n")
    commit(root)
    return root


def commit(root: Path) -> None:
    """Commit all that is in a folder."""
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "--message", "x"]):
        subprocess.run(["git", *command], cwd=root, check=True)


def run(root: Path, names: Names, *options: str) -> int:
    """Adopt under these names, as make does."""
    given = ["--repo", names.url, "--bucket", names.bucket, "--title", names.title]
    return adopt.main(["--root", str(root), *given, *options])


def outputs(root: Path) -> dict[str, object]:
    """Return what is in the outputs of all notebooks, by their names."""
    return {
        path.name + path.parent.name: [
            c.get("outputs") for c in json.loads(path.read_text())["cells"]
        ]
        for path in (root / "notebooks").rglob("*.ipynb")
    }


def contents(root: Path) -> dict[Path, bytes]:
    """Return what is in all tracked files."""
    return {root / name: (root / name).read_bytes() for name in adopt.tracked_texts(root)}


def test_no_old_name_is_left_in_the_course_itself(
    repository_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in adopt.tracked_texts(repository_root) | {"book/images/site.png": ""}:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((repository_root / name).read_bytes())
    commit(tmp_path)
    old, before = read_names(tmp_path), outputs(tmp_path)
    assert run(tmp_path, NEW) == 0, capsys.readouterr()
    said = capsys.readouterr().out
    assert "notebooks checked, 0 findings" in said
    assert "look at" not in said
    gone = [old.owner, old.name, old.bucket, old.title]
    search = ["git", "grep", "-iF", *(part for name in gone for part in ("-e", name))]
    assert subprocess.run(search, cwd=tmp_path, capture_output=True, text=True).stdout == ""
    assert read_names(tmp_path) == NEW
    assert outputs(tmp_path) == before
    changed = subprocess.run(
        ["git", "diff", "--name-only"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"README.md", "CITATION.cff", "book/class-bucket.md"} < set(changed)


def test_an_adopted_course_is_adopted_again_and_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = course(tmp_path)
    first = contents(root)
    assert run(root, NEW) == 0
    page = (root / "README.md").read_text()
    assert page.startswith(f"# {NEW.title}\n")
    assert (
        "https://github.com/Second.org/2nd.git or read https://second.org.github.io/2nd/." in page
    )
    assert "/gh/Second.org/2nd/main" in page
    assert "s3://second.bucket/`" in page
    assert page.splitlines()[-1] == PAGE.splitlines()[-1]
    assert (root / "run").stat().st_mode & 0o777 == 0o755
    assert "README.md:5: it says an old name" in capsys.readouterr().out
    commit(root)
    again = contents(root)
    assert run(root, NEW) == 0
    assert "Nothing to change" in capsys.readouterr().out
    assert contents(root) == again
    assert run(root, OLD) == 0
    config = root / "_config.yml"
    assert config.read_bytes() == first.pop(config).replace(b"  # theirs", b"")
    assert contents(root).items() >= first.items()


def test_a_dry_run_says_what_a_run_changes_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = course(tmp_path)
    before = contents(root)
    assert run(root, NEW, "--dry-run") == 0
    said = capsys.readouterr().out
    assert contents(root) == before
    assert run(root, NEW) == 0
    changed = [path for path, content in contents(root).items() if content != before[path]]
    assert {line.split()[-1] for line in said.splitlines()} == {
        path.relative_to(root).as_posix() for path in changed
    }
    assert len(changed) == 7


def test_a_run_that_was_cut_off_anywhere_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, root = course(tmp_path / "whole"), course(tmp_path / "cut")
    assert run(whole, NEW) == 0
    wanted = {path.relative_to(whole): content for path, content in contents(whole).items()}
    written = 0

    def stop(path: Path, text: str) -> None:
        nonlocal written
        if written == 1:
            raise KeyboardInterrupt
        written += 1
        build.replace_file(path, text)

    with monkeypatch.context() as patch:
        patch.setattr(adopt, "replace_file", stop)
        for _ in range(6):  # of seven, one more each time
            with pytest.raises(KeyboardInterrupt):
                run(root, NEW, "--force")
            written = 0
            assert read_names(root) == OLD
    assert run(root, NEW, "--force") == 0
    assert {path.relative_to(root): content for path, content in contents(root).items()} == wanted


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--repo", "http://github.com/a/b", "is no repository on GitHub"),
        ("--repo", "https://gitlab.com/a/b", "is no repository on GitHub"),
        ("--repo", "https://github.com/a", "is no repository on GitHub"),
        ("--repo", "https://github.com/a/..", "is no repository on GitHub"),
        ("--repo", "https://github.com/a/b/tree/main", "is no repository on GitHub"),
        ("--bucket", "Class_Bucket", "cannot be a bucket's name"),
        ("--bucket", "ab", "cannot be a bucket's name"),
        ("--title", " ", "should be one line of text, and not empty"),
        ("--title", "one\ntwo", "should be one line of text, and not empty"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, sentence: str
) -> None:
    root = course(tmp_path)
    before = contents(root)
    assert adopt.main(["--root", str(root), option, value]) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert contents(root) == before


def test_uncommitted_work_is_not_mixed_with_new_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = course(tmp_path)
    with (root / "README.md").open("a") as file:
        file.write("My own line.\n")
    assert run(root, NEW) == 1
    assert "README.md has changes that are not committed" in capsys.readouterr().err
    assert run(root, NEW, "--force") == 0
    assert "My own line." in (root / "README.md").read_text()


def test_a_notebook_that_is_not_its_script_is_refused(tmp_path: Path) -> None:
    root = course(tmp_path)
    script = root / "notebooks/solutions/lab01_bucket.py"
    script.write_text(script.read_text().replace("1 + 1", "1 + 2"))
    before = contents(root)
    with pytest.raises(CourseError, match=r"lab01_bucket\.ipynb: not the cells of its script"):
        adopt.adopt(root, NEW)
    assert contents(root) == before


def test_outside_git_there_is_nothing_to_adopt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "_config.yml").write_text(
        f"title: x\nclass_bucket: abc\nrepository: {{url: '{OLD.url}', branch: main}}\n"
    )
    assert run(tmp_path, NEW) == 1
    assert "not a git repository" in capsys.readouterr().err


def test_a_common_word_for_a_name_changes_names_only() -> None:
    old = Names("https://github.com/data/sample", "data", "Data")
    text = "Data in data/sample: s3://data/data, github.com/data/sample, `data`.\nBUCKET=data\n"
    assert renamed("book/page.md", text, old, NEW) == (
        "Data in data/sample: s3://second.bucket/data, github.com/Second.org/2nd, `data`.\n"
        "BUCKET=second.bucket\n"
    )
    assert left_behind(text, old, old._replace(title="My data")) == []
    assert left_behind(text, old, NEW) == [1, 2]


@pytest.mark.parametrize(
    "title", ["Course for $5 & $HOME", 'a "b" `c` $(shell date) \\ $$ #x', "'"]
)
def test_make_hands_a_title_on_as_it_is(repository_root: Path, tmp_path: Path, title: str) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("needs make")
    shutil.copy(repository_root / "Makefile", tmp_path)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for name in ("requirements.txt", "pyproject.toml", ".venv/.ready"):
        (tmp_path / name).touch()
    program = tmp_path / ".venv/bin/python"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        [make, "--no-print-directory", "adopt", f"TITLE={title}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"-m\ntools.upkeep.adopt\n--title\n{title}\n"


@pytest.mark.parametrize(
    "title", ["No", "12", "a: b", "- a", "# a", "'", 'q"q', "é & ü", "{x}", "a #b"]
)
def test_any_title_survives_yaml(title: str) -> None:
    text = renamed("_config.yml", "title: First course\nx: 1\n", OLD, OLD._replace(title=title))
    assert yaml.safe_load(text) == {"title": title, "x": 1}
