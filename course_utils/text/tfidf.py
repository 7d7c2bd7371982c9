"""An encoder that needs no neural network: which words a text has, in few dimensions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from course_utils.errors import DataError
from course_utils.validation import need_positive, need_texts


class TfidfEncoder:
    """TF-IDF and a truncated SVD, also called latent semantic analysis.

    A text becomes the counts of its words, rare words weighing more, and then the coordinates of
    these counts along the directions in which the texts it learned from differ most. Words that
    often stand together end up close to each other; words it never saw count for nothing.

    Parameters
    ----------
    dimensions
        Of the vectors; fewer where the texts hold fewer words, or there are fewer texts.
    seed
        Of the randomized SVD.

    Attributes
    ----------
    vectorizer, svd
        The fitted parts, of scikit-learn.
    """

    def __init__(self, dimensions: int = 128, seed: int = 42) -> None:
        self.dimensions = need_positive(dimensions, "dimensions")
        self.seed = seed
        self.vectorizer: Any = None
        self.svd: Any = None

    def fit(self, texts: Iterable[object]) -> Self:
        """Learn words and directions from `texts`, and return itself.

        Raises
        ------
        DataError
            When there is no text, one is empty or no string, or all of them together hold fewer
            than two different words.
        """
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        listed = need_texts(texts)
        # words of one letter or digit too: "Alien 3" is not "Alien"
        vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
        try:
            weights = vectorizer.fit_transform(listed)
        except ValueError:  # no word at all
            weights = np.empty((len(listed), 0))
        if weights.shape[1] < 2:
            raise DataError(
                f"The {len(listed):,} texts hold fewer than two different words, so there is "
                "nothing to learn; give more texts."
            )
        svd = TruncatedSVD(min(self.dimensions, *weights.shape), random_state=self.seed)
        with np.errstate(invalid="ignore"):  # its share of the variance, where there is none
            svd.fit(weights)
        self.vectorizer, self.svd = vectorizer, svd
        return self

    def encode(self, texts: Iterable[object]) -> npt.NDArray[np.float32]:
        """Return a vector for each text, float32 of shape (n_texts, d); not normalized.

        A text without a word that it knows gets zeros.

        Raises
        ------
        DataError
            When it is not fitted, there is no text, or one is empty or no string.
        """
        if self.svd is None:
            raise DataError("The TfidfEncoder is not fitted; call fit(texts) first.")
        weights = self.vectorizer.transform(need_texts(texts))
        vectors: npt.NDArray[np.float32] = self.svd.transform(weights).astype(np.float32)
        return vectors
