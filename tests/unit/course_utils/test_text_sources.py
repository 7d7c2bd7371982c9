"""Where encoders come from: the package, a folder, a hub, and what each of them can lack."""

import json
import shutil

import numpy as np
import pytest
from tiny_bert import COMMIT, DIMENSIONS, Hub, save_tiny_bert, serving

from course_utils.errors import ModelError
from course_utils.text import encode_texts
from course_utils.text.sources import DEFAULT, find_source

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")
NAME = "course/tiny-bert"


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return save_tiny_bert(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def copy(bert, tmp_path):
    """Return a folder of one's own to damage."""
    return shutil.copytree(bert, tmp_path / "copy")


@pytest.fixture
def hub(bert, tmp_path, monkeypatch):
    """Run a hub that has the tiny BERT, in place of the real one; nothing of it is here yet."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    hub = Hub(bert)
    with serving(hub) as address:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        files = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
        yield hub


def encode(model, **options):
    return encode_texts(["toy story", "the matrix"], model, cache=False, **options)


def test_by_name_it_is_fetched_once_and_is_the_same_as_by_folder(hub, bert):
    by_name = encode(NAME)
    assert by_name.shape == (2, DIMENSIONS)
    assert (by_name == encode(bert)).all()
    assert (by_name == encode(str(bert))).all()
    assert any("model.safetensors" in path for path in hub.asked)
    hub.asked.clear()
    assert (by_name == encode(NAME)).all()
    assert hub.asked == []
    assert find_source(NAME).revision == COMMIT


def test_what_was_fetched_works_offline(hub, monkeypatch):
    from huggingface_hub import constants

    fetched = encode(NAME)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.status, hub.asked = 503, []
    assert (encode(NAME) == fetched).all()
    assert hub.asked == []


def test_an_unknown_name(hub):
    with pytest.raises(ModelError, match=r"hub has no model course/unknown, or not for you"):
        encode("course/unknown")
    with pytest.raises(ModelError, match="neither a folder nor a name of the Hugging Face hub"):
        encode("tiny bert")


def test_an_unknown_name_without_a_network(hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match=r"course/unknown is not on this machine, .* not be reach"):
        encode("course/unknown")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"HF_HUB_OFFLINE forbids .* use the packaged model"):
        encode("course/unknown")


def test_a_hub_that_is_down(hub):
    hub.status = 503
    with pytest.raises(ModelError, match=r"the Hugging Face hub answered 503; try again"):
        encode(NAME)
    assert len(hub.asked) < 10  # nobody waits for minutes


def test_pickles_are_neither_fetched_nor_loaded(hub, copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    hub.models[NAME] = copy
    with pytest.raises(ModelError, match="no weights as safetensors on the hub"):
        encode(NAME)
    assert not any("pytorch_model" in path for path in hub.asked if "/resolve/" in path)
    with pytest.raises(ModelError, match=r"holds no \*.safetensors; other weights are pickles"):
        encode(copy)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: f.joinpath("config.json").unlink(), "holds no config.json"),
        (lambda f: f.joinpath("config.json").write_text("{"), "cannot be loaded from"),
        (lambda f: f.joinpath("config.json").write_text("{}"), "cannot be loaded from"),
        (lambda f: f.joinpath("tokenizer.json").write_text("?"), "cannot be loaded from"),
        (
            lambda f: f.joinpath("model.safetensors").write_bytes(
                f.joinpath("model.safetensors").read_bytes()[:-100]
            ),
            "cannot be loaded from",
        ),
    ],
)
def test_a_damaged_folder(copy, damage, message):
    damage(copy)
    with pytest.raises(ModelError, match=message):
        encode(copy)


def test_weights_of_another_model_would_be_random(copy):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(ModelError, match=r"has no weights for encoder\.layer\.2"):
        encode(copy)


def test_a_folder_that_is_not_there(tmp_path):
    for model in (tmp_path / "none", str(tmp_path / "none"), "./none"):
        with pytest.raises(ModelError, match=r"There is no folder .*none"):
            encode(model)


def test_only_the_hub_has_revisions(bert):
    for model in (bert, DEFAULT):
        with pytest.raises(ModelError, match="it has no revision 'v2'; leave revision out"):
            encode(model, revision="v2")


def test_a_folder_is_known_by_what_is_in_it(bert, copy):
    assert find_source(copy).revision == find_source(bert).revision
    save_tiny_bert(copy, seed=1)
    assert find_source(copy).revision != find_source(bert).revision
    assert np.abs(encode(copy) - encode(bert)).max() > 0.01


def test_the_packaged_model_has_to_be_the_published_one(copy, monkeypatch):
    monkeypatch.setattr("course_utils.text.sources._packaged_folder", lambda: copy)
    with pytest.raises(ModelError, match=r"is not the published model \(its SHA-256 begins"):
        encode(DEFAULT)
    (copy / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="its SHA-256 begins missing"):
        encode(DEFAULT)


def test_the_package_is_not_installed(monkeypatch):
    monkeypatch.setattr("course_utils.text.sources._PACKAGE", "no_such_package")
    with pytest.raises(ModelError, match=r"is not installed: pip install .* model='tfidf' needs"):
        encode(DEFAULT)
