"""Words of the glossary become links where a page first uses them, and nowhere else."""

import re
from fnmatch import fnmatch

import glossary_links
import pytest
from docutils import nodes
from docutils.core import publish_doctree

TERMS = ("ALS", "bias", "density", "EASE", "Gram matrix", "half-step", "key", "popularity bias",
         "positives", "recall@k", "cut-off k", "user–item matrix", "NDCG@k", "hit rate@k",
         "release")  # fmt: skip


def linked(text, terms=TERMS, not_in=()):
    """Return the pairs (term, words that stand for it) of a page of reStructuredText."""
    page = publish_doctree(text, settings_overrides={"report_level": 5})
    before = page.astext()
    found = []

    def link(term, shown):
        found.append((term, shown))
        return nodes.reference("", shown, refuri="#" + term)

    glossary_links.link_page(page, glossary_links.Words(terms, not_in), {*terms}, link)
    assert page.astext() == before
    assert [node.astext() for node in page.findall(nodes.reference) if "#" in node["refuri"]] == [
        shown for _, shown in found
    ]
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Keys and a key.", [("key", "Keys")]),
        ("Densities differ.", [("density", "Densities")]),
        ("Two Gram matrices.", [("Gram matrix", "Gram matrices")]),
        ("All positives, but a positive answer.", [("positives", "positives")]),
        ("Biases, popularity bias.", [("bias", "Biases"), ("popularity bias", "popularity bias")]),
        ("A popularity bias.", [("popularity bias", "popularity bias")]),
        ("The cut-off is 10.", [("cut-off k", "cut-off")]),
        (r"Recall\@10, recall\@5.", [("recall@k", "Recall@10")]),
        ("It is hard to recall, or to recall\\@home.", []),
        ("The hit rate.", [("hit rate@k", "hit rate")]),
        ("NDCG is not ndcg@10.", [("NDCG@k", "NDCG")]),
        ("With ease, EASE.", [("EASE", "EASE")]),
        ("A user-item matrix.", [("user–item matrix", "user-item matrix")]),
        ("Monkeys, keyword, key-value, low-key, e@key, key_2.", []),
        ("*A half-step*, **ALS**.", [("half-step", "half-step"), ("ALS", "ALS")]),
    ],
)  # fmt: skip
def test_a_word_is_found_whole_in_its_forms_and_once(text, found):
    assert linked(text) == found


def test_nothing_is_linked_but_prose():
    page = """
EASE and bias
=============

``ALS`` and `ALS <https://example.org>`_ and :math:`ALS`, see::

    ALS

.. note:: Only here: ALS.

.. admonition:: The key

   Here is a key.

.. list-table::

   * - density
"""
    found = linked(page)
    assert found == [("ALS", "ALS"), ("key", "key")]


def test_of_two_words_that_begin_alike_the_longer_one_is_meant():
    assert linked("A bias term.", ("bias", "bias term")) == [("bias term", "bias term")]


def test_the_output_of_a_cell_is_not_prose():
    page = publish_doctree("Before.")
    page += nodes.container("", nodes.paragraph("", "ALS"), classes=["cell"])
    assert "ALS" not in [text.astext() for text in glossary_links.prose(page)]


def test_a_phrase_can_be_left_out():
    text = "When you have release dates, and the release."
    assert linked(text, not_in=("release dates?",)) == [("release", "release")]
    page = publish_doctree(text)
    glossary_links.link_page(
        page,
        glossary_links.Words(TERMS, ("release dates?",)),
        {*TERMS},
        lambda term, shown: nodes.reference("", f"<{shown}>"),
    )
    assert page.astext() == "When you have release dates, and the <release>."


@pytest.fixture(scope="module")
def terms(repository_root):
    glossary = (repository_root / "book/glossary.md").read_text(encoding="utf-8")
    return re.findall(r"(?m)^(\S.*)\n  \S", glossary)


def test_every_exception_is_of_a_word_and_a_page_that_exist(repository_root, terms):
    pages = [
        path.relative_to(repository_root).with_suffix("").as_posix()
        for path in (repository_root / "notebooks").rglob("*.ipynb")
    ]
    assert {*glossary_links.ONLY_ON} <= {*terms}
    for patterns in glossary_links.ONLY_ON.values():
        assert all(any(fnmatch(page, pattern) for page in pages) for pattern in patterns)


def test_every_phrase_that_is_left_out_is_written_somewhere(repository_root):
    prose = "".join(path.read_text() for path in (repository_root / "notebooks").rglob("*.py"))
    assert glossary_links.NOT_IN
    assert all(re.search(phrase, prose) for phrase in glossary_links.NOT_IN)


def test_every_word_of_the_glossary_finds_itself(terms):
    for term in terms:
        text = term.replace("@k", "@10")
        assert [found for _, _, found in glossary_links.Words(terms).first(text, {term})] == [term]
