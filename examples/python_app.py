# Copyright 2026 the wsgiref authors. MIT license.

"""A guest book: a Python WSGI application for python_app.ts to serve."""

from html import escape
from urllib.parse import parse_qs

entries = []

HEAD = """<!DOCTYPE html>
<meta charset="utf-8">
<title>Guest book</title>
<h1>Guest book</h1>
<form method="post"><input name="entry" autofocus><button>Sign</button></form>
"""


def application(environ, start_response):
    if environ["REQUEST_METHOD"] == "POST":
        length = int(environ.get("CONTENT_LENGTH") or 0)
        form = parse_qs(environ["wsgi.input"].read(length).decode())
        entries.extend(form.get("entry", []))
        start_response(
            "303 See Other", [("Location", "/"), ("Content-Type", "text/plain")]
        )
        return []
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return page()


def page():
    yield HEAD.encode()
    for entry in entries:
        yield f"<p>{escape(entry)}</p>\n".encode()
