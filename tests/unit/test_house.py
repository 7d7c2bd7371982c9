"""The house: what stands where, what is named once, and what the package promises."""

import ast
import pkgutil
import re
import subprocess
import sys
import tomllib

import course_map
import pytest
import yaml

import course_utils


def tracked_files(root):
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [root / name for name in listed.stdout.splitlines() if (root / name).is_file()]


def test_the_repositorys_address_is_written_by_hand_in_one_place(repository_root):
    address = yaml.safe_load((repository_root / "_config.yml").read_text())["repository"]["url"]
    generated = {".ipynb", ".py"}  # setup cells and badges; the notebook checks compare them
    elsewhere = [
        path.relative_to(repository_root).as_posix()
        for path in tracked_files(repository_root)
        if address.encode() in path.read_bytes()
        and not (path.suffix in generated and "notebooks" in path.parts)
    ]
    assert elsewhere == ["_config.yml"]


def test_no_file_of_the_package_or_the_tools_outgrows_its_purpose(repository_root):
    for folder in ("course_utils", "tools", "benchmarks"):
        for path in (repository_root / folder).rglob("*.py"):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 260, path


def test_every_public_function_and_class_says_what_it_does(repository_root):
    silent = []
    for path in (repository_root / "course_utils").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                public = not node.name.startswith("_")
                if public and not ast.get_docstring(node):
                    silent.append(f"{path.name}: {node.name}")
    assert silent == []


MODULES = [module.name for module in pkgutil.walk_packages(course_utils.__path__, "course_utils.")]


def loaded_by(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_the_package_loads_the_standard_library_only():
    loaded = {name.split(".")[0] for name in loaded_by("import course_utils")}
    # what the interpreter itself loads for an editable install is not the package's doing
    assert loaded - loaded_by("pass") - set(sys.stdlib_module_names) <= {"course_utils"}


@pytest.mark.parametrize("module", MODULES)
def test_no_module_loads_a_heavy_library_when_it_is_imported(module):
    # pandas 3 imports pyarrow itself, but not its readers
    heavy = "torch transformers implicit boto3 pyspark matplotlib pooch requests polars pyarrow.csv"
    assert loaded_by(f"import {module}") & {*heavy.split(), "pyarrow.parquet"} == set()


def test_requirements_pin_every_dependency_of_the_project(repository_root):
    project = tomllib.loads((repository_root / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {re.match(r"[A-Za-z0-9-]+", line)[0].lower() for line in wanted}
    lines = (repository_root / "requirements.txt").read_text().splitlines()
    pinned = {line.split("==")[0] for line in lines if "==" in line}
    assert names - pinned == set()
    assert not [line for line in lines if "://" in line]  # no registry's address


def test_the_map_links_the_lessons_that_exist_and_no_others(tmp_path, repository_root):
    (tmp_path / "04_baselines.ipynb").touch()
    page = course_map.course_map(tmp_path)
    assert re.findall(r'href="([^"]+)"', page) == ["../notebooks/04_baselines.html"]
    assert page.count("planned</em>") == page.count("<strong>") - 1


def test_every_lesson_is_on_the_map_and_in_the_table_of_contents(repository_root):
    lessons = {path.stem for path in (repository_root / "notebooks").glob("*.ipynb")}
    on_the_map = {lesson.notebook for part in course_map.PARTS.values() for lesson in part}
    contents = (repository_root / "_toc.yml").read_text()
    assert lessons
    assert lessons <= on_the_map
    assert all(f"notebooks/{lesson}\n" in contents for lesson in lessons)
