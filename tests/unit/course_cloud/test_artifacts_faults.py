"""What is damaged, foreign, mixed up, new or made by a stranger is refused, and never run."""

import io
import json
import shutil
import zipfile
from contextlib import suppress

import artifact_cases as cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_cases import some_matrix

from course_cloud import artifacts
from course_utils.errors import ArtifactError, DataError
from course_utils.models import Popularity
from course_utils.text.embeddings import Embeddings

FILES = (
    "manifest.json", "model.json", "model.npz", "train.npz", "movies.parquet", "metrics.json",
    "embeddings.safetensors",
)  # fmt: skip


def popularity(matrix, half_life):
    when = matrix.copy()
    when.data = np.arange(when.nnz) * 86_400.0
    return Popularity(half_life).fit(matrix, when)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Return a folder that holds every kind of file; nobody changes it."""
    folder = tmp_path_factory.mktemp("original") / "model"
    model = popularity(cases.interactions().matrix, half_life=10)
    cases.save(folder, model, embeddings=cases.embeddings())
    assert {path.name for path in folder.iterdir()} == {*FILES}
    return folder


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Return the folder of another run, whose files differ in a few bytes."""
    folder = tmp_path_factory.mktemp("other") / "model"
    train = cases.interactions(some_matrix()[::-1])
    vectors = cases.embeddings()
    cases.save(
        folder,
        popularity(train.matrix, half_life=11),
        metric=0.75,
        train=train,
        movies=cases.movies().assign(genres="War|Action"),
        embeddings=Embeddings(-vectors.vectors, vectors.movie_ids, "tiny", "mean"),
    )
    return folder


@pytest.fixture
def folder(original, tmp_path):
    """Return a copy to damage."""
    return shutil.copytree(original, tmp_path / "model")


def refused(folder, why=None):
    """Load a folder, which must be refused with one sentence of ours; return that."""
    with pytest.raises(ArtifactError, match=why) as failed:
        artifacts.load(folder)
    said = str(failed.value)
    assert said.endswith((".", ")"))
    assert "\n" not in said
    return said


def truncated(path, _):
    path.write_bytes(path.read_bytes()[:-2])


def emptied(path, _):
    path.write_bytes(b"")


def longer(path, _):
    path.write_bytes(path.read_bytes() + b"\n")


def missing(path, _):
    path.unlink()


def of_another_run(path, other):
    shutil.copy(other / path.name, path)


def a_link(path, other):
    path.unlink()
    path.symlink_to(other / path.name)


def a_folder(path, _):
    path.unlink()
    path.mkdir()


def a_pickle(path, _):
    path.write_bytes(cases.trap(path.parent.parent / "run"))


DAMAGES = {
    truncated: "bytes, and the manifest says",
    emptied: "has 0 bytes, and the manifest says",
    longer: "bytes, and the manifest says",
    missing: "is missing",
    of_another_run: "does not match the checksum in the manifest: .* of another run",
    a_link: "is a link or no ordinary file; it was not followed",
    a_folder: "is a link or no ordinary file",
    a_pickle: "bytes, and the manifest says",
}


@pytest.mark.parametrize("name", FILES[1:])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused(name, damage, folder, other, tmp_path):
    damage(folder / name, other)
    refused(folder, DAMAGES[damage])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "damage",
    [damage for damage in DAMAGES if damage is not longer],  # JSON may end with more lines
)
def test_a_damaged_manifest_is_refused(damage, folder, other, tmp_path):
    damage(folder / "manifest.json", other)
    refused(folder)
    assert not (tmp_path / "run").exists()


