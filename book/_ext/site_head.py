"""Meta tags of each page for other programs: address, description, social card, icons.

The address of the site is `html: baseurl` in `_config.yml`, or else that of the repository on
GitHub Pages. Without either, tags that need it are left out. sphinxext-opengraph would write them
with relative addresses, and its descriptions run on into headings and lists and end within a word.
"""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

CARD = "_static/social_card.png"  # drawn by tools/site/images.py, as the icons are
LONGEST = 200  # characters of a description that programs show


def pages_address(repository: str) -> str:
    """Return the address of a repository on GitHub Pages; empty if it is not on GitHub.

    Examples
    --------
    >>> pages_address("https://github.com/Ada/course")
    'https://ada.github.io/course/'
    >>> pages_address("https://github.com/ada/ada.github.io"), pages_address("https://x.org/a/b")
    ('https://ada.github.io/', '')
    """
    parts = urlsplit(repository)
    owner, _, name = parts.path.strip("/").removesuffix(".git").partition("/")
    if parts.hostname != "github.com" or not name:
        return ""
    home = f"{owner.lower()}.github.io"
    return f"https://{home}/" if name.lower() == home else f"https://{home}/{name}/"


def set_address(app: Sphinx, config: Config) -> None:
    """Derive the address of the site from the repository, and what the logo says from the title.

    The theme puts it unescaped between quotes, and that between the backticks of a script.
    """
    says = html.escape(f"{config.html_title or config.project} - Home")
    says = says.translate({ord(sign): f"&#{ord(sign)};" for sign in "`$\\"})
    config.html_theme_options["logo"] = {
        "alt_text": says,
        **config.html_theme_options.get("logo", {}),
    }
    repository = config.html_theme_options.get("repository_url", "")
    config.html_baseurl = config.html_baseurl or pages_address(repository)


def description(doctree: nodes.document) -> str:
    """Return the first paragraph of a page, cut after a whole word."""
    for paragraph in doctree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        if text and not isinstance(paragraph.parent, nodes.Admonition):
            cut = text[: LONGEST + 1].rpartition(" ")[0] + " …"
            return text if len(text) <= LONGEST else cut
    return ""


def add_tags(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Add the tags to the head of a page."""
    tags = [
        _link("icon", "icon-32.png", context, sizes="32x32", type="image/png"),
        _link("apple-touch-icon", "icon-180.png", context),
    ]
    if doctree is not None:
        title = html.unescape(re.sub(r"<[^>]+>", "", context.get("title", "")))
        says = description(doctree)
        tags += [_meta("name", "description", says)] if says else []
        graph = {"title": title, "type": "website", "description": says}
        graph["site_name"] = app.config.html_title or app.config.project
        if base := app.config.html_baseurl:
            graph["url"] = base + app.builder.get_target_uri(page)
            graph |= {"image": base + CARD, "image:width": "1200", "image:height": "630"}
            graph["image:alt"] = f"{graph['site_name']}, beside a map of films"
            tags.append(_meta("name", "twitter:card", "summary_large_image"))
        tags += [_meta("property", f"og:{name}", text) for name, text in graph.items() if text]
    context["metatags"] = context.get("metatags", "") + "\n".join(tags) + "\n"


def _meta(kind: str, name: str, content: str) -> str:
    return f'<meta {kind}="{name}" content="{html.escape(content)}" />'


def _link(rel: str, name: str, context: dict[str, Any], **more: str) -> str:
    address = context["pathto"](f"_static/{name}", 1)
    others = "".join(f' {key}="{value}"' for key, value in more.items())
    return f'<link rel="{rel}" href="{address}"{others} />'


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to the configuration, and to each page."""
    app.connect("config-inited", set_address)
    app.connect("html-page-context", add_tags)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
