# Copyright 2026 the wsgiref authors. MIT license.
"""Writes headers_vectors.json: what CPython's wsgiref.headers answers.

    python3 tests/headers_vectors.py

The answers are those of CPython 3.11.7. Later releases refuse control
characters themselves. The JSON is a list of sequences, each

    [headers, [[answer, operation, *arguments], ...], text]

the list given to the constructor, the calls made one after the other, and
str() of what they left; or [headers, {"error": name}] if the constructor
raised. Operations have their TypeScript names. Only the constructor and the
last call of a sequence get input that the port may answer otherwise.
"""

import json
import pathlib
import random
from wsgiref.headers import Headers

SEQUENCES = 1500

NAMES = ["A", "ETag", "Vary", "Key", "Set-Cookie", "X_B", "!#$%&'*+-.^_`|~9"]
VALUES = [
    "", "0", "text/plain", "a=1; Path=/", "a\tb", "caf\xe9", "\x80\xa0\xad\xff",
    'say "hi\\"', "x" * 40,
]
PARAMETERS = ["q", "filename", "max_age", "a_b_c", "X-d", "filename*", "__e"]
PARAMETER_VALUES = VALUES + [None, " padded ", "\t", "a; b", "bud.gif", '"', "\\"]

BAD_NAMES = [
    "", " ", "a b", "a:", "(a)", "A\n", "A\r\nB: c", "caf\xe9", "\0", "\x7f",
    "\u20ac", "\u212aey", "\u0130",
]
BAD_VALUES = [
    " ", "\t", " a", "a ", "\ta", "a\t", "a\nb", "a\r\nB: c", "\0", "\x1f",
    "a\x7f", "\u0100", "\u20ac", "\U0001f600", None, 5, True, ["a"],
]
BAD_PARAMETERS = ["", "a b", "a=b", "a;b", "\xe9", "a\n", '"', "\u20ac"]
BAD_PARAMETER_VALUES = [
    "a\nb", "\r", "\0", "a\x7f", "\u20ac rates", "na\u0308ive", 'a"\u0100\\',
    "'(\u20ac*)%", "\U0001f600.txt", 5, ["a"],
]
BAD_LISTS = [
    "foo", {}, 5, True, ["ab"], ["abc"], [5], [None], [[]], [["A"]],
    [["A", "b", "c"]], [["A", "b"], ["A"]], [[5, "b"]], [["A", 5]],
]

OPERATIONS = {
    "set": Headers.__setitem__,
    "delete": Headers.__delitem__,
    "get": Headers.get,
    "getAll": Headers.get_all,
    "has": Headers.__contains__,
    "setDefault": Headers.setdefault,
    "addHeader": lambda headers, name, value, parameters: headers.add_header(
        name, value, **dict(parameters)
    ),
    "keys": Headers.keys,
    "values": Headers.values,
    "items": Headers.items,
    "size": Headers.__len__,
    "toString": Headers.__str__,
    "toBytes": lambda headers: bytes(headers).decode("latin-1"),
}
ARGUMENTS = {
    "set": 2, "delete": 1, "get": 1, "getAll": 1, "has": 1, "setDefault": 2,
    "addHeader": 3,
}
WEIGHTS = [6, 2, 3, 3, 2, 3, 6, 1, 1, 1, 1, 1, 1]

choose = random.Random("wsgiref.headers")


def name():
    text = choose.choice(NAMES)
    return choose.choice([text, text, text.lower(), text.upper()])


def parameters():
    names = choose.sample(PARAMETERS, choose.choice([0, 0, 1, 1, 2, 3]))
    return [[key, choose.choice(PARAMETER_VALUES)] for key in names]


def arguments(operation):
    value = choose.choice(VALUES)
    if operation == "addHeader" and choose.random() < 0.2:
        value = None
    return [name(), value, parameters()][:ARGUMENTS.get(operation, 0)]


def spoil(arguments):
    position = choose.randrange(len(arguments))
    if position == 0:
        arguments[0] = choose.choice(BAD_NAMES)
    elif position == 1:
        arguments[1] = choose.choice(BAD_VALUES)
    else:
        bad = choose.choice([
            [choose.choice(BAD_PARAMETERS), choose.choice(PARAMETER_VALUES)],
            ["filename", choose.choice(BAD_PARAMETER_VALUES)],
        ])
        others = [pair for pair in arguments[2] if pair[0] != bad[0]]
        arguments[2] = choose.choice([[bad] + others, others + [bad]])


def constructor_list():
    headers = [
        [name(), choose.choice(VALUES)]
        for _ in range(choose.choice([0, 1, 2, 3]))
    ]
    if headers and choose.random() < 0.05:
        spoil(choose.choice(headers))
    return headers


def answer(function, *arguments):
    try:
        return function(*arguments)
    except Exception as error:
        return {"error": type(error).__name__}


def construct(headers):
    if isinstance(headers, list):
        headers = [
            tuple(pair) if isinstance(pair, list) else pair for pair in headers
        ]
    return Headers(headers)


def sequence(given):
    headers = answer(construct, given)
    if isinstance(headers, dict):
        return [given, headers]
    steps = []
    operations = choose.choices(
        list(OPERATIONS), WEIGHTS, k=choose.randrange(2, 7)
    )
    for index, operation in enumerate(operations):
        values = arguments(operation)
        if values and index == len(operations) - 1 and choose.random() < 0.5:
            spoil(values)
        steps.append([
            answer(OPERATIONS[operation], headers, *values), operation, *values
        ])
    return [given, steps, answer(str, headers)]


lists = BAD_LISTS + [
    constructor_list() for _ in range(SEQUENCES - len(BAD_LISTS))
]
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text("[\n" + ",\n".join(
    json.dumps(sequence(given), separators=(",", ":")) for given in lists
) + "\n]\n")
