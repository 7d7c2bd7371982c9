"""Imports go one way: labs to cloud to utils, later rooms to earlier ones, and in no circle.

The source is read, not run, so an import inside a function counts like one at the top of a file.
"""

import ast
from graphlib import CycleError, TopologicalSorter

import pytest

ROOTS = ("course_utils", "course_cloud", "course_labs")  # each may import itself and those before
FOREIGN = ("tools", "tests", "benchmarks")  # a wheel does not hold them
# Inside course_utils, as data flow: a room may import itself and those before.
ROOMS = (
    "errors", "validation", "ranking", "datasets", "session", "world", "interactions", "splits",
    "text", "models", "metrics", "evaluation", "plots",
)  # fmt: skip


def imports(code, module, is_package=False):
    """Yield line and dotted names of what a module imports, wherever it does.

    ``from a import b`` yields ``a.b``: b may be a module. `import_module` counts when its argument
    is written out.
    """
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level]
            source = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and node.args:
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            name = getattr(node.args[0], "value", None)
            if called in ("import_module", "__import__") and isinstance(name, str):
                yield node.lineno, name


def modules(root):
    """Return the path of each module of the three roots by its dotted name."""
    found = {}
    for path in (path for name in ROOTS for path in (root / name).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported_by(module, path):
    return [*imports(path.read_text(encoding="utf-8"), module, path.name == "__init__.py")]


def against_the_arrow(order, importing, imported):
    """Say whether the later of two parts is imported by the earlier one."""
    return {importing, imported} <= {*order} and order.index(imported) > order.index(importing)


def test_imports_go_from_labs_to_cloud_to_utils_and_never_back(repository_root):
    wrong = [
        f"{path.relative_to(repository_root)}:{line} imports {name}"
        for module, path in modules(repository_root).items()
        for line, name in imported_by(module, path)
        if name.split(".")[0] in FOREIGN
        or against_the_arrow(ROOTS, module.split(".")[0], name.split(".")[0])
    ]
    assert wrong == []


def test_inside_course_utils_imports_follow_the_data(repository_root):
    wrong = [
        f"{path.relative_to(repository_root)}:{line} imports {name}"
        for module, path in modules(repository_root).items()
        for line, name in imported_by(module, path)
        if module.startswith("course_utils.") and name.startswith("course_utils.")
        if against_the_arrow(ROOMS, module.split(".")[1], name.split(".")[1])
    ]
    assert wrong == []


def test_every_room_of_course_utils_has_its_place_in_the_order(repository_root):
    names = [module.split(".") for module in modules(repository_root)]
    assert {name[1] for name in names if name[0] == "course_utils" and len(name) > 1} == {*ROOMS}


def circle(graph):
    """Return the modules of a circle of imports, an empty list when there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_modules_import_each_other_in_a_circle(repository_root):
    known = modules(repository_root)
    graph = {}
    for module, path in known.items():
        names = {name for _, name in imported_by(module, path)}
        graph[module] = {n if n in known else n.rpartition(".")[0] for n in names} & {*known}
    assert circle(graph) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import course_labs", ["course_labs"]),
        ("def f():\n    from course_labs.checks import check", ["course_labs.checks.check"]),
        ("if TYPE_CHECKING:\n    import tools.labs.derive as d", ["tools.labs.derive"]),
        ("from . import other", ["course_utils.text.other"]),
        ("from ..models import base", ["course_utils.models.base"]),
        ("importlib.import_module('course_labs')", ["course_labs"]),
    ],
)
def test_an_import_is_found_wherever_it_stands(code, found):
    assert [name for _, name in imports(code, "course_utils.text.module")] == found


def test_an_arrow_back_and_a_circle_are_found():
    assert against_the_arrow(ROOTS, "course_utils", "course_labs")
    assert not against_the_arrow(ROOTS, "course_labs", "course_utils")
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert not circle({"a": {"b"}, "b": {"c"}, "c": set()})
