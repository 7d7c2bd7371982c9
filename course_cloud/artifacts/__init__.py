"""A fitted model and all that a service needs beside it, in a folder or a bucket.

>>> from course_cloud import artifacts                                  # doctest: +SKIP
>>> artifacts.save("als", model=model, train=train, movies=ml.movies)   # doctest: +SKIP
>>> saved = artifacts.load("als")                                       # doctest: +SKIP
>>> saved.model.recommend(0, saved.train.matrix[0])                     # doctest: +SKIP

A folder holds arrays (``.npz``), a table (``.parquet``), embeddings (``.safetensors``) and JSON,
and never a pickle: reading a file runs nothing that is in it. ``manifest.json`` lists every file
with its size and SHA-256, and `load` refuses a folder that is not exactly so. The checksums find
damage. They are no signature: who may write to the folder or the bucket may write a manifest too.

| file | what is in it |
| --- | --- |
| ``manifest.json`` | the run id, when and by which versions it was made, sizes and checksums |
| ``model.json``, ``model.npz`` | the arguments of the model, and the arrays that it learned |
| ``train.npz`` | the matrix it was fitted on, the ids of its rows and columns |
| ``movies.parquet`` | the films |
| ``metrics.json`` | what the model was measured to be worth |
| ``embeddings.safetensors`` | vectors of the films, where there are some |

In a bucket, ``prefix/runs/<run id>/`` holds such a folder, and ``prefix/latest.json`` names one.
"""

from course_cloud.artifacts.loading import Artifact, load
from course_cloud.artifacts.manifest import Manifest
from course_cloud.artifacts.runs import fetch, point, publish, runs
from course_cloud.artifacts.saving import save

__all__ = [
    "Artifact",
    "Manifest",
    "fetch",
    "load",
    "point",
    "publish",
    "runs",
    "save",
]
