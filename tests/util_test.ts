// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertLess,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { RequestError } from "../_request_error.ts";
import type {
  FileLike,
  FileWrapperFactory,
  OpenFile,
  SizedReader,
  WsgiEnviron,
} from "../types.ts";
import {
  applicationUri,
  ConnectionLostError,
  decodeNativeString,
  encodeNativeString,
  FileWrapper,
  guessScheme,
  isHopByHop,
  requestUri,
  setupTestingDefaults,
  shiftPathInfo,
  WsgiInput,
  type WsgiInputOptions,
  type WsgiInputSource,
} from "../util.ts";

/** Where the answers are not those of CPython 3.11.7. */
const DEPARTURES = {
  ipv6: "IPv6 server name is bracketed",
  emptyPort: "empty SERVER_PORT adds no colon",
  rootScript: "SCRIPT_NAME without a slash stays apart from the host",
  rootPath: "PATH_INFO without a slash loses no character",
  shiftNothing: "shiftPathInfo() leaves a PATH_INFO without any slash alone",
  flags: "flags are booleans, not 0",
  latch: "FileWrapper is over for good once it has ended",
  negativeSize: "a negative size is a RangeError",
};

type Answer = string | { error: string };
type Uris = [application: Answer, request: Answer, withoutQuery: Answer];

/** The answers of CPython, as `python3 tests/util_vectors.py` writes them. */
interface Vectors {
  guessScheme: [https: string | null, scheme: string][];
  uris: [
    values: (string | null)[],
    answers: Uris,
    departures?: string[],
    expected?: Uris,
  ][];
  shiftPathInfo: [
    script: string | null,
    path: string | null,
    steps: [
      name: Answer | null,
      script: string | null,
      path: string | null,
    ][],
  ][];
  setupTestingDefaults: [
    environ: Partial<WsgiEnviron>,
    result: [key: string, value: unknown][],
  ][];
  isHopByHop: [name: string, answer: boolean][];
  FileWrapper: [
    size: number,
    start: number,
    blksize: number,
    lengths: number[],
    growth: number,
    grown: number[],
  ][];
  WsgiInput: [
    body: string,
    reads: [
      method: "read" | "readline" | "readlines",
      args: [] | [number],
      result: string | string[],
    ][],
  ][];
  "native strings": [native: string, text: string][];
}

const vectors: Vectors = JSON.parse(
  await Deno.readTextFile(new URL("util_vectors.json", import.meta.url)),
);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The environ of those values that are not `null`. */
function toEnviron(
  keys: string[],
  values: (string | null | undefined)[],
): Partial<WsgiEnviron> {
  const entries = keys.map((key, index) => [key, values[index] ?? undefined]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function answerOf(call: () => string): Answer {
  try {
    return call();
  } catch (error) {
    assertInstanceOf(error, TypeError);
    // The reference raises these two for what is a TypeError here.
    const isMissing = error.message.endsWith("is missing");
    return { error: isMissing ? "KeyError" : "UnicodeEncodeError" };
  }
}

/** A generator of numbers that are the same in each run. */
function createRandom(seed: number): (below: number) => number {
  return (below) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

/** `data` as a stream of chunks of the given sizes, the last one repeated. */
function chunked(data: Uint8Array, ...sizes: number[]) {
  let position = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const size = (sizes.length > 1 ? sizes.shift() : sizes[0]) ?? 1;
      controller.enqueue(data.slice(position, position + size));
      position += size;
      if (position >= data.length) controller.close();
    },
  }, { highWaterMark: 0 });
}

Deno.test("decodeNativeString() and encodeNativeString() convert as CPython does", () => {
  for (const [native, text] of vectors["native strings"]) {
    assertEquals(decodeNativeString(native), text);
    if (!text.includes("\ufffd")) {
      assertEquals(encodeNativeString(text), native);
    }
  }
});

Deno.test("encodeNativeString() makes each byte of UTF-8 a character", () => {
  assertEquals(encodeNativeString("/a?b"), "/a?b");
  assertEquals(encodeNativeString("é€😀"), "Ã©â\x82¬ð\x9f\x98\x80");
  assertEquals(encodeNativeString("\ud800"), "ï¿½");
  const text = "é".repeat(200_000);
  assertEquals(decodeNativeString(encodeNativeString(text)), text);
});

Deno.test("decodeNativeString() throws on a character that is no byte", () => {
  assertThrows(
    () => decodeNativeString("/€"),
    TypeError,
    'Cannot convert the string to bytes as it has a character beyond U+00FF: received "/€"',
  );
});

Deno.test("guessScheme() guesses as CPython does", () => {
  for (const [https, scheme] of vectors.guessScheme) {
    assertEquals(guessScheme(toEnviron(["HTTPS"], [https])), scheme);
  }
  assertEquals(guessScheme({ HTTPS: 1 as never }), "http");
});

Deno.test("applicationUri() and requestUri() answer as CPython does", () => {
  const keys = [
    "wsgi.url_scheme",
    "HTTP_HOST",
    "SERVER_NAME",
    "SERVER_PORT",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
  ];
  const seen = new Set<string>();
  for (const [values, answers, departures = [], expected] of vectors.uris) {
    const environ = toEnviron(keys, values);
    const actual = [
      answerOf(() => applicationUri(environ)),
      answerOf(() => requestUri(environ)),
      answerOf(() => requestUri(environ, { includeQuery: false })),
    ];
    assertEquals(actual, expected ?? answers, JSON.stringify(environ));
    if (expected) assertNotEquals(actual, answers);
    for (const departure of departures) seen.add(departure);
  }
  const { ipv6, emptyPort, rootScript, rootPath } = DEPARTURES;
  assertEquals(seen, new Set([ipv6, emptyPort, rootScript, rootPath]));
});

