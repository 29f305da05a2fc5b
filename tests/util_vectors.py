# Copyright 2026 the wsgiref authors. MIT license.
"""Writes util_vectors.json: what CPython's wsgiref.util answers to generated input.

Run with CPython 3.11: python3 tests/util_vectors.py
"""

import io
import json
import pathlib
import random
from wsgiref import util

RANDOM = random.Random(3333)

SEGMENTS = (
    ["", ".", "..", "a", "b"] * 3
    + ["...", ".a", "a.", "x y", "x;y=1,2", "~_-.", "!$&'()*+:@", "%2F", "a\\b"]
    + ["\xe4", "caf\xc3\xa9", "\xff\x80", "\0\n\x7f", '"<>#?[]', "\u20ac"]
)
SCHEMES = ["http"] * 10 + ["https"] * 10 + ["ws", "", None]
HOSTS = [None] * 8 + ["", "example.com", "a:80", "a:443", "[::1]:81", "b\xfccher"]
NAMES = ["127.0.0.1", "example.org", "h"] * 3 + ["::1", "fe80::1", "[::1]", "", None]
PORTS = ["80", "443", "8000"] * 3 + ["", None]
QUERIES = [None, "", "say=ni", "s%E4y=ni", "a=b&c=\xe4 d?/#", "&"]


def path():
    segments = [RANDOM.choice(SEGMENTS) for _ in range(RANDOM.randint(0, 5))]
    start = RANDOM.choice(["/"] * 6 + ["//", "///", ""])
    return RANDOM.choice([start + "/".join(segments)] * 6 + ["", "/", None])


def present(keys, values):
    """The environ of those values that are not None."""
    return {key: value for key, value in zip(keys, values) if value is not None}


