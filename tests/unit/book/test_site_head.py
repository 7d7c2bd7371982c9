"""What a page tells other programs, and the page for those that are missing."""

import html
import re
from types import SimpleNamespace

import not_found
import pytest
import site_head
from docutils.core import publish_doctree


@pytest.mark.parametrize(
    ("repository", "address"),
    [
        ("https://github.com/Ada/course", "https://ada.github.io/course/"),
        ("https://github.com/ada/course.git/", "https://ada.github.io/course/"),
        ("https://github.com/ada/Ada.github.io", "https://ada.github.io/"),
        ("https://gitlab.com/ada/course", ""),
        ("https://github.com/ada", ""),
        ("", ""),
    ],
)
def test_the_address_follows_from_the_repository(repository, address):
    assert site_head.pages_address(repository) == address


def config(**settings):
    about = {"html_baseurl": "", "html_title": 'A "course"', "project": "", "root_doc": "welcome"}
    return SimpleNamespace(**{**about, **settings})


def test_an_address_that_is_given_is_kept():
    known = config(html_theme_options={"repository_url": "https://github.com/ada/course"})
    site_head.set_address(None, known)
    assert known.html_baseurl == "https://ada.github.io/course/"
    known.html_baseurl = "https://x.org/"
    site_head.set_address(None, known)
    assert known.html_baseurl == "https://x.org/"


def test_the_logo_says_any_title_without_breaking_its_quotes():
    """The theme writes it as an attribute, and again in a template literal of a script."""
    title = 'A "course" for <5 & `6` ${x} \\'
    known = config(html_theme_options={"logo": {"link": "a"}}, html_title=title)
    site_head.set_address(None, known)
    logo = known.html_theme_options["logo"]
    assert html.unescape(logo["alt_text"]) == f"{title} - Home"
    assert not {*logo["alt_text"]} & {*'"<>`$\\'}
    assert logo["link"] == "a"
    chosen = config(html_theme_options={"logo": {"alt_text": "mine"}})
    site_head.set_address(None, chosen)
    assert chosen.html_theme_options["logo"]["alt_text"] == "mine"


def tags_of(text, **settings):
    builder = SimpleNamespace(name="html", get_target_uri=lambda page: f"{page}.html")
    app = SimpleNamespace(config=config(**settings), builder=builder)
    context = {"title": "<em>ALS</em> &amp; more", "pathto": lambda path, _: f"../{path}"}
    doctree = publish_doctree(text) if text is not None else None
    site_head.add_tags(app, "notebooks/05", "page.html", context, doctree)
    return dict(re.findall(r'<meta \w+="([^"]+)" content="([^"]*)"', context["metatags"]))


def test_a_page_says_its_title_its_first_paragraph_and_where_its_card_is():
    tags = tags_of(
        ".. note:: Not this.\n\nFirst\nparagraph.\n\nSecond.\n", html_baseurl="https://x.org/c/"
    )
    assert tags["og:title"] == "ALS &amp; more"
    assert tags["og:site_name"] == "A &quot;course&quot;"
    assert tags["description"] == tags["og:description"] == "First paragraph."
    assert tags["og:url"] == "https://x.org/c/notebooks/05.html"
    assert tags["og:image"] == "https://x.org/c/_static/social_card.png"


def test_without_an_address_there_is_no_tag_that_needs_one():
    tags = tags_of("Words.")
    assert {"og:url", "og:image", "twitter:card"} & {*tags} == set()
    assert tags["og:title"]


def test_a_page_of_no_source_has_icons_only():
    assert tags_of(None) == {}


def test_a_long_description_ends_with_a_whole_word():
    says = tags_of("word " * 99)["description"]
    assert says.endswith("word …")
    assert 190 < len(says) <= 203


def test_the_missing_page_has_its_base_before_all_else():
    app = SimpleNamespace(config=config(html_baseurl="https://ada.github.io/course/"))
    context = {"metatags": "<others>"}
    not_found.add_base(app, "404", "page.html", context, None)
    assert context["metatags"].startswith('<base href="/course/">')
    assert context["metatags"].endswith("<others>")
    untouched = {"metatags": "<others>"}
    not_found.add_base(app, "search", "page.html", untouched, None)
    assert untouched == {"metatags": "<others>"}


def missing_page(builder):
    app = SimpleNamespace(config=config(), builder=SimpleNamespace(name=builder))
    app.builder.get_target_uri = "{}.html".format
    return list(not_found.pages(app))


def test_the_missing_page_is_written_for_the_site_only():
    assert missing_page("singlehtml") == []
    ((page, context, _),) = missing_page("html")
    assert page == "404"
    assert 'href="welcome.html#the-map-of-the-course"' in context["body"]
    assert 'action="search.html"' in context["body"]


def test_the_places_it_names_are_there(repository_root):
    contents = (repository_root / "_toc.yml").read_text()
    for page in ("book/troubleshooting", "book/glossary"):
        assert f"file: {page}\n" in contents
    assert "\n## The map of the course\n" in (repository_root / "book/welcome.md").read_text()
