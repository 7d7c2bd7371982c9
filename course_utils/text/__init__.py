"""From a film's words to a vector, and from vectors to films.

:func:`movie_texts` writes title and genres as one line, :func:`encode_texts` turns lines into
vectors with any encoder, and :func:`search` finds films by meaning. `Embeddings` are vectors that
know whose they are, and :func:`save_embeddings` and :func:`load_embeddings` keep them in a file.
"""

from course_utils.text.embeddings import Embeddings
from course_utils.text.encoding import TextEncoder, encode_texts
from course_utils.text.files import load_embeddings, save_embeddings
from course_utils.text.searching import search
from course_utils.text.tfidf import TfidfEncoder
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
