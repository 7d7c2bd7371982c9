"""The house: what stands where, what is named once, and what the package promises."""

import ast
import json
import pkgutil
import re
import subprocess
import sys
import tomllib

import pytest
import yaml

import course_cloud
import course_labs
import course_utils
from tools.site import syllabus

ROOTS = ("course_utils", "course_cloud", "course_labs")


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


# Lines, and files where a number is given, counting __init__.py: shared/design.md, section 1.
ROOMS = {
    "course_utils/__init__.py course_utils/errors.py course_utils/session.py": (120, 3),
    "course_utils/validation.py": (480, 1),
    "course_utils/datasets": (1_050, 4),
    "course_utils/interactions.py course_utils/splits.py": (600, 2),
    "course_utils/ranking.py": (340, 1),
    "course_utils/metrics": (700, 2),
    "course_utils/evaluation": (1_000, 4),
    "course_utils/models": (2_700, 14),
    "course_utils/text": (1_250, 7),
    "course_utils/world.py": (300, 1),
    "course_utils/plots": (1_600, None),
    "course_cloud": (6_000, None),
    "course_labs": (9_500, None),
    "tools": (7_500, None),
}
LONGEST_FILE = 450


def scripts(place):
    return [place] if place.is_file() else sorted(place.rglob("*.py"))


def n_lines(path):
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("places", ROOMS)
def test_no_room_outgrows_its_ceiling(repository_root, places):
    most_lines, most_files = ROOMS[places]
    found = [path for place in places.split() for path in scripts(repository_root / place)]
    assert found
    assert sum(map(n_lines, found)) <= most_lines
    assert most_files is None or len(found) <= most_files


def test_every_file_of_course_utils_has_a_room_with_a_ceiling(repository_root):
    rooms = [repository_root / place for places in ROOMS for place in places.split()]
    roomless = [
        path.relative_to(repository_root).as_posix()
        for path in scripts(repository_root / "course_utils")
        if not any(path == room or room in path.parents for room in rooms)
    ]
    assert roomless == []


def test_no_file_is_too_long_to_be_read_in_one_go(repository_root):
    for folder in (*ROOTS, "tools", "benchmarks"):
        for path in scripts(repository_root / folder):
            assert n_lines(path) <= LONGEST_FILE, path


def test_every_public_function_and_class_says_what_it_does(repository_root):
    silent = []
    for path in (path for root in ROOTS for path in (repository_root / root).rglob("*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        silent += [f"{path.name}: {name}" for name in undocumented(module)]
    assert silent == []


def undocumented(scope):
    """Yield the public functions and classes without a docstring that others can reach.

    A function inside another one is nobody's to call.
    """
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.If | ast.Try):
            named = isinstance(node, ast.ClassDef | ast.FunctionDef)
            if named and not node.name.startswith("_") and not ast.get_docstring(node):
                yield node.name
            if not isinstance(node, ast.FunctionDef):
                yield from undocumented(node)


def test_a_missing_docstring_is_found_where_it_counts():
    code = """
def shown(): ...
def _hidden(): ...
def told():
    "Say it."
    def inside(): ...
class Named:
    "Say it."
    def method(self): ...
    def __len__(self): ...
if True:
    def sometimes(): ...
"""
    assert [*undocumented(ast.parse(code))] == ["shown", "method", "sometimes"]


# written in PyTorch or FastAPI, and imported by functions only
HEAVY_THEMSELVES = {
    "course_utils.models.biased_mf_module",
    "course_cloud.serving.app",
}
PACKAGES = (course_utils, course_cloud, course_labs)
FOUND = [
    module.name
    for package in PACKAGES
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]
MODULES = sorted({*FOUND} - HEAVY_THEMSELVES)


def loaded_by(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_the_package_loads_the_standard_library_only():
    loaded = {name.split(".")[0] for name in loaded_by("import course_utils")}
    # what the interpreter itself loads for an editable install is not the package's doing
    assert loaded - loaded_by("pass") - set(sys.stdlib_module_names) <= {"course_utils"}


# pandas 3 imports pyarrow itself, but not its readers
HEAVY = (
    "torch transformers implicit boto3 pyspark fastapi matplotlib pooch requests polars "
    "pyarrow.csv pyarrow.parquet"
)
# Modules are imported in children of a process that has what all may have: first all in one, and
# when that is not clean, each in its own.
IMPORT_EACH = f"""
import importlib, json, os, sys
import numpy, pandas, scipy.sparse

def heavy_after(modules):
    reader, writer = os.pipe()
    if not os.fork():
        for module in modules:
            importlib.import_module(module)
        os.write(writer, json.dumps([n for n in {HEAVY.split()!r} if n in sys.modules]).encode())
        os._exit(0)
    os.close(writer)
    os.wait()
    return json.loads(os.read(reader, 9999) or '["an error"]')

modules = json.loads(sys.argv[1])
clean = not heavy_after(modules)
print(json.dumps({{m: [] if clean else heavy_after([m]) for m in modules}}))
"""


@pytest.fixture(scope="module")
def loaded_by_modules():
    run = subprocess.run(
        [sys.executable, "-c", IMPORT_EACH, json.dumps(MODULES)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(run.stdout)


@pytest.mark.parametrize("module", MODULES)
def test_no_module_loads_a_heavy_library_when_it_is_imported(module, loaded_by_modules):
    assert loaded_by_modules[module] == []


def test_requirements_pin_every_dependency_of_the_project(repository_root):
    project = tomllib.loads((repository_root / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + [line for extra in extras.values() for line in extra]
    names = {re.match(r"[A-Za-z0-9-]+", line)[0].lower() for line in wanted}
    lines = (repository_root / "requirements.txt").read_text().splitlines()
    pinned = {line.split("==")[0] for line in lines if "==" in line}
    assert names - pinned == set()
    assert not [line for line in lines if "://" in line]  # no registry's address


def test_the_changelog_speaks_of_the_version_that_the_project_has(repository_root):
    project = tomllib.loads((repository_root / "pyproject.toml").read_text())["project"]
    changes = (repository_root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"\b{re.escape(project['version'])}\b", changes)
    assert course_utils.__version__ == project["version"]


def test_the_map_says_how_long_a_lesson_takes(tmp_path):
    (tmp_path / "04_baselines.py").write_text("# **How long it takes**: about 75 minutes.\n")
    page = syllabus.course_map(tmp_path)
    assert re.findall(r"(\d+ min)<", page) == ["75 min"]


def test_the_map_links_the_lessons_that_exist_and_no_others(tmp_path, repository_root):
    (tmp_path / "04_baselines.ipynb").touch()
    page = syllabus.course_map(tmp_path)
    assert re.findall(r'href="([^"]+)"', page) == ["../notebooks/04_baselines.html"]
    assert page.count("planned</em>") == page.count("<strong>") - 1


def test_every_lesson_is_on_the_map_and_in_the_table_of_contents(repository_root):
    lessons = {path.stem for path in (repository_root / "notebooks").glob("*.ipynb")}
    on_the_map = {lesson.notebook for part in syllabus.PARTS.values() for lesson in part}
    contents = (repository_root / "_toc.yml").read_text()
    assert lessons
    assert lessons <= on_the_map
    assert all(f"notebooks/{lesson}\n" in contents for lesson in lessons)


def test_the_glossary_explains_each_term_once(repository_root):
    glossary = (repository_root / "book/glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"(?m)^(\S.*)\n  \S", glossary)
    assert len(terms) > 50
    assert len({*terms}) == len(terms)