Deno.test("applicationUri() and requestUri() give the URIs of the reference's tests", () => {
  const table: [Partial<WsgiEnviron>, application: string, request?: string][] =
    [
      [{}, "http://127.0.0.1/"],
      [{ SCRIPT_NAME: "/spam" }, "http://127.0.0.1/spam"],
      [{ SCRIPT_NAME: "/sp\xe4m" }, "http://127.0.0.1/sp%E4m"],
      [
        { HTTP_HOST: "spam.example.com:2071", SERVER_PORT: "2071" },
        "http://spam.example.com:2071/",
      ],
      [{ SERVER_NAME: "spam.example.com" }, "http://spam.example.com/"],
      [
        { HTTP_HOST: "127.0.0.1", SERVER_NAME: "spam.example.com" },
        "http://127.0.0.1/",
      ],
      [{ HTTPS: "on" }, "https://127.0.0.1/"],
      [{ HTTP_HOST: "", SERVER_PORT: "8000" }, "http://127.0.0.1:8000/"],
      [{ HTTP_HOST: "a:80" }, "http://a:80/"],
      [{ HTTP_HOST: "", SERVER_NAME: "h", SERVER_PORT: "" }, "http://h/"],
      [
        { HTTP_HOST: "", SERVER_NAME: "::1", SERVER_PORT: "8080" },
        "http://[::1]:8080/",
      ],
      [
        { SCRIPT_NAME: "/AZaz09-._~;=,+:@!$&'()*" },
        "http://127.0.0.1/AZaz09-._~%3B%3D%2C%2B%3A%40%21%24%26%27%28%29%2A",
      ],
      [
        { SCRIPT_NAME: "/spammity", PATH_INFO: "/spam" },
        "http://127.0.0.1/spammity",
        "http://127.0.0.1/spammity/spam",
      ],
      [
        { SCRIPT_NAME: "/spammity", PATH_INFO: "/sp\xe4m" },
        "http://127.0.0.1/spammity",
        "http://127.0.0.1/spammity/sp%E4m",
      ],
      [
        { PATH_INFO: "/spam;cookie=1234,5678" },
        "http://127.0.0.1/",
        "http://127.0.0.1/spam;cookie=1234,5678",
      ],
      [
        { PATH_INFO: "/+:@!$&'()*" },
        "http://127.0.0.1/",
        "http://127.0.0.1/%2B%3A%40%21%24%26%27%28%29%2A",
      ],
      [
        { SCRIPT_NAME: "/spam", QUERY_STRING: "say=ni" },
        "http://127.0.0.1/spam",
        "http://127.0.0.1/spam?say=ni",
      ],
      [
        { SCRIPT_NAME: "/spam", QUERY_STRING: "s%E4y=n i" },
        "http://127.0.0.1/spam",
        "http://127.0.0.1/spam?s%E4y=n i",
      ],
      [
        { SCRIPT_NAME: "/s", PATH_INFO: "x" },
        "http://127.0.0.1/s",
        "http://127.0.0.1/sx",
      ],
      [
        { SCRIPT_NAME: "/", PATH_INFO: "/x" },
        "http://127.0.0.1/",
        "http://127.0.0.1//x",
      ],
      [{ PATH_INFO: "x" }, "http://127.0.0.1/", "http://127.0.0.1/x"],
      [{ PATH_INFO: "//x" }, "http://127.0.0.1/", "http://127.0.0.1//x"],
      [
        { SCRIPT_NAME: ".example.com" },
        "http://127.0.0.1/.example.com",
      ],
    ];
  for (const [environ, application, request = application] of table) {
    setupTestingDefaults(environ);
    assertEquals(applicationUri(environ), application);
    assertEquals(requestUri(environ), request);
    assertEquals(
      requestUri(environ, { includeQuery: false }),
      request.replace(/\?.*/, ""),
    );
  }
});

Deno.test("applicationUri() and requestUri() throw on an environ that gives no URI", () => {
  const scheme = { "wsgi.url_scheme": "http" };
  const table: [environ: Partial<WsgiEnviron>, message: string][] = [
    [{}, 'Cannot build the URI as "wsgi.url_scheme" is missing'],
    [scheme, 'Cannot build the URI as "SERVER_NAME" is missing'],
    [
      { ...scheme, SERVER_NAME: "h" },
      'Cannot build the URI as "SERVER_PORT" is missing',
    ],
    [
      { ...scheme, HTTP_HOST: "h", SCRIPT_NAME: "/\u0100" },
      'Cannot convert "SCRIPT_NAME" to bytes as it has a character beyond U+00FF: received "/\u0100"',
    ],
  ];
  for (const [environ, message] of table) {
    assertThrows(() => applicationUri(environ), TypeError, message);
    assertThrows(() => requestUri(environ), TypeError, message);
  }
  assertThrows(
    () => requestUri({ ...scheme, HTTP_HOST: "h", PATH_INFO: "/€\n" }),
    TypeError,
    'Cannot convert "PATH_INFO" to bytes as it has a character beyond U+00FF: received "/€\\n"',
  );
});

Deno.test("shiftPathInfo() shifts as CPython does", () => {
  let departures = 0;
  for (const [script, path, steps] of vectors.shiftPathInfo) {
    const environ = toEnviron(["SCRIPT_NAME", "PATH_INFO"], [script, path]);
    for (const [name, ...after] of steps) {
      // An IndexError in the reference, which leaves the environ alone as well.
      const isDeparture = name !== null && typeof name !== "string";
      assertEquals(shiftPathInfo(environ), isDeparture ? null : name);
      assertEquals(environ, toEnviron(["SCRIPT_NAME", "PATH_INFO"], after));
      if (isDeparture) departures++;
    }
  }
  assert(departures > 0, DEPARTURES.shiftNothing);
});

