"""From the text of a film to an embedding, and from a query to films.

:func:`movie_texts` writes title and genres as one line, :func:`encode_texts` encodes lines as
vectors with any encoder, and :func:`search` finds films by meaning. `Embeddings` are vectors with
their movie ids, which :func:`save_embeddings` and :func:`load_embeddings` write and read.
"""

from course_utils.text.embeddings import Embeddings, load_embeddings, save_embeddings, search
from course_utils.text.encoding import TextEncoder, TfidfEncoder, encode_texts
from course_utils.text.titles import movie_texts, restore_articles

__all__ = [
    "Embeddings",
    "TextEncoder",
    "TfidfEncoder",
    "encode_texts",
    "load_embeddings",
    "movie_texts",
    "restore_articles",
    "save_embeddings",
    "search",
]
