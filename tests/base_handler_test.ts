// Copyright 2026 the wsgiref authors. MIT license.

import {
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { formatDateTime } from "../handlers.ts";
import type {
  StartResponse,
  WriteCallable,
  WsgiApplication,
  WsgiEnviron,
  WsgiHeader,
  WsgiResult,
} from "../types.ts";
import { FileWrapper } from "../util.ts";
import type { WsgiConformanceCode } from "../validate.ts";
import {
  answer,
  bytes,
  type Case,
  check,
  CLOSED,
  cut,
  EMPTY,
  ERROR,
  fail,
  generate,
  generateAsync,
  latin1,
  list,
  NOT_STARTED,
  OK,
  ok,
  type Outcome,
  OUTPUTS,
  RETURNED,
  serverError,
  stream,
  TestFetchHandler,
  TestHandler,
  testOutputs,
  track,
  type TrackOptions,
  turn,
  untyped,
} from "./_handlers.ts";
import { breaks } from "./_mistakes.ts";

// What goes out, and when

testOutputs("A response", {
  "is a list of blocks, and has their length": [
    answer(() => list("ab", "", "c"), [["X-A", "1"]]),
    ok("abc", "content-length: 3", "x-a: 1"),
  ],
  "is an empty list": [answer(() => []), ok("", "content-length: 0")],
  "is a promise of a list": [
    async (startResponse) => {
      await turn();
      startResponse(OK, []);
      return list("abc");
    },
    ok("abc", "content-length: 3"),
  ],
  "is a generator": [answer(() => generate("a", "", "b")), ok("ab")],
  "is a generator without a block": [
    answer(() => generate("", "")),
    ok("", "content-length: 0"),
  ],
  "is an async generator": [
    answer(() => generateAsync("a", "", "b")),
    ok("ab"),
  ],
  "is a promise of an async generator": [
    answer(() => turn().then(() => generateAsync("a", "b"))),
    ok("ab"),
  ],
  "is a ReadableStream": [answer(() => stream("a", "b")), ok("ab")],
  "is any iterable of blocks": [
    answer(() => new Set(list("a", "b"))),
    ok("ab"),
  ],
  "is started by the first step of a generator (P032)": [
    function* (startResponse) {
      startResponse(OK, [["X-A", "1"]]);
      yield bytes("a");
    },
    ok("a", "x-a: 1"),
  ],
  "is started by the only step of an async generator (P032)": [
    // deno-lint-ignore require-yield
    async function* (startResponse) {
      await turn();
      startResponse(OK, []);
    },
    ok("", "content-length: 0"),
  ],
  "has what was written before what is returned (P131)": [
    async (startResponse) => {
      const write = startResponse(OK, []);
      await write(bytes("a"));
      await write(bytes("b"));
      return list("c");
    },
    ok("abc"),
  ],
  "has what was written without waiting": [
    (startResponse) => {
      const write = startResponse(OK, []);
      for (const block of list("a", "", "b")) write(block);
      return generate("c", "d");
    },
    ok("abcd"),
  ],
  "has what was written, and waited for late": [
    async (startResponse) => {
      const write = startResponse(OK, []);
      await Promise.all(list("a", "b", "").map(write));
      return [];
    },
    ok("ab"),
    { breaks: ["write-arguments"] },
  ],
  "has what was written within the iteration (P130)": [
    function* (startResponse) {
      const write = startResponse(OK, []);
      yield bytes("a");
      write(bytes("b"));
      yield bytes("c");
    },
    ok("abc"),
    { breaks: ["write-after-return"] },
  ],
  "has its head sent by a write() of no bytes (P092)": [
    async (startResponse) => {
      await startResponse(OK, [])(EMPTY);
      return list("ab");
    },
    ok("ab"),
  ],
  "has the headers as they were given, which are not changed (D9)": [
    (startResponse) => {
      const headers: WsgiHeader[] = [["X-A", "1"]];
      startResponse(OK, headers);
      headers.push(["X-B", "2"]);
      return [bytes(`${headers.length}`)];
    },
    ok("2", "content-length: 1", "x-a: 1"),
  ],
  "has not the length that a result claims (D15)": [
    answer(() => Object.assign(generate("ab", "c"), { length: 1, size: 1 })),
    ok("abc"),
    { breaks: ["result-length"] },
  ],
  "has headers of the same name": [
    answer(() => [], [["Set-Cookie", "a=1"], ["set-cookie", "b=2"]]),
    ok("", "content-length: 0", "set-cookie: a=1", "set-cookie: b=2"),
  ],
  "has headers named like what every object has": [
    answer(() => [], [["__proto__", "1"], ["toString", "2"]]),
    ok("", "__proto__: 1", "content-length: 0", "tostring: 2"),
  ],
  "has a reason phrase and values in Latin-1 (D2)": [
    answer(() => [], [["X-A", "\xe9\t\x80"]], "200 Tr\xe8s \xff"),
    {
      status: "200 Tr\xe8s \xff",
      headers: ["content-length: 0", "x-a: \xe9\t\x80"],
    },
  ],
});

// startResponse() in every order

const STARTED_TWICE =
  "TypeError: Cannot start the response as startResponse() was called before: an error response passes the error as excInfo";

testOutputs("startResponse()", {
  "is needed for an empty list": [
    () => [],
    serverError(NOT_STARTED),
    { breaks: ["start-response-missing"] },
  ],
  "is needed for a list": [
    () => list("a"),
    serverError(NOT_STARTED),
    { breaks: ["start-response-missing"] },
  ],
  "is needed before the first block, though it is empty (P030)": [
    function* (startResponse) {
      yield EMPTY;
      startResponse(OK, []);
      yield bytes("a");
    },
    serverError(NOT_STARTED),
    { breaks: ["start-response-missing"] },
  ],
  "is needed, and that it does not throw": [
    (startResponse) => {
      assertThrows(() => startResponse("", []), TypeError);
      return list("a");
    },
    serverError(NOT_STARTED),
    { breaks: ["status-form"] },
  ],
  "is needed, and that the last one does not throw": [
    (startResponse) => {
      startResponse(OK, []);
      assertThrows(() => startResponse("", [], ERROR), TypeError);
      return list("a");
    },
    serverError(NOT_STARTED),
    { breaks: ["exc-info-trapped", "status-form"] },
  ],
  "called twice is an error (P102)": [
    (startResponse) => {
      startResponse(OK, []);
      startResponse(OK, []);
      return [];
    },
    serverError(STARTED_TWICE),
    { breaks: ["start-response-repeated"] },
  ],
  "called twice is an error, though the first call threw (P102, D13)": [
    (startResponse) => {
      assertThrows(() => startResponse(OK, [["", ""]]), TypeError);
      startResponse(OK, []);
      return [];
    },
    serverError(STARTED_TWICE),
    { breaks: ["header-name", "start-response-repeated"] },
  ],
  "called twice is an error, excInfo being null or undefined": [
    (startResponse) => {
      startResponse(OK, [], null);
      for (const excInfo of [null, undefined]) {
        assertThrows(() => startResponse(OK, [], excInfo), TypeError);
      }
      return list("a");
    },
    ok("a", "content-length: 1"),
    { breaks: ["start-response-repeated"] },
  ],
  "called twice is an error after the head was sent": [
    async (startResponse) => {
      await startResponse(OK, [])(bytes("a"));
      startResponse(OK, []);
      return [];
    },
    cut("a", STARTED_TWICE),
    { breaks: ["start-response-repeated"] },
  ],
  "replaces all that was set before, given excInfo (P097)": [
    (startResponse) => {
      startResponse(OK, [["X-A", "1"], ["Content-Length", "1"]]);
      startResponse("404 Not Found", [["X-B", "2"]], ERROR);
      return generate("abc");
    },
    { status: "404 Not Found", headers: ["x-b: 2"], body: "abc" },
  ],
  "replaces what was set before, excInfo being falsy": [
    (startResponse) => {
      startResponse(OK, []);
      for (const excInfo of [0, "", false, NaN]) {
        startResponse("404 Not Found", [], excInfo);
      }
      return [];
    },
    { status: "404 Not Found", headers: ["content-length: 0"] },
  ],
  "replaces what was set before by a call that threw": [
    (startResponse) => {
      try {
        startResponse(OK, [["Connection", "close"]]);
      } catch (error) {
        startResponse("404 Not Found", [], error);
      }
      return [];
    },
    { status: "404 Not Found", headers: ["content-length: 0"] },
    { breaks: ["header-hop-by-hop"] },
  ],
  "replaces what was set before empty blocks (P092)": [
    function* (startResponse) {
      startResponse("204 No Content", []);
      yield EMPTY;
      startResponse("404 Not Found", [], ERROR);
      yield bytes("a");
    },
    { status: "404 Not Found", body: "a" },
  ],
  "throws excInfo once the head was sent (P098, D12)": [
    async (startResponse) => {
      await startResponse(OK, [])(bytes("a"));
      startResponse("500 Error", [], ERROR);
      return [];
    },
    cut("a", "Error: spam"),
  ],
  "gives a write() that serves the response that replaced its own": [
    async (startResponse) => {
      const write = startResponse(OK, []);
      startResponse("404 Not Found", [], ERROR);
      await write(bytes("a"));
      return [];
    },
    { status: "404 Not Found", body: "a" },
  ],
});

Deno.test("startResponse() throws the very value of excInfo", async () => {
  breaks("exc-info-trapped");
  for (const excInfo of [ERROR, "spam", 0, false, {}, Symbol("spam")]) {
    const handler = new TestHandler();
    await handler.run(async (_environ, startResponse) => {
      await startResponse(OK, [])(bytes("a"));
      try {
        startResponse(OK, [], excInfo);
      } catch (error) {
        assertStrictEquals(error, excInfo);
        return list("b");
      }
      return [];
    });
    assertEquals(handler.outcome.body, "ab");
  }
});

Deno.test("startResponse() and write() throw once the response has ended", async () => {
  breaks("start-response-repeated", "write-after-return");
  for (const run of Object.values(OUTPUTS)) {
    let start: StartResponse | undefined;
    let write: WriteCallable | undefined;
    await run((_environ, startResponse) => {
      start = startResponse;
      write = startResponse(OK, []);
      return list("a");
    });
    assertThrows(() => start?.(OK, []), TypeError, STARTED_TWICE.slice(11));
    assertThrows(() => start?.(OK, [], ERROR), Error, "spam");
    assertThrows(
      () => write?.(bytes("a")),
      TypeError,
      "Cannot send more body as the response has ended",
    );
  }
});

// What startResponse() refuses

/** The message of what startResponse() throws, whatever the output. */
function refusal(status: string, headers: WsgiHeader[] = []): string | null {
  const [message = null, other] = [new TestHandler(), new TestFetchHandler()]
    .map((handler) => {
      try {
        handler.startResponse(status, headers);
        return null;
      } catch (error) {
        assertInstanceOf(error, TypeError);
        return error.message;
      }
    });
  assertEquals(message, other);
  return message;
}

Deno.test("startResponse() takes three digits, a space and a reason phrase", () => {
  for (
    const status of [
      "200 OK",
      "200 x",
      "299 !",
      "404 Not  Found",
      "500 ~ \xa1\xff",
      "599 \x80",
      `200 ${"a ".repeat(50_000)}a`,
    ]
  ) {
    assertEquals(refusal(status), null);
  }
});

Deno.test("startResponse() refuses any other status (D1, D14, P078-P080)", () => {
  for (
    const [status, received] of [
      ["", '""'],
      ["200", '"200"'],
      ["200 ", '"200 "'],
      ["200OK", '"200OK"'],
      ["200\tOK", '"200\\tOK"'],
      ["200  OK", '"200  OK"'],
      ["200 OK ", '"200 OK "'],
      ["200 OK\t", '"200 OK\\t"'],
      [" 200 OK", '" 200 OK"'],
      ["20X OK", '"20X OK"'],
      ["20 OK", '"20 OK"'],
      ["2000 OK", '"2000 OK"'],
      ["000 OK", '"000 OK"'],
      ["099 OK", '"099 OK"'],
      ["-20 OK", '"-20 OK"'],
      ["2e2 OK", '"2e2 OK"'],
      ["\xb2\xb3\xb9 OK", '"\xb2\xb3\xb9 OK"'],
      ["\u0662\u0660\u0660 OK", '"\u0662\u0660\u0660 OK"'],
      ["200 OK\r\nX-A: 1", '"200 OK\\r\\nX-A: 1"'],
      ["200 OK\n", '"200 OK\\n"'],
      ["200 O\tK", '"200 O\\tK"'],
      ["200 O\x7fK", '"200 O\\x7fK"'],
      ["200 \u0100K", '"200 \u0100K"'],
      ["200 \u2028", '"200 \\u2028"'],
      [undefined, "undefined"],
      [null, "null"],
      [200, "200"],
      [["200 OK"], '["200 OK"]'],
      [new String("200 OK"), "[object String]"],
    ] as [string, string][]
  ) {
    assertEquals(
      refusal(status),
      `Cannot start the response as its status must be three digits, a space and a reason phrase: received ${received}`,
    );
  }
});

Deno.test("startResponse() refuses headers that cannot be sent (D1, D2, D34)", () => {
  const list =
    "Cannot create headers as they must be an array of [name, value] arrays: received";
  const pair =
    "Cannot create headers as each must be a [name, value] array: received";
  const value = 'Cannot set header "X-A" as its value';
  for (
    const [headers, message] of [
      [null, `${list} null`],
      [{ "X-A": "1" }, `${list} [object Object]`],
      [new Map([["X-A", "1"]]), `${list} [object Map]`],
      [[["X-A"]], `${pair} ["X-A"]`],
      [["X-"], `${pair} "X-"`],
      [[["X A", "1"]], 'Cannot set header "X A" as its name is not a token'],
      [[["X-A:", "1"]], 'Cannot set header "X-A:" as its name is not a token'],
      [[["X-A", 1]], `${value} is not a string: received 1`],
      [
        [["X-B", "1"], ["X-A", "1\r\nX-B: 2"]],
        `${value} has a control character: received "1\\r\\nX-B: 2"`,
      ],
      [
        [["X-A", "\x07"]],
        `${value} has a control character: received "\\x07"`,
      ],
      [
        [["X-A", "\u20ac"]],
        `${value} has a character outside Latin-1: received "\u20ac"`,
      ],
    ] as [WsgiHeader[], string][]
  ) {
    assertEquals(refusal(OK, headers), message);
  }
});

Deno.test("startResponse() refuses hop-by-hop headers by name (P088, P089)", () => {
  const names =
    "Connection keep-alive Proxy-Authenticate PROXY-AUTHORIZATION TE Trailers Transfer-Encoding uPGRADE";
  for (const name of names.split(" ")) {
    assertEquals(
      refusal(OK, [["X-A", "1"], [name, "a\tb"]]),
      `Cannot set header "${name}" as it is hop-by-hop, which is the server's to set: received "a\\tb"`,
    );
  }
  for (const name of ["Trailer", "Proxy-Connection", "Connection-Type"]) {
    assertEquals(refusal(OK, [[name, "1"]]), null);
  }
});

Deno.test("startResponse() refuses a Content-Length that is not one number", () => {
  const values = ["", "-1", "+1", "1.0", "1e3", "0x1", "a", "1, 1", "\xb2"];
  for (const lengths of [...values.map((value) => [value]), ["1", "1"]]) {
    assertEquals(
      refusal(OK, lengths.map((length) => ["content-LENGTH", length])),
      `Cannot set header "content-LENGTH" as it must be one number of bytes in decimal digits: received [${
        lengths.map((length) => `"${length}"`).join(", ")
      }]`,
    );
  }
  for (const value of ["0", "007", "9007199254740993"]) {
    assertEquals(refusal(OK, [["Content-Length", value]]), null);
  }
});

// Errors of the application

testOutputs("An error", {
  "of the application is answered 500": [
    () => fail(),
    serverError("Error: spam"),
  ],
  "after the response was started is answered 500": [
    answer(fail, [["Content-Length", "7"]], "204 No Content"),
    serverError("Error: spam"),
    { breaks: ["content-length-forbidden"] },
  ],
  "of an async application is answered 500": [
    answer(() => turn().then(fail)),
    serverError("Error: spam"),
  ],
  "is answered to HEAD with the head of the error response (D4)": [
    () => fail(),
    { ...serverError("Error: spam"), body: "" },
    { method: "HEAD" },
  ],
  "of the first step is answered 500": [
    // deno-lint-ignore require-yield
    function* (startResponse) {
      startResponse(OK, []);
      fail();
    },
    serverError("Error: spam"),
  ],
  "after empty blocks is answered 500 (D3)": [
    async function* (startResponse) {
      startResponse(OK, []);
      yield EMPTY;
      fail();
    },
    serverError("Error: spam"),
  ],
  "after a block cuts the response off (D7)": [
    function* (startResponse) {
      startResponse(OK, []);
      yield* generate("a", "b");
      fail();
    },
    cut("ab", "Error: spam"),
  ],
  "after a block of an async generator cuts the response off (D7)": [
    async function* (startResponse) {
      startResponse(OK, [["Content-Length", "9"]]);
      yield bytes("a");
      await turn();
      fail();
    },
    cut("a", "Error: spam", "content-length: 9"),
  ],
  "after write() cuts the response off (D7)": [
    (startResponse) => {
      startResponse(OK, [])(bytes("a"));
      fail();
    },
    cut("a", "Error: spam"),
  ],
  "of a stream before its first block is answered 500": [
    answer(() => new ReadableStream({ pull: () => Promise.reject(ERROR) })),
    serverError("Error: spam"),
  ],
  "of a stream after a block cuts the response off": [
    answer(() =>
      ReadableStream.from((function* () {
        yield bytes("a");
        fail();
      })())
    ),
    cut("a", "Error: spam"),
  ],
  "of a stream that is read elsewhere is answered 500": [
    answer(() => {
      const locked = stream("a");
      locked.getReader();
      return locked;
    }),
    serverError("TypeError: ReadableStream is locked"),
    { breaks: ["result-type"] },
  ],
  "of the making of the iterator is answered 500": [
    answer(() => ({ [Symbol.iterator]: () => fail() })),
    serverError("Error: spam"),
  ],
  "named AbortError is no disconnect (D10)": [
    () => fail(new DOMException("spam", "AbortError")),
    serverError("AbortError: spam"),
  ],
  "of a connection of the application is no disconnect (D10)": [
    () => fail(new Deno.errors.BrokenPipe("spam")),
    serverError("BrokenPipe: spam"),
  ],
});

for (
  const [value, line] of [
    ["spam\n\x1b", 'Uncaught "spam\\n\\x1b"'],
    [undefined, "Uncaught undefined"],
    [null, "Uncaught null"],
    [0, "Uncaught 0"],
    [Symbol("spam"), "Uncaught Symbol(spam)"],
    [{ message: "spam" }, "Uncaught [object Object]"],
    [[1, "a"], 'Uncaught [1, "a"]'],
    [Object.assign(new Error("a"), { stack: undefined }), "Error: a"],
    [Object.assign(new Error("b"), { stack: 1 }), "Error: b"],
  ] as [unknown, string][]
) {
  testOutputs(`A thrown value, logged as ${line},`, {
    "is answered 500": [
      () => {
        throw value;
      },
      serverError(line),
    ],
    "is answered 500 after a rejection": [
      () => Promise.reject(value),
      serverError(line),
    ],
    "cuts the response off after a block": [
      function* (startResponse) {
        startResponse(OK, []);
        yield bytes("a");
        throw value;
      },
      cut("a", line),
    ],
  });
}

for (
  const [value, received, code] of [
    [undefined, "undefined", "result-type"],
    [null, "null", "result-type"],
    ["spam", '"spam"', "result-string"],
    [bytes("spam"), "[object Uint8Array]", "result-bytes"],
    [new ArrayBuffer(1), "[object ArrayBuffer]", "result-bytes"],
    [1, "1", "result-type"],
    [{}, "[object Object]", "result-type"],
    [new Response("spam"), "[object Response]", "result-type"],
    [() => [], "[object Function]", "result-type"],
  ] as [unknown, string, WsgiConformanceCode][]
) {
  const options: Case[2] = { breaks: [code] };
  const error =
    `TypeError: Cannot send the result of the application as it must be an iterable of Uint8Array blocks, such as [body]: received ${received}`;
  testOutputs(`A result of ${received}`, {
    "is answered 500": [
      answer(() => untyped(value)),
      serverError(error),
      options,
    ],
    "is answered 500 after a promise": [
      answer(() => Promise.resolve(untyped(value))),
      serverError(error),
      options,
    ],
    "cuts the response off after write()": [
      (startResponse) => {
        startResponse(OK, [])(bytes("a"));
        return untyped(value);
      },
      cut("a", error),
      options,
    ],
  });
}

for (
  const [value, received] of [
    [undefined, "undefined"],
    [null, "null"],
    ["spam", '"spam"'],
    [new ArrayBuffer(1), "[object ArrayBuffer]"],
    [new DataView(new ArrayBuffer(1)), "[object DataView]"],
    [[1], "[1]"],
    [7, "7"],
    [Promise.resolve(bytes("a")), "[object Promise]"],
  ] as [unknown, string][]
) {
  const block = value as Uint8Array;
  const error =
    `TypeError: Cannot send a block of the body as it must be a Uint8Array: received ${received}`;
  const length: WsgiHeader[] = [["Content-Length", "2"]];
  testOutputs(`A block of ${received}`, {
    "in a list is answered 500": [
      answer(() => [bytes("a"), block], length),
      serverError(error),
      { breaks: ["block-type", "content-length-unreached"] },
    ],
    "in a generator cuts the response off": [
      function* (startResponse) {
        startResponse(OK, length);
        yield bytes("a");
        yield block;
      },
      cut("a", error, "content-length: 2"),
      { breaks: ["block-type"] },
    ],
    "in a stream is answered 500": [
      answer(() =>
        new ReadableStream({ start: (stream) => stream.enqueue(block) })
      ),
      serverError(error),
      { breaks: ["block-type"] },
    ],
    "given to write() is answered 500": [
      async (startResponse) => {
        await startResponse(OK, length)(block);
        return [];
      },
      serverError(error),
      { breaks: ["write-type"] },
    ],
  });
}

// Bodies and their length

/** The ways to give a body of blocks. */
const BODIES: Record<
  string,
  (write: WriteCallable, texts: string[]) => WsgiResult | Promise<WsgiResult>
> = {
  "a list": (_write, texts) => list(...texts),
  "a generator": (_write, texts) => generate(...texts),
  "an async generator": (_write, texts) => generateAsync(...texts),
  "a stream": (_write, texts) => stream(...texts),
  "a file": (_write, texts) => new FileWrapper(stream(...texts)),
  "write()": async (write, texts) => {
    for (const text of texts) await write(bytes(text));
    return [];
  },
  "write() and a list": async (write, [first = "", ...rest]) => {
    await write(bytes(first));
    return list(...rest);
  },
};

interface BodyOptions {
  method?: string;
  status?: string;
  breaks?: WsgiConformanceCode[];
}

for (const [kind, give] of Object.entries(BODIES)) {
  const body = (
    texts: string[],
    length: number | null,
    expected: Partial<Outcome>,
    { method = "GET", status = OK, breaks = [] }: BodyOptions = {},
  ): Case => [
    (startResponse) => {
      const headers: WsgiHeader[] = length === null
        ? []
        : [["Content-Length", `${length}`]];
      return give(startResponse(status, headers), texts);
    },
    expected,
    { method, breaks },
  ];
  const ifList = kind === "a list" ? ["content-length: 3"] : [];
  const missing =
    "RangeError: Cannot finish the response as its body is shorter than its Content-Length:";
  const tooMuch =
    "TypeError: Cannot write 2 bytes as the Content-Length leaves";
  const isWritten = kind.startsWith("write()");
  // The validator does not look into files.
  const mistakes = (...codes: WsgiConformanceCode[]) => ({
    breaks: kind === "a file" ? [] : codes,
  });
  // A list is one block when it is sent whole, a file is sent as it is read. A
  // range may end before its file.
  const cutShort = (bytes: number, length: number) =>
    kind === "a file" ? [] : [
      `RangeError: Cannot send all of the body as it is longer than its Content-Length: ${bytes} bytes or more, ${length} declared`,
    ];

  testOutputs(`A body from ${kind}`, {
    "of no block has a length of 0": body(
      [],
      null,
      ok("", ...kind === "write() and a list" ? [] : ["content-length: 0"]),
    ),
    "of empty blocks has a length of 0, unless one was written": body(
      ["", ""],
      null,
      ok("", ...isWritten ? [] : ["content-length: 0"]),
    ),
    "has a length if it is all at hand": body(
      ["a", "", "bc"],
      null,
      ok("abc", ...ifList),
    ),
    "may be as long as declared": body(
      ["a", "", "bc"],
      3,
      ok("abc", "content-length: 3"),
    ),
    "may be empty as declared": body([], 0, ok("", "content-length: 0")),
    "is an error if it is empty and not declared so (P107)": body(
      ["", ""],
      3,
      isWritten
        ? cut("", `${missing} 0 bytes sent, 3 missing`, "content-length: 3")
        : serverError(`${missing} 0 bytes sent, 3 missing`),
      mistakes("content-length-unreached"),
    ),
    "is cut off if it is shorter than declared (P107, D6)": body(
      ["a", "b"],
      3,
      cut("ab", `${missing} 2 bytes sent, 1 missing`, "content-length: 3"),
      mistakes("content-length-unreached"),
    ),
    // Results stop at the length (P105, P106); write() throws.
    "is no longer than declared (D6)": body(
      ["ab", "cd", "e"],
      3,
      kind === "write()" ? cut("ab", `${tooMuch} 1`, "content-length: 3") : {
        ...ok("abc", "content-length: 3"),
        errors: cutShort(4, 3),
      },
      mistakes("content-length-exceeded"),
    ),
    "is none where none is declared (D6)": body(
      ["ab", "cd"],
      0,
      isWritten
        ? serverError(`${tooMuch} 0`)
        : { ...ok("", "content-length: 0"), errors: cutShort(2, 0) },
      mistakes("content-length-exceeded"),
    ),
    "is not sent to HEAD, but for its known length (D4)": body(
      ["a", "bc"],
      null,
      ok("", ...ifList),
      { method: "HEAD" },
    ),
    "is not sent to HEAD, but for its declared length (D4)": body(
      ["a", "bc"],
      9,
      ok("", "content-length: 9"),
      { method: "HEAD" },
    ),
    "may be left out for HEAD, with the length that GET has": body(
      [],
      9,
      ok("", "content-length: 9"),
      { method: "HEAD" },
    ),
    "may be longer than declared for HEAD": body(
      ["abc", "de"],
      3,
      ok("", "content-length: 3"),
      { method: "HEAD" },
    ),
    "of no block has no length for HEAD": body([], null, ok(""), {
      method: "HEAD",
    }),
  });

  Deno.test(`A body from ${kind} is not sent with 204, 205 and 304 (D5)`, async () => {
    breaks("content-length-forbidden", ...mistakes("body-forbidden").breaks);
    for (const status of ["204 a", "205 b", "304 c"]) {
      for (const method of ["GET", "HEAD"]) {
        for (const length of [null, 0, 3]) {
          const headers = status === "304 c" && length !== null
            ? [`content-length: ${length}`]
            : [];
          const expected = { status, headers };
          const options = { method, status };
          await check(body(["abc", "d"], length, expected, options));
        }
      }
    }
  });
}

Deno.test("BaseHandler sends no body and no length with 1xx (D5)", async () => {
  breaks("body-forbidden", "content-length-forbidden");
  for (const headers of [[], [["Content-Length", "3"]]] as WsgiHeader[][]) {
    const handler = new TestHandler();
    await handler.run((_environ, startResponse) => {
      startResponse("103 Early Hints", headers);
      return list("abc");
    });
    assertEquals(handler.output, "Status: 103 Early Hints\r\n\r\n");
    assertEquals(handler.outcome.errors, []);
  }
});

Deno.test("write() beyond the length can be caught", async () => {
  breaks("content-length-exceeded");
  for (const run of Object.values(OUTPUTS)) {
    const { body, errors } = await run(async (_environ, startResponse) => {
      const write = startResponse(OK, [["Content-Length", "3"]]);
      await write(bytes("ab"));
      assertThrows(() => write(bytes("cd")), TypeError, "leaves 1");
      await write(bytes("c"));
      return [];
    });
    assertEquals(body, "abc");
    assertEquals(errors, []);
  }
});

// The end of a result

const ENDINGS: Record<
  string,
  TrackOptions & {
    method?: string;
    status?: string;
    length?: string;
    isReturned?: boolean;
    breaks?: WsgiConformanceCode[];
    expected: Partial<Outcome>;
  }
> = {
  "is exhausted": { expected: ok("ababab") },
  "is too short": {
    length: "7",
    breaks: ["content-length-unreached"],
    expected: cut(
      "ababab",
      "RangeError: Cannot finish the response as its body is shorter than its Content-Length: 6 bytes sent, 1 missing",
      "content-length: 7",
    ),
  },
  "is long enough before its end (P106)": {
    length: "4",
    isReturned: true,
    expected: ok("abab", "content-length: 4"),
  },
  "is not to be sent": {
    status: "304 x",
    isReturned: true,
    breaks: ["body-forbidden"],
    expected: { status: "304 x" },
  },
  "is not to be sent to HEAD": {
    method: "HEAD",
    isReturned: true,
    expected: ok(""),
  },
  "has not been started": {
    status: "",
    isReturned: true,
    breaks: ["start-response-missing"],
    expected: serverError(NOT_STARTED),
  },
  "fails at its first step": {
    onStep: () => fail(),
    expected: serverError("Error: spam"),
  },
  "fails at its second step": {
    onStep(step) {
      if (step === 2) fail();
    },
    expected: cut("ab", "Error: spam"),
  },
  "fails in close() (D8)": {
    onClose: fail,
    expected: { body: "ababab", errors: ["Error: spam"] },
  },
  "fails in return() and in close() (D8)": {
    length: "2",
    onReturn: () => fail(new Error("eggs")),
    onClose: fail,
    isReturned: true,
    expected: {
      headers: ["content-length: 2"],
      body: "ab",
      errors: ["Error: eggs", "Error: spam"],
    },
  },
};

for (const kind of ["sync", "async"] as const) {
  for (const [name, ending] of Object.entries(ENDINGS)) {
    const { method = "GET", status = OK, length, isReturned } = ending;
    Deno.test(`A result of ${kind} steps that ${name} is closed once (P027)`, async () => {
      const runs: string[][] = [];
      const app: Case[0] = (startResponse) => {
        const events: string[] = [];
        runs.push(events);
        if (status !== "") {
          startResponse(status, length ? [["Content-Length", length]] : []);
        }
        return track(kind, events, ending);
      };
      const { breaks = [], expected } = ending;
      await check([app, expected, { method, breaks }]);
      const events = isReturned ? RETURNED[kind] : CLOSED;
      assertEquals(runs, [events, events]);
    });
  }
}

Deno.test("A list is closed once, whether it can be sent or not", async () => {
  breaks("block-type");
  for (const [block, status] of [["a", OK], [1, "500 Internal Server Error"]]) {
    for (const run of Object.values(OUTPUTS)) {
      let closes = 0;
      const outcome = await run((_environ, startResponse) => {
        startResponse(OK, []);
        const blocks = typeof block === "string" ? list(block) : [block];
        return untyped(Object.assign(blocks, { close: () => closes++ }));
      });
      assertEquals(outcome.status, status);
      assertEquals(closes, 1);
    }
  }
});

Deno.test("A stream is canceled if it is not read to its end", async () => {
  breaks("content-length-exceeded");
  for (const run of Object.values(OUTPUTS)) {
    let cancels = 0;
    await run((_environ, startResponse) => {
      startResponse(OK, [["Content-Length", "3"]]);
      return new ReadableStream({
        pull: (controller) => controller.enqueue(bytes("ab")),
        cancel: () => void cancels++,
      });
    });
    assertEquals(cancels, 1);
  }
});

Deno.test("BaseHandler waits for _flush() before it asks for more (P115)", async () => {
  const events: string[] = [];
  class SlowHandler extends TestHandler {
    override async _flush() {
      await turn();
      events.push(`sent ${this.bytesSent}`);
    }
  }
  await new SlowHandler().run(async (_environ, startResponse) => {
    await startResponse(OK, [])(bytes("a"));
    events.push("written");
    return (function* () {
      events.push("step");
      yield bytes("b");
      events.push("step");
    })();
  });
  assertEquals(
    events,
    ["sent 1", "written", "step", "sent 2", "step", "sent 2"],
  );
});

// The log and the error response

Deno.test("BaseHandler.logException() writes as many frames as tracebackLimit", () => {
  const spam = new Error("spam");
  spam.stack = "Error: spam\n    at a\n    at b\n    at c";
  const eggs = new Error("eggs\n    at two lines", { cause: spam });
  eggs.stack = "Error: eggs\n    at two lines\n    at d";
  const head = "Error: eggs\\n    at two lines";
  for (
    const [limit, text] of [
      [null, `${head}\n    at d\nCaused by: ${spam.stack}\n`],
      [2, `${head}\n    at d\nCaused by: Error: spam\n    at a\n    at b\n`],
      [0, `${head}\nCaused by: Error: spam\n`],
    ] as [number | null, string][]
  ) {
    const handler = new TestHandler();
    handler.tracebackLimit = limit;
    handler.logException(eggs);
    assertEquals(handler.log.text, text);
  }
});

Deno.test("BaseHandler.logException() tells each cause once", () => {
  const ham = new Error("ham");
  const loop = new Error("loop", { cause: ham });
  ham.cause = loop;
  const self = new Error("self");
  self.cause = self;
  for (
    const [error, lines] of [
      [new Error("a", { cause: "b" }), ["Error: a", 'Caused by: Uncaught "b"']],
      [new Error("a", { cause: null }), [
        "Error: a",
        "Caused by: Uncaught null",
      ]],
      [loop, ["Error: loop", "Caused by: Error: ham"]],
      [self, ["Error: self"]],
    ] as [Error, string[]][]
  ) {
    const handler = new TestHandler();
    handler.logException(error);
    assertEquals(handler.log.lines, lines);
  }
});

Deno.test("BaseHandler answers errors with errorStatus, errorHeaders and errorBody", async () => {
  const handler = new TestHandler();
  handler.errorStatus = "503 Busy";
  handler.errorHeaders = [["Retry-After", "1"]];
  handler.errorBody = bytes("busy");
  await handler.run(() => fail());
  assertEquals(
    handler.output,
    "Status: 503 Busy\r\nRetry-After: 1\r\nContent-Length: 4\r\n\r\nbusy",
  );
});

Deno.test("BaseHandler.errorOutput() is an application that is given the error", async () => {
  for (const give of [list, generate, generateAsync]) {
    for (const thrown of [ERROR, 0, undefined]) {
      let given: unknown;
      class ErrorHandler extends TestFetchHandler {
        override errorOutput(
          environ: WsgiEnviron,
          startResponse: StartResponse,
          error: unknown,
        ): WsgiResult {
          given = error;
          startResponse("599 x", [["X-A", environ.REQUEST_METHOD]], error);
          return give("o", "h");
        }
      }
      const outcome = await new ErrorHandler().toOutcome(
        (_environ, startResponse) => {
          startResponse(OK, [["Content-Length", "9"]]);
          throw thrown;
        },
      );
      assertEquals(outcome.status, "599 x");
      assertEquals(outcome.headers.at(-1), "x-a: GET");
      assertEquals(outcome.body, "oh");
      assertEquals(outcome.errors.length, 2);
      if (thrown === undefined) assertInstanceOf(given, TypeError);
      else assertStrictEquals(given, thrown);
    }
  }
});

Deno.test("BaseHandler.errorOutput() has not the length of the file that failed", async () => {
  const handler = Object.assign(new TestHandler(), {
    errorOutput(_environ: WsgiEnviron, startResponse: StartResponse) {
      startResponse("500 x", [], ERROR);
      return generate("spam");
    },
  });
  await handler.run((_environ, startResponse) => {
    startResponse(OK, []);
    return new FileWrapper({
      read: fail,
      stat: () => Promise.resolve({ isFile: true, size: 9 }),
      seek: () => Promise.resolve(0),
      close() {},
    });
  });
  assertEquals(handler.output, "Status: 500 x\r\n\r\nspam");
});

Deno.test("BaseHandler.run() rejects if the error response fails, and closes", async () => {
  const handler = Object.assign(new TestHandler(), {
    errorOutput: () => fail(new Error("eggs")),
  });
  await assertRejects(
    async () => await handler.run(() => fail()),
    Error,
    "eggs",
  );
  assertEquals(handler.events, ["close"]);
  assertEquals(handler.log.lines, ["Error: spam"]);
});

Deno.test("BaseHandler.run() answers 500 if the environ cannot be made", async () => {
  const handler = Object.assign(new TestHandler(), { getScheme: fail });
  await handler.run(() => []);
  assertEquals(handler.outcome.status, "500 Internal Server Error");
  assertEquals(handler.outcome.errors, ["Error: spam"]);
});

Deno.test("BaseHandler.run() runs one application", async () => {
  for (
    const give of [
      () => [],
      () => turn().then(() => []),
      () => generateAsync(),
    ]
  ) {
    const handler = new TestHandler();
    const pending = handler.run((_environ, startResponse) => {
      startResponse(OK, []);
      return give();
    });
    for (let i = 0; i < 2; i++) {
      assertThrows(
        () => handler.run(() => []),
        TypeError,
        "Cannot run the application as a handler answers one request: create a new handler",
      );
      await pending;
    }
    assertEquals(handler.outcome.status, OK);
  }
});

// The rest

Deno.test("formatDateTime() formats as RFC 9110 says", () => {
  for (
    const [timestamp, text] of [
      [0, "Thu, 01 Jan 1970 00:00:00 GMT"],
      [-0.001, "Wed, 31 Dec 1969 23:59:59 GMT"],
      [-1, "Wed, 31 Dec 1969 23:59:59 GMT"],
      [0.999, "Thu, 01 Jan 1970 00:00:00 GMT"],
      [784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"],
      [951_827_696, "Tue, 29 Feb 2000 12:34:56 GMT"],
      [253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"],
      [new Date(-62_167_219_200_000), "Sat, 01 Jan 0000 00:00:00 GMT"],
      [new Date(1_999), "Thu, 01 Jan 1970 00:00:01 GMT"],
    ] as [number | Date, string][]
  ) {
    assertEquals(formatDateTime(timestamp), text);
  }
  const others = [NaN, Infinity, -Infinity, 1e13];
  // The years 10000 and -1.
  for (const timestamp of [...others, 253_402_300_800, -62_167_219_201]) {
    assertThrows(
      () => formatDateTime(timestamp),
      RangeError,
      `Cannot format the time as it must be a number of seconds, not of milliseconds, or a Date, in the years 0 to 9999: received ${timestamp}`,
    );
  }
});

Deno.test("BaseHandler.isComplete tells when all that is declared has been sent", async () => {
  const handler = new TestHandler();
  const seen = [handler.isComplete];
  await handler.run(async (_environ, startResponse) => {
    const write = startResponse(OK, [
      ["Content-Length", "2"],
      // As long a name as that.
      ["X-Content-Type", "spam"],
    ]);
    for (let count = 0; count < 2; count++) {
      seen.push(handler.isComplete);
      await write(bytes("a"));
    }
    seen.push(handler.isComplete);
    return [];
  });
  assertEquals(seen, [false, false, false, true]);
});

Deno.test("BaseHandler logs a body that is too long without a trace", async () => {
  breaks("content-length-exceeded");
  const handler = new TestHandler();
  await handler.run((_environ, startResponse) => {
    startResponse(OK, [["Content-Length", "1"]]);
    return list("ab");
  });
  assertMatch(handler.log.text, /^RangeError: [^\n]*\n$/);
});

Deno.test("BaseHandler leaves the signal of what has ended alone", async () => {
  const handler = new TestHandler();
  let signal: AbortSignal | undefined;
  await handler.run((environ, startResponse) => {
    signal = environ["wsgiref.signal"];
    startResponse(OK, []);
    return list("a");
  });
  handler.abortSignal(ERROR);
  await handler.connectionLost(ERROR);
  assertEquals(signal?.aborted, false);
});

Deno.test("BaseHandler.write() rejects once the client has gone", async () => {
  const handler = new TestHandler();
  let written: unknown;
  await handler.run(async (_environ, startResponse) => {
    const write = startResponse(OK, []);
    await handler.connectionLost(ERROR);
    written = await write(bytes("a")).catch((error) => error);
    return [];
  });
  assertStrictEquals(written, ERROR);
});

Deno.test("BaseHandler.run() waits for a close() that a subclass makes asynchronous", async () => {
  for (const result of [list("a"), generate("a")]) {
    const events: string[] = [];
    class Handler extends TestHandler {
      override async close(): Promise<void> {
        await super.close();
        await turn();
        events.push("closed");
      }
    }
    await new Handler().run((_environ, startResponse) => {
      startResponse(OK, []);
      return result;
    });
    assertEquals(events, ["closed"]);
  }
});

/** An application that gives a result. */
function give(result: WsgiResult): WsgiApplication {
  return (_environ, startResponse) => {
    startResponse(OK, []);
    return result;
  };
}

Deno.test("BaseHandler knows of no response before there is one", () => {
  const handler = new TestHandler();
  assertEquals(
    [handler.hasBody, handler.bytesSent, handler.headersSent],
    [true, 0, false],
  );
});

Deno.test("BaseHandler tells an application of the protocol and the server", async () => {
  const handler = new TestHandler();
  handler.wsgiRunOnce = true;
  let environ: Partial<WsgiEnviron> = {};
  await handler.run((received, startResponse) => {
    environ = received;
    startResponse(OK, []);
    return [];
  });
  assertEquals(environ["wsgi.version"], [1, 0]);
  assertEquals(environ["wsgi.run_once"], true);
});

Deno.test("BaseHandler.isComplete is true of what was counted", async () => {
  const handler = new TestHandler();
  await handler.run(give(list("ab")));
  assertEquals(handler.isComplete, true);
});

Deno.test("BaseHandler writes nothing of what is too long, nor after what is enough", async () => {
  breaks("content-length-exceeded");
  const writes: number[] = [];
  class Handler extends TestHandler {
    override _write(data: Uint8Array): void {
      writes.push(data.length);
    }
  }
  await new Handler().run((_environ, startResponse) => {
    startResponse(OK, [["Content-Length", "2"]]);
    return list("ab", "c");
  });
  assertEquals(writes.slice(1), [2]);

  const steps: string[] = [];
  await new TestHandler().run(async (_environ, startResponse) => {
    await startResponse(OK, [["Content-Length", "2"]])(bytes("ab"));
    return (function* () {
      steps.push("begun");
      yield bytes("c");
    })();
  });
  assertEquals(steps, []);
});

Deno.test("BaseHandler iterates a file if there is no wrapper that it could know", async () => {
  class Handler extends TestHandler {
    override sendfile(): boolean {
      throw ERROR;
    }
  }
  const handler = new Handler();
  handler.wsgiFileWrapper = null;
  await handler.run(give(new FileWrapper(new Blob(["ab"]))));
  assertEquals(handler.outcome.body, "ab");
  assertEquals(handler.log.lines, []);
});

Deno.test("BaseHandler flushes what it logs", () => {
  const handler = new TestHandler();
  let flushes = 0;
  handler.log.flush = () => void flushes++;
  handler.logException(ERROR);
  assertEquals(flushes, 1);
});

Deno.test("BaseHandler answers an error when the result is released", async () => {
  const events: string[] = [];
  class Handler extends TestHandler {
    override errorOutput(
      ...args: Parameters<TestHandler["errorOutput"]>
    ): WsgiResult {
      events.push("errorOutput");
      return super.errorOutput(...args);
    }
  }
  await new Handler().run((_environ, startResponse) => {
    startResponse(OK, []);
    return {
      [Symbol.iterator]: () => fail(),
      async close() {
        await turn();
        events.push("closed");
      },
    };
  });
  assertEquals(events, ["closed", "errorOutput"]);
});

Deno.test("BaseHandler answers no error when the client has gone meanwhile", async () => {
  const handler = new TestHandler();
  handler.errorOutput = () => fail(new Error("answered"));
  const gone = new Error("gone");
  await handler.run((_environ, startResponse) => {
    startResponse(OK, []);
    return {
      [Symbol.iterator]: () => fail(),
      async close() {
        await turn();
        handler.connectionLost(gone);
        // It is no failure of the application.
        throw gone;
      },
    };
  });
  assertEquals(handler.output, "");
  assertEquals(handler.log.lines, ["Error: spam"]);
});

Deno.test("BaseHandler.run() resolves if the client goes while an error is answered", async () => {
  const handler = new TestHandler();
  const gone = new Error("gone");
  handler._flush = () => {
    handler.connectionLost(gone);
    return Promise.reject(gone);
  };
  await handler.run(() => fail());
  assertEquals(handler.log.lines, ["Error: spam"]);
});

Deno.test("BaseHandler.close() is called once, also if the client goes as the response ends", async () => {
  for (const result of [list("a"), generate("a")]) {
    let closes = 0;
    class Handler extends TestHandler {
      override async _flush(): Promise<void> {
        await turn();
        this.connectionLost(ERROR);
      }

      override close(): void | Promise<void> {
        closes++;
        return super.close();
      }
    }
    await new Handler().run((_environ, startResponse) => {
      startResponse(OK, [["Content-Length", "1"]]);
      return result;
    });
    assertEquals(closes, 1);
  }
});

Deno.test("BaseHandler does no more once the client has gone", async () => {
  const gone = new Error("gone");
  const events: string[] = [];
  class Handler extends TestHandler {
    override _write(data: Uint8Array): void {
      events.push(latin1(data));
    }

    override finishContent(): void {
      events.push("finishContent");
    }
  }
  const lose = (handler: TestHandler) => void handler.connectionLost(gone);

  // With the last block.
  let handler: TestHandler = new Handler();
  let flushes = 0;
  handler._flush = () => {
    if (++flushes === 2) lose(handler);
  };
  await handler.run(give(new Set(list("a", "b"))));
  assertEquals(events.splice(0).slice(1), ["a", "b"]);

  // While a block is waited for.
  handler = new Handler();
  await handler.run(give(async function* () {
    await turn();
    lose(handler);
    yield bytes("a");
  }()));
  assertEquals(events.splice(0), []);

  // While a file tells its size.
  handler = new Handler();
  await handler.run(give(
    new FileWrapper({
      stat() {
        lose(handler);
        return Promise.resolve({ size: 1, isFile: true });
      },
      seek: () => Promise.resolve(0),
      read() {
        events.push("read");
        return Promise.resolve(null);
      },
      close() {},
    }),
  ));
  assertEquals(events, []);
  assertEquals(handler.log.lines, []);
});

Deno.test("BaseHandler cancels an error's response that comes when the client has gone", async () => {
  const handler = new TestHandler();
  const gone = new Error("gone");
  const reasons: unknown[] = [];
  handler.errorOutput = (_environ, startResponse, error) => {
    startResponse("500 Error", [], error);
    handler.connectionLost(gone);
    return new ReadableStream({ cancel: () => void reasons.push("canceled") });
  };
  // deno-lint-ignore require-yield
  await handler.run(give(function* () {
    throw ERROR;
  }()));
  assertEquals(reasons, ["canceled"]);
});

Deno.test("startResponse() gives a write() that need not be waited for, also if the client has gone", async () => {
  const handler = new TestHandler();
  const gone = new Error("gone");
  handler._flush = () => {
    handler.connectionLost(gone);
    return Promise.reject(gone);
  };
  await handler.run(async (_environ, startResponse) => {
    startResponse(OK, [])(bytes("a"));
    // An error that nobody takes would end the process here.
    await turn();
    return [];
  });
  assertEquals(handler.log.lines, []);
});

Deno.test("BaseHandler cuts an error's response off that fails after its first block", async () => {
  for (
    const errorOutput of [
      function* () {
        yield bytes("sorry");
        throw new Error("again");
      },
      () => new Set(list("sorry")),
    ]
  ) {
    const handler = new TestHandler();
    handler.errorOutput = (_environ, startResponse, error) => {
      startResponse("500 Error", [["Content-Length", "9"]], error);
      return errorOutput();
    };
    await assertRejects(async () => await handler.run(() => fail()), Error);
    const [event = ""] = handler.events;
    assertMatch(event, /^abort (?:Error: again|RangeError: )/);
  }
});

Deno.test("BaseHandler takes a promise that is not one of the platform", async () => {
  for (const end of [{}, undefined]) {
    const handler = new TestHandler();
    await handler.run((_environ, startResponse) => {
      startResponse(OK, []);
      return {
        then(resolve: (result: WsgiResult) => void) {
          resolve(list("a"));
          return end;
        },
      } as unknown as Promise<WsgiResult>;
    });
    assertEquals(handler.outcome.body, "a");
  }
});