const SHIFTS: [
  script: string,
  path: string,
  name: string | null,
  newScript: string,
  newPath: string,
][] = [
  ["", "/", "", "/", ""],
  ["", "/x", "x", "/x", ""],
  ["/", "", null, "/", ""],
  ["/a", "/x/y", "x", "/a/x", "/y"],
  ["/a", "/x/", "x", "/a/x", "/"],
  ["/a/b", "/../y", "..", "/a", "/y"],
  ["", "/../y", "..", "", "/y"],
  ["/a/b", "//y", "y", "/a/b/y", ""],
  ["/a/b", "//y/", "y", "/a/b/y", "/"],
  ["/a/b", "/./y", "y", "/a/b/y", ""],
  ["/a/b", "/./y/", "y", "/a/b/y", "/"],
  ["/a/b", "///./..//y/.//", "..", "/a", "/y/"],
  ["/a/b", "///", "", "/a/b/", ""],
  ["/a/b", "/.//", "", "/a/b/", ""],
  ["/a/b", "/x//", "x", "/a/b/x", "/"],
  ["/a/b", "/.", null, "/a/b", ""],
  ["", "//", "", "/", ""],
  ["", "/.", null, "", ""],
  ["", "/./", "", "/", ""],
  ["", "/..", "..", "", ""],
  ["", "/../", "..", "", "/"],
  ["/a", "/..", "..", "", ""],
  ["/a", "/x//y", "x", "/a/x", "/y"],
  ["/a", "/x/../y", "x", "/a/x", "/../y"],
  ["/a", "x/y", "y", "/a/y", "x"],
  ["/a", "x", null, "/a", "x"],
  ["/a/", "/x", "x", "/a/x", ""],
  ["/a//b", "/c", "c", "/a/b/c", ""],
  ["a", "/x", "x", "a/x", ""],
  ["//a", "/x", "x", "//a/x", ""],
  ["///a", "/x", "x", "/a/x", ""],
  ["/..", "/x", "x", "/x", ""],
  ["a", "/..", "..", ".", ""],
  ["..", "/..", "..", "../..", ""],
];

for (const [script, path, name, newScript, newPath] of SHIFTS) {
  const shown = JSON.stringify([script, path]).slice(1, -1);
  Deno.test(`shiftPathInfo() of ${shown} returns ${JSON.stringify(name)}`, () => {
    const environ = { SCRIPT_NAME: script, PATH_INFO: path };
    assertEquals(shiftPathInfo(environ), name);
    assertEquals(environ, { SCRIPT_NAME: newScript, PATH_INFO: newPath });
  });
}

Deno.test("shiftPathInfo() takes an absent variable for an empty one", () => {
  const environ: Partial<WsgiEnviron> = { PATH_INFO: "/x" };
  assertEquals(shiftPathInfo(environ), "x");
  assertEquals(environ, { SCRIPT_NAME: "/x", PATH_INFO: "" });
  const empty = {};
  assertEquals(shiftPathInfo(empty), null);
  assertEquals(empty, {});
});

Deno.test("setupTestingDefaults() sets what CPython sets", () => {
  let departures = 0;
  for (const [environ, result] of vectors.setupTestingDefaults) {
    assertStrictEquals(setupTestingDefaults(environ), environ);
    const shown = Object.entries(environ).map(([key, value]) => {
      if (value instanceof WsgiInput) return [key, "BytesIO"];
      return [key, String(value) === "" && value !== "" ? "StringIO" : value];
    });
    const expected = result.map(([key, value]) => {
      if (value !== 0) return [key, value];
      departures++;
      return [key, false];
    });
    assertEquals(shown, expected);
  }
  assert(departures > 0, DEPARTURES.flags);
});

Deno.test("setupTestingDefaults() keeps what is there, takes undefined for absent", () => {
  const environ: Partial<WsgiEnviron> = {
    HTTP_HOST: undefined,
    SERVER_NAME: "foo.bar",
    "wsgi.multithread": true,
  };
  setupTestingDefaults(environ);
  assertEquals(environ.HTTP_HOST, "foo.bar");
  assertEquals(environ["wsgi.multithread"], true);
});

Deno.test("setupTestingDefaults() gives an empty input and errors that can be read", async () => {
  const environ = setupTestingDefaults({});
  assertEquals(await environ["wsgi.input"].read(), new Uint8Array());
  const errors = environ["wsgi.errors"];
  errors.write("a\n");
  errors.writelines(["b", "\n"]);
  errors.flush();
  assertEquals(String(errors), "a\nb\n");
});

Deno.test("isHopByHop() answers as CPython does", () => {
  for (const [name, answer] of vectors.isHopByHop) {
    assertEquals(isHopByHop(name), answer, name);
  }
});

// WsgiInput

function createInput(
  source: WsgiInputSource | string,
  options?: WsgiInputOptions,
): WsgiInput {
  const body = typeof source === "string" ? encoder.encode(source) : source;
  return new WsgiInput(body, options);
}

function toText(result: Uint8Array | Uint8Array[]): string | string[] {
  return Array.isArray(result)
    ? result.map((line) => decoder.decode(line))
    : decoder.decode(result);
}

/** The ways to give an input the same bytes. */
function* sourcesOf(data: Uint8Array): Generator<WsgiInputSource> {
  yield data;
  for (const size of [1, 3, 1000]) yield chunked(data, size);
  yield chunked(data, 0, 2, 0, 5);
  yield { body: chunked(data, 4) };
  yield new Request("http://h/", {
    method: "POST",
    body: new Uint8Array(data),
  });
  yield new Response(chunked(data, 7) as ReadableStream);
}

Deno.test("WsgiInput reads as a file of CPython does", async () => {
  let departures = 0;
  for (const [body, reads] of vectors.WsgiInput) {
    const data = encoder.encode(body);
    for (const source of sourcesOf(data)) {
      const input = new WsgiInput(source);
      for (const [method, args, result] of reads) {
        if (args[0] === -1) {
          await assertRejects(() => input[method](-1), RangeError);
          departures++;
        } else {
          assertEquals(toText(await input[method](...args)), result);
        }
      }
      await input.cancel();
    }
  }
  assert(departures > 0, DEPARTURES.negativeSize);
});