def answer(function, *args, **kwargs):
    """What the function returns, or the name of the exception that it raises."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        return {"error": type(error).__name__}


def uris(environ):
    return [
        answer(util.application_uri, environ),
        answer(util.request_uri, environ),
        answer(util.request_uri, environ, include_query=False),
    ]


def bracket_name(environ):
    name = environ.get("SERVER_NAME", "")
    if ":" in name and not name.startswith("["):
        environ["SERVER_NAME"] = f"[{name}]"


def fill_port(environ):
    if environ.get("SERVER_PORT") == "":
        is_https = environ.get("wsgi.url_scheme") == "https"
        environ["SERVER_PORT"] = "443" if is_https else "80"


def root_script(environ):
    if environ.get("SCRIPT_NAME", "/")[:1] not in ("", "/"):
        environ["SCRIPT_NAME"] = "/" + environ["SCRIPT_NAME"]


def root_path(environ):
    is_root = not environ.get("SCRIPT_NAME")
    if is_root and environ.get("PATH_INFO", "/")[:1] not in ("", "/"):
        environ["PATH_INFO"] = "/" + environ["PATH_INFO"]


# Where the port departs, it answers as CPython does to a repaired environ.
REPAIRS = {
    "IPv6 server name is bracketed": bracket_name,
    "empty SERVER_PORT adds no colon": fill_port,
    "SCRIPT_NAME without a slash stays apart from the host": root_script,
    "PATH_INFO without a slash loses no character": root_path,
}

URI_KEYS = ["wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT"]
URI_KEYS += ["SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"]


def uri_vector():
    server = map(RANDOM.choice, [SCHEMES, HOSTS, NAMES, PORTS])
    values = [*server, path(), path(), RANDOM.choice(QUERIES)]
    environ = present(URI_KEYS, values)
    answers = uris(environ)
    repaired, names, expected = environ.copy(), [], answers
    for name, repair in REPAIRS.items():
        repair(repaired)
        if uris(repaired) != expected:
            names.append(name)
            expected = uris(repaired)
    return [values, answers] + ([names, expected] if names else [])


def shift_vector():
    """Shifts until there is no segment."""
    values = [path(), path()]
    environ = present(["SCRIPT_NAME", "PATH_INFO"], values)
    steps = []
    while True:
        name = answer(util.shift_path_info, environ)
        steps.append([name, environ.get("SCRIPT_NAME"), environ.get("PATH_INFO")])
        if not isinstance(name, str):
            return [*values, steps]


def defaults_vector():
    values = {
        "HTTPS": ["on", "ON", "yes", "1", "0"],
        "SERVER_NAME": ["foo.bar", None],
        "SERVER_PROTOCOL": ["HTTP/1.1", None],
        "HTTP_HOST": ["example.com", "", None],
        "REQUEST_METHOD": ["POST", None],
        "SCRIPT_NAME": ["/app", "", None],
        "PATH_INFO": ["/x", "", None],
        "SERVER_PORT": ["8000", "", None],
        "wsgi.url_scheme": ["http", "https", "ftp", None],
        "wsgi.version": [[2, 0]],
        "wsgi.run_once": [True, None],
        "wsgi.multithread": [True, None],
        "wsgi.multiprocess": [True, None],
        "wsgi.input": ["kept", None],
        "wsgi.errors": ["kept", None],
        "other": ["kept"],
    }
    keys = RANDOM.sample(sorted(values), RANDOM.randint(0, 6))
    environ = {key: RANDOM.choice(values[key]) for key in keys}
    result = environ.copy()
    util.setup_testing_defaults(result)
    shown = [
        [key, type(value).__name__ if isinstance(value, io.IOBase) else value]
        for key, value in result.items()
    ]
    return [environ, shown]


def file_vector():
    """A file that grows once it has been read to its end."""
    size, growth = RANDOM.randint(0, 400), RANDOM.choice([0, 0, 0, 5])
    start = RANDOM.choice([0, 0, 0, 1, size // 2, size, size + 3])
    blksize = RANDOM.choice(([1, 2, 7] if size < 60 else []) + [64, 100, 399, 8192])
    file = io.BytesIO(bytes(size))
    file.seek(start)
    wrapper = util.FileWrapper(file, blksize)
    lengths = [len(block) for block in wrapper]
    file.seek(0, io.SEEK_END)
    file.write(bytes(growth))
    file.seek(size)
    return [size, start, blksize, lengths, growth, [len(block) for block in wrapper]]


def input_vector():
    """The reads of an input, as a file has them."""
    body = "".join(RANDOM.choices("abcdefg\n", k=RANDOM.randint(0, 60)))
    file = io.BytesIO(body.encode())
    reads = []
    for _ in range(RANDOM.randint(1, 8)):
        method = RANDOM.choice(["read", "readline", "readlines"])
        args = RANDOM.choice([[], [RANDOM.randint(0, 30)], [RANDOM.randint(0, 3)]])
        args = [-1] if RANDOM.random() < 0.02 else args
        result = getattr(file, method)(*args)
        is_list = isinstance(result, list)
        text = [line.decode() for line in result] if is_list else result.decode()
        reads.append([method, args, text])
        if args == [-1]:
            break
    return [body, reads]


HEADER_NAMES = """
    Connection Keep-Alive Proxy-Authenticate Proxy-Authorization TE Trailers
    Transfer-Encoding Upgrade Accept Cache-Control Date Host Pragma
    Proxy-Connection Trailer Via Warning
""".split()


def header_vectors():
    for name in HEADER_NAMES:
        cases = [name, name.lower(), name.upper(), name.title(), name.swapcase()]
        for variant in [*cases, f" {name}", f"{name}s", name[:-1]]:
            yield [variant, util.is_hop_by_hop(variant)]


def native_vector():
    """Bytes as a native string, and what text they are."""
    parts = [b"/", b"a", "é".encode(), "€".encode(), "😀".encode(), b"\xef\xbb\xbf"]
    data = b"".join(
        RANDOM.choice(parts) if RANDOM.random() < 0.7 else bytes([RANDOM.randrange(256)])
        for _ in range(RANDOM.randint(0, 12))
    )
    return [data.decode("latin-1"), data.decode("utf-8", "replace")]


def scheme_vectors():
    for https in [None, "", "foo", "on", "ON", "yes", "Yes", "1", "0", "true"]:
        yield [https, util.guess_scheme(present(["HTTPS"], [https]))]


vectors = {
    "guessScheme": list(scheme_vectors()),
    "uris": [uri_vector() for _ in range(1500)],
    "shiftPathInfo": [shift_vector() for _ in range(1500)],
    "setupTestingDefaults": [defaults_vector() for _ in range(150)],
    "isHopByHop": list(header_vectors()),
    "FileWrapper": [file_vector() for _ in range(300)],
    "WsgiInput": [input_vector() for _ in range(400)],
    "native strings": [native_vector() for _ in range(400)],
}
target = pathlib.Path(__file__).with_name("util_vectors.json")
target.write_text(json.dumps(vectors, separators=(",", ":")) + "\n")
