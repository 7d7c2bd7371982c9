"""The results page's table of ml-latest-small comes out again, for the model that costs nothing."""

import re

from tools.notebooks import results


def test_popularity_finds_on_real_ratings_what_the_page_says(release):
    task = results.task_of(release("ml-latest-small"))
    lines = results.markdown(task, results.results(task, ["Popularity"])).splitlines()
    committed = results.page("ml-latest-small").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == committed[-1]  # the split
    (found, kept) = (
        [re.findall(r"\d\.\d+", line) for line in table if line.startswith("| `Popularity`")]
        for table in (lines, committed)
    )
    assert found == kept