Deno.test("WsgiInput agrees with a model on random bodies, chunks, limits and reads", async () => {
  const random = createRandom(1);
  for (let round = 0; round < 1500; round++) {
    const data = Uint8Array.from(
      { length: random(random(4) ? 40 : 3000) },
      () => random(8) ? random(256) : 10,
    );
    const sizes = Array.from({ length: data.length + 1 }, () => random(12));
    const stream = chunked(data, ...sizes, 7);
    const source = [stream, stream, new Response(stream as BodyInit), data];
    const limit = random(2) ? random(data.length + 1) : Infinity;
    const input = new WsgiInput(source[random(4)] ?? null, { limit });

    let rest = data.slice(0, limit);
    const take = (size: number) => {
      const taken = rest.subarray(0, size);
      rest = rest.subarray(taken.length);
      return taken;
    };
    const takeLine = (size = Infinity) =>
      take(Math.min(size, rest.indexOf(10) + 1 || Infinity));

    const blocks: [block: Uint8Array, copy: Uint8Array][] = [];
    for (let step = 0; step < 10; step++) {
      const size = random(3) ? random(30) : undefined;
      const block = [
        async () => [await input.read(size), take(size ?? Infinity)],
        async () => [await input.readline(size), takeLine(size)],
        async () => {
          const lines = await input.readlines(size);
          const expected: Uint8Array[] = [];
          for (let length = 0; rest.length > 0;) {
            const line = takeLine();
            expected.push(line);
            length += line.length;
            if (size && length >= size) break;
          }
          assertEquals(lines, expected);
          return [];
        },
        async () => {
          let count = random(4);
          for await (const line of input) {
            assertEquals(line, takeLine());
            if (count-- === 0) return [];
          }
          assertEquals(rest.length, 0);
          return [];
        },
      ];
      const [actual, expected] = await block[random(block.length)]?.() ?? [];
      if (actual === undefined || expected === undefined) continue;
      assertEquals(actual, expected);
      blocks.push([actual, expected]);
    }
    for (const [block, copy] of blocks) assertEquals(block, copy);
    const left = await new Response(input.readable).bytes();
    assertEquals(left, rest);
  }
});

Deno.test("WsgiInput gives nothing for ever at the end", async () => {
  for (const source of ["", "a\nb", null, { body: null }]) {
    const input = createInput(source);
    await input.read();
    for (let i = 0; i < 2; i++) {
      assertEquals(await input.read(), new Uint8Array());
      assertEquals(await input.read(5), new Uint8Array());
      assertEquals(await input.readline(), new Uint8Array());
      assertEquals(await input.readlines(), []);
      for await (const _ of input) throw new Error("There is a line");
    }
    assertEquals(await new Response(input.readable).text(), "");
  }
});

Deno.test("WsgiInput does not touch its source before bytes are asked for", async () => {
  let touched = 0;
  const stream = chunked(encoder.encode("abc"), 1);
  const source = {
    get body() {
      touched++;
      return stream;
    },
  };
  assert(new WsgiInput(source, { limit: 3 }).readable);
  const input = new WsgiInput(source);
  assertEquals(await input.read(0), new Uint8Array());
  assertEquals(await input.readline(0), new Uint8Array());
  const limited = new WsgiInput(source, { limit: 0 });
  assertEquals(await limited.read(), new Uint8Array());
  assertEquals(await new Response(limited.readable).text(), "");
  assertEquals(touched, 0);
  assertFalse(stream.locked);
  assertEquals(toText(await input.read(2)), "ab");
  assertEquals(toText(await input.read()), "c");
  assertEquals(touched, 1);
});

Deno.test("WsgiInput reads a whole body at once if its source can", async () => {
  const createSource = (bodyUsed: boolean) => ({
    body: chunked(encoder.encode("a\nb"), 1),
    bodyUsed,
    reads: 0,
    arrayBuffer() {
      this.reads++;
      return new Response(this.body as BodyInit).arrayBuffer();
    },
  });
  const whole = createSource(false);
  const input = new WsgiInput(whole);
  assertEquals(await input.read(0), new Uint8Array());
  assertEquals(toText(await input.read()), "a\nb");
  assertEquals(await input.read(), new Uint8Array());
  assertEquals(await new Response(input.readable).text(), "");
  assertEquals(whole.reads, 1);

  const started = createSource(false);
  const used = createSource(true);
  const limited = createSource(false);
  for (
    const [source, options, first] of [
      [started, {}, "a\n"],
      [used, {}, ""],
      [limited, { limit: 3 }, ""],
    ] as const
  ) {
    const input = new WsgiInput(source, options);
    if (first) assertEquals(toText(await input.readline()), first);
    assertEquals(first + toText(await input.read()), "a\nb");
    assertEquals(source.reads, 0);
  }
});

Deno.test("WsgiInput reads no more than it must", async () => {
  let pulls = 0;
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        pulls++;
        controller.enqueue(encoder.encode("ab\ncd"));
      },
    }, { highWaterMark: 0 });

  const input = new WsgiInput(endless());
  assertEquals(toText(await input.read(5)), "ab\ncd");
  assertEquals(pulls, 1);
  assertEquals(toText(await input.readline()), "ab\n");
  assertEquals(pulls, 2);
  assertEquals(toText(await input.readlines(4)), ["cdab\n"]);
  assertEquals(pulls, 3);
  await input.cancel();

  pulls = 0;
  const limited = new WsgiInput(endless(), { limit: 7 });
  assertEquals(toText(await limited.readlines()), ["ab\n", "cdab"]);
  assertEquals(toText(await limited.read()), "");
  assertEquals(pulls, 2);
  await limited.cancel();

  pulls = 0;
  const stream = new WsgiInput(endless(), { limit: 10 });
  assertEquals(
    await new Response(stream.readable).text(),
    "ab\ncdab\ncd",
  );
  assertEquals(pulls, 2);
});

Deno.test("WsgiInput rejects when the body ends before its limit", async () => {
  const message =
    "Cannot read the request body as it broke off after 3 of 10 bytes";
  for (const source of sourcesOf(encoder.encode("abc"))) {
    const input = new WsgiInput(source, { limit: 10 });
    assertEquals(toText(await input.read(3)), "abc");
    for (let i = 0; i < 2; i++) {
      await assertRejects(() => input.read(1), TypeError, message);
      await assertRejects(() => input.readlines(), TypeError, message);
    }
    await assertRejects(
      () => new Response(input.readable).text(),
      TypeError,
      message,
    );
  }
  await assertRejects(
    () => createInput(null, { limit: 1 }).read(),
    TypeError,
    "Cannot read the request body as it broke off after 0 of 1 bytes",
  );
});

