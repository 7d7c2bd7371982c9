"""The page of messages: what it quotes of ours is what the code says today."""

import ast
import re

import pytest

PAGE = "book/troubleshooting.md"
GAP = "\0"  # what a message fills in


def quoted(root):
    """Return the messages of ours that the page explains: code at the start of an entry."""
    ours, heading, _ = (root / PAGE).read_text(encoding="utf-8").partition("## From other programs")
    assert heading
    return re.findall(r"(?m)^`([^`\n]+)`\n: ", ours)


def texts(node):
    """Yield the texts of a syntax tree, with a gap where an f-string fills something in."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value
        if isinstance(inner, ast.JoinedStr):
            parts = (p.value if isinstance(p, ast.Constant) else GAP for p in inner.values)
            yield "".join(map(str, parts))


@pytest.fixture(scope="module")
def said(repository_root):
    """Return every text in the code of the package and the tools, one after the other."""
    paths = [
        p
        for f in ("course_utils", "course_cloud", "course_labs", "tools")
        for p in (repository_root / f).rglob("*.py")
    ]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    return "\n".join(text.replace("\n", " ") for tree in trees for text in texts(tree))


def is_said(message, said):
    """Tell whether one text holds the fixed words of a message, in their order."""
    pieces = [re.escape(piece.strip()) for piece in message.split("…") if piece.strip(" .,:;()")]
    return bool(re.search(".*?".join(pieces), said))


def test_what_the_page_quotes_is_what_the_code_says(repository_root, said):
    messages = quoted(repository_root)
    assert len(messages) > 40
    assert [m for m in messages if not is_said(m, said)] == []


def test_a_quotation_has_words_enough_to_be_found(repository_root):
    vague = [m for m in quoted(repository_root) if len(m.replace("…", " ").split()) < 3]
    assert vague == []
    assert len(set(quoted(repository_root))) == len(quoted(repository_root))


def test_a_message_that_changed_is_noticed(said):
    assert is_said("There is no release called …; choose one of …", said)
    assert not is_said("There is no release named …; choose one of …", said)
    assert not is_said("choose one of …; There is no release called", said)
