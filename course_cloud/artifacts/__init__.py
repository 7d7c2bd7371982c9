"""Artifacts: a fitted model and all that a service needs beside it, in a folder or a bucket.

>>> from course_cloud import artifacts                                  # doctest: +SKIP
>>> artifacts.save("als", model=model, train=train, movies=ml.movies)   # doctest: +SKIP
>>> saved = artifacts.load("als")                                       # doctest: +SKIP
>>> saved.model.recommend(0, saved.train.matrix[0])                     # doctest: +SKIP

A folder holds arrays (``.npz``), a table (``.parquet``), embeddings (``.safetensors``) and JSON.
It holds no pickles, so loading it runs no code from it. ``manifest.json`` lists the size and the
SHA-256 of every file, and `load` refuses a folder that differs. The checksums detect damage. They
are not a signature: whoever can write to the folder or the bucket can also write a manifest.

| file | content |
| --- | --- |
| ``manifest.json`` | run id, time, versions, sizes and checksums |
| ``model.json``, ``model.npz`` | arguments of the model, and the arrays it learned |
| ``train.npz`` | the matrix it was fitted on, and the ids of its rows and columns |
| ``movies.parquet`` | the films |
| ``metrics.json`` | metrics of the model |
| ``embeddings.safetensors`` | embeddings of the films, where there are some |
| ``validation.npz`` | recall@10 of each user on the validation set, where it was measured |

In a bucket, ``prefix/runs/<run id>/`` holds such a folder, and ``prefix/latest.json`` names one.
`publish` brings a run there, `promote` makes it the latest if it is better on validation than the
latest is, and `point` makes any run the latest.
"""

from course_cloud.artifacts.artifact import Artifact, load, save
from course_cloud.artifacts.manifest import Manifest
from course_cloud.artifacts.runs import fetch, point, promote, publish, runs

__all__ = [
    "Artifact", "Manifest", "fetch", "load", "point", "promote", "publish", "runs", "save",
]  # fmt: skip
