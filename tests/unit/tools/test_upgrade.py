"""The report of an upgrade: which pins changed, which outputs did, and what did not work."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

from tools.upkeep import upgrade

OLD_PINS = "# made by uv\nnumpy==2.1.0\nappnope==1.0 ; sys_platform == 'darwin'\ngone==1.0\n"
NEW_PINS = "# made by uv\nnumpy==2.4.0\nappnope==1.1 ; sys_platform == 'darwin'\nfresh==0.1\n"


def notebook(printed: str) -> str:
    """Return the text of a notebook whose only cell prints this."""
    cell = nbformat.v4.new_code_cell("show()", id="a", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("stream", text=printed)]
    text: str = nbformat.writes(nbformat.v4.new_notebook(cells=[cell]))
    return text


def test_pins_are_compared_by_name_and_condition() -> None:
    assert upgrade.pins_moved(OLD_PINS, NEW_PINS) == [
        ("appnope (sys_platform == 'darwin')", "1.0", "1.1"),
        ("fresh", "-", "0.1"),
        ("gone", "1.0", "-"),
        ("numpy", "2.1.0", "2.4.0"),
    ]
    assert upgrade.pins_moved(OLD_PINS, OLD_PINS) == []


def test_failures_are_those_of_the_first_step_that_fails(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def step(code: str) -> list[str]:
        return [sys.executable, "-c", code]

    said = "print('notebooks/01.py     5   1.0'); print('notebooks/01.ipynb: cell 2: KeyError')"
    steps = [step("print('fine')"), step(f"{said}; raise SystemExit(2)"), step("open('x', 'w')")]
    assert upgrade.run_steps(tmp_path, steps) == ["notebooks/01.ipynb: cell 2: KeyError"]
    assert "fine\n" in capfd.readouterr().out
    assert not (tmp_path / "x").exists()
    (line,) = upgrade.run_steps(tmp_path, [step("raise SystemExit(1)")])
    assert line.endswith("failed; its output says why.")
    assert upgrade.run_steps(tmp_path, steps[:1]) == []


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Return a checkout with pins and one notebook."""
    root = tmp_path / "course"
    (root / "notebooks").mkdir(parents=True)
    (root / "requirements.txt").write_text(OLD_PINS)
    (root / "notebooks/01.ipynb").write_text(notebook("```\n1\n"))
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "--message", "x"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    return root


def test_an_upgrade_ends_in_a_report_and_leaves_its_changes(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = notebook("```\n2\n")
    steps = [
        [sys.executable, "-c", f"open({name!r}, 'w').write({text!r})"]
        for name, text in (("requirements.txt", NEW_PINS), ("notebooks/01.ipynb", new))
    ]
    monkeypatch.setattr(upgrade.run_steps, "__defaults__", (steps,))
    report = tmp_path / "report.md"
    arguments = ["--root", str(course), "--report", str(report)]
    assert upgrade.main(arguments) == 0
    text = report.read_text()
    assert "## Pins that changed: 4" in text
    assert "| numpy | 2.1.0 | 2.4.0 |" in text
    outputs = text.partition("## Outputs that changed\n\n")[2]
    assert outputs.startswith("``````diff\nnbdiff notebooks/01.ipynb")  # longer than ``` in it
    assert "\n-1\n+2\n" in outputs
    assert "did not work" not in text
    assert (course / "requirements.txt").read_text() == NEW_PINS
    assert upgrade.main(arguments) == 1  # what changed is not committed


def test_a_failure_is_in_the_report_and_in_the_exit_status(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = [[sys.executable, "-c", "print('make[1]: *** [x] Error 1'); raise SystemExit(2)"]]
    monkeypatch.setattr(upgrade.run_steps, "__defaults__", (steps,))
    assert upgrade.main(["--root", str(course)]) == 1
    said = capsys.readouterr().out
    assert "## What did not work\n\n- make[1]: *** [x] Error 1\n" in said
    assert "## Pins that changed: 0" in said
    assert "## Outputs that changed\n\n```diff\nNone.\n```\n" in said


def test_without_a_commit_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert upgrade.main(["--root", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("git status failed")
    assert said.count("\n") == 1


def test_the_steps_are_targets_that_exist(repository_root: Path) -> None:
    makefile = (repository_root / "Makefile").read_text(encoding="utf-8")
    for step in upgrade.STEPS:
        assert f"\n{step[1]}: " in makefile


# The workflows that nobody sees until they fail


@pytest.mark.parametrize("name", ["upgrade", "links"])
def test_a_scheduled_workflow_calls_what_there_is(repository_root: Path, name: str) -> None:
    folder = repository_root / ".github/workflows"
    texts = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.yml")}
    workflow = yaml.safe_load(texts[name])
    when = workflow[True]  # YAML 1.1 reads the word "on" so
    assert len(when["schedule"][0]["cron"].split()) == 5
    assert "pull_request" not in when
    makefile = (repository_root / "Makefile").read_text(encoding="utf-8")
    (job,) = workflow["jobs"].values()
    runs = [step["run"] for step in job["steps"] if "run" in step]
    targets = [run.split()[1] for run in runs if run.startswith("make ")]
    assert targets
    assert all(f"\n{target}: " in makefile for target in targets)
    uses = {step["uses"] for step in job["steps"] if "uses" in step}
    assert all(use in texts["tests"] for use in uses)  # no action that tests.yml does not use
    for run in runs:
        bash = run.replace("${{", "").replace("}}", "")
        assert subprocess.run(["bash", "-n", "-c", bash], check=False).returncode == 0
