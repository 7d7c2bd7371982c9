"""The documentation page of the service, from its OpenAPI document, without other sites."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("page")

_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: what the service answers</title>
<link rel="stylesheet" href="/page/style.css">
</head>
<body>
<header><h1>{title}</h1><p><a href="/">Try it</a> · <a href="/openapi.json">OpenAPI</a></p></header>
<main class="docs">{routes}</main>
</body>
</html>
"""


def documentation(openapi: dict[str, Any]) -> str:
    """Return an HTML page about every route of an OpenAPI document, ``app.openapi()``."""
    routes = [
        _route(method, path, about, openapi)
        for path, methods in openapi["paths"].items()
        for method, about in methods.items()
    ]
    return _FRAME.format(title=escape(openapi["info"]["title"]), routes="".join(routes))


def _route(method: str, path: str, about: dict[str, Any], openapi: dict[str, Any]) -> str:
    parts = [f"<h2><code>{method.upper()} {escape(path)}</code></h2>"]
    parts.append(f"<p>{escape(about.get('description', ''))}</p>")
    rows = [_field(one["name"], one["schema"]) for one in about.get("parameters", [])]
    if "requestBody" in about:
        schema = _schema(about["requestBody"], openapi)
        rows += [_field(name, one) for name, one in schema["properties"].items()]
        example = json.dumps(schema.get("example", {}))
        parts.append(f"<p>A body of JSON: <code>{escape(example)}</code></p>")
    if rows:
        parts.append(f"<ul>{''.join(rows)}</ul>")
    answers = [_answer(status, one, openapi) for status, one in about["responses"].items()]
    parts.append(f"<p>It answers:</p><ul>{''.join(answers)}</ul>")
    return f"<section>{''.join(parts)}</section>"


def _field(name: str, schema: dict[str, Any]) -> str:
    limits = {"minimum": "from", "maximum": "to", "minLength": "from", "maxLength": "to",
              "maxItems": "at most", "default": "by default", "enum": "one of"}  # fmt: skip
    schema = schema.get("anyOf", [{}])[0] | schema  # a number or null
    said = [f"{word} {_plain(schema[key])}" for key, word in limits.items() if key in schema]
    kind = schema.get("type", "")
    about = escape(schema.get("description", ""))
    return f"<li><code>{escape(name)}</code> ({escape(', '.join([kind, *said]))}) {about}</li>"


def _plain(limit: object) -> str:
    return str(int(limit)) if isinstance(limit, float) and limit.is_integer() else json.dumps(limit)


def _answer(status: str, answer: dict[str, Any], openapi: dict[str, Any]) -> str:
    fields = _schema(answer, openapi).get("properties", {})
    names = ", ".join(f"<code>{escape(name)}</code>" for name in fields)
    about = escape(answer["description"].rstrip("."))
    return f"<li><code>{status}</code> {about}{': ' if names else ''}{names}</li>"


def _schema(holder: dict[str, Any], openapi: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a JSON body; references are resolved."""
    schema: dict[str, Any] = holder.get("content", {}).get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return dict(openapi["components"]["schemas"][name])
    return schema
