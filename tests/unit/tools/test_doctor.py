"""The doctor: each thing that can be wrong, made up, is found and told in one line."""

import ast
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools.upkeep import doctor
from tools.upkeep import doctor_machine as machine
from tools.upkeep import doctor_settings as settings
from tools.upkeep import doctor_venv as venv
from tools.upkeep.doctor_machine import Finding

FINE = {"python": "3.12.1", "wrong": [], "torch": "2.13.0", "cuda": None}


def program(path: Path, said: str, status: int = 0) -> Path:
    """Write a program that says something on stderr."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit {status}\n")
    path.chmod(0o755)
    return path


def test_this_very_checkout_is_examined_in_lines_that_say_what_to_do(
    repository_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = doctor.examine(repository_root, {"PATH": os.environ["PATH"]})
    abouts = [finding.about for finding in found]
    assert len(abouts) == len(set(abouts)) >= 17
    assert {finding.level for finding in found} <= {"ok", "note", "problem"}
    assert all("\n" not in finding.says for finding in found)


@pytest.mark.parametrize(
    ("levels", "status"), [(["ok", "note"], 0), (["ok", "problem", "note"], 1), (["problem"], 1)]
)
def test_a_problem_and_nothing_less_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    levels: list[str], status: int,
) -> None:  # fmt: skip
    found = [Finding(level, "x", "y") for level in levels]
    monkeypatch.setattr(doctor, "examine", lambda root, environment: found)
    assert doctor.main() == status
    last = f"problems: {levels.count('problem')}, notes: {levels.count('note')}"
    assert capsys.readouterr().out.splitlines()[-1] == last


def test_it_runs_on_a_bare_python_that_is_too_old(repository_root: Path) -> None:
    for name in ("doctor", "doctor_machine", "doctor_settings", "doctor_venv"):
        code = (repository_root / f"tools/upkeep/{name}.py").read_text()
        tree = ast.parse(code, feature_version=(3, 8))
        imported = {
            name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [
                alias.name for alias in node.names])
        }  # fmt: skip
        assert {n for n in imported if not n.startswith("doctor")} <= set(sys.stdlib_module_names)


# The machine


def test_the_system_and_its_python() -> None:
    assert machine.system("nt").level == "problem"
    assert machine.system("posix").level == "ok"
    for version in ((3, 11), (3, 12), (3, 13)):
        assert machine.python(version, has_venv=False).level == "ok"
    for version in ((2, 7), (3, 10), (3, 14)):
        assert machine.python(version, has_venv=False).level == "problem"
        assert machine.python(version, has_venv=True).level == "note"


def test_programs_are_looked_for_in_the_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make = program(tmp_path / "make", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    there, missing = machine.programs(("make", "git"))
    assert there == ("ok", "make", str(make))
    assert missing.level == "problem"
    assert "apt-get install git" in missing.says
    swift = machine.optional("swift-proxy-server", "tests are skipped")
    assert swift.level == "note"
    assert swift.says.endswith("tests are skipped; on Debian: apt-get install swift-proxy")


def test_room_for_the_environment_and_for_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usage = SimpleNamespace(free=3 * machine.GIB)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda root: usage)
    assert machine.disk(tmp_path).level == "problem"
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/.ready").touch()
    assert machine.disk(tmp_path) == ("ok", "disk", "3.0 GB free")
    usage.free = machine.GIB // 2
    assert machine.disk(tmp_path).level == "problem"


def test_memory_is_the_least_of_the_machines_and_the_containers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine.os, "sysconf", {"SC_PAGE_SIZE": 1, "SC_PHYS_PAGES": 2**35}.get)
    monkeypatch.setattr(machine, "_allowed", lambda: float("inf"))
    assert machine.memory() == ("ok", "memory", "32.0 GB")
    monkeypatch.setattr(machine, "_allowed", lambda: 2.0 * machine.GIB)
    assert machine.memory().level == "note"


def test_a_closed_loopback_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.loopback().level == "ok"

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(machine.socket, "create_connection", refuse)
    assert machine.loopback().level == "problem"
    assert "Operation not permitted" in machine.loopback().says


@pytest.mark.parametrize(
    ("said", "level", "says"),
    [
        ('openjdk version "17.0.9" 2023', "ok", "17"),
        ('java version "1.8.0_402"', "note", "8; lesson 12 needs 17"),
        ("no JVM", "note", "an unknown one; lesson 12 needs 17"),
    ],
)
def test_java_is_as_new_as_spark_asks(tmp_path: Path, said: str, level: str, says: str) -> None:
    program(tmp_path / "bin/java", said)
    found = machine.java({"JAVA_HOME": str(tmp_path)})
    assert (found.level, found.says.startswith(says)) == (level, True)
    assert machine.java({"JAVA_HOME": str(tmp_path / "no")}).says.startswith("none where")


# Settings


def test_the_dataset_is_looked_for_where_it_should_be(tmp_path: Path) -> None:
    def level(**environment: str) -> str:
        return settings.dataset(environment, {}).level

    assert level() == "ok"
    assert level(COURSE_DATA_DIR=str(tmp_path / "no")) == "problem"
    assert level(COURSE_DATASET="ml-1m") == "note"
    assert level(COURSE_DATASET="ml-1m", COURSE_DATA_DIR=str(tmp_path)) == "note"
    (tmp_path / "ml-1m.zip").touch()
    assert level(COURSE_DATASET="ml-1m", COURSE_DATA_DIR=str(tmp_path)) == "ok"
    wrong = settings.dataset({}, {"dataset": "There is no release called 'ml-2m'."})
    assert wrong.level == "problem"
    assert "ml-2m" in wrong.says


FIRST, SECOND = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
WORD = "nothing-but-a-word"


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, None),
        ({FIRST: "AKIA", SECOND: WORD}, None),
        ({FIRST: "ASIA", SECOND: WORD, "AWS_SESSION_TOKEN": WORD}, None),
        ({FIRST: "AKIA"}, f"{SECOND} is not"),
        ({SECOND: WORD}, f"{FIRST} is not"),
        ({FIRST: "AKIA", SECOND: ""}, f"{SECOND} is set and empty"),
        ({FIRST: "AKIA", SECOND: f"'{WORD}'"}, "blanks or quotes"),
        ({FIRST: "AKIA", SECOND: f"{WORD}\n"}, "blanks or quotes"),
        ({FIRST: "ASIA", SECOND: WORD}, "without AWS_SESSION_TOKEN"),
        ({"AWS_SESSION_TOKEN": WORD}, "without a key"),
        ({"AWS_PROFILE": "course"}, None),
        ({"AWS_PROFILE": "keys"}, None),
        ({"AWS_PROFILE": "typo"}, "names a profile"),
    ],
)
def test_broken_credentials_are_told_and_never_shown(
    tmp_path: Path, environment: dict[str, str], says: str | None
) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text("[profile course]\nregion = eu-central-1\n")
    (tmp_path / ".aws/credentials").write_text("[keys]\n")
    found = settings.aws({"HOME": str(tmp_path), **environment})
    assert found.level == ("problem" if says else "ok")
    assert says is None or says in found.says
    assert WORD not in found.says


def test_a_server_in_place_of_aws_is_asked_if_it_is_here() -> None:
    def found(address: str) -> tuple[str, str]:
        level, _, says = settings.endpoint({"AWS_ENDPOINT_URL": address})
        return level, says

    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert found(f"http://{address}") == ("ok", f"{address} answers")
    assert found(f"http://{address}")[0] == "problem"
    assert found("https://minio.example.org") == ("ok", "minio.example.org, which was not asked")
    for wrong in ("localhost:9000", "http://", "http://host:port"):
        assert found(wrong)[1].startswith("AWS_ENDPOINT_URL is no address")


PROXY = f"http://me:{WORD}@proxy:3128"


@pytest.mark.parametrize(
    ("environment", "level"),
    [
        ({}, "ok"),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "localhost,127.0.0.1"}, "ok"),
        ({"https_proxy": PROXY, "no_proxy": "*"}, "ok"),
        ({"HTTPS_PROXY": PROXY}, "note"),
        ({"HTTP_PROXY": PROXY.removeprefix("http://")}, "problem"),
        (
            {"HTTP_PROXY": PROXY, "http_proxy": f"{PROXY}9"},
            "problem",
        ),
    ],
)
def test_proxies_are_judged_and_their_passwords_kept(
    environment: dict[str, str], level: str
) -> None:
    found = settings.proxy(environment)
    assert found.level == level
    assert WORD not in found.says


def test_a_cache_that_cannot_be_written_to_is_noted(tmp_path: Path) -> None:
    assert settings.cache({"XDG_CACHE_HOME": str(tmp_path / "not/yet")}).level == "ok"
    (tmp_path / "file").touch()
    found = settings.cache({"XDG_CACHE_HOME": str(tmp_path / "file/inside")})
    assert found.level == "note"
    assert "Not a directory" in found.says


# .venv and the notebooks


@pytest.fixture
def checkout(tmp_path: Path, repository_root: Path) -> Path:
    """Return a checkout whose .venv is this Python, with requirements and a pair of notebooks."""
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (tmp_path / ".venv/.ready").touch()
    (tmp_path / "requirements.txt").write_text(
        f"# pins\npytest=={pytest.__version__}\nno-such-thing==1.0 ; sys_platform == 'nowhere'\n"
    )
    shutil.copytree(repository_root / "course_utils", tmp_path / "course_utils")
    (tmp_path / "notebooks").mkdir()
    for name in ("01_a.py", "01_a.ipynb", "02_b.py", "02_b.ipynb"):
        (tmp_path / "notebooks" / name).touch()
    return tmp_path


def look(root: Path, **environment: str) -> dict[str, Finding]:
    """Return what the doctor finds of .venv, by what it is about."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(root), **environment}
    return {f.about: f for f in venv.findings(root, venv.probe(root, environment))}


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