Deno.test("WsgiInput rejects each read with the error of its source", async () => {
  const failure = new Error("The connection is gone");
  const failing = () =>
    new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode("a\nb")),
      pull: (controller) => controller.error(failure),
    }, { highWaterMark: 0 });
  const input = new WsgiInput(failing());
  assertEquals(toText(await input.readline()), "a\n");
  for (const method of ["readline", "read", "readlines"] as const) {
    assertStrictEquals(await input[method]().catch((e) => e), failure);
  }
  const whole = new WsgiInput(new Response(failing() as BodyInit));
  assertStrictEquals(await whole.read().catch((e) => e), failure);
  assertStrictEquals(await whole.read().catch((e) => e), failure);
  const left = whole.readable.getReader();
  assertStrictEquals(await left.read().catch((e) => e), failure);
  const partial = new WsgiInput(failing());
  await partial.readline();
  const reader = partial.readable.getReader();
  assertEquals((await reader.read()).value, encoder.encode("b"));
  assertStrictEquals(await reader.read().catch((e) => e), failure);
});

Deno.test("WsgiInput throws on a bad source, limit or size", async () => {
  const bad = (value: unknown) => value as never;
  const sources: [source: unknown, shown: string][] = [
    [undefined, "undefined"],
    ["abc", '"abc"'],
    [5, "5"],
    [{}, "[object Object]"],
    [[97], "[97]"],
  ];
  for (const [source, shown] of sources) {
    assertThrows(
      () => new WsgiInput(bad(source)),
      TypeError,
      `Cannot read the body as its source must be a stream, bytes, an object with a "body", or null: received ${shown}`,
    );
  }
  const sizes: [size: unknown, shown: string][] = [
    [-1, "-1"],
    [1.5, "1.5"],
    [NaN, "NaN"],
    [-Infinity, "-Infinity"],
    ["5", '"5"'],
    [null, "null"],
  ];
  for (const [size, shown] of sizes) {
    const message = (name: string) =>
      `Cannot read the body as "${name}" must be an integer >= 0: received ${shown}`;
    assertThrows(
      () => createInput("abc", { limit: bad(size) }),
      RangeError,
      message("limit"),
    );
    const input = createInput("abc");
    for (
      const [method, name] of [
        ["read", "size"],
        ["readline", "size"],
        ["readlines", "hint"],
      ] as const
    ) {
      await assertRejects(
        () => input[method](bad(size)),
        RangeError,
        message(name),
      );
    }
    assertEquals(toText(await input.read()), "abc");
  }
});

Deno.test("WsgiInput rejects a stream that gives no bytes", async () => {
  const input = new WsgiInput(
    ReadableStream.from(["abc"]) as ReadableStream<never>,
  );
  await assertRejects(
    () => input.read(),
    TypeError,
    'Cannot read the body as its stream must give bytes: received "abc"',
  );
});

Deno.test("WsgiInput rejects a read while another one has not ended", async () => {
  const message = "Cannot read the body while it is being read";
  for (const source of sourcesOf(encoder.encode("ab\ncd\n"))) {
    const input = new WsgiInput(source);
    const [first] = await Promise.all([
      input.readline(),
      assertRejects(() => input.read(1), TypeError, message),
      assertRejects(() => input.readlines(), TypeError, message),
      assertThrows(() => input.readable, TypeError, message),
    ]);
    assertEquals(toText(first), "ab\n");
    assertEquals(toText(await input.read()), "cd\n");
  }
});

Deno.test("WsgiInput does not take a wrong use for an error of its source", async () => {
  const locked = chunked(encoder.encode("abc"), 1);
  locked.getReader();
  const strings = ReadableStream.from(["abc"]) as ReadableStream<never>;
  for (const source of [locked, strings, new Response(strings)]) {
    const input = new WsgiInput(source);
    await assertRejects(() => input.read(), TypeError);
  }
});

Deno.test("WsgiInput rejects a read once `readable` has been taken", async () => {
  const message = 'Cannot read the body as its "readable" has been taken';
  for (const source of sourcesOf(encoder.encode("ab\ncd\n"))) {
    const input = new WsgiInput(source);
    const { readable } = input;
    assertStrictEquals(input.readable, readable);
    await assertRejects(() => input.read(), TypeError, message);
    await assertRejects(() => input.readline(), TypeError, message);
    await assertRejects(() => input.readlines(), TypeError, message);
    await assertRejects(
      () => input[Symbol.asyncIterator]().next(),
      TypeError,
      message,
    );
    assertEquals(await new Response(readable).text(), "ab\ncd\n");
    await assertRejects(() => input.read(), TypeError, message);
  }
});

Deno.test("WsgiInput.readable is the source itself if it can be", async () => {
  const stream = chunked(encoder.encode("abc"), 1);
  assertStrictEquals<unknown>(new WsgiInput(stream).readable, stream);
  assertStrictEquals<unknown>(
    new WsgiInput({ body: stream }).readable,
    stream,
  );
  const limited = new WsgiInput(stream, { limit: 3 });
  assertNotEquals<unknown>(limited.readable, stream);
  assertEquals(await new Response(limited.readable).text(), "abc");
});

Deno.test("WsgiInput.readable leaves the blocks that were read as they are", async () => {
  const data = encoder.encode("head\nrest of it");
  for (const source of sourcesOf(data)) {
    const input = new WsgiInput(source);
    const head = await input.readline();
    assertEquals(await new Response(input.readable).text(), "rest of it");
    assertEquals(toText(head), "head\n");
  }
  assertEquals(decoder.decode(data), "head\nrest of it");
});

Deno.test("WsgiInput cancels its source", async () => {
  for (const limit of [Infinity, 10]) {
    for (const isStarted of [false, true]) {
      for (const isReadable of [false, true]) {
        const reasons: unknown[] = [];
        const input = new WsgiInput(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(4)),
            cancel: (reason) => void reasons.push(reason),
          }, { highWaterMark: 0 }),
          { limit },
        );
        if (isStarted) await input.read(1);
        await (isReadable ? input.readable : input).cancel("enough");
        assertEquals(reasons, ["enough"]);
      }
    }
  }
  await createInput("abc").cancel();
  await createInput(null).cancel();
  const stream = chunked(encoder.encode("abc"), 3);
  const reader = stream.getReader();
  await new WsgiInput(stream).cancel();
  assertEquals((await reader.read()).value, encoder.encode("abc"));
});

