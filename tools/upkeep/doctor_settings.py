"""What the doctor asks of environment variables: data, AWS, proxies. No secret is repeated."""

from __future__ import annotations

import configparser
import os
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tools.upkeep.doctor_machine import Finding

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
LOCAL = ("127.0.0.1", "localhost", "::1")


def dataset(environment: Mapping[str, str], probe: Mapping[str, Any]) -> Finding:
    """Check that the release and the folder are there that the environment names."""
    folder = environment.get("COURSE_DATA_DIR", "")
    name = environment.get("COURSE_DATASET", "") or "sample"
    if probe.get("dataset"):
        return Finding("problem", "data", f"COURSE_DATASET: {probe['dataset']}")
    if folder and not Path(folder).is_dir():
        says = "COURSE_DATA_DIR is no folder; give its full path, or unset it"
        return Finding("problem", "data", says)
    if name == "sample":
        return Finding("ok", "data", "the sample, which comes with the course")
    if folder and any((Path(folder) / found).exists() for found in (name, f"{name}.zip")):
        return Finding("ok", "data", f"{name}, from COURSE_DATA_DIR")
    where = "is not in COURSE_DATA_DIR" if folder else "is in no folder of yours"
    return Finding("note", "data", f"{name} {where}: it comes from the cache or the network")


def bucket(environment: Mapping[str, str], probe: Mapping[str, Any]) -> Finding:
    """Check that the bucket that the environment names can be one."""
    if probe.get("bucket"):
        return Finding("problem", "bucket", str(probe["bucket"]))
    named = environment.get("COURSE_BUCKET", "").strip()
    return Finding("ok", "bucket", f"COURSE_BUCKET is {named}" if named else "no COURSE_BUCKET")


def aws(environment: Mapping[str, str]) -> Finding:
    """Check that credentials in the environment are whole, and that its profile is there."""
    given = {name: environment[name] for name in KEYS if name in environment}
    for name, value in given.items():
        if not value.strip():
            return _wrong(f"{name} is set and empty; unset it")
        if value != value.strip().strip("'\""):
            return _wrong(f"{name} has blanks or quotes around it; set it without them")
    pair = [name for name in KEYS[:2] if name in given]
    if len(pair) == 1:
        other = next(name for name in KEYS[:2] if name not in given)
        return _wrong(f"{pair[0]} is set and {other} is not; set both or neither")
    if not pair and given:
        return _wrong("AWS_SESSION_TOKEN is set without a key; unset it, and sign in again")
    if given.get(KEYS[0], "").startswith("ASIA") and KEYS[2] not in given:
        return _wrong("a temporary key is set without AWS_SESSION_TOKEN; set all three")
    profile = environment.get("AWS_PROFILE", "")
    if profile and not pair and profile not in _profiles(environment):
        return _wrong("AWS_PROFILE names a profile that ~/.aws does not have; aws configure sso")
    if pair:
        return Finding("ok", "AWS", "a key in the environment")
    if profile:
        return Finding("ok", "AWS", "the profile that AWS_PROFILE names")
    return Finding("ok", "AWS", "nothing set: without a profile, lesson 01 practices locally")


def _wrong(says: str) -> Finding:
    return Finding("problem", "AWS", says)


def _profiles(environment: Mapping[str, str]) -> list[str]:
    """Return the names of the profiles in the files where AWS' own tools look for them."""
    home = Path(environment.get("HOME", "~")).expanduser() / ".aws"
    names: list[str] = []
    for variable, file in (
        ("AWS_CONFIG_FILE", home / "config"),
        ("AWS_SHARED_CREDENTIALS_FILE", home / "credentials"),
    ):
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read(Path(environment.get(variable, "") or file).expanduser())
        except (OSError, UnicodeDecodeError, configparser.Error):
            continue  # AWS' tools say in which line it is wrong
        names += [section.split(" ", 1)[-1].strip() for section in parser.sections()]
    return names


def endpoint(environment: Mapping[str, str]) -> Finding:
    """Check the address of the server in place of AWS, and that it answers if it is here."""
    address = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL") or ""
    if not address:
        return Finding("ok", "S3 server", "AWS, or a local one: no AWS_ENDPOINT_URL")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or {"https": 443}.get(parts.scheme, 80)
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https"):
        says = "AWS_ENDPOINT_URL is no address; write it as http://127.0.0.1:9000, or unset it"
        return Finding("problem", "S3 server", says)
    if host not in LOCAL:
        return Finding("ok", "S3 server", f"{host}, which was not asked")
    try:
        with socket.create_connection((host, port), timeout=5):
            return Finding("ok", "S3 server", f"{host}:{port} answers")
    except OSError:
        says = f"nobody answers at {host}:{port}; start that server, or unset AWS_ENDPOINT_URL"
        return Finding("problem", "S3 server", says)


def proxy(environment: Mapping[str, str]) -> Finding:
    """Check that proxies are written as addresses, and in one way."""
    named = [name for name in PROXIES if _either(environment, name)]
    if not named:
        return Finding("ok", "proxy", "none")
    for name in named:
        both = {environment.get(name, ""), environment.get(name.lower(), "")} - {""}
        if len(both) > 1:
            says = f"{name} and {name.lower()} differ; set both alike"
            return Finding("problem", "proxy", says)
        if not _is_address(both.pop()):
            says = f"{name} is no address; write it as http://host:port, or unset it"
            return Finding("problem", "proxy", says)
    direct = _either(environment, "NO_PROXY").replace(" ", "").split(",")
    if "*" not in direct and not set(direct) & set(LOCAL):
        says = f"{named[0]} is set; so that this machine is left out, NO_PROXY=127.0.0.1,localhost"
        return Finding("note", "proxy", says)
    return Finding("ok", "proxy", f"{', '.join(named)}, and none for this machine")


def _either(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name.lower(), "") or environment.get(name, "")


def _is_address(text: str) -> bool:
    try:
        return bool(urlsplit(text).scheme and urlsplit(text).hostname)
    except ValueError:
        return False


def cache(environment: Mapping[str, str]) -> Finding:
    """Check that the user's cache, for releases and embeddings, can be written to."""
    home = Path(environment.get("HOME", "~")).expanduser()
    place = Path(environment.get("XDG_CACHE_HOME", "") or home / ".cache")
    there = next((folder for folder in (place, *place.parents) if folder.exists()), place)
    try:
        with tempfile.TemporaryFile(dir=str(there)):
            return Finding("ok", "cache", "the user's cache can be written to")
    except OSError as error:
        says = f"cannot be written to ({os.strerror(error.errno or 0)}): nothing is kept there;"
        return Finding("note", "cache", f"{says} set XDG_CACHE_HOME to a folder of yours")
