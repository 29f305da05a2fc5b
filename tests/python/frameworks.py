# Copyright 2026 the wsgiref authors. MIT license.

"""What Bottle, Flask and Django do with an environ and a response."""

import hmac
from email.parser import BytesParser
from hashlib import sha256
from http.cookies import SimpleCookie
from io import BytesIO
from tempfile import TemporaryFile
from urllib.parse import parse_qs

closed = []


def read_as_bottle(environ):
    """Bottle copies the body, block by block, and takes a length or chunks."""
    source = environ["wsgi.input"]
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        raise ValueError("the body should not have to be decoded")
    left = max(0, int(environ.get("CONTENT_LENGTH") or -1))
    body = TemporaryFile()
    while left > 0:
        part = source.read(min(left, 102_400))
        if not part:
            break
        body.write(part)
        left -= len(part)
    body.seek(0)
    environ["wsgi.input"] = body
    return body.read()


def read_as_flask(environ):
    """Werkzeug reads to the end if there is one, or else by length."""
    source = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        return source.read()
    return source.read(int(environ.get("CONTENT_LENGTH") or 0))


def read_as_django(environ):
    """Django never asks for more than the length, and then for the rest."""
    left = int(environ.get("CONTENT_LENGTH") or 0)
    head = environ["wsgi.input"].read(min(left, 64))
    rest = environ["wsgi.input"].read(left - len(head)) if left else b""
    return head + rest


READERS = {
    "/bottle": read_as_bottle,
    "/flask": read_as_flask,
    "/django": read_as_django,
}


class Response:
    """Is iterated, and closed whatever happens."""

    def __init__(self, *blocks):
        self.blocks = blocks

    def __iter__(self):
        return iter(self.blocks)

    def close(self):
        closed.append(len(self.blocks))


def take_closed():
    taken = list(closed)
    closed.clear()
    return str(taken)


def sign(text):
    return f"{text}.{hmac.digest(b'secret', text.encode(), sha256).hex()}"


def count_visits(environ):
    """A session is a signed cookie."""
    cookie = SimpleCookie(environ.get("HTTP_COOKIE", "")).get("session")
    text = cookie.value.partition(".")[0] if cookie else "0"
    if cookie and not hmac.compare_digest(cookie.value, sign(text)):
        raise ValueError("the session is forged")
    return int(text) + 1


def parse_upload(environ, body):
    """The files of a form, by the names of their fields."""
    head = f"Content-Type: {environ['CONTENT_TYPE']}\r\n\r\n".encode("latin-1")
    message = BytesParser().parse(BytesIO(head + body))
    for part in message.get_payload():
        name = part.get_param("name", header="content-disposition")
        size = len(part.get_payload(decode=True))
        yield f"{name}: {part.get_filename()}, {size} bytes\n".encode()


def application(environ, start_response):
    path = environ["PATH_INFO"]
    visits = count_visits(environ)
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        # Django's cookies have this blank.
        ("Set-Cookie", f" session={sign(str(visits))}; Path=/"),
        ("Set-Cookie", ' theme="dark blue"; Max-Age=10'),
    ]
    if path == "/visits":
        start_response("200 OK", headers)
        return Response(b"visit ", str(visits).encode())
    if path == "/write":
        write = start_response("200 OK", headers)
        write(b"written, ")
        return Response(b"returned")
    if path == "/upload":
        body = read_as_django(environ)
        start_response("200 OK", headers)
        return Response(*parse_upload(environ, body))
    if path == "/form":
        form = parse_qs(read_as_bottle(environ).decode())
        start_response("303 See Other", [*headers, ("Location", "/visits")])
        return Response(repr(form).encode())
    body = READERS[path](environ)
    start_response("200 OK", headers)
    return Response(body)
