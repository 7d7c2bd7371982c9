"""Runs in a bucket: published whole, fetched whole, rolled back, and refused when they changed."""

import hashlib
import json
import mmap
import os
import shutil
from pathlib import Path

import artifact_cases as cases
import faulty_s3
import pytest
from model_cases import MODELS, same, some_matrix

from course_cloud import artifacts
from course_utils.errors import ArtifactError, StorageError

PREFIX = "models/als"


@pytest.fixture
def published(s3, tmp_path):
    """Return an address with two runs, and their ids, oldest first."""
    address = s3.address(PREFIX)
    ids = []
    for metric in (0.25, 0.75):
        cases.save(tmp_path / "model", metric=metric, embeddings=cases.embeddings())
        ids.append(artifacts.publish(tmp_path / "model", address))
        artifacts.point(address, ids[-1])
    return address, ids


def metric_of(folder):
    return artifacts.load(folder).metrics["ndcg@10"]


def test_every_model_gives_the_same_answers_from_a_bucket(s3, tmp_path):
    address = s3.address(PREFIX)
    for name in cases.EVERY_MODEL:
        model, matrix = cases.fitted(name)
        manifest = cases.save(tmp_path / "model", model, train=cases.interactions(matrix))
        assert artifacts.publish(tmp_path / "model", address) == manifest.run_id
        fetched = artifacts.fetch(address, tmp_path / "fetched", manifest.run_id)
        assert fetched == tmp_path / "fetched" / manifest.run_id
        saved = artifacts.load(fetched)
        assert saved.manifest == manifest
        before, after = (cases.answers(one, matrix) for one in (model, saved.model))
        assert all(same(one, other) for one, other in zip(before, after, strict=True)), name
    assert len(artifacts.runs(address)) == len(cases.EVERY_MODEL)


def test_the_latest_run_is_the_one_pointed_at_and_rolling_back_takes_one_call(
    s3, published, tmp_path
):
    address, (old, new) = published
    assert artifacts.runs(address) == [new, old]
    assert metric_of(artifacts.fetch(address, tmp_path)) == 0.75
    assert metric_of(artifacts.fetch(address, tmp_path, old)) == 0.25
    artifacts.point(address + "/", old)
    assert artifacts.fetch(address, tmp_path) == tmp_path / old
    assert artifacts.runs(address) == [new, old]
    latest = s3.client.get_object(Bucket=s3.bucket, Key=f"{PREFIX}/latest.json")["Body"].read()
    assert json.loads(latest)["run_id"] == old


def test_a_good_copy_is_not_downloaded_again_and_a_damaged_one_is_replaced(
    published, tmp_path, moved
):
    from course_cloud.storage import connect

    address, (_, new) = published
    client = connect()
    sizes = moved(client)
    first = artifacts.fetch(address, tmp_path / "here", client=client)
    assert len(sizes) == 8  # the pointer and seven files
    assert artifacts.fetch(address, tmp_path / "here", client=client) == first
    assert len(sizes) == 9  # the pointer
    assert artifacts.fetch(address, tmp_path / "here", new, client=client) == first
    assert len(sizes) == 9
    (first / "model.npz").write_bytes(b"PK")
    artifacts.fetch(address, tmp_path / "here", client=client)
    assert metric_of(first) == 0.75
    assert [path.name for path in (tmp_path / "here").iterdir()] == [new]
    client.close()


def test_files_of_file_managers_are_neither_published_nor_fetched(s3, tmp_path):
    manifest = cases.save(tmp_path / "model")
    for name in (".DS_Store", "._model.npz"):
        (tmp_path / "model" / name).write_bytes(b"left by a file manager")
    address = s3.address(PREFIX)
    run = artifacts.publish(tmp_path / "model", address)
    stored = s3.client.list_objects_v2(Bucket=s3.bucket, Prefix=f"{PREFIX}/runs/{run}/")
    names = {item["Key"].rpartition("/")[2] for item in stored["Contents"]}
    assert names == {*manifest.files, "manifest.json"}
    s3.put(f"{PREFIX}/runs/{run}/.DS_Store", b"copied by hand")
    folder = artifacts.fetch(address, tmp_path / "fetched")
    assert {path.name for path in folder.iterdir()} == names
    assert artifacts.load(folder).manifest == manifest


@pytest.fixture
def hashed(monkeypatch):
    """Return the names of the files that are hashed, in order."""
    names = []
    file_digest = hashlib.file_digest

    def noted(file, algorithm):
        names.append(Path(getattr(file, "name", "in memory")).name)
        return file_digest(file, algorithm)

    monkeypatch.setattr(hashlib, "file_digest", noted)
    return names


