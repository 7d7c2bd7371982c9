"""The doctor: each thing that can be wrong, made up, is found and reported in one line."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.upkeep import doctor
from tools.upkeep.doctor import Finding

OLDEST = Path.home() / ".pyenv/versions"


def test_this_very_checkout_is_examined_in_lines_that_say_what_to_do(
    repository_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doctor.main(repository_root)
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines} <= {"ok", "note", "problem"}
    assert [line.split()[1] for line in lines][:4] == ["Python", "disk", "memory", ".venv"]


@pytest.mark.parametrize(("level", "status"), [("ok", 0), ("note", 0), ("problem", 1)])
def test_a_problem_and_nothing_less_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, level: str, status: int
) -> None:
    monkeypatch.setattr(doctor, "python", lambda *_: Finding("ok", "x", "y"))
    monkeypatch.setattr(doctor, "disk", lambda *_: Finding(level, "x", "y"))
    assert doctor.main(tmp_path) == status


def test_its_syntax_is_old_and_its_imports_are_of_the_standard_library(
    repository_root: Path,
) -> None:
    code = (repository_root / "tools/upkeep/doctor.py").read_text()
    tree = ast.parse(code, feature_version=(3, 8))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or node.names[0].name]
    }
    assert imported - {"tools"} <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.14"])
def test_it_runs_on_a_bare_python_that_cannot_make_the_environment(
    repository_root: Path, version: str
) -> None:
    pythons = sorted(OLDEST.glob(f"{version}.*/bin/python"))
    if not pythons:
        pytest.skip(f"there is no Python {version} of pyenv here")
    command = [str(pythons[0]), "-I", "-S", "-c"]
    code = f"import sys; sys.path.insert(0, {str(repository_root)!r}); " + (
        "import runpy; runpy.run_module('tools.upkeep.doctor', run_name='__main__')"
    )
    done = subprocess.run([*command, code], capture_output=True, text=True, check=False)
    assert f"{version} cannot make .venv; name one of 3.11 to 3.13" in done.stdout
    assert done.stderr == ""


def test_the_system_and_its_python() -> None:
    def level(version: tuple[int, int], system: str = "posix", **has: bool) -> str:
        having = {"has_venv": False, "can_venv": True, **has}
        return doctor.python(system, version, **having).level

    assert level((3, 12), system="nt") == "problem"
    for version in ((3, 11), (3, 12), (3, 13)):
        assert level(version) == "ok"
        assert level(version, can_venv=False) == "problem"
    for version in ((2, 7), (3, 10), (3, 14)):
        assert level(version) == "problem"
        assert level(version, has_venv=True) == "note"


def test_room_for_the_environment_and_for_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usage = SimpleNamespace(free=3 * doctor.GIB)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda root: usage)
    assert doctor.disk(tmp_path, has_venv=False).level == "problem"
    assert doctor.disk(tmp_path, has_venv=True) == ("ok", "disk", "3.0 GB free")
    usage.free = doctor.GIB // 2
    assert doctor.disk(tmp_path, has_venv=True).level == "problem"


def test_memory_is_the_least_of_the_machines_and_the_containers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(doctor, "LIMITS", (str(tmp_path / "none"), str(limit)))
    monkeypatch.setattr(doctor.os, "sysconf", {"SC_PAGE_SIZE": 1, "SC_PHYS_PAGES": 2**35}.get)
    limit.write_text("max\n")
    assert doctor.memory() == ("ok", "memory", "32.0 GB")
    limit.write_text(f"{2 * doctor.GIB}\n")
    assert doctor.memory().level == "note"


@pytest.fixture
def checkout(tmp_path: Path, repository_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout whose .venv is this Python, with requirements and the package."""
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (tmp_path / ".venv/.ready").touch()
    (tmp_path / "requirements.txt").write_text(
        f"# pins\npytest=={pytest.__version__}\nno-such-thing==1.0 ; sys_platform == 'nowhere'\n"
    )
    shutil.copytree(repository_root / "course_utils", tmp_path / "course_utils")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def look(root: Path) -> dict[str, Finding]:
    """Return what the doctor finds of .venv, by what it is about."""
    return {f.about: f for f in doctor.environment(root, doctor.probe(root))}


def test_an_environment_in_step_with_its_pins_is_fine(checkout: Path) -> None:
    found = look(checkout)
    assert {finding.level for finding in found.values()} == {"ok"}
    (checkout / ".venv/.ready").unlink()
    (checkout / "requirements.txt").write_text("pytest==0.1\nno-such-thing==1.0\n")
    found = look(checkout)
    assert found[".venv"].level == "note"
    assert found["pins"].level == "problem"
    assert found["pins"].says.startswith(
        f"2 packages are not those of requirements.txt (pytest is {pytest.__version__} where ==0.1"
    )


def test_a_package_that_is_imported_from_elsewhere_is_a_problem(
    checkout: Path, repository_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(repository_root))
    found = look(checkout)["package"]
    assert found.level == "problem"
    assert found.says.startswith(f"course_utils comes from {repository_root / 'course_utils'}")


def test_an_environment_that_is_missing_or_broken(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert [f.level for f in look(tmp_path_factory.mktemp("new")).values()] == ["note"]
    python = checkout / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/no/such/python3.9")
    (broken,) = look(checkout).values()
    assert broken.level == "problem"
    assert "delete .venv" in broken.says
    os.unlink(python)
    assert look(checkout)[".venv"].says.startswith("not there")
