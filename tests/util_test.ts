// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import type {
  FileLike,
  FileWrapperFactory,
  OpenFile,
  SizedReader,
  WsgiEnviron,
} from "../types.ts";
import {
  applicationUri,
  decodeNativeString,
  encodeNativeString,
  FileWrapper,
  guessScheme,
  isHopByHop,
  requestUri,
  setupTestingDefaults,
  shiftPathInfo,
  WsgiInput,
} from "../util.ts";
import { chunked, toText } from "./_bytes.ts";

/** Where the answers are not those of CPython 3.11.7. */
const DEPARTURES = {
  ipv6: "IPv6 server name is bracketed",
  emptyPort: "empty SERVER_PORT adds no colon",
  rootScript: "SCRIPT_NAME without a slash stays apart from the host",
  rootPath: "PATH_INFO without a slash loses no character",
  shiftNothing: "shiftPathInfo() leaves a PATH_INFO without any slash alone",
  flags: "flags are booleans, not 0",
  latch: "FileWrapper is over for good once it has ended",
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
    [Object.assign(new MemoryFile(data).toReader(), { seek() {} }), null],
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

Deno.test("FileWrapper.readable copies what its owner may use again, and reads nothing ahead", async () => {
  const memory = new Uint8Array(1);
  const { readable } = new FileWrapper({
    read() {
      memory[0] = (memory[0] ?? 0) + 1;
      return memory;
    },
  });
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(memory[0], 0);
  const reader = readable.getReader();
  const blocks = [await reader.read(), await reader.read()];
  assertEquals(blocks.map(({ value }) => value?.[0]), [1, 2]);
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

Deno.test("WsgiInput.cancel() cancels a byte stream after 1 MiB too, and waits for it", async () => {
  let reason: unknown;
  const { promise: canceled, resolve } = Promise.withResolvers<void>();
  const source = new ReadableStream({
    type: "bytes",
    pull(controller) {
      controller.enqueue(new Uint8Array(262_144).fill(65));
    },
    cancel(given) {
      reason = given;
      return canceled;
    },
  });
  const input = new WsgiInput(source);
  assertEquals((await input.read(1_500_000)).length, 1_500_000);
  let isDone = false;
  const done = input.cancel("spam").then(() => isDone = true);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(reason, "spam");
  assertEquals(isDone, false);
  resolve();
  await done;
  assertEquals((await input.read(1_000_000)).length < 1_000_000, true);
});

Deno.test("WsgiInput gives empty bytes of their own, which may be transferred", async () => {
  const input = new WsgiInput(null);
  for (let count = 0; count < 2; count++) {
    for (const block of [await input.read(), await input.readline(1)]) {
      assertEquals(block.length, 0);
      structuredClone(block, { transfer: [block.buffer] });
    }
  }
  const other = new WsgiInput(new TextEncoder().encode("ab"));
  const empty = await other.read(0);
  structuredClone(empty, { transfer: [empty.buffer] });
  assertEquals(new TextDecoder().decode(await other.read()), "ab");
});
