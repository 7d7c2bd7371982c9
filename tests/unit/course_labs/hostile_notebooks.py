"""Submissions to lab 2 that want harm, or only went wrong; each made of the solution's cells."""

import json
from pathlib import Path

import nbformat
from lab_answers import definitions

ANSWERS = definitions("lab02")
CHECKS = """
from course_labs import check, summary

for name, answer in [("q1", similarity_to), ("q2", most_similar), ("q3", ItemCF), ("q4", overlap)]:
    check(f"lab02.{name}", answer)
summary("lab02")
"""
SLEEP = "600.123"  # seconds; no other process of this machine sleeps for as long

CELLS = {
    "loop": "while True:\n    pass",
    "stubborn_loop": """
import time

while True:
    try:
        time.sleep(0.01)
    except BaseException:
        pass""",
    "deaf": "sum(range(10**14))  # no signal is looked at before it ends",
    "processes": f"""
import subprocess

for _ in range(300):
    subprocess.Popen(["sleep", "{SLEEP}"], start_new_session=True)""",
    "daemon": f"""
import os

for _ in range(2):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", "{SLEEP}"])
        os._exit(0)""",
    "memory": "import numpy as np\n\nmuch = np.ones(30 * 10**9 // 8)",
    "file": """
import os

for folder in (".", "/tmp", "/var/tmp", "/dev/shm"):
    try:
        with open(os.path.join(folder, "left-by-a-student"), "wb") as file:
            for _ in range(2000):
                file.write(bytes(10**6))
    except OSError as error:
        last = error
raise last""",
    "exit": "import os\n\nos._exit(0)",
    "polite_exit": "import sys\n\nsys.exit()",
    "environment": """
import os
import subprocess

found = str(dict(os.environ)) + subprocess.run(["env"], capture_output=True, text=True).stdout
raise ValueError(f"environment: key {'AKIA' in found}")""",
    "secrets": """
import glob
import os
import subprocess

found = []
for path in ["/proc/%d/environ" % os.getppid(), "/proc/1/environ", *glob.glob(HOME + "/*")]:
    try:
        found.append(open(path, errors="replace").read())
    except OSError:
        pass
found.append(subprocess.run(["ls", "-R", HOME, SUBMISSIONS], capture_output=True, text=True).stdout)
text = str(found)
raise ValueError(f"files: key {'AKIA' in text}, classmate {'ada.ipynb' in text}")""",
    "solutions": """
from pathlib import Path

import course_utils

root = Path(course_utils.__file__).parents[1]
raise ValueError(f"solutions: {[p.name for p in root.rglob('lab02_*.py') if p.is_file()]}")""",
}

FORGED = """
import json
import sys
from pathlib import Path

import course_labs.checks
import numpy as np

print("lab02: 12 of 12 points")
print(json.dumps({"score": 12, "tests": []}))


def check(name, answer):
    print("right")


course_labs.checks.check = check
course_labs.checks.attempts.run_cases = None
sys.modules["__main__"].run_cases = lambda *arguments: None


def save(here, question, answer, cases):
    for n in range(9):
        ones = {name: np.ones(3) for name in ("cosines", "ids", "scores", "overlap", "after")}
        np.savez(here / "outputs" / f"{question.key}-{n}.npz", **ones)
    forged = {"missing": False, "stub": False, "failure": "", "n_outputs": 3, "points": 12}
    (here / "outputs" / f"{question.key}.json").write_text(json.dumps(forged))


sys.modules["__main__"].save = save
Path("results.json").write_text(json.dumps({"score": 12}))
Path("../results.json").write_text(json.dumps({"score": 12}))
"""


def notebook(*sources):
    """Return a notebook's JSON with these code cells."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return json.loads(nbformat.writes(nbformat.v4.new_notebook(cells=cells)))


def from_colab():
    """Return the solved lab as Colab saves it: other metadata, sources as lists, no ids."""
    made = notebook(ANSWERS, CHECKS)
    made["nbformat_minor"] = 0
    made["metadata"] = {
        "colab": {"provenance": [], "gpuType": "T4", "authorship_tag": "ABX9Ty"},
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
        "accelerator": "GPU",
    }
    for cell in made["cells"]:
        del cell["id"]
        cell["metadata"] = {"id": "Zx8s", "colab": {"base_uri": "https://localhost:8080/"}}
    return made


def in_r():
    """Return a notebook in another language."""
    made = notebook("x <- c(1, 2)")
    made["metadata"] = {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}
    return made


def write_all(folder: Path, home: Path) -> None:
    """Write a class's submissions into a folder; `home` is where the secrets lie."""
    files = {"ada": notebook(ANSWERS, CHECKS), "colab": from_colab(), "r": in_r()}
    names = f"HOME, SUBMISSIONS = {str(home)!r}, {str(folder)!r}\n"
    # What goes wrong stands between the answers and their checks: both should count.
    for name in ("deaf", "processes", "daemon", "file", "exit"):
        files[name] = notebook(ANSWERS, CELLS[name], CHECKS)
    others = [names + cell for name, cell in CELLS.items() if name not in files]
    files["much"] = notebook(ANSWERS, *others, CHECKS)
    stub = "def most_similar(stars, items, movie_ids, k=10):\n    ..."
    files["stub"] = notebook(ANSWERS, stub, CHECKS)
    files["exit_inside"] = notebook(
        ANSWERS, "def overlap(mine, theirs):\n    import os; os._exit(0)"
    )
    slow = "def similarity_to(stars, column):\n    while True: pass"
    files["slow_inside"] = notebook(ANSWERS, slow)
    files["forged"] = notebook(FORGED, "def similarity_to(stars, column):\n    return 1")
    renamed = ANSWERS.replace("def overlap(", "def share(")  # handed in by `check` only
    files["renamed"] = notebook(renamed, CHECKS.replace('("q4", overlap)', '("q4", share)'))
    files["missing_cell"] = notebook(ANSWERS.replace("def most_similar(", "def least_similar("))
    for name, content in files.items():
        (folder / f"{name}.ipynb").write_text(json.dumps(content), encoding="utf-8")
    (folder / "not_json.ipynb").write_text("%PDF-1.7 my lab", encoding="utf-8")
    (folder / "two").mkdir()
    for name in ("a", "b"):
        (folder / "two" / f"{name}.ipynb").write_text("{}", encoding="utf-8")
