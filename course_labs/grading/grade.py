"""Grade a folder of notebooks.

    python -m course_labs.grading.grade lab02 --from submissions --to grades

Each notebook runs in a process and folder of its own, under limits and without credentials. Its
functions get hidden inputs, and the arrays they return are judged here. The folder of grades then
holds grades.csv, and for each student results.json (Gradescope's format) and feedback.html. A
second run grades only what is new or has changed.

Run it as root in a container or virtual machine: then each notebook runs as a user of its own, who
cannot see home folders, solutions or other submissions. As any other user, limits hold but a
notebook can read what you can read, and the first line says so.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import secrets
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from course_labs.checks.question import Question, Verdict
from course_labs.checks.session import questions_of
from course_labs.grading.report import read_grade, write_grades, write_reports
from course_labs.grading.sandbox import Limits, folders_to_hide, weakness
from course_labs.grading.submission import Grade, Submission, find_submissions, grade, try_out
from course_utils.errors import CourseError, DataError

CHECKS = Path(__file__).resolve().parents[1] / "checks"
AT_ONCE = 2


def grade_all(
    lab: str, source: Path, target: Path, limits: Limits, at_once: int = AT_ONCE
) -> list[Grade]:
    """Grade all submissions of a lab, and write reports and grades.csv.

    Parameters
    ----------
    lab
        Such as ``lab02``.
    source, target
        The folders of submissions and of grades.
    limits
        What each notebook may use.
    at_once
        How many notebooks run at the same time.

    Raises
    ------
    CourseError
        When there is nothing to grade, or this machine cannot run a notebook at all.
    """
    try:
        questions = questions_of(lab)
    except DataError as error:
        raise CourseError(str(error)) from None
    if not sum(question.points for question in questions):
        raise CourseError(f"The exercises of {lab} are not graded; name a lab, such as lab02.")
    submissions = find_submissions(source)
    target.mkdir(parents=True, exist_ok=True)
    seed = _seed(target)
    hidden = folders_to_hide(source, target)
    grades, waiting = [], []
    for submission in submissions:
        mark = fingerprint(submission, lab, seed, limits)
        kept = read_grade(target / submission.student, mark)
        if kept is None:
            waiting.append((submission, mark))
        else:
            grades.append(kept)
    if waiting:
        with _workers(1) as pool:  # a run kills all children of its process
            pool.submit(try_out, lab, limits, hidden).result()
        print(f"{len(waiting)} to grade, {len(grades)} as they were", flush=True)
        grades += _run_all(waiting, lab, questions, target, seed, limits, hidden, at_once)
    write_grades(target / "grades.csv", questions, grades)
    return grades


def _run_all(
    waiting: Sequence[tuple[Submission, str]],
    lab: str,
    questions: Sequence[Question],
    target: Path,
    seed: int,
    limits: Limits,
    hidden: Sequence[Path],
    at_once: int,
) -> list[Grade]:
    """Grade the waiting submissions, a few at a time; write each student's reports when ready."""
    from tqdm import tqdm

    grades = []
    with _workers(at_once) as pool:
        jobs = {
            pool.submit(grade, submission, lab, seed, limits, hidden): (submission, mark)
            for submission, mark in waiting
        }
        try:
            for job in tqdm(as_completed(jobs), total=len(jobs), unit="notebook", desc=lab):
                submission, mark = jobs[job]
                error = job.exception()
                if error is None:
                    result = job.result()
                else:  # the grader's error, not the student's; the next run tries again
                    result = _not_graded(submission, questions, error)
                    mark = ""
                write_reports(target / submission.student, lab, questions, result, mark)
                grades.append(result)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    return grades


def _workers(how_many: int) -> ProcessPoolExecutor:
    """Return a pool of new processes, each with one thread and no inherited children."""
    return ProcessPoolExecutor(how_many, mp_context=multiprocessing.get_context("spawn"))


def fingerprint(submission: Submission, lab: str, seed: int, limits: Limits) -> str:
    """Return a digest of what a grade depends on: the file, the checks, the seed and the limits."""
    digest = hashlib.sha256(repr((lab, seed, limits, submission.problem)).encode())
    for path in sorted(CHECKS.rglob("*.py")):
        digest.update(path.read_bytes())
    if submission.path is not None:
        digest.update(submission.path.read_bytes())
    return digest.hexdigest()


def _seed(target: Path) -> int:
    """Return the seed of the hidden inputs, which the first run of a folder of grades draws."""
    path = target / "seed.txt"
    if not path.is_file():
        path.write_text(f"{secrets.randbits(48)}\n", encoding="utf-8")
        path.chmod(0o600)
    try:
        return int(path.read_text(encoding="utf-8"))
    except ValueError:
        raise CourseError(f"{path} should hold one number; remove it to draw another.") from None


def _not_graded(
    submission: Submission, questions: Sequence[Question], error: BaseException
) -> Grade:
    problem = f"The grader failed on this one ({type(error).__name__}: {error}); run it again."
    verdicts = {question.key: Verdict("not attempted", 0, "") for question in questions}
    return Grade(submission.student, verdicts, problem, attention=["not graded"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Grade as the command line says; return the exit status."""
    usual = Limits()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lab", help="such as lab02")
    parser.add_argument("--from", dest="source", type=Path, required=True, help="submissions")
    parser.add_argument("--to", dest="target", type=Path, required=True, help="where grades go")
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="for one notebook")
    parser.add_argument("--cell-seconds", type=float, default=usual.cell_seconds, help="for a cell")
    parser.add_argument("--memory-gb", type=float, default=usual.memory / 1e9, help="for one")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="how many side by side")
    options = parser.parse_args(arguments)
    limits = replace(
        usual,
        seconds=options.seconds,
        cell_seconds=options.cell_seconds,
        memory=int(options.memory_gb * 1e9),
    )
    if weak := weakness():
        print(weak)
    start = time.monotonic()
    try:
        grades = grade_all(
            options.lab, options.source, options.target, limits, max(1, options.at_once)
        )
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; what was graded is kept, the next run goes on from there.", file=sys.stderr)
        return 130
    problems = sum(bool(grade.problem) for grade in grades)
    looks = [grade.student for grade in grades if grade.attention]
    print(
        f"{len(grades)} graded in {time.monotonic() - start:.0f} s, {problems} of them with a "
        f"problem; see {options.target / 'grades.csv'}"
    )
    if looks:
        print(f"Look at these yourself: {', '.join(sorted(looks))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
