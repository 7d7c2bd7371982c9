"""What `make links`, Sphinx's linkcheck builder, asks for; its settings are in `_config.yml`.

Addresses of this course are ignored: the lint rules of notebooks cover its files, and a course
that is not published yet has none. For a DOI only the registry is asked, since publishers answer
programs with "403 Forbidden".
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from sphinx.application import Sphinx
from sphinx.config import Config

DOI = "https://doi.org/"
REGISTRY = "https://doi.org/api/handles/"  # 404 for a DOI that does not exist


def ignore_own(app: Sphinx, config: Config) -> None:
    """Ignore addresses that name the repository of `_config.yml`, on GitHub or on Colab."""
    slug = urlsplit(config.html_theme_options.get("repository_url", "")).path.strip("/")
    if slug:
        own = rf"(?i).*/{re.escape(slug)}(?![\w-])"
        config.linkcheck_ignore = [*config.linkcheck_ignore, own]


def ask_registry(app: Sphinx, uri: str) -> str | None:
    """Return the address that tells whether a DOI exists, or None for any other link."""
    return uri.replace(DOI, REGISTRY, 1) if uri.startswith(DOI) else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect both to the linkcheck builder, which every other builder leaves alone."""
    app.connect("config-inited", ignore_own)
    app.connect("linkcheck-process-uri", ask_registry)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
