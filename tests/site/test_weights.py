"""No page is heavier than the goals say. Bytes only: times are for `tools/site/page_weights.py`."""

import gzip
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser

from tools.site import page_weights
from tools.site.page_weights import KB, Weight
from tools.site.server import serve


@pytest.fixture(scope="module")
def weights(chromium: Browser, address: str, book: list[str]) -> list[Weight]:
    return [page_weights.weigh(chromium, address, page) for page in book]


def test_every_page_is_light(weights: list[Weight]) -> None:
    assert all(weight.transferred > 10 * KB for weight in weights)
    assert page_weights.over_weight(weights) == []


def page(name: str, sent: int, paint: float = 100.0) -> Weight:
    return Weight(name, [("/a", sent - KB, 3 * sent), ("/b", KB, KB)], paint)


def test_a_heavy_page_and_a_heavy_median_are_said() -> None:
    light, heavy = page("notebooks/01_a.html", 90 * KB), page("notebooks/02_b.html", 701 * KB)
    assert page_weights.over_weight([light, light, page("index.html", 700 * KB)]) == []
    one, median = page_weights.over_weight([light, heavy])
    assert one == "notebooks/02_b.html transfers 701 kB; the most is 700 kB."
    assert median == "The median lesson transfers 396 kB; the goal is 350 kB."


def test_a_late_paint_is_said() -> None:
    late = page("index.html", KB, paint=1000.0)
    said = ["index.html paints after 1000 ms; the goal is 1000 ms."]
    assert page_weights.too_slow([page("a.html", KB), late]) == said


def test_the_server_sends_what_github_pages_would(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("home " * 100)
    (tmp_path / "404.html").write_text("not here")
    (tmp_path / "a.png").write_bytes(b"picture" * 100)
    with serve(tmp_path) as address:

        def get(path: str) -> tuple[int, str | None, bytes]:
            asked = Request(f"{address}/{path}", headers={"Accept-Encoding": "gzip, br"})
            try:
                with urlopen(asked) as answer:
                    return answer.status, answer.headers["Content-Encoding"], answer.read()
            except OSError as answer:  # urllib's errors are answers too
                return answer.code, answer.headers["Content-Encoding"], answer.read()

        status, encoding, body = get("")
        assert (status, encoding, gzip.decompress(body)) == (200, "gzip", b"home " * 100)
        assert get("a.png?x") == (200, None, b"picture" * 100)
        status, _, body = get("gone.html")
        assert (status, gzip.decompress(body)) == (404, b"not here")
        assert get("../../etc/passwd")[0] == 404
