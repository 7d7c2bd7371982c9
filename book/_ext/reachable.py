"""Let the keyboard reach what scrolls on its own, on every page: keyboard.js."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the script; `_config.yml` names the folder that it is in."""
    app.add_js_file("keyboard.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
