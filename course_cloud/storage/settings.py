"""AWS's settings, looked up and checked before botocore uses, ignores or misreads them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from course_utils.errors import StorageError

FILES = {"AWS_CONFIG_FILE": "~/.aws/config", "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials"}
# The variables of a setting, first the one that counts; an empty one is as good as none. The
# variable of any other setting is AWS_ and its name.
VARIABLES = {
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "endpoint_url": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
}
HOST = r"(\[[\da-f:.]+\]|[\w-][\w.-]*)(:\d{1,4}|:[1-5]\d{4}|:6[0-5]\d{3})?(/[^\s?#]*)?"
SWITCH = "(true|false|)", "true or false"
# What a setting may be, in letters of any case, and how to write it.
SHAPES = {
    "region": (r"(?!\d+$)[a-z\d]([a-z\d-]{,61}[a-z\d])?", "a name such as eu-central-1"),
    "endpoint_url": (rf"https?://{HOST}", "http://host:port or https://host"),
    "use_fips_endpoint": SWITCH,
    "use_dualstack_endpoint": SWITCH,
    "retry_mode": ("legacy|standard|adaptive", "legacy, standard or adaptive"),
    "max_attempts": (r"[1-9]\d*", "a whole number"),
}
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
WHOLE = r"[!#-&(-~]([ -~]*[!#-&(-~])?"  # ASCII, and no blank or quote at an end


def files() -> list[Path]:
    """Return the paths of the files of profiles and of credentials."""
    named = (os.environ.get(name, default) for name, default in FILES.items())
    return [Path(os.path.expanduser(os.path.expandvars(name))) for name in named]


def lookup(profile: Mapping[str, Any], name: str) -> tuple[str, Any]:
    """Return where a setting stands, and its value; None when it stands nowhere."""
    for variable in VARIABLES.get(name, (f"AWS_{name.upper()}",)):
        value = os.environ.get(variable)
        if value or (value is not None and name not in VARIABLES):
            return variable, value
    return f"{name} of the profile", profile.get(name) or None


def need_valid(core: Any, **given: str | None) -> None:
    """Raise a `StorageError` for a wrong setting of a botocore session, `given` ones first."""
    for path in files():  # botocore skips one that it cannot read as if it were not there
        if (path != Path() and path.is_dir()) or (path.is_file() and not os.access(path, os.R_OK)):
            raise StorageError(
                f"{path} is a folder or may not be read; make it a file that you may read, or let "
                f"{' and '.join(FILES)} name others."
            )
    profile = core.get_scoped_config()
    for name, (shape, how) in SHAPES.items():
        where, value = (name, given[name]) if given.get(name) else lookup(profile, name)
        if value is not None and not re.fullmatch(shape, str(value), re.IGNORECASE):
            shown = str(value).rpartition("@")[2]  # without a password
            raise StorageError(f"{where} is {shown!r}; write {where} as {how}.")
    where, bundle = lookup(profile, "ca_bundle")
    if bundle is None:
        where, bundle = "REQUESTS_CA_BUNDLE", os.environ.get("REQUESTS_CA_BUNDLE")
    if bundle is not None and not os.path.isfile(bundle):
        raise StorageError(f"{where} is {bundle!r}; write {where} as the path of a .pem file.")


def need_whole(credentials: Any) -> None:
    """Raise a `StorageError` for credentials that were not copied exactly."""
    for variable, name in zip(CREDENTIALS, ("access_key", "secret_key", "token"), strict=True):
        if name not in vars(credentials):
            return  # those that expire are fetched with the first request
        value = getattr(credentials, name)
        text = value if isinstance(value, str) else ""  # an indented line makes a dict of it
        if (value or name != "token") and not re.fullmatch(WHOLE, text):
            raise StorageError(
                f"{variable} ({credentials.method}) is empty, or holds a quote, a blank or a sign "
                "that does not belong to it; copy it again."
            )


def named_in(said: str) -> str:
    """Return the variables that a message of botocore means, or else where all settings are."""
    text = re.sub(r"\W+", "_", said.lower())
    ours = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    names = [name for name in ours if name[4:].lower() in text]
    names = names or [name for name, value in ours.items() if repr(value) in said]
    return " and ".join(names) or f"the AWS_ variables and {files()[0]}"
