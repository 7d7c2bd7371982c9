"""Starting the service: from the command line, and in a container."""

import pytest
from serving_cases import save_some

from course_cloud import artifacts

uvicorn = pytest.importorskip("uvicorn")
serving = pytest.importorskip("course_cloud.serving.__main__")


@pytest.fixture
def started(monkeypatch):
    """Return the arguments that uvicorn was started with; nothing listens."""
    calls = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: calls.append((app, options)))
    monkeypatch.setattr(serving, "_log", lambda quiet: None)
    monkeypatch.setattr(serving, "_hold_the_blas", lambda: None)
    monkeypatch.setattr(serving.gc, "freeze", lambda: None)
    return calls


def test_an_address_is_served_on_this_machine_only_unless_asked_otherwise(
    started, tmp_path, capsys
):
    save_some(tmp_path / "als")
    assert serving.main([str(tmp_path / "als"), "--port", "8123"]) == 0
    assert serving.main([str(tmp_path / "als"), "--host", "0.0.0.0"]) == 0
    hosts = [(options["host"], options["port"]) for _, options in started]
    assert hosts == [("127.0.0.1", 8123), ("0.0.0.0", 8000)]
    assert "http://127.0.0.1:8123/" in capsys.readouterr().out


def test_what_cannot_be_served_is_said_in_one_line(started, tmp_path, capsys):
    assert serving.main([str(tmp_path / "nowhere")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert started == []


def test_without_an_address_als_is_fitted_to_the_dataset_in_use(started, cache_home, capsys):
    assert serving.main([]) == 0
    assert capsys.readouterr().out.count("Fitting ALS") == 1
    (folder,) = cache_home.rglob("als-sample")
    first = artifacts.load(folder).manifest
    assert (first.model, first.dataset) == ("ALS", "sample")


def test_the_lesson_shows_the_dockerfile_as_it_is(repository_root):
    recipe = (repository_root / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    lesson = (repository_root / "notebooks" / "11_service.py").read_text(encoding="utf-8")
    shown = lesson.split("# ```dockerfile\n")[1].split("# ```\n")[0]
    assert [line.removeprefix("#").removeprefix(" ") for line in shown.splitlines()] == (
        recipe.splitlines()
    )


def test_the_image_has_all_that_its_recipe_copies(repository_root):
    recipe = (repository_root / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    sent = (repository_root / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    copied = [word for line in recipe.splitlines() if line.startswith("COPY")
              for word in line.split()[1:-1]]  # fmt: skip
    assert copied
    assert "course_labs" not in copied  # it holds the answers of the labs
    for name in copied:
        assert (repository_root / name).exists()
        assert f"!{name}\n" in sent