@given(st.sampled_from(FILES), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
def test_every_bit_counts(original, tmp_path_factory, name, where, bit):
    folder = shutil.copytree(original, tmp_path_factory.mktemp("flipped") / "model")
    content = bytearray((folder / name).read_bytes())
    content[int(where * len(content))] ^= 1 << bit
    (folder / name).write_bytes(content)
    refused(folder)


@given(st.sampled_from(FILES[1:]), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_what_a_stranger_changed_is_loaded_or_refused_and_nothing_else(
    original, tmp_path_factory, name, where, change
):
    folder = shutil.copytree(original, tmp_path_factory.mktemp("changed") / "model")
    content = bytearray((folder / name).read_bytes())
    content[int(where * len(content))] ^= change
    (folder / name).write_bytes(content)
    cases.reseal(folder)
    with suppress(ArtifactError):
        assert isinstance(artifacts.load(folder), artifacts.Artifact)


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def compressed(content):
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return file.getvalue()


def npy_that_claims(n):
    """Return an array's file whose header promises `n` numbers, and which holds none."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f8", "fortran_order": False, "shape": (n,)}
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("Popularity.popularity.npy", file.getvalue())
    return archive.getvalue()


def test_a_stranger_who_knows_checksums_runs_nothing(folder, tmp_path):
    run = tmp_path / "run"
    objects = npz(**{"Popularity.popularity": np.array([cases.Trap(run)] * 40, dtype=object)})
    pickles = [cases.trap(run, protocol) for protocol in (0, 2, 5)]
    model = (folder / "model.npz").read_bytes()
    contents = {
        "model.npz": [*pickles, objects, compressed(model), npy_that_claims(2**60), model[:200]],
        "train.npz": [*pickles, objects],
        "movies.parquet": [*pickles, b"PAR1", (folder / "metrics.json").read_bytes()],
        "embeddings.safetensors": [*pickles, b"{}", npz(a=np.ones(3))],
        "model.json": [*pickles, b"[" * 10**5, b"{}", b'{"models": []}', b"\xff", b"null"],
        "metrics.json": [*pickles, b"[]", b'{"kind": "Series", "index": {}}', b"{}"],
    }
    for name, damaged in contents.items():
        whole = (folder / name).read_bytes()
        for content in damaged:
            (folder / name).write_bytes(content)
            cases.reseal(folder)
            refused(folder)
        (folder / name).write_bytes(whole)
    cases.reseal(folder)
    assert artifacts.load(folder).manifest.model == "Popularity"  # so the rest was as it should be
    assert not run.exists()


def changed(tree, **entries):
    """Return ``model.json`` with another state of its only model."""
    (model,) = tree["models"]
    return {"models": [{**model, "state": {**model["state"], **entries}}]}


def test_a_model_that_does_not_fit_its_arrays_is_refused(folder):
    tree = json.loads((folder / "model.json").read_text())
    for strange, why in [
        ({"models": [{"class": "os.system", "state": {}}]}, "a os.system, which is none"),
        (changed(tree, half_life=-1), "half_life must be"),
        (changed(tree, n_items=7), "again: It is of another size than train.npz"),
        (changed(tree, surprise=1), "differ in 'surprise'"),
        (changed(tree, popularity={"array": "absent"}), "is damaged, or not of"),
        (changed(tree, popularity={"model": 0}), "is damaged, or not of"),
        (changed(tree, popularity=[1, 2]), "is damaged, or not of"),
        (
            {"models": tree["models"] * 2} | {"models": [{"class": "Hybrid"}]},
            "is damaged, or not of",
        ),
    ]:
        (folder / "model.json").write_text(json.dumps(strange))
        cases.reseal(folder)
        refused(folder, why)


def test_a_matrix_that_would_be_read_beyond_its_arrays_is_refused(folder):
    with np.load(folder / "train.npz") as found:
        arrays = dict(found)
    for name, value in [
        ("matrix.indices", arrays["matrix.indices"] + 10**6),
        ("matrix.indptr", arrays["matrix.indptr"][::-1]),
        ("matrix.shape", np.array([30, 41])),
        ("users", arrays["users"][:-1]),
    ]:
        (folder / "train.npz").write_bytes(npz(**arrays | {name: value}))
        cases.reseal(folder)
        refused(folder, "train.npz is damaged, or not of")


ENTRY = {"sha256": "0" * 64, "bytes": 1}


@pytest.mark.parametrize(
    "name",
    ["../model.npz", "/etc/passwd", "a/../../x", "model.npz/../x", "C:\\x", "..\\x", "run.sh", ""],
)
def test_a_name_that_is_no_file_of_an_artifact_is_refused(name, folder, tmp_path):
    manifest = artifacts.load(folder).manifest
    (tmp_path / "x").write_bytes(b"1")
    cases.reseal(folder, files={**manifest.files, name: ENTRY})
    refused(folder, "is no file of an artifact")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"format": 3}, "of format 3, and this version .* reads up to 2; update"),
        ({"format": 0}, "no manifest of artifacts.save"),
        ({"format": True}, "no manifest of artifacts.save"),
        ({"format": "1"}, "no manifest of artifacts.save"),
        ({"files": {}}, "does not list metrics.json"),
        ({"files": []}, "damaged entry 'files'"),
        ({"settings": None}, "damaged entry 'settings'"),
        ({"versions": {"numpy": 2}}, "damaged entry 'versions'"),
        ({"run_id": "../../x"}, "no run id of ours"),
        ({"git_commit": 7}, "damaged entry 'git_commit'"),
    ],
)
def test_a_manifest_that_says_what_none_says_is_refused(changes, why, folder):
    cases.reseal(folder, **changes)
    refused(folder, why)


@pytest.mark.parametrize("bytes_", [-1, True, "100", 1.0, None, 2**70])
def test_a_size_that_is_none_is_refused(bytes_, folder):
    files = dict(artifacts.load(folder).manifest.files)
    files["model.npz"] = {**files["model.npz"], "bytes": bytes_}
    cases.reseal(folder, files=files)
    refused(folder)


def test_a_manifest_that_somebody_edited_is_refused(folder):
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"sample"', '"ml-1m"'))
    refused(folder, "does not match its own checksum")
    manifest.write_bytes(b" " * (2**20 + 1))
    refused(folder, "larger than any manifest")


def test_what_is_no_artifact_is_refused_and_not_replaced(folder, tmp_path):
    refused(tmp_path / "nowhere", "There is no artifact")
    for call in (cases.save, artifacts.load):
        with pytest.raises(DataError, match="is in a bucket; artifacts"):
            call("s3://bucket/models")
    refused(folder / "model.npz", "There is no artifact")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.docx").write_bytes(b"three years")
    refused(foreign, "no manifest.json")
    for place, why in [
        (foreign, "holds other files and no manifest.json, so it is not replaced"),
        (foreign / "thesis.docx", "is no folder"),
    ]:
        with pytest.raises(DataError, match=why):
            cases.save(place)
    assert (foreign / "thesis.docx").read_bytes() == b"three years"
    (folder / "notes.txt").touch()
    refused(folder, "holds 'notes.txt', which its manifest does not list")


CLUTTER = (".DS_Store", "Thumbs.db", "._manifest.json", ".ipynb_checkpoints/manifest.json")


def add_clutter(folder):
    for name in CLUTTER:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"left by a file manager")


def test_files_of_file_managers_and_jupyter_are_ignored(folder, tmp_path):
    run_id = artifacts.load(folder).manifest.run_id
    add_clutter(folder)
    assert artifacts.load(folder).manifest.run_id == run_id
    (folder / ".DS_Store").unlink()
    (folder / ".DS_Store").symlink_to(tmp_path / "elsewhere")
    assert artifacts.load(folder).manifest.run_id == run_id


def test_a_folder_with_nothing_else_than_their_files_is_saved_to(folder, tmp_path):
    add_clutter(folder)
    empty = tmp_path / "empty"
    empty.mkdir()
    add_clutter(empty)
    for place in (folder, empty):
        manifest = cases.save(place)
        assert {path.name for path in place.iterdir()} == {*manifest.files, "manifest.json"}
        assert artifacts.load(place).manifest == manifest


def test_their_names_hide_no_other_file(folder):
    for name in ("DS_Store", ".DS_Store.py", "Thumbs.db.exe", "_manifest.json", ".hidden"):
        (folder / name).touch()
        refused(folder, "which its manifest does not list")
        (folder / name).unlink()
