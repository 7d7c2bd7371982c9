"""Metrics as JSON, to the last bit: a Series of one model, or a table of several."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from course_cloud.artifacts.manifest import as_json
from course_utils.errors import ArtifactError, DataError

Metrics = pd.Series | pd.DataFrame


def metrics_to_json(metrics: Metrics | None) -> bytes:
    """Return the content of ``metrics.json``.

    Raises
    ------
    DataError
        When it is neither a Series nor a DataFrame, or holds something else than finite numbers,
        NaN, truths and texts.
    """
    if not isinstance(metrics, Metrics | None):
        raise DataError(
            f"The metrics must be a Series or a DataFrame, and are a {type(metrics).__name__}; "
            "give result.summary."
        )
    said: dict[str, Any] = {"kind": type(metrics).__name__}
    if metrics is not None:
        table = [metrics] if isinstance(metrics, pd.Series) else [c for _, c in metrics.items()]
        said["index"] = {"name": metrics.index.name, "values": metrics.index.tolist()}
        said["columns"] = [_column(column) for column in table]
    try:
        if metrics is not None and any(isinstance(label, tuple) for label in metrics.index):
            raise TypeError  # JSON would make a list of it
        return (json.dumps(said, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
    except (TypeError, ValueError):
        raise DataError(
            "The metrics hold something else than numbers and texts, or infinity; leave it out, "
            "and give rows and columns plain names."
        ) from None


def metrics_from_json(content: bytes, place: object) -> Metrics | None:
    """Return what :func:`metrics_to_json` wrote, or raise an ArtifactError."""
    said = as_json(content, place)
    try:
        if said["kind"] == "NoneType":
            return None
        index = pd.Index(said["index"]["values"], name=said["index"]["name"])
        columns: list[pd.Series] = [
            pd.Series(column["values"], index=index, name=column["name"], dtype=column["dtype"])
            for column in said["columns"]
        ]
        if said["kind"] == "Series":
            (series,) = columns
            return series
        names = [column.name for column in columns]
        table = pd.DataFrame(dict(enumerate(columns)), index=index)
        table.columns = pd.Index(names)
        return table
    except (KeyError, TypeError, ValueError):
        raise ArtifactError(f"{place} holds no metrics of ours; save the model again.") from None


def _column(column: pd.Series) -> dict[str, Any]:
    """Return name, type and values of a column; NaN as null, which is then a number's."""
    numbers = column.dtype.kind in "iufb"
    values = [None if isinstance(v, float) and np.isnan(v) else v for v in column.tolist()]
    return {"name": column.name, "dtype": str(column.dtype) if numbers else None, "values": values}
