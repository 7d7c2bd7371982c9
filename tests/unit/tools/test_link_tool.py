"""The weekly link check, against a server on this machine that answers in every way."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tools.site import links

PAGE = """\
# Links

[one](https://one.org/a_(b)#part) ![two](https://two.org/x.png) <a href="https://three.org/?a=1&amp;b=2">3</a>
[ours](https://github.com/some-org/some-course/issues) [not ours](https://github.com/some-org/some-course-2)
[local](http://127.0.0.1:9000) [example](https://www.example.org/) [page](other.md) <https://one.org/a_(b)>

`[code](https://code.org)`

```{note}
[four](https://four.org)
```

```python
url = "[five](https://five.org)"
```
"""
CONFIG = "repository:\n  url: https://github.com/some-org/some-course\n  branch: main\n"
BIB = "@a{b,\n  doi = {10.1/x_y},\n  url = {https://six.org/},\n  title = {See https://no.org}\n}\n"


class Handler(BaseHTTPRequestHandler):
    """Answers with the number in the path; other words are said below."""

    def do_GET(self) -> None:
        """Answer."""
        asked: Counter[str] = self.server.asked  # type: ignore[attr-defined]
        asked[self.path] += 1
        word = self.path.strip("/")
        status = int(word) if word.isdecimal() else 200
        if word == "flaky" and asked[self.path] == 1:
            status = 503
        self.send_response({"moved": 301, "for-now": 302}.get(word, status))
        if word in ("moved", "for-now"):
            self.send_header("Location", "/fine")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """Run the server; ``asked`` counts what it was asked for."""
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.asked = Counter()  # type: ignore[attr-defined]
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask past any proxy."""
    monkeypatch.setenv("NO_PROXY", "*")


def ask(server: Any, path: str) -> links.Answer:
    """Ask this server, without pauses."""
    host, port = server.server_address
    return links.ask(f"http://{host}:{port}/{path}", pause=0.001, timeout=5)


@pytest.mark.parametrize(
    ("path", "verdict", "times"),
    [
        ("fine", "fine", 1),
        ("for-now", "fine", 1),
        ("moved", "moved", 1),
        ("404", "broken", 1),
        ("410", "broken", 1),
        ("400", "broken", links.TRIES),
        ("403", "unclear", links.TRIES),
        ("429", "unclear", links.TRIES),
        ("500", "unclear", links.TRIES),
        ("flaky", "fine", 2),
    ],
)
def test_answers_are_judged_and_asked_for_again_where_it_may_help(
    server: Any, path: str, verdict: str, times: int
) -> None:
    assert ask(server, path).verdict == verdict
    assert server.asked[f"/{path}"] == times


def test_a_move_says_where_to(server: Any) -> None:
    assert ask(server, "moved").why.endswith("/fine")


def test_nobody_there_is_broken_and_silence_is_unclear() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        link = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        answer = links.ask(link, pause=0.001, timeout=0.1)
        assert (answer.verdict, answer.why) == ("unclear", "no answer in 0.1 s")
    answer = links.ask(link, pause=0.001, timeout=1)
    assert (answer.verdict, answer.why) == ("broken", "ConnectionError")


def test_of_a_doi_only_its_registry_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    followed = {}

    def get(link: str, **options: Any) -> Any:
        followed[link] = options["allow_redirects"]
        raise links.requests.Timeout

    monkeypatch.setattr(links.requests, "get", get)
    for link in ("https://doi.org/10.1/x", "https://doi.org.evil.net/"):
        links.ask(link, pause=0)
    assert followed == {"https://doi.org/10.1/x": False, "https://doi.org.evil.net/": True}


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Return the root of a course with a page and a bibliography."""
    (tmp_path / "_config.yml").write_text(CONFIG)
    (tmp_path / "page.md").write_text(PAGE)
    (tmp_path / "references.bib").write_text(BIB)
    return tmp_path


def test_external_links_are_found_where_readers_see_them(course: Path) -> None:
    found = links.where(course, ["page.md", "references.bib"])
    assert found == {
        "https://one.org/a_(b)": ["page.md"],
        "https://two.org/x.png": ["page.md"],
        "https://three.org/?a=1&b=2": ["page.md"],
        "https://github.com/some-org/some-course-2": ["page.md"],
        "https://four.org": ["page.md"],
        "https://doi.org/10.1/x_y": ["references.bib"],
        "https://six.org/": ["references.bib"],
    }


def test_the_courses_own_files_hold_links(repository_root: Path) -> None:
    found = links.where(repository_root)
    assert "https://doi.org/10.1145/2827872" in found
    assert any(name.endswith(".ipynb") for names in found.values() for name in names)
    assert all("://" in link for link in found)


def test_a_broken_link_fails_and_says_in_which_file(
    server: Any, course: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port = server.server_address
    monkeypatch.setattr(links, "NOBODYS", links.re.compile("nobody"))
    for name, word in (("a.md", "fine"), ("b.md", "404"), ("c.md", "404")):
        (course / name).write_text(f"[link](http://{host}:{port}/{word})")
    assert links.main(["a.md"], course, pause=0.001) == 0
    assert capsys.readouterr().out == "1 links, 0 broken\n"
    assert links.main(["a.md", "b.md", "c.md"], course, pause=0.001) == 1
    assert capsys.readouterr().out == (
        f"broken   http://{host}:{port}/404 (404) in b.md, c.md\n2 links, 1 broken\n"
    )


def test_outside_git_files_must_be_named(
    course: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(course.parent))
    assert links.main([], course) == 1
    assert "not a git repository" in capsys.readouterr().err