Deno.test("WsgiInput.cancel() ends a read that waits", async () => {
  const input = new WsgiInput(new ReadableStream());
  const read = input.read();
  await input.cancel();
  assertEquals(await read, new Uint8Array());
});

/** The ways to read all of a body. */
const READS: Record<string, (input: WsgiInput) => Promise<unknown>> = {
  "read()": (input) => input.read(),
  "read() in pieces": async (input) => {
    while ((await input.read(2)).length > 0);
  },
  "readline()": async (input) => {
    while ((await input.readline()).length > 0);
  },
  "readlines()": (input) => input.readlines(),
  "iteration": (input) => Array.fromAsync(input),
  "readable": (input) => new Response(input.readable).bytes(),
};

for (const [way, readAll] of Object.entries(READS)) {
  Deno.test(`WsgiInput by ${way} takes as many bytes as maxSize, and no more`, async () => {
    const data = encoder.encode("ab\ncdef");
    for (const maxSize of [7, 8, Infinity]) {
      for (const source of sourcesOf(data)) {
        await readAll(new WsgiInput(source, { maxSize, limit: 7 }));
      }
    }
    for (const maxSize of [0, 2, 6]) {
      for (const source of [...sourcesOf(data)].slice(1)) {
        let losses = 0;
        const input = new WsgiInput(source, {
          maxSize,
          onConnectionLost: () => losses++,
        });
        const error = await assertRejects(
          () => readAll(input),
          RequestError,
          `Cannot read the request body as it is longer than ${maxSize} bytes`,
        );
        assertEquals(error.status, 413);
        assertEquals(losses, 0);
        // So does all that comes later.
        const later = way === "readable"
          ? () => input.readable.getReader().read()
          : () => input.read();
        assertStrictEquals(await later().catch((error) => error), error);
      }
    }
  });

  Deno.test(`WsgiInput by ${way} tells once that the client has gone`, async () => {
    const cause = new Error("The connection is gone");
    const broken = () =>
      new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(encoder.encode("a\nb")),
        pull: (controller) => controller.error(cause),
      }, { highWaterMark: 0 });
    for (
      const [source, limit, place] of [
        [broken(), Infinity, "before its end"],
        [new Response(broken() as BodyInit), Infinity, "before its end"],
        [broken(), 9, "after 3 of 9 bytes"],
        [encoder.encode("a\nb"), 9, "after 3 of 9 bytes"],
        [null, 9, "after 0 of 9 bytes"],
      ] as [WsgiInputSource, number, string][]
    ) {
      const losses: ConnectionLostError[] = [];
      const input = new WsgiInput(source, {
        limit,
        onConnectionLost: (error) => losses.push(error),
      });
      const error = await assertRejects(
        () => readAll(input),
        ConnectionLostError,
        `Cannot read the request body as it broke off ${place}`,
      );
      assertEquals(error.status, 400);
      const isBroken = source instanceof ReadableStream ||
        source instanceof Response;
      assertStrictEquals(error.cause, isBroken ? cause : undefined);
      if (way !== "readable") {
        assertStrictEquals(await input.read().catch((error) => error), error);
      }
      assertEquals(losses, [error]);
    }
  });
}

Deno.test("WsgiInput takes nothing else for a client that has gone", async () => {
  const onConnectionLost = () => {
    throw new Error("It was called");
  };
  for (const source of sourcesOf(encoder.encode("ab\ncd"))) {
    const input = new WsgiInput(source, { limit: 5, onConnectionLost });
    assertEquals(toText(await input.readlines()), ["ab\n", "cd"]);
    assertEquals(await input.read(), new Uint8Array());
  }
  const wrong = new WsgiInput(
    ReadableStream.from(["spam"]) as unknown as ReadableStream<Uint8Array>,
    { onConnectionLost },
  );
  await assertRejects(() => wrong.read(), TypeError, "must give bytes");
  const locked = chunked(encoder.encode("abc"), 1);
  locked.getReader();
  await assertRejects(
    () => new WsgiInput(locked, { onConnectionLost }).read(),
    TypeError,
    "locked",
  );
  const waiting = new WsgiInput(new ReadableStream(), {
    limit: 5,
    onConnectionLost,
  });
  const read = waiting.read();
  await waiting.cancel();
  assertEquals(await read, new Uint8Array());
});

Deno.test("WsgiInput is at its end once it is canceled", async () => {
  for (const begin of [() => {}, (input: WsgiInput) => input.read(1)]) {
    for (const source of sourcesOf(encoder.encode("abc"))) {
      const input = new WsgiInput(source, { limit: 3 });
      await begin(input);
      await input.cancel();
      await input.cancel();
      // What had come is still there.
      const rest = toText(await input.read());
      assert("abc".includes(String(rest)));
      assertEquals(await input.read(), new Uint8Array());
    }
  }
});

Deno.test("WsgiInput.cancel() ends a read of `readable` that waits", async () => {
  let cancels = 0;
  const source = new ReadableStream({ cancel: () => void cancels++ });
  const input = new WsgiInput(source, { limit: 9 });
  const read = input.readable.getReader().read();
  await input.cancel();
  assertEquals((await read).done, true);
  assertEquals(cancels, 1);
});

Deno.test("WsgiInput.cancel() leaves a source alone that is at its end", async () => {
  let cancels = 0;
  const input = new WsgiInput(
    new ReadableStream({
      start(controller) {
        controller.enqueue(encoder.encode("abc"));
        controller.close();
      },
      cancel: () => void cancels++,
    }),
  );
  await input.read();
  await input.cancel();
  assertEquals(cancels, 0);
});

