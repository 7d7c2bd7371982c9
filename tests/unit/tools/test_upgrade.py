"""The report of an upgrade: which pins changed, which outputs did, and what did not work."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.upkeep import upgrade

OLD_PINS = "# made by uv\nnumpy==2.1.0\nappnope==1.0 ; sys_platform == 'darwin'\ngone==1.0\n"
NEW_PINS = "# made by uv\nnumpy==2.4.0\nappnope==1.1 ; sys_platform == 'darwin'\nfresh==0.1\n"


def cell(source: str, *outputs: dict[str, Any], tags: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a code cell, with its source for an id."""
    return {
        "cell_type": "code", "id": source, "source": [source], "outputs": [*outputs],
        "metadata": {"tags": [*tags]},
    }  # fmt: skip


def notebook(*cells: dict[str, Any]) -> str:
    """Return a notebook's text."""
    title = {"cell_type": "markdown", "id": "title", "source": ["# Title"], "metadata": {}}
    return json.dumps({"cells": [title, *cells]})


def printed(text: str) -> dict[str, Any]:
    """Return what print() puts out."""
    return {"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)}


def shown(**data: str) -> dict[str, Any]:
    """Return the output of a cell's last line; ``text_plain`` is text/plain."""
    return {"data": {name.replace("_", "/"): text for name, text in data.items()}}


def test_pins_are_compared_by_name_and_condition() -> None:
    assert upgrade.pins_changed(OLD_PINS, NEW_PINS) == [
        ("appnope (sys_platform == 'darwin')", "1.0", "1.1"),
        ("fresh", "-", "0.1"),
        ("gone", "1.0", "-"),
        ("numpy", "2.1.0", "2.4.0"),
    ]
    assert upgrade.pins_changed(OLD_PINS, OLD_PINS) == []


def test_a_cell_is_told_by_number_code_and_the_lines_that_differ() -> None:
    before = notebook(cell("x = 1"), cell("show()\nmore", printed("a\nb\nc\n")))
    after = notebook(cell("x = 1"), cell("show()\nmore", printed("a\nB\nc\n")))
    assert list(upgrade.outputs_changed(before, after)) == [(3, "show()", ["- b", "+ B"])]
    assert list(upgrade.outputs_changed(before, before)) == []


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (cell("x", shown(image_png="abc")), cell("x", shown(image_png="xyz"))),
        (cell("x", printed("numpy 2.1.0")), cell("x", printed("numpy 2.4.0"))),
        (cell("x", printed("took 3.1 s")), cell("x", printed("took 900 ms"))),
        (cell("x", printed("1"), tags=("nbval-ignore-output",)),
         cell("x", printed("2"), tags=("nbval-ignore-output",))),
        (cell("old", printed("1")), cell("new", printed("2"))),
    ],
)  # fmt: skip
def test_what_nbval_does_not_compare_is_no_change(
    repository_root: Path, was: dict[str, Any], now: dict[str, Any]
) -> None:
    config = (repository_root / upgrade.SANITIZE).read_text(encoding="utf-8")
    sanitize = upgrade.sanitizers(config)
    assert len(sanitize) == config.count("\nregex:") > 0
    assert list(upgrade.outputs_changed(notebook(was), notebook(now), sanitize)) == []


@pytest.mark.parametrize(
    ("was", "now", "line"),
    [
        (shown(text_plain="0.1"), shown(text_plain="0.2"), "+ 0.2"),
        (shown(text_html="<b>1</b>"), shown(text_html="<b>2</b>"), "+ <b>2</b>"),
        (shown(text_plain="1", text_html="<b>1</b>"), shown(text_plain="1", text_html="1"), "+ 1"),
        (printed("1"), {"ename": "KeyError", "evalue": "'x'"}, "+ KeyError: 'x'"),
        (printed("1"), printed("1\nFutureWarning: soon"), "+ FutureWarning: soon"),
    ],
)
def test_every_kind_of_output_is_compared(
    was: dict[str, Any], now: dict[str, Any], line: str
) -> None:
    ((_, _, difference),) = upgrade.outputs_changed(
        notebook(cell("x", was)), notebook(cell("x", now))
    )
    assert line in difference


def test_a_long_difference_is_cut() -> None:
    before = notebook(cell("x", printed("\n".join(f"a{n}" for n in range(20)))))
    after = notebook(cell("x", printed("b" * 500)))
    ((_, _, difference),) = upgrade.outputs_changed(before, after)
    assert len(difference) == upgrade.MAX_LINES + 1
    assert difference[-1] == "… and 13 lines more"
    ((_, _, difference),) = upgrade.outputs_changed(after, notebook(cell("x", printed("c" * 500))))
    assert max(map(len, difference)) <= upgrade.MAX_WIDTH + 1


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
    (root / "notebooks/01.ipynb").write_text(notebook(cell("f`x`", printed("```\n1"))))
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "--message", "x"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    return root


def test_an_upgrade_ends_in_a_report_and_leaves_its_changes(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = notebook(cell("f`x`", printed("```\n2")))
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
    assert "## Cells whose output changed: 1" in text
    assert "**notebooks/01.ipynb**, cell 2, `f'x'`\n\n```diff\n- 1\n+ 2\n```\n" in text
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


def test_a_commit_that_is_not_there_is_one_sentence(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upgrade.main(["--root", str(course), "--compare", "no-such"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("git show failed")
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
