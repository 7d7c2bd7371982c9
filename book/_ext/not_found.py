"""Write 404.html, which GitHub Pages shows for a missing page at any depth.

Its links are those of any page in the top folder. A <base> makes them work at any depth: the path
of the site's address, or the root if the site is served from there, as on your machine.
sphinx-notfound-page writes one fixed path into the links instead, so its page breaks at the root
and as a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from sphinx.application import Sphinx

PAGE = "404"
# A link that is only a fragment belongs to the page, not to the base. A file needs no base.
BASE = """<base href="{path}"><script>
{{ const base = document.querySelector("base");
if (location.protocol === "file:") base.remove();
else if (!location.pathname.startsWith("{path}")) base.href = "/";
addEventListener("click", event => {{
  const link = event.target.closest("a[href^='#']");
  if (link) {{ event.preventDefault(); location.hash = link.getAttribute("href"); }}
}}); }}
</script>
"""
BODY = """<h1>There is no such page</h1>
<p>The address may be old, or mistyped. What it led to is perhaps one of these:</p>
<ul>
<li><a href="{home}">The map of the course</a>, with every lesson on it</li>
<li><a href="{trouble}">Troubleshooting</a>, by the message that you read</li>
<li><a href="{words}">The glossary</a></li>
</ul>
<form class="not-found-search" action="search.html" role="search">
<label for="not-found-words">Search the course</label>
<input id="not-found-words" type="search" name="q" required>
<button type="submit">Search</button>
</form>
"""


def pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the page, for Sphinx to write with the others."""
    if app.builder.name == "html":
        home, trouble, words = (
            app.builder.get_target_uri(page)
            for page in (app.config.root_doc, "book/troubleshooting", "book/glossary")
        )
        body = BODY.format(home=f"{home}#the-map-of-the-course", trouble=trouble, words=words)
        yield PAGE, {"title": "There is no such page", "body": body}, "page.html"


def add_base(app: Sphinx, page: str, template: str, context: dict[str, Any], _: object) -> None:
    """Put the base before every tag that has an address."""
    if page == PAGE:
        path = urlsplit(app.config.html_baseurl).path or "/"
        context["metatags"] = BASE.format(path=path) + context.get("metatags", "")


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the base after every other tag, so that it comes before them."""
    app.connect("html-collect-pages", pages)
    app.connect("html-page-context", add_base, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