def test_a_fetched_run_is_hashed_once(moto, tmp_path, hashed):
    manifest = cases.save(tmp_path / "model", embeddings=cases.embeddings())
    artifacts.publish(tmp_path / "model", moto.address(PREFIX))
    for _ in ("downloaded", "there already"):
        hashed.clear()
        folder = artifacts.fetch(moto.address(PREFIX), tmp_path / "fetched")
        artifacts.load(folder)
        assert sorted(hashed) == sorted(manifest.files)
    artifacts.load(folder)  # a later load trusts nothing
    assert len(hashed) == 2 * len(manifest.files)


def keep_time(path, change):
    before = path.stat()
    change(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def flip_in_place(path):
    with open(path, "r+b") as file:
        file.seek(60)
        byte = file.read(1)[0]
        file.seek(60)
        file.write(bytes([byte ^ 1]))


def replace_file(path):
    content = changed_byte(path.read_bytes())
    path.unlink()
    path.write_bytes(content)


def flip_in_memory_map(path):
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[60] ^= 1


@pytest.mark.parametrize("change", [flip_in_place, replace_file, flip_in_memory_map])
@pytest.mark.parametrize("name", ["model.npz", "movies.parquet"])
def test_a_file_that_changes_after_it_was_fetched_is_refused(moto, tmp_path, name, change):
    """Also when size and time of writing stay the same, and at once."""
    cases.save(tmp_path / "model")
    artifacts.publish(tmp_path / "model", moto.address(PREFIX))
    for n in range(10):
        folder = artifacts.fetch(moto.address(PREFIX), tmp_path / f"fetched-{n}")
        keep_time(folder / name, change)
        with pytest.raises(ArtifactError, match="does not match the checksum"):
            artifacts.load(folder)
    assert artifacts.fetch(moto.address(PREFIX), folder.parent) == folder  # replaced
    assert artifacts.load(folder).manifest.run_id == folder.name


def changed_byte(data):
    return data[:50] + bytes([data[50] ^ 1]) + data[51:]


def test_a_run_that_changed_in_the_bucket_is_refused(moto, tmp_path):
    address, fetched = moto.address(PREFIX), tmp_path / "fetched"
    cases.save(tmp_path / "model")
    other = artifacts.publish(tmp_path / "model", address)
    model = MODELS["ItemKNN"]().fit(some_matrix())
    cases.save(tmp_path / "model", model, movies=cases.movies().assign(genres="War"))
    run = artifacts.publish(tmp_path / "model", address)
    artifacts.point(address, run)
    for name in ("manifest.json", "model.npz", "movies.parquet"):
        key, theirs = (f"{PREFIX}/runs/{one}/{name}" for one in (run, other))
        data, other_data = (
            moto.client.get_object(Bucket=moto.bucket, Key=place)["Body"].read()
            for place in (key, theirs)
        )
        for changed in (changed_byte(data), data[:-2], other_data, None):
            if changed is None:
                moto.client.delete_object(Bucket=moto.bucket, Key=key)
            else:
                moto.put(key, changed)
            for asked in ("latest", run):
                with pytest.raises((ArtifactError, StorageError)) as failed:
                    artifacts.fetch(address, fetched, asked)
                assert "\n" not in str(failed.value)
                assert not (fetched / run).exists()
        moto.put(key, data)
    assert artifacts.fetch(address, fetched, other).name == other
    assert artifacts.fetch(address, fetched).name == run


def test_a_manifest_that_a_stranger_made_right_again_is_refused_as_the_latest(moto, tmp_path):
    cases.save(tmp_path / "model")
    run = artifacts.publish(tmp_path / "model", moto.address(PREFIX))
    (tmp_path / "model" / "metrics.json").write_text('{"kind": "NoneType"}\n')
    cases.reseal(tmp_path / "model")
    for name in ("metrics.json", "manifest.json"):
        content = (tmp_path / "model" / name).read_bytes()
        moto.put(f"{PREFIX}/runs/{run}/{name}", content)
    with pytest.raises(ArtifactError, match=r"is not the one that latest\.json was made for"):
        artifacts.fetch(moto.address(PREFIX), tmp_path / "fetched")


def test_what_else_lies_in_the_bucket_is_refused_or_passed_over(moto, tmp_path):
    cases.save(tmp_path / "model")
    address = moto.address(PREFIX)
    with pytest.raises(StorageError, match=r"latest\.json: there is no such key"):
        artifacts.fetch(address, tmp_path)
    run = artifacts.publish(tmp_path / "model", address)
    moto.put(f"{PREFIX}/runs/notes/manifest.json", b"{}")
    moto.put(f"{PREFIX}/runs/20200101T000000000000-00000000/model.npz", b"no manifest")
    moto.put(f"{PREFIX}/runs/20200101T000000000000-00000001/manifest.json", b"no model")
    assert artifacts.runs(address) == [run]
    moto.put(f"{PREFIX}/runs/{run}/../../x", b"out")
    with pytest.raises(ArtifactError, match=r"x is not what the manifest says, 3 bytes for none"):
        artifacts.fetch(address, tmp_path / "fetched")
    for strange in ("../../x", "", "latest ", None):
        with pytest.raises(ArtifactError, match="is no run id"):
            artifacts.point(address, strange)
    with pytest.raises(StorageError, match="there is no such key"):
        artifacts.point(address, "20200101T000000000000-00000000")
    for strange in (b"{}", b"[]", b'{"run_id": "../x", "manifest_sha256": ""}', b"\x80"):
        moto.put(f"{PREFIX}/latest.json", strange)
        with pytest.raises(ArtifactError):
            artifacts.fetch(address, tmp_path / "fetched")
    moto.put(f"{PREFIX}/latest.json", b" " * (2**20 + 1))
    with pytest.raises(ArtifactError, match=r"damaged, or not of artifacts\.point; call that"):
        artifacts.fetch(address, tmp_path / "fetched")


def test_an_upload_that_fails_leaves_the_pointer_and_goes_on_later(faulty, moto, tmp_path):
    address = moto.address(PREFIX)
    cases.save(tmp_path / "model", metric=0.25)
    old = artifacts.publish(tmp_path / "model", address)
    cases.save(tmp_path / "model", metric=0.75)
    refuses = faulty_s3.Fault(of="movies.parquet", status=403, code="AccessDenied")
    proxy = faulty(refuses)
    with pytest.raises(StorageError, match=r"movies\.parquet"):
        artifacts.publish(tmp_path / "model", address)
    assert not [line for line in proxy.asked if "PUT" in line and "manifest.json" in line]
    proxy.faults.clear()
    assert artifacts.runs(address) == [old]
    assert metric_of(artifacts.fetch(address, tmp_path / "fetched")) == 0.25
    proxy.asked.clear()
    new = artifacts.publish(tmp_path / "model", address)
    sent = [Path(line.split()[1]).name for line in proxy.asked if line.startswith("PUT")]
    assert sent == ["movies.parquet", "manifest.json"]
    assert artifacts.runs(address) == [new, old]
    artifacts.point(address, new)
    assert metric_of(artifacts.fetch(address, tmp_path / "fetched")) == 0.75


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (faulty_s3.Fault(of="movies.parquet", status=403, code="AccessDenied"), "access denied"),
        (faulty_s3.Fault(of="model.npz", cut=100), "broke off in the middle"),
        (faulty_s3.Fault(of="model.npz", hangs_up=True), "hung up without an answer"),
    ],
)
def test_a_download_that_fails_says_why_and_leaves_nothing(faulty, moto, tmp_path, fault, why):
    cases.save(tmp_path / "model")
    address, run = moto.address(PREFIX), artifacts.publish(tmp_path / "model", moto.address(PREFIX))
    proxy = faulty(fault)
    with pytest.raises(StorageError, match=why) as failed:
        artifacts.fetch(address, tmp_path / "fetched", run)
    assert "\n" not in str(failed.value)
    assert not any((tmp_path / "fetched").glob("*"))
    proxy.faults.clear()
    assert metric_of(artifacts.fetch(address, tmp_path / "fetched")) == 0.25


def test_a_damaged_folder_is_not_published(moto, tmp_path):
    cases.save(tmp_path / "model")
    (tmp_path / "model" / "train.npz").write_bytes(b"PK")
    with pytest.raises(ArtifactError, match=r"train\.npz has 2 bytes"):
        artifacts.publish(tmp_path / "model", moto.address(PREFIX))
    shutil.rmtree(tmp_path / "model")
    with pytest.raises(ArtifactError, match="There is no artifact"):
        artifacts.publish(tmp_path / "model", moto.address(PREFIX))
    assert artifacts.runs(moto.address(PREFIX)) == []