def test_what_the_course_says_of_its_variables_is_passed_on(checkout: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(checkout)}
    environment |= {"COURSE_DATASET": "ml-2m", "COURSE_BUCKET": "Class_Bucket"}
    said = venv.probe(checkout, environment)
    assert "no release called 'ml-2m'" in settings.dataset(environment, said).says
    bucket = settings.bucket(environment, said)
    assert bucket.level == "problem"
    assert "COURSE_BUCKET is 'Class_Bucket'" in bucket.says


def test_an_environment_that_is_missing_broken_or_another_ones(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert venv.findings(checkout, {})[0].level == "note"
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert venv.probe(elsewhere, {}) == {}
    said: dict[str, Any] = {**FINE, "course": str(elsewhere / "course_utils/__init__.py")}
    assert [f.about for f in venv.findings(checkout, said) if f.level == "problem"] == ["package"]
    python = checkout / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/no/such/python3.9")
    (broken,) = venv.findings(checkout, venv.probe(checkout, {}))
    assert broken.level == "problem"
    assert "delete .venv" in broken.says


def test_notebooks_and_scripts_go_in_pairs(checkout: Path) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=checkout, check=True, capture_output=True)

    def changed(name: str, text: str) -> Finding:
        (checkout / "notebooks" / name).write_text(text)
        return venv.notebooks(checkout)

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "x")
    assert venv.notebooks(checkout) == ("ok", "notebooks", "2 pairs")
    assert "02_b.py changed and its notebook did not" in changed("02_b.py", "1").says
    assert changed("02_b.ipynb", "1").level == "ok"
    assert "01_a.ipynb changed and its script did not" in changed("01_a.ipynb", "1").says
    (checkout / "notebooks/01_a.py").unlink()
    alone = venv.notebooks(checkout)
    assert alone.level == "problem"
    assert alone.says.startswith("01_a.ipynb is alone")


def test_a_notebook_in_a_merge_is_a_problem(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: Callable[..., Any] = lambda *_, **__: SimpleNamespace(stdout="UU notebooks/01_a.ipynb\0")  # noqa: E731
    monkeypatch.setattr(venv.subprocess, "run", run)
    assert venv.notebooks(checkout).level == "problem"
