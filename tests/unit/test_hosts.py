"""What Codespaces, Binder and Kaggle are told: it names what there is, and fits the course."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tools.notebooks import colab, kernel
from tools.notebooks.setup_cell import read_repository
from tools.site.page_tables import launch_table

COURSE = "course-utils @ https://example.org/course.zip"


@pytest.fixture(scope="module")
def project(repository_root: Path) -> dict[str, object]:
    """Return the project's table in pyproject.toml."""
    table: dict[str, object] = tomllib.loads((repository_root / "pyproject.toml").read_text())
    return table["project"]  # type: ignore[return-value]


def test_the_container_has_a_python_and_a_java_that_the_course_knows(
    repository_root: Path, project: dict[str, str]
) -> None:
    said = json.loads((repository_root / ".devcontainer/devcontainer.json").read_text())
    python = said["image"].rpartition(":")[2]
    assert SpecifierSet(project["requires-python"]).contains(f"{python}.0")
    java = {name: options for name, options in said["features"].items() if "java" in name}
    assert [int(options["version"]) >= 17 for options in java.values()] == [True]
    makefile = (repository_root / "Makefile").read_text()
    assert re.search(r"(?m)^READY := \.venv/\.ready$", makefile)
    assert said["onCreateCommand"] == "make .venv/.ready"
    assert f"\n{said['postAttachCommand'].removeprefix('make ')}:" in makefile
    for name in said["customizations"]["codespaces"]["openFiles"]:
        assert (repository_root / name).is_file()


def test_binder_installs_the_pinned_course_with_what_its_lessons_ask_for(
    repository_root: Path, project: dict[str, dict[str, list[str]]]
) -> None:
    folder = repository_root / ".binder"
    python = (folder / "runtime.txt").read_text().strip().removeprefix("python-")
    assert SpecifierSet(str(project["requires-python"])).contains(f"{python}.0")
    lines = [line for line in (folder / "requirements.txt").read_text().splitlines() if line]
    pins, *names, course = [line for line in lines if not line.startswith("#")]
    assert (folder / pins.removeprefix("-c ")).samefile(repository_root / "requirements.txt")
    pinned = (repository_root / "requirements.txt").read_text()
    assert all(re.search(rf"(?m)^{name}==", pinned) for name in names)
    extras = Requirement(COURSE.replace("course-utils", f"course-utils{course[1:]}")).extras
    assert extras <= set(project["optional-dependencies"])
    runs = [name for extra, found in colab.by_extra().items() if extra in {"", *extras}
            for name in found]  # fmt: skip
    stems = {Path(name).stem for name in runs if "solutions" not in name}
    assert {stem[:2] for stem in stems if stem[0].isdecimal()} >= {f"0{n}" for n in range(1, 8)}
    assert {stem[:5] for stem in stems if stem.startswith("lab")} == {"lab01", "lab02"}
    said = (repository_root / "book/setup.md").read_text()
    assert "it runs lessons 01 to 07 and labs 1 and 2" in said
    rows = launch_table(repository_root).splitlines()
    offered = [row for row in rows if "https://mybinder.org/v2/gh/" in row]
    assert {re.findall(r"labpath=.*/(\w+)\.ipynb", row)[0] for row in offered} == stems


def test_every_notebook_asks_kaggle_for_the_internet_its_setup_cell_needs(
    repository_root: Path,
) -> None:
    notebooks = sorted((repository_root / "notebooks").rglob("*.ipynb"))
    assert len(notebooks) > 20
    for path in notebooks:
        said = json.loads(path.read_text())["metadata"].get("kaggle")
        assert said == kernel.KAGGLE, path.name
    assert kernel.KAGGLE["isInternetEnabled"] is True


def test_each_lesson_and_lab_opens_on_kaggle_and_colab(repository_root: Path) -> None:
    table = launch_table(repository_root)
    repository = read_repository(repository_root)
    start = f"https://kaggle.com/kernels/welcome?src={repository.url}/blob/{repository.branch}/"
    paths = re.findall(rf"{re.escape(start)}([^)]+)", table)
    assert sorted(paths) == sorted(
        path.relative_to(repository_root).as_posix()
        for folder in ("notebooks", "notebooks/labs")
        for path in (repository_root / folder).glob("*.ipynb")
    )
    assert table.count("[open](https://colab.research.google.com/github/") == len(paths)
