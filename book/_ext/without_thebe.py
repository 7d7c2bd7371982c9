"""Remove Thebe from the pages: nothing uses it, and its script fails on every page.

jupyter-book 1.0.4 always loads sphinx-thebe, which adds its constants twice (the browser reports
"Identifier 'THEBE_JS_URL' has already been declared") and loads a script from another host.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def remove_scripts(
    app: Sphinx, page: str, template: str, context: dict[str, Any], _: object
) -> None:
    """Drop the scripts and style of Thebe from a page."""
    for files in ("script_files", "css_files"):
        context[files] = [file for file in context.get(files, []) if not _is_thebe(file)]


def _is_thebe(file: Any) -> bool:
    body = getattr(file, "attributes", {}).get("body") or ""
    return "thebe" in str(getattr(file, "filename", file)) or "THEBE_JS_URL" in body


def setup(app: Sphinx) -> dict[str, Any]:
    """Run after the extensions that add scripts to a page."""
    app.connect("html-page-context", remove_scripts, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
