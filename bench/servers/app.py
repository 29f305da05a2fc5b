# Copyright 2026 the wsgiref authors. MIT license.

"""The application of the Python contestants, and their servers.

Started as `app.py VARIANT ROW SIZE PORT`; gunicorn and uWSGI load `app` and
find the row and its size in BENCH_ROW and BENCH_SIZE.
"""

import os
import sys

if __name__ == "__main__":
    variant, row, size, port = sys.argv[1:]
else:
    row, size = os.environ["BENCH_ROW"], os.environ["BENCH_SIZE"]

SIZE = int(size)
HELLO = b"Hello, world!"
BODY = bytes(SIZE if row == "array" else 0)
BLOCK = bytes(1024)
LARGE_BLOCK = bytes(65536)


def blocks():
    if row == "blocks":
        for _ in range(SIZE):
            yield BLOCK
        return
    for start in range(0, SIZE, len(LARGE_BLOCK)):
        yield LARGE_BLOCK[: SIZE - start]


def app(environ, start_response):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b""
    start_response("200 OK", [("Content-Type", "text/plain")])
    if row == "hello":
        return [HELLO]
    if row == "array":
        return [BODY]
    if row == "echo":
        return [body]
    if row == "file":
        file = open(os.environ["BENCH_FILE"], "rb")
        return environ["wsgi.file_wrapper"](file, 65536)
    return blocks()


if __name__ == "__main__":
    if variant == "wsgiref":
        from wsgiref.simple_server import WSGIRequestHandler, make_server

        class Handler(WSGIRequestHandler):
            def log_request(self, code="-", size="-"):
                pass

        make_server(
            "127.0.0.1", int(port), app, handler_class=Handler
        ).serve_forever()
    else:
        from waitress import serve

        serve(app, host="127.0.0.1", port=int(port), threads=1, _quiet=True)