Deno.test("WsgiInput looks at each byte and copies it a few times at most", async () => {
  const { prototype } = Object.getPrototypeOf(Uint8Array);
  const { indexOf, set } = prototype;
  let work = 0;
  prototype.indexOf = function (this: Uint8Array, value: number) {
    const index = indexOf.call(this, value);
    work += index < 0 ? this.length : index + 1;
    return index;
  };
  prototype.set = function (this: Uint8Array, bytes: Uint8Array, at?: number) {
    work += bytes.length;
    set.call(this, bytes, at);
  };
  try {
    const size = 300_000;
    const oneLine = new Uint8Array(size);
    const lines = Uint8Array.from(oneLine, (_, i) => i % 7 ? 97 : 10);
    for (const data of [oneLine, lines]) {
      for (const chunkSize of [1, 1000, size]) {
        for (const limit of [undefined, 3]) {
          work = 0;
          const input = new WsgiInput(chunked(data, chunkSize));
          let length = 0;
          let line: Uint8Array;
          do {
            line = await input.readline(limit);
            length += line.length;
          } while (line.length > 0);
          assertEquals(length, size);
          assertLess(work, 6 * size);
        }
        work = 0;
        const input = new WsgiInput(chunked(data, chunkSize));
        assertEquals((await input.read()).length, size);
        assertLess(work, 6 * size);
      }
    }
  } finally {
    Object.assign(prototype, { indexOf, set });
  }
});

// FileWrapper

/** A file in memory. `isOpen` tells what `close()` has done. */
class MemoryFile {
  isOpen = true;
  position: number;
  data: Uint8Array;

  constructor(data: Uint8Array, position = 0) {
    this.data = data;
    this.position = position;
  }

  take(size: number): Uint8Array {
    const block = this.data.subarray(this.position, this.position + size);
    this.position += block.length;
    return block;
  }

  toReader(): SizedReader {
    return {
      read: (size) => this.take(size),
      close: () => {
        this.isOpen = false;
      },
    };
  }

  toOpenFile(isFile = true): OpenFile {
    return {
      read: (buffer) => {
        const block = this.take(buffer.length);
        buffer.set(block);
        return Promise.resolve(block.length || null);
      },
      stat: () => Promise.resolve({ size: this.data.length, isFile }),
      seek: (offset, whence) => {
        assertEquals([offset, whence], [0, 1]);
        return Promise.resolve(this.position);
      },
      close: () => {
        this.isOpen = false;
      },
    };
  }
}

async function readAll(wrapper: FileWrapper): Promise<Uint8Array[]> {
  const blocks: Uint8Array[] = [];
  for await (const block of wrapper) blocks.push(block);
  return blocks;
}

Deno.test("FileWrapper gives the blocks that CPython gives", async () => {
  let departures = 0;
  for (
    const [size, start, blksize, lengths, growth, more] of vectors.FileWrapper
  ) {
    const data = Uint8Array.from({ length: size + growth }, (_, i) => i);
    const content = data.subarray(0, size);
    const reader = new MemoryFile(content, start);
    const open = new MemoryFile(content, start);
    const wrappers = [
      reader.toReader(),
      open.toOpenFile(),
      new Blob([content.slice(start)]),
      chunked(content.subarray(start), 50),
      chunked(content.subarray(start), 1),
    ].map((filelike) => new FileWrapper(filelike, blksize));
    for (const wrapper of wrappers) {
      const blocks = await readAll(wrapper);
      assertEquals(blocks.map((block) => block.length), lengths);
      assertEquals(
        new Uint8Array(blocks.flatMap((block) => [...block])),
        content.subarray(start),
      );
    }
    reader.data = open.data = data;
    reader.position = open.position = size;
    for (const wrapper of wrappers) assertEquals(await readAll(wrapper), []);
    if (more.length > 0) departures++;
  }
  assert(departures > 0, DEPARTURES.latch);
});

Deno.test("FileWrapper is its own iterator and leaves its file open at the end", async () => {
  const file = new MemoryFile(encoder.encode("xyz".repeat(50)));
  const filelike = file.toReader();
  const wrapper = new FileWrapper(filelike, 120);
  assertStrictEquals(wrapper.filelike, filelike);
  assertEquals(wrapper.blksize, 120);
  assertEquals(new FileWrapper(filelike).blksize, 8192);
  assertStrictEquals(wrapper[Symbol.asyncIterator](), wrapper);
  const blocks = await readAll(wrapper);
  assertEquals(blocks.map((block) => block.length), [120, 30]);
  assertEquals(await wrapper.next(), { done: true, value: undefined });
  assert(file.isOpen);
  await wrapper.close?.();
  assertFalse(file.isOpen);
});

Deno.test("FileWrapper has a close() if there is something to close", () => {
  const file = new MemoryFile(new Uint8Array(1));
  const table: [filelike: FileLike, hasClose: boolean][] = [
    [file.toOpenFile(), true],
    [file.toReader(), true],
    [{ read: () => null }, false],
    [new Blob(), false],
    [new ReadableStream(), true],
    [new WsgiInput(null), false],
  ];
  for (const [filelike, hasClose] of table) {
    assertEquals("close" in new FileWrapper(filelike), hasClose);
  }
});

Deno.test("FileWrapper goes on after a loop was left", async () => {
  const file = new MemoryFile(encoder.encode("abcdef"));
  const wrapper = new FileWrapper(file.toOpenFile(), 2);
  for await (const block of wrapper) {
    assertEquals(block, encoder.encode("ab"));
    break;
  }
  assertEquals(file.position, 2);
  assertEquals((await wrapper.next()).value, encoder.encode("cd"));
});

Deno.test("FileWrapper queues calls of next() that overlap", async () => {
  for (
    const filelike of [new Blob(["abc"]), chunked(encoder.encode("abc"), 1)]
  ) {
    const wrapper = new FileWrapper(filelike, 2);
    const calls = [wrapper.next(), wrapper.next(), wrapper.next()];
    const results = await Promise.all(calls);
    assertEquals(
      results.map(({ value }) => value && decoder.decode(value)),
      ["ab", "c", undefined],
    );
  }
});

