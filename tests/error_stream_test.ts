// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { formatError } from "../_error_stream.ts";
import { RequestError } from "../_request_error.ts";
import { ConsoleErrorStream, TextErrorStream } from "../handlers.ts";
import { bytes, withConsole } from "./_handlers.ts";

Deno.test("TextErrorStream passes text on, and nothing but text", () => {
  const pieces: string[] = [];
  const errors = new TextErrorStream((text) => pieces.push(text));
  errors.write("a\n\u20ac\ud800");
  errors.writelines(new Set(["b", ""]));
  errors.flush();
  assertEquals(pieces, ["a\n\u20ac\ud800", "b", ""]);
  for (
    const [value, received] of [[1, "1"], [bytes("a"), "[object Uint8Array]"]]
  ) {
    assertThrows(
      () => errors.write(value as string),
      TypeError,
      `Cannot write to wsgi.errors as it takes a string: received ${received}`,
    );
    assertThrows(() => errors.writelines([value as string]), TypeError);
  }
  assertEquals(pieces.length, 3);
});

Deno.test("ConsoleErrorStream prints whole lines", async () => {
  for (
    const [texts, printed] of [
      [["a\n"], ["a"]],
      [["a", "b", "\n"], ["ab"]],
      [["a\nb\n"], ["a\nb"]],
      [["a\nb", "c\n", "d\n"], ["a\nbc", "d"]],
      [["\n", "\n\n"], ["", "\n"]],
      [["a"], ["a"]],
      [["", ""], []],
    ] as [texts: string[], printed: string[]][]
  ) {
    const actual = await withConsole(() => {
      const errors = new ConsoleErrorStream();
      errors.writelines(texts);
      errors.flush();
      errors.flush();
    });
    assertEquals(actual, printed);
  }
});

Deno.test("ConsoleErrorStream.flush() prints what is left of a line", async () => {
  const printed = await withConsole(() => {
    const errors = new ConsoleErrorStream();
    errors.write("a");
    errors.flush();
    errors.write("b\n");
    errors.flush();
    errors.write("c");
  });
  assertEquals(printed, ["a", "b"]);
});

// What an error looks like in the log

/** A value that throws whatever is done to it. */
function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

/** An error one of whose properties is made by a function. */
function withGetter(name: string, get: () => unknown): Error {
  return Object.defineProperty(new Error("spam"), name, { get });
}

function fail(): never {
  throw new Error("eggs");
}

/** An error with as many causes. */
function chain(count: number): Error {
  let error = new Error(`${count}`);
  while (count-- > 0) error = new Error(`${count}`, { cause: error });
  return error;
}

const TEN_CAUSES = "1 2 3 4 5 6 7 8 9 10".split(" ")
  .map((name) => `Caused by: Error: ${name}\n`)
  .join("");

const HIDDEN = "an error that cannot be shown\n";

