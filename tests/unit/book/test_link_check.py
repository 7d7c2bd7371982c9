"""`make links`: Sphinx's linkcheck with the course's settings, against a server on this machine."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import link_check
import pytest
import yaml

PAGE = """\
Page
====

`fine <{0}/200>`_ · `gone <{0}/404#part>`_ · `busy <{0}/503>`_ ·
`own <{0}/some-org/course/issues>`_ · `example <https://www.example.org/x>`_
"""


class Handler(BaseHTTPRequestHandler):
    """Answers with the number in the path."""

    def do_HEAD(self) -> None:
        """Answer."""
        number = self.path.strip("/")
        self.send_response(int(number) if number.isdecimal() else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Run the server and return its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def settings(root: Path) -> dict[str, object]:
    """Return what _config.yml says about linkcheck."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    found = config["sphinx"]["config"]
    return {name: value for name, value in found.items() if name.startswith("linkcheck_")}


def test_a_broken_link_fails_the_build_and_is_named(
    repository_root: Path, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    ours = settings(repository_root)
    nobodys = ours["linkcheck_ignore"]
    # The server of this test is on 127.0.0.1, which the course's pages name without meaning it.
    ours["linkcheck_ignore"] = [
        str(pattern).replace(r"127\.0\.0\.1", "none") for pattern in nobodys
    ]
    theme = {"repository_url": "https://github.com/some-org/course"}
    lines = [f"{name} = {value!r}" for name, value in ours.items()]
    lines += ["extensions = ['link_check']", "html_theme = 'alabaster'"]
    lines += [f"import sys; sys.path.insert(0, {str(repository_root / 'book/_ext')!r})"]
    lines += [f"html_theme_options = {theme!r}"]
    (tmp_path / "conf.py").write_text("\n".join(lines))
    (tmp_path / "index.rst").write_text(PAGE.format(address))
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "linkcheck"]
    done = subprocess.run([*command, ".", "out"], cwd=tmp_path, capture_output=True, text=True)
    results = (tmp_path / "out/output.json").read_text().splitlines()
    found = {r["uri"].removeprefix(address): r["status"] for r in map(json.loads, results)}
    assert found == {
        "/200": "working",
        "/404#part": "broken",
        "/503": "ignored",
        "/some-org/course/issues": "ignored",
        "https://www.example.org/x": "ignored",
    }
    assert done.returncode == 1
    assert f"broken link: {address}/404#part" in done.stderr


def test_addresses_that_are_nobodys_are_ignored(repository_root: Path) -> None:
    patterns = [re.compile(str(p)) for p in settings(repository_root)["linkcheck_ignore"]]  # type: ignore[attr-defined]

    def ignored(uri: str) -> bool:
        return any(pattern.match(uri) for pattern in patterns)

    nobodys = ("http://127.0.0.1:9000", "https://localhost/a", "https://s3.example")
    assert all(map(ignored, (*nobodys, "https://example.com", "https://minio.example.org:9000/")))
    others = (
        "https://example.com.net.io",
        "https://counterexample.org/",
        "https://x.org/localhost",
    )
    assert not any(map(ignored, others))


def test_own_addresses_are_ignored_wherever_they_open() -> None:
    config = SimpleNamespace(
        html_theme_options={"repository_url": "https://github.com/some-org/course"},
        linkcheck_ignore=["a"],
    )
    link_check.ignore_own(None, config)
    first, own = config.linkcheck_ignore
    assert first == "a"
    for place in ("github.com", "colab.research.google.com/github", "mybinder.org/v2/gh"):
        assert re.match(own, f"https://{place}/Some-Org/course/blob/main/x.ipynb")
    assert not re.match(own, "https://github.com/some-org/course-2")
    config.html_theme_options = {}
    link_check.ignore_own(None, config)
    assert len(config.linkcheck_ignore) == 2


def test_of_a_doi_only_the_registry_is_asked() -> None:
    asked = link_check.ask_registry(None, "https://doi.org/10.1145/2827872")
    assert asked == "https://doi.org/api/handles/10.1145/2827872"
    assert link_check.ask_registry(None, "https://doi.org.evil.net/10.1145/2827872") is None
