# Copyright 2026 the wsgiref authors. MIT license.

"""The applications of python_app_test.ts, and CPython's judge of the server."""

import gc
import json
import sys
import threading
import traceback
import tracemalloc
import warnings
from io import BytesIO
from wsgiref.util import request_uri
from wsgiref.validate import validator

TEXT = [("Content-Type", "text/plain")]

# What the validator complains of other than by raising.
complaints = []


def show_warning(message, category, *_):
    complaints.append(f"{category.__name__}: {message}")


warnings.simplefilter("always")
warnings.showwarning = show_warning
sys.unraisablehook = lambda failure: complaints.append(repr(failure.exc_value))

# What applications have seen and done since it was last asked for.
events = []


def take(notes):
    gc.collect()
    taken = json.dumps(notes)
    notes.clear()
    return taken


# Each of these answers with the body of the request in angle brackets. The
# validator wants an argument for read(), and a Content-Type in every response.


def read_blocks(environ):
    stream = environ["wsgi.input"]
    return iter(lambda: stream.read(8192), b"")


def echo_list(environ, start_response):
    length = environ.get("CONTENT_LENGTH")
    if length is None:
        body = list(read_blocks(environ))
    else:
        body = [environ["wsgi.input"].read(int(length))]
    start_response("200 OK", TEXT)
    return [b"<", *body, b">"]


def echo_generator(environ, start_response):
    start_response("200 OK", TEXT)
    yield b"<"
    yield from read_blocks(environ)
    yield b""
    yield b">"


def echo_write(environ, start_response):
    write = start_response("200 OK", TEXT)
    write(b"<")
    for block in read_blocks(environ):
        write(block)
    return [b">"]


def echo_readline(environ, start_response):
    stream = environ["wsgi.input"]
    lines = list(iter(stream.readline, b""))
    assert stream.readline() == stream.read(1) == b""
    start_response("200 OK", TEXT)
    return [b"<", *lines, b">"]


def echo_readline_size(environ, start_response):
    stream = environ["wsgi.input"]
    start_response("200 OK", TEXT)
    return [b"<", *iter(lambda: stream.readline(700), b""), b">"]


def echo_readlines(environ, start_response):
    stream = environ["wsgi.input"]
    lines = stream.readlines(1000) + stream.readlines()
    assert stream.readlines() == []
    start_response("200 OK", TEXT)
    return [b"<", *lines, b">"]


def echo_iteration(environ, start_response):
    lines = list(environ["wsgi.input"])
    assert all(line.endswith(b"\n") for line in lines[:-1])
    start_response("200 OK", TEXT)
    return iter([b"<", *lines, b">"])


def echo_file_wrapper(environ, start_response):
    start_response("200 OK", TEXT)
    file = BytesIO(b"".join([b"<", *read_blocks(environ), b">"]))
    return environ["wsgi.file_wrapper"](file, 10_000)


def echo_error(environ, start_response):
    start_response("404 Not Found", [*TEXT, ("X-Replaced", "no")])
    try:
        raise ValueError("spam")
    except ValueError:
        start_response("200 OK", TEXT, sys.exc_info())
    return [b"<", *read_blocks(environ), b">"]


class Result:
    def __init__(self, blocks, error=None):
        self.blocks = iter(blocks)
        self.error = error

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.blocks)

    def close(self):
        events.append("close")
        if self.error:
            raise self.error


def echo_object(environ, start_response):
    start_response("200 OK", TEXT)
    return Result([b"<", *read_blocks(environ), b">"])


def facts(environ, start_response):
    """What the environ is, as JSON."""
    strange = [
        key
        for key, value in environ.items()
        if "." not in key and (type(value) is not str or max(value, default="") > "ÿ")
    ]
    described = {
        key: value if type(value) in (str, bool) else repr(value)
        for key, value in environ.items()
        if key not in ("wsgi.input", "wsgi.errors", "wsgi.file_wrapper")
    }
    facts = {
        "type": type(environ).__name__,
        "strange": strange,
        "uri": request_uri(environ),
        "environ": described,
    }
    body = json.dumps(facts).encode()
    start_response(
        "200 OK",
        [("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
    )
    return [body]


def no_content(environ, start_response):
    start_response("204 No Content", [])
    return []


def nothing(environ, start_response):
    start_response("200 OK", TEXT)
    return []


def many_headers(environ, start_response):
    cookies = [("Set-Cookie", f"{name}=1") for name in "ab"]
    fields = [(f"X-{number}", "é" * number) for number in range(80)]
    start_response("299 Fine", [*TEXT, *cookies, *fields])
    return [b"ok"]


# Those below fail, or are made to.


def reads_without_size(environ, start_response):
    start_response("200 OK", TEXT)
    return [environ["wsgi.input"].read()]


def raises(environ, start_response):
    raise ValueError("spam")


def exits(environ, start_response):
    sys.exit("spam")


def raises_midway(environ, start_response):
    def blocks():
        yield b"begun"
        raise ValueError("spam")

    start_response("200 OK", TEXT)
    return Result(blocks())


def raises_in_close(environ, start_response):
    start_response("200 OK", TEXT)
    return Result([b"whole"], ValueError("spam"))


def replaces_too_late(environ, start_response):
    def blocks():
        start_response("200 OK", TEXT)
        yield b"begun"
        error = ValueError("spam")
        try:
            raise error
        except ValueError:
            try:
                start_response("500 Oops", TEXT, sys.exc_info())
            except ValueError as raised:
                events.append(raised is error)
                events.append(traceback.extract_tb(raised.__traceback__)[-1].line)
                raise

    return Result(blocks())


def bad_header(environ, start_response):
    start_response("200 OK", [("X-A", "a\nb")])
    return []


def no_iterable(environ, start_response):
    start_response("200 OK", TEXT)
    return None


def text_block(environ, start_response):
    start_response("200 OK", TEXT)
    return ["text"]


def logs(environ, start_response):
    errors = environ["wsgi.errors"]
    errors.write("one ")
    errors.writelines(["t", "w", "o "])
    print("thr€€", file=errors, flush=True)
    start_response("200 OK", TEXT)
    return []


def endless(environ, start_response):
    start_response("200 OK", TEXT)
    try:
        for number in range(1000):
            events.append(number)
            yield b"block" * 10_000
    finally:
        events.append("closed")


def too_long(environ, start_response):
    start_response("200 OK", [*TEXT, ("Content-Length", "7")])
    return Result(endless(environ, lambda *_: None))


local = threading.local()
running = 0


def takes_turns(environ, start_response):
    global running
    running += 1
    local.path = environ["PATH_INFO"]
    start_response("200 OK", TEXT)
    for line in environ["wsgi.input"]:
        events.append([running, local.path == environ["PATH_INFO"]])
        yield line
    running -= 1


def memory():
    """The bytes that Python has allocated since this was first called."""
    gc.collect()
    if not tracemalloc.is_tracing():
        tracemalloc.start()
    return tracemalloc.get_traced_memory()[0]