const ERRORS: [name: string, error: unknown, text: string][] = [
  ["an error", new RangeError("spam"), "RangeError: spam\n"],
  ["one without a message", new Error(), "Error\n"],
  [
    "one of the platform",
    new DOMException("spam", "NetworkError"),
    "NetworkError: spam\n",
  ],
  ["what is no error", { message: "spam" }, "Uncaught [object Object]\n"],
  ["a text", "a\nb\x1b", 'Uncaught "a\\nb\\x1b"\n'],
  ["nothing", undefined, "Uncaught undefined\n"],
  [
    "lines that look like others",
    new Error("spam\n    at forged:1:1\r\nCaused by: me\u2028\x1b[2J"),
    "Error: spam\\n    at forged:1:1\\r\\nCaused by: me\\u2028\\x1b[2J\n",
  ],
  [
    "a name that looks like a line",
    Object.assign(new Error("spam"), { name: "a\nb" }),
    "a\\nb: spam\n",
  ],
  [
    "a cause",
    new Error("spam", { cause: new TypeError("eggs") }),
    "Error: spam\nCaused by: TypeError: eggs\n",
  ],
  [
    "all that Promise.any() failed with, and their causes",
    new AggregateError([
      new Error("a", { cause: new Error("b") }),
      new AggregateError([new Error("c")], "d"),
    ], "spam"),
    "AggregateError: spam\nCaused by: Error: a\nCaused by: AggregateError: d\n" +
    "Caused by: Error: b\nCaused by: Error: c\n",
  ],
  [
    "20 000 causes",
    chain(20_000),
    `Error: 0\n${TEN_CAUSES}Caused by: …\n`,
  ],
  ["ten causes", chain(10), `Error: 0\n${TEN_CAUSES}`],
  [
    "errors that are no list",
    Object.assign(new AggregateError([]), { errors: 1 }),
    `AggregateError\n${HIDDEN}`,
  ],
  [
    "a request's error, without what it was caused by",
    new RequestError("spam", 400, { cause: new Error("eggs") }),
    "RequestError: spam\n",
  ],
  [
    "an error beside that of a request",
    new AggregateError([new RequestError("spam", 400), new Error("eggs")]),
    "AggregateError\nCaused by: RequestError: spam\nCaused by: Error: eggs\n",
  ],
  ["what cannot be read", revoked(new Error("spam")), HIDDEN],
  ["a function that cannot be read", revoked(fail), HIDDEN],
  ["a list that cannot be read", [revoked([])], HIDDEN],
  [
    "a cause that cannot be read",
    new Error("spam", { cause: revoked({}) }),
    `Error: spam\nCaused by: ${HIDDEN}`,
  ],
  ["a message that throws", withGetter("message", fail), HIDDEN],
  ["a name that throws", withGetter("name", fail), HIDDEN],
  ["a name that is no text", withGetter("name", () => Symbol("spam")), HIDDEN],
  ["a trace that throws", withGetter("stack", fail), HIDDEN],
  [
    "a cause that throws",
    withGetter("cause", fail),
    `Error: spam\n${HIDDEN}`,
  ],
  ["a trace that is no text", withGetter("stack", () => 1), "Error: spam\n"],
  [
    "what has no prototype",
    Object.create(null),
    "Uncaught [object Object]\n",
  ],
  [
    "a tag that throws",
    Object.defineProperty({}, Symbol.toStringTag, { get: fail }),
    HIDDEN,
  ],
];

for (const [name, error, text] of ERRORS) {
  Deno.test(`formatError() shows ${name}`, () => {
    assertEquals(formatError(error, 0), text);
  });
}

Deno.test("formatError() shows each error once", () => {
  const error = new Error("spam");
  const cause = new AggregateError([error, error], "eggs", { cause: error });
  error.cause = cause;
  assertEquals(
    formatError(error, 0),
    "Error: spam\nCaused by: AggregateError: eggs\n",
  );
});

Deno.test("formatError() shows as many frames as the limit, and no forged one", () => {
  const frames = ["    at a", "    at b\x1b", "    at c"];
  const error = new Error("spam\n    at forged");
  error.stack = ["Error: spam\n    at forged", ...frames].join("\n");
  for (
    const [limit, shown] of [
      [null, ["    at a", "    at b\\x1b", "    at c"]],
      [2, ["    at a", "    at b\\x1b"]],
      [0, []],
    ] as const
  ) {
    assertEquals(
      formatError(error, limit),
      ["Error: spam\\n    at forged", ...shown, ""].join("\n"),
    );
  }
  const [line, frame = "", ...rest] = formatError(new Error("spam"), 1)
    .split("\n");
  assertEquals([line, rest], ["Error: spam", [""]]);
  assertMatch(frame, /^ {4}at .*error_stream_test/);
});

Deno.test("formatError() shows the frames of an error whose message was changed", () => {
  const error = new Error("spam");
  error.stack = "Error: spam\n    at a";
  error.message = "While eggs were made of ham: spam";
  assertEquals(
    formatError(error, null),
    "Error: While eggs were made of ham: spam\n    at a\n",
  );
});

Deno.test("formatError() shows no frames of a request's error", () => {
  assertEquals(
    formatError(new RequestError("spam", 400), null),
    "RequestError: spam\n",
  );
});
