"""The test command: what runs beside what, what is shown, and what a failure looks like."""

import sys
from pathlib import Path

import pytest

from tools.upkeep import run_tests


def says(*lines: str, code: int = 0) -> list[str]:
    """Return a command that prints these lines and ends so."""
    script = "".join(f"print({line!r});" for line in lines)
    return [sys.executable, "-c", f"{script}raise SystemExit({code})"]


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Put three parts in the place of the real ones, the last with workers of its own."""
    made = {"lint": says("clean"), "types": says("sound"), "unit": says("4 passed")}
    monkeypatch.setattr(run_tests, "PARTS", made)
    return made


def test_all_parts_are_shown_whole_and_summed_up(
    parts: dict[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_tests.main([]) == 0
    said = capsys.readouterr().out
    assert said.startswith("\n── lint ──\nclean\n\n── types ──\nsound\n\n── unit ──\n4 passed\n")
    assert [line.split()[:2] for line in said.splitlines()[-3:]] == [
        ["lint", "passed"], ["types", "passed"], ["unit", "passed"],
    ]  # fmt: skip


def test_what_failed_is_counted_and_its_end_said_again_last(
    parts: dict[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"line {n}" for n in range(100)]
    parts |= {"types": says(*lines, code=3), "unit": says("1 failed", code=1)}
    assert run_tests.main([]) == 2
    said = capsys.readouterr().out
    assert "line 0\n" in said
    end = said.partition("── the last lines of types ──\n")[2].splitlines()
    assert end[: run_tests.LAST_LINES] == lines[-run_tests.LAST_LINES :]
    assert end[-2:] == ["── the last lines of unit ──", "1 failed"]


def test_parts_of_one_process_run_side_by_side(parts: dict[str, list[str]], tmp_path: Path) -> None:
    """Each waits for the other: one after the other, they would never end well."""
    wait = (
        "import sys, time, pathlib\n"
        "mine, other = (pathlib.Path(name) for name in sys.argv[1:])\n"
        "mine.touch()\n"
        "end = time.monotonic() + 20\n"
        "while not other.exists() and time.monotonic() < end: time.sleep(0.05)\n"
        "raise SystemExit(not other.exists())\n"
    )
    files = [f"{tmp_path}/lint", f"{tmp_path}/types"]
    parts["lint"] = [sys.executable, "-c", wait, *files]
    parts["types"] = [sys.executable, "-c", wait, *reversed(files)]
    results = run_tests.run(["lint", "types"])
    assert [result.code for result in results.values()] == [0, 0]


def test_real_parts_with_workers_have_the_machine_to_themselves() -> None:
    every = run_tests.PARTS | run_tests.PARTS_ON_DEMAND
    assert {name for name, command in every.items() if "-n" in command} == run_tests.WHOLE_MACHINE


def test_a_part_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_tests.main(["unti"])
    assert "there is no part 'unti'; choose of ruff, " in capsys.readouterr().err
