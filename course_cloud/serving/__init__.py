"""A service for a saved model: recommendations, similar films and search over HTTP.

>>> from course_cloud.serving import create_app                         # doctest: +SKIP
>>> app = create_app("s3://movielens-class/models")                     # doctest: +SKIP

``python -m course_cloud.serving ADDRESS`` runs it on 127.0.0.1, with a page to try it at ``/``,
and limits headers and slow clients, which other servers of the app do not. It needs ``pip install
'course-utils[serve]'``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from course_utils.errors import ModelError

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["create_app"]


def create_app(
    address: str | Path, canary: str | None = None, share: float = 0.1, shadow: bool = False
) -> FastAPI:
    """Return an app that serves one artifact, with its description at ``/openapi.json``.

    Parameters
    ----------
    address
        The folder of an artifact, or ``s3://bucket/prefix`` for its latest run.
    canary, share, shadow
        A run id below the address, which answers a share of the users, or as a shadow only
        computes answers that are compared with those sent. None begins without a trial. A slow
        candidate delays every user, so begin with a shadow and watch ``course_arm_seconds``.

    Raises
    ------
    ModelError
        When FastAPI or another part of the extra ``serve`` is not installed.
    DataError, StorageError
        When there is no artifact, it is damaged, or it cannot be fetched.
    """
    try:
        import fastapi  # noqa: F401 - fail here, with one sentence
        import prometheus_client  # noqa: F401
    except ImportError as error:
        raise ModelError(
            f"{error.name} is not installed, and the service needs it: pip install "
            "'course-utils[serve]'."
        ) from None
    from course_cloud.serving.app import app_of
    from course_cloud.serving.engine import Current

    current = Current(address)
    if canary is not None:
        current.start(canary, share, shadow)
    return app_of(current)