Deno.test("FileWrapper takes a reader that is asynchronous or gives null", async () => {
  const blocks = [new Uint8Array(3), new Uint8Array(1)];
  const sizes: number[] = [];
  const wrapper = new FileWrapper({
    read: (size: number) => {
      sizes.push(size);
      return Promise.resolve(blocks.shift() ?? null);
    },
  }, 3);
  assertEquals(await readAll(wrapper), [new Uint8Array(3), new Uint8Array(1)]);
  assertEquals(sizes, [3, 3, 3]);
});

Deno.test("FileWrapper passes an error of its source on and is over", async () => {
  const failure = new Error("The disk is gone");
  const wrapper = new FileWrapper({
    read: () => {
      throw failure;
    },
  });
  assertStrictEquals(await wrapper.next().catch((e) => e), failure);
  assertEquals(await wrapper.next(), { done: true, value: undefined });
  const { readable } = new FileWrapper({ read: () => Promise.reject(failure) });
  assertStrictEquals(
    await new Response(readable).text().catch((e) => e),
    failure,
  );
});

Deno.test("FileWrapper throws on what it cannot wrap", async () => {
  const bad = (value: unknown) => value as never;
  const filelikes: [filelike: unknown, shown: string][] = [
    [undefined, "undefined"],
    [null, "null"],
    ["abc", '"abc"'],
    [new Uint8Array(1), "[object Uint8Array]"],
    [{ read: 1 }, "[object Object]"],
  ];
  for (const [filelike, shown] of filelikes) {
    assertThrows(
      () => new FileWrapper(bad(filelike)),
      TypeError,
      `Cannot wrap the file as it must be an open file, a stream, a Blob or have a read(): received ${shown}`,
    );
  }
  const sizes: [size: unknown, shown: string][] = [
    [0, "0"],
    [-1, "-1"],
    [1.5, "1.5"],
    [Infinity, "Infinity"],
    ["5", '"5"'],
  ];
  for (const [blksize, shown] of sizes) {
    assertThrows(
      () => new FileWrapper(new Blob(), bad(blksize)),
      RangeError,
      `Cannot wrap the file as "blksize" must be a positive integer: received ${shown}`,
    );
  }
  const blocks: [block: unknown, shown: string][] = [
    ["text", '"text"'],
    [0, "0"],
    [[], "[]"],
  ];
  for (const [block, shown] of blocks) {
    await assertRejects(
      () => new FileWrapper({ read: () => bad(block) }).next(),
      TypeError,
      `Cannot read the file as its read() must give bytes: received ${shown}`,
    );
  }
});

Deno.test("FileWrapper.size() tells what is left of a file", async () => {
  const data = new Uint8Array(10);
  const table: [filelike: FileLike, size: number | null][] = [
    [new MemoryFile(data).toOpenFile(), 10],
    [new MemoryFile(data, 4).toOpenFile(), 6],
    [new MemoryFile(data, 10).toOpenFile(), 0],
    [new MemoryFile(data, 11).toOpenFile(), 0],
    [new MemoryFile(data).toOpenFile(false), null],
    [new MemoryFile(new Uint8Array()).toOpenFile(), null],
    [new MemoryFile(data).toReader(), null],
    [new Blob([data]), 10],
    [new Blob(), 0],
    [chunked(data, 10), null],
  ];
  for (const [filelike, size] of table) {
    assertEquals(await new FileWrapper(filelike).size(), size);
  }
});

Deno.test("FileWrapper.readable gives what is left, whatever the block size", async () => {
  const data = Uint8Array.from({ length: 600_000 }, (_, i) => i);
  const filelikes = [
    () => new MemoryFile(data).toOpenFile(),
    () => new MemoryFile(data).toReader(),
    () => new Blob([data]),
    () => chunked(data, 70_000),
    () => new WsgiInput(chunked(data, 70_000)),
  ];
  for (const create of filelikes) {
    const wrapper = new FileWrapper(create(), 1);
    const { readable } = wrapper;
    assertStrictEquals(wrapper.readable, readable);
    assertEquals(await new Response(readable).bytes(), data);

    const partial = new FileWrapper(create(), 10);
    assertEquals((await partial.next()).value, data.subarray(0, 10));
    assertEquals(
      await new Response(partial.readable).bytes(),
      data.subarray(10),
    );
  }
  const stream = chunked(data, 10);
  assertStrictEquals<unknown>(new FileWrapper(stream).readable, stream);
  const file = new MemoryFile(data);
  await new FileWrapper(file.toOpenFile()).readable.cancel();
  assert(file.isOpen);
});

Deno.test("FileWrapper.close() cancels a stream, also one that is waited for", async () => {
  let canceled = 0;
  const create = () =>
    new ReadableStream<Uint8Array>({
      cancel: () => void canceled++,
    }, { highWaterMark: 0 });
  await new FileWrapper(create()).close?.();
  assertEquals(canceled, 1);

  const waiting = new FileWrapper(create());
  const next = waiting.next();
  await waiting.close?.();
  assertEquals(canceled, 2);
  assertEquals(await next, { done: true, value: undefined });

  // Whoever reads `readable` cancels it.
  const taken = new FileWrapper(create());
  const reader = taken.readable.getReader();
  await taken.close?.();
  assertEquals(canceled, 2);
  await reader.cancel();
  assertEquals(canceled, 3);
});

Deno.test("FileWrapper reads an open file from where it stands", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "0123456789");
    const factory: FileWrapperFactory = (filelike, blksize) =>
      new FileWrapper(filelike, blksize);
    const file = await Deno.open(path);
    await file.seek(3, Deno.SeekMode.Start);
    const wrapper = factory(file, 4);
    assertInstanceOf(wrapper, FileWrapper);
    assertEquals(await wrapper.size(), 7);
    assertEquals(toText(await readAll(wrapper)), ["3456", "789"]);
    assertEquals(await wrapper.size(), 0);
    await wrapper.close?.();
    await assertRejects(() => file.stat(), Deno.errors.BadResource);

    const wrapped = new FileWrapper(await Deno.open(path));
    assertEquals(await new Response(wrapped.readable).text(), "0123456789");
    await wrapped.close?.();
  } finally {
    await Deno.remove(path);
  }
});
