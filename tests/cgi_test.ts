// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import {
  BaseCgiHandler,
  type ByteWriter,
  CgiHandler,
  IisCgiHandler,
  SimpleHandler,
  type SimpleHandlerOptions,
  TextErrorStream,
} from "../handlers.ts";
import { VERSION } from "../_version.ts";
import type { FileLike, WsgiApplication, WsgiEnviron } from "../types.ts";
import { type FileWrapper, setupTestingDefaults, WsgiInput } from "../util.ts";

/** The path of a file, from this folder. */
function localPath(path: string): string {
  return decodeURIComponent(new URL(path, import.meta.url).pathname);
}

const HEAD = "Status: 200 OK\r\n\r\n";
const ERROR_RESPONSE = "Status: 500 Internal Server Error\r\n" +
  "Content-Type: text/plain\r\nContent-Length: 59\r\n\r\n" +
  "A server error occurred.  Please contact the administrator.";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An application that answers with the blocks of a list or a generator. */
function answer(result: Iterable<string>): WsgiApplication {
  return (_environ, startResponse) => {
    startResponse("200 OK", []);
    return Array.isArray(result)
      ? result.map((block) => encoder.encode(block))
      : encodeAll(result);
  };
}

function* encodeAll(blocks: Iterable<string>): Generator<Uint8Array> {
  for (const block of blocks) yield encoder.encode(block);
}

/** Keeps what a handler writes and logs. */
class Recorder implements ByteWriter {
  readonly writes: string[] = [];
  flushes = 0;
  log = "";

  write(data: Uint8Array): number | void | Promise<number | void> {
    this.writes.push(decoder.decode(data));
  }

  flush(): void {
    this.flushes++;
  }

  get output(): string {
    return this.writes.join("");
  }

  async run(
    app: WsgiApplication,
    Handler: typeof SimpleHandler = BaseCgiHandler,
    environ: Partial<WsgiEnviron> = {},
  ): Promise<void> {
    await new Handler(
      new WsgiInput(null),
      this,
      new TextErrorStream((text) => this.log += text),
      setupTestingDefaults({ ...environ }),
    ).run(app);
  }
}

Deno.test("BaseCgiHandler writes the head with the first block, then block by block", async () => {
  const large = "x".repeat(65_536);
  const length = (size: number) =>
    `Status: 200 OK\r\nContent-Length: ${size}\r\n\r\n`;
  const cases: [result: Iterable<string>, writes: string[]][] = [
    [[], [length(0)]],
    [["Hello"], [`${length(5)}Hello`]],
    [["Hel", "", "lo"], [`${length(5)}Hello`]],
    [[large], [length(65_536) + large]],
    [["a", large, large], [`${length(131_073)}a${large}`, large]],
    [new Set(["", "Hel", "", "lo"]), [`${HEAD}Hel`, "lo"]],
    [new Set(["a", large]), [`${HEAD}a`, large]],
    [new Set([]), [length(0)]],
  ];
  for (const [result, writes] of cases) {
    const recorder = new Recorder();
    await recorder.run(answer(result));
    const shorten = (text: string) => text.replaceAll(large, "…");
    assertEquals(recorder.writes.map(shorten), writes.map(shorten));
    assertEquals(recorder.flushes, Array.isArray(result) ? 1 : writes.length);
    assertEquals(recorder.log, "");
  }
});

Deno.test("SimpleHandler completes partial writes, in order", async () => {
  const texts = ["first block", "second block", "third block"];
  const takePart = (recorder: Recorder, data: Uint8Array) => {
    recorder.writes.push(decoder.decode(data.subarray(0, 7)));
    return Math.min(data.length, 7);
  };
  const writes: ((recorder: Recorder, data: Uint8Array) => ReturnType<
    ByteWriter["write"]
  >)[] = [
    takePart,
    (...args) =>
      new Promise((resolve) => setTimeout(() => resolve(takePart(...args)), 0)),
  ];
  const apps: WsgiApplication[] = [
    answer(texts),
    answer(new Set(texts)),
    (_environ, startResponse) => {
      const write = startResponse("200 OK", []);
      // It does not wait for what it writes.
      const [last = "", ...others] = texts.toReversed();
      for (const text of others.toReversed()) write(encoder.encode(text));
      return [encoder.encode(last)];
    },
  ];
  for (const write of writes) {
    for (const app of apps) {
      const recorder = new Recorder();
      recorder.write = (data) => write(recorder, data);
      await recorder.run(app);
      assertEquals(recorder.output.split("\r\n\r\n")[1], texts.join(""));
      assertEquals(recorder.log, "");
    }
  }
});

Deno.test("SimpleHandler ends in silence if nobody reads any more", async () => {
  const disconnects = [
    new Deno.errors.BrokenPipe(),
    new Deno.errors.ConnectionReset(),
    new Deno.errors.ConnectionAborted(),
    ...["EPIPE", "ECONNRESET", "ECONNABORTED"]
      .map((code) => Object.assign(new Error(code), { code })),
  ];
  for (const error of disconnects) {
    for (
      const fail of [
        () => {
          throw error;
        },
        () => Promise.reject(error),
      ]
    ) {
      const events: string[] = [];
      const recorder = new Recorder();
      recorder.write = fail;
      await recorder.run((_environ, startResponse) => {
        startResponse("200 OK", []);
        const blocks = encodeAll(new Set(["first block", "second block"]));
        return Object.assign(blocks, {
          close: () => void events.push("close"),
        });
      });
      assertEquals(events, ["close"]);
      assertEquals(recorder.log, "");
    }
  }
});

Deno.test("SimpleHandler logs any other error of a write", async () => {
  const recorder = new Recorder();
  recorder.write = () => {
    throw new RangeError("No space left");
  };
  await recorder.run(answer(["block"]));
  assertMatch(recorder.log, /^RangeError: No space left\n/);

  const useless = new Recorder();
  useless.write = () => 0;
  await useless.run(answer(["block"]));
  assertMatch(
    useless.log,
    /^TypeError: Cannot write the response as its writer took none of 42 bytes\n/,
  );
});

Deno.test("SimpleHandler writes a whole HTTP response", async () => {
  const cases: [protocol: string, output: RegExp][] = [
    [
      "HTTP/1.1",
      /^HTTP\/1\.0 200 OK\r\nDate: .{29}\r\nContent-Length: 5\r\n\r\nHello$/,
    ],
    ["HTTP/0.9", /^Hello$/],
  ];
  for (const [SERVER_PROTOCOL, output] of cases) {
    const recorder = new Recorder();
    await recorder.run(answer(["Hello"]), SimpleHandler, { SERVER_PROTOCOL });
    assertMatch(recorder.output, output);
  }
});

Deno.test("IisCgiHandler strips the name of the script from the path", () => {
  const cases: [path: string, script: string, stripped: string][] = [
    ["/app.py/x", "/app.py", "/x"],
    ["/app.py", "/app.py", ""],
    ["/app.pyx", "/app.py", "/app.pyx"],
    ["/x", "", "/x"],
    ["", "/a", ""],
    ["/a/b/a", "/a/b", "/a"],
  ];
  for (const [PATH_INFO, SCRIPT_NAME, stripped] of cases) {
    const environ = { PATH_INFO, SCRIPT_NAME };
    assertEquals(new IisCgiHandler(environ).baseEnviron, {
      PATH_INFO: stripped,
      SCRIPT_NAME,
    });
    assertEquals(environ, { PATH_INFO, SCRIPT_NAME });
  }
});

// What the process needs, and the web server sets.
const VARIABLES: Record<string, string> = {
  REQUEST_METHOD: "GET",
  SERVER_NAME: "localhost",
  SERVER_PORT: "80",
  SERVER_PROTOCOL: "HTTP/1.1",
  PATH_INFO: "/",
};
for (const name of ["HOME", "DENO_DIR", "UNDER_VALIDATOR"]) {
  const value = Deno.env.get(name);
  if (value !== undefined) VARIABLES[name] = value;
}

/** Starts a script. The variables are native strings, so they can be any bytes. */
function spawn(
  variables: Record<string, string | undefined>,
  args: string[] = ["-A", localPath("cgi/app.ts")],
): Deno.ChildProcess {
  const exports = Object.entries({ ...VARIABLES, ...variables }).map(
    ([name, value]) => {
      if (value === undefined) return "";
      const bytes = Array.from(
        value,
        (character) =>
          `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`,
      );
      return `export ${name}="$(printf '${bytes.join("")}')"`;
    },
  );
  return new Deno.Command("/bin/sh", {
    args: [
      "-c",
      `${exports.join("\n")}\nexec "$@"`,
      "sh",
      Deno.execPath(),
      "run",
      ...args,
    ],
    clearEnv: true,
    // A process that hangs must not hang the tests.
    signal: AbortSignal.timeout(20_000),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** What a process has written, and its exit code. */
async function finish(process: Deno.ChildProcess) {
  const { code, stdout, stderr } = await process.output();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** Runs the script. Its input stays open, as a web server may leave it. */
async function run(
  variables: Record<string, string | undefined>,
  input = "",
) {
  await using process = spawn(variables);
  const writer = process.stdin.getWriter();
  await writer.write(encoder.encode(input));
  const result = await finish(process);
  await writer.abort();
  return result;
}

async function readEnviron(
  variables: Record<string, string>,
): Promise<Record<string, string>> {
  const { stdout } = await run(variables);
  return JSON.parse(stdout.slice(stdout.indexOf("{")));
}

Deno.test("readEnviron() has all variables as native strings", async () => {
  const names = ["PATH_INFO", "HTTP_X", "DOCUMENT_ROOT", "http_x"];
  const value = "/caf\xc3\xa9 \xe2\x82\xac";
  const environ = await readEnviron(
    Object.fromEntries(names.map((name) => [name, value])),
  );
  for (const name of names) assertEquals(environ[name], value, name);
});

Deno.test("readEnviron() leaves out what a client must not set, and what is empty", async () => {
  const variables = {
    HTTP_PROXY: "http://evil.example/",
    HTTP_CONTENT_TYPE: "text/plain",
    HTTP_CONTENT_LENGTH: "5",
    HTTP_ACCEPT: "",
    CONTENT_TYPE: "",
    CONTENT_LENGTH: "",
    AUTH_TYPE: "",
    REMOTE_USER: "",
  };
  const environ = await readEnviron(variables);
  for (const name of Object.keys(variables)) {
    const expected = name === "HTTP_ACCEPT" ? "" : undefined;
    assertEquals(environ[name], expected, name);
  }
});

Deno.test("readEnviron() takes a path that is not UTF-8 from the URI", async () => {
  const cases: [script: string, uri: string, path: string | undefined][] = [
    ["/app", "/app/%FF?/app", "/\xff"],
    ["", "/%FF/%C3%A9", "/\xff/\xc3\xa9"],
    ["/caf\xc3\xa9", "/caf%C3%A9/%FF", "/\xff"],
  ];
  const hidden = { PATH_INFO: "/\xff", HTTP_X: "\xff" };
  for (const [SCRIPT_NAME, REQUEST_URI, path] of cases) {
    const environ = await readEnviron({ SCRIPT_NAME, REQUEST_URI, ...hidden });
    assertEquals(environ.PATH_INFO, path);
    assertEquals(environ.HTTP_X, undefined);
  }
  // It is not the root page that is answered.
  for (const REQUEST_URI of ["/application/%FF", "/rewritten/%FF"]) {
    const { stdout } = await run({
      SCRIPT_NAME: "/app",
      REQUEST_URI,
      ...hidden,
    });
    assertMatch(stdout, /^Status: 400 Bad Request\r\n/);
  }
});

Deno.test("CgiHandler sends no body to HEAD, also if the request is not valid", async () => {
  const { stdout } = await run({
    REQUEST_METHOD: "HEAD",
    CONTENT_LENGTH: "abc",
  });
  assertMatch(stdout, /^Status: 400 Bad Request\r\n[^]*\r\n\r\n$/);
});

Deno.test("CgiHandler takes a query of any bytes if there is no path", async () => {
  const { stdout } = await run({
    REQUEST_URI: "/app.cgi?%FF",
    SCRIPT_NAME: "/app.cgi",
    PATH_INFO: undefined,
    QUERY_STRING: "%FF",
  });
  assertMatch(stdout, /^Status: 200 OK\r\n/);
});

Deno.test("CgiHandler answers 400 to a CONTENT_LENGTH that is no number of bytes", async () => {
  for (const CONTENT_LENGTH of ["abc", "-5", "5,5"]) {
    const { stdout, stderr, code } = await run({ CONTENT_LENGTH });
    assertMatch(stdout, /^Status: 400 Bad Request\r\n/);
    assertMatch(stderr, /^RequestError: [^\n]*\n$/);
    assertEquals(code, 0);
  }
});

Deno.test("CgiHandler refuses a status of 1xx, after which a server waits", async () => {
  const { stdout, stderr } = await run({ PATH_INFO: "/continue" });
  assertMatch(stdout, /^Status: 500 /);
  assertMatch(stderr, /a gateway takes no status below 200: received "100 /);
});

Deno.test("CgiHandler says that its process answers one request", () => {
  const handler = new CgiHandler({});
  assertEquals(handler.wsgiRunOnce, true);
  assertEquals(handler.wsgiMultithread, false);
  assertEquals(handler.wsgiMultiprocess, true);
  assertEquals(handler.wsgiInputTerminated, true);
});

Deno.test("CgiHandler answers 500 if the application throws", async () => {
  const { code, stdout, stderr } = await run({ PATH_INFO: "/throw" });
  assertEquals(stdout, ERROR_RESPONSE);
  assertMatch(stderr, /^RangeError: thrown before the first block\n {4}at /);
  assertEquals(code, 0);
});

Deno.test("CgiHandler fails if the application throws after its first block", async () => {
  const { code, stdout, stderr } = await run({ PATH_INFO: "/throw-late" });
  assertEquals(
    stdout,
    "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nfirst block\n",
  );
  assertMatch(stderr, /^RangeError: thrown after the first block\n {4}at /);
  assertEquals(code, 1);
});

Deno.test("CgiHandler reads as many bytes as CONTENT_LENGTH says", async () => {
  const cases: [variables: Record<string, string>, body: string][] = [
    [{ CONTENT_LENGTH: "5" }, "Hello"],
    [{ CONTENT_LENGTH: "0" }, ""],
    [{ CONTENT_LENGTH: "" }, ""],
    [{}, ""],
  ];
  for (const [variables, body] of cases) {
    const { code, stdout, stderr } = await run(
      { PATH_INFO: "/echo", REQUEST_METHOD: "POST", ...variables },
      "Hello, world!",
    );
    assertEquals(stdout.split("\r\n\r\n")[1], body);
    assertEquals(stderr, "");
    assertEquals(code, 0);
  }
});

Deno.test("CgiHandler answers 400 if the body ends early", async () => {
  await using process = spawn({ PATH_INFO: "/echo", CONTENT_LENGTH: "6" });
  const writer = process.stdin.getWriter();
  await writer.write(encoder.encode("Hello"));
  await writer.close();
  const { code, stdout, stderr } = await finish(process);
  assertEquals(
    stdout,
    "Status: 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nBad Request\n",
  );
  assertEquals(
    stderr,
    "ConnectionLostError: Cannot read the request body as it broke off after 5 of 6 bytes\n",
  );
  assertEquals(code, 0);
});

Deno.test("CgiHandler ends in silence if the web server stops reading", async () => {
  const file = await Deno.makeTempFile();
  await using process = spawn({ PATH_INFO: "/endless", QUERY_STRING: file });
  const stderr = new Response(process.stderr).text();
  await process.stdout.cancel();
  assertEquals((await process.status).code, 0);
  assertEquals(await stderr, "");
  assertEquals(await Deno.readTextFile(file), "closed");
  await process.stdin.abort();
  await Deno.remove(file);
});

Deno.test("CgiHandler closes the result and ends on SIGTERM", async () => {
  const file = await Deno.makeTempFile();
  await using process = spawn({ PATH_INFO: "/stalled", QUERY_STRING: file });
  const stderr = new Response(process.stderr).text();
  const stdout = process.stdout.getReader();
  await stdout.read();
  process.kill("SIGTERM");
  assertEquals((await process.status).code, 143);
  assertEquals((await stdout.read()).done, true);
  assertEquals(await stderr, "");
  assertEquals(await Deno.readTextFile(file), "closed");
  await process.stdin.abort();
  await Deno.remove(file);
});

Deno.test("examples/cgi.ts answers with the permission of its first line", async () => {
  const path = localPath("../examples/cgi.ts");
  const script = await Deno.readTextFile(path);
  const [, flags = ""] = /^#!\/usr\/bin\/env -S deno run (.*)\n/.exec(script) ??
    [];
  assertEquals(flags, "--allow-env");
  const readme = await Deno.readTextFile(localPath("../README.md"));
  const published = script.replace(/\n\/\/.*\n/, "").replace(
    "@wsgi/wsgiref",
    `jsr:@wsgi/wsgiref@^${VERSION}`,
  );
  assertStringIncludes(readme, published);

  await using allowed = spawn({}, [flags, path]);
  assertEquals(await finish(allowed), {
    code: 0,
    stdout: "Status: 200 OK\r\nContent-Type: text/plain\r\n" +
      "Content-Length: 13\r\n\r\nHello, world!",
    stderr: "",
  });
  await allowed.stdin.abort();

  await using denied = spawn({}, [path]);
  const { code, stdout, stderr } = await finish(denied);
  assertEquals({ code, stdout }, { code: 1, stdout: "" });
  assertStringIncludes(stderr, "NotCapable: Requires env access");
  await denied.stdin.abort();
});

Deno.test("BaseCgiHandler writes every byte of several joined blocks once", async () => {
  const blocks = Array.from(
    { length: 12 },
    (_, index) => String.fromCharCode(97 + index).repeat(50_000),
  );
  const recorder = new Recorder();
  await recorder.run(answer(blocks));
  const [head, ...rest] = recorder.output.split("\r\n\r\n");
  assertEquals(head, "Status: 200 OK\r\nContent-Length: 600000");
  // A difference of so many characters would be no message.
  assert(rest.join("\r\n\r\n") === blocks.join(""));
  // Several writes have several blocks each.
  assertLess(recorder.writes.length, blocks.length);
  assertGreater(recorder.writes.length, 2);
});

Deno.test("SimpleHandler sends the time as the Date", async () => {
  const recorder = new Recorder();
  const before = Date.now();
  await recorder.run(answer(["Hello"]), SimpleHandler);
  const [, date = ""] = /^Date: (.*)\r$/m.exec(recorder.output) ?? [];
  const time = Date.parse(date);
  // A Date has no milliseconds.
  assertGreater(time, before - 1_001);
  assertLessOrEqual(time, Date.now());
  assertEquals(new Date(time).toUTCString(), date);
});

Deno.test({
  name: "CgiHandler sends a file of unknown size as it is",
  ignore: Deno.build.os !== "linux",
  timeout: 20_000,
  async fn() {
    // It says that it has no bytes.
    const QUERY_STRING = "/proc/version";
    const expected = await Deno.readTextFile(QUERY_STRING);
    const { stdout, code } = await run({ PATH_INFO: "/file", QUERY_STRING });
    const [head = "", body] = stdout.split("\r\n\r\n");
    assertEquals(body, expected);
    assertEquals(head.includes("Content-Length"), false);
    assertEquals(code, 0);
  },
});

Deno.test("readEnviron() leaves out every REMOTE_ variable that is empty", async () => {
  const names = ["REMOTE_ADDR", "REMOTE_HOST", "REMOTE_IDENT", "REMOTE_USER"];
  const environ = await readEnviron(
    Object.fromEntries(names.map((name) => [name, ""])),
  );
  for (const name of names) assertEquals(environ[name], undefined, name);
});

Deno.test("the variables of a process become native strings, also outside of a request", async () => {
  const module = new URL("../handlers.ts", import.meta.url).href;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `import { readEnviron } from ${JSON.stringify(module)};
      console.log(JSON.stringify(readEnviron().SPAM));`,
    ],
    env: { SPAM: "caf\xe9 \u20ac \u{1f600}" },
    signal: AbortSignal.timeout(20_000),
  }).output();
  assertEquals(
    JSON.parse(decoder.decode(stdout)),
    "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
  );
});

Deno.test("SimpleHandler joins blocks up to 128 KiB, and writes none that is empty", () => {
  const half = 65_536;
  const cases: [blocks: number[], writes: number[]][] = [
    [[half, half], [2 * half]],
    [[half, half, 1], [2 * half, 1]],
    [[2 * half, half, half], [2 * half, 2 * half]],
    [[3 * half, 1], [3 * half, 1]],
    [[1, 2 * half], [1, 2 * half]],
    [[half, 50_000, half, 50_000], [half + 50_000, half + 50_000]],
  ];
  for (const [blocks, expected] of cases) {
    const writes: number[] = [];
    const handler = new BaseCgiHandler(
      new WsgiInput(null),
      { write: (data) => void writes.push(data.length) },
      new TextErrorStream(() => {}),
      {},
    );
    for (const size of blocks) handler._write(new Uint8Array(size));
    assertEquals(handler._flush(), undefined);
    assertEquals(writes, expected);
  }
});

Deno.test("SimpleHandler takes the flags of its environ from its options", () => {
  const flagsOf = (options?: SimpleHandlerOptions) => {
    const errors = new TextErrorStream(() => {});
    const input = new WsgiInput(null);
    const writer = { write() {} };
    const handler = new SimpleHandler(input, writer, errors, {}, options);
    return [handler.wsgiMultithread, handler.wsgiMultiprocess];
  };
  assertEquals(flagsOf(), [true, false]);
  assertEquals(flagsOf({ multithread: false }), [false, false]);
  assertEquals(flagsOf({ multiprocess: true }), [true, true]);
});

Deno.test("BaseCgiHandler answers 400 to a CONTENT_LENGTH that is no number of bytes", async () => {
  const recorder = new Recorder();
  await recorder.run(answer(["Hello"]), BaseCgiHandler, {
    CONTENT_LENGTH: "abc",
  });
  assertMatch(recorder.output, /^Status: 400 Bad Request\r\n/);
});

Deno.test("CgiHandler logs a single character", async () => {
  const handler = new URL("../handlers.ts", import.meta.url).href;
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `import { CgiHandler } from ${JSON.stringify(handler)};
      new CgiHandler({}).stderr.write("x");`,
    ],
    signal: AbortSignal.timeout(20_000),
  }).output();
  assertEquals(decoder.decode(stderr), "x");
});

Deno.test("CgiHandler reads a body in chunks to its end, though nothing tells its length", async () => {
  await using process = spawn({
    PATH_INFO: "/echo",
    REQUEST_METHOD: "POST",
    HTTP_TRANSFER_ENCODING: "chunked",
  });
  const writer = process.stdin.getWriter();
  await writer.write(encoder.encode("Hello"));
  await writer.close();
  const { stdout, stderr } = await finish(process);
  assertEquals([stdout.split("\r\n\r\n")[1], stderr], ["Hello", ""]);
});

Deno.test("CgiHandler wraps a file, each block of which stays as it is until the next is asked for", async () => {
  const path = await Deno.makeTempFile();
  const block = 65_536;
  const bytes = new Uint8Array(2 * block + 1).fill(1, 0, block).fill(2, block);
  await Deno.writeFile(path, bytes);
  const wrap = (filelike: FileLike) =>
    new CgiHandler({}).wsgiFileWrapper?.(filelike) as FileWrapper;
  try {
    using file = await Deno.open(path);
    const reader = wrap(file).readable.getReader();
    const { value } = await reader.read();
    // Time for what would read ahead.
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(value, bytes.subarray(0, block));
    assertEquals((await reader.read()).value, bytes.subarray(block, 2 * block));
    assertEquals((await reader.read()).value, bytes.subarray(2 * block));
    assertEquals((await reader.read()).done, true);
  } finally {
    await Deno.remove(path);
  }
  const { readable } = wrap(new Blob(["spam"]));
  assertEquals(await new Response(readable).text(), "spam");
});

Deno.test("SimpleHandler takes a closed pipe for the client's end, also if the signal was aborted before", async () => {
  const recorder = new Recorder();
  recorder.write = () => {
    throw new Deno.errors.BrokenPipe("gone");
  };
  const handler = new BaseCgiHandler(
    new WsgiInput(null),
    recorder,
    new TextErrorStream((text) => recorder.log += text),
    setupTestingDefaults({}),
  );
  await handler.run((_environ, startResponse) => {
    handler.abortSignal(new Error("The upload broke off"));
    startResponse("200 OK", []);
    return [encoder.encode("Hello")];
  });
  assertEquals(recorder.log, "");
});

Deno.test("SimpleHandler logs a writer that rejects with nothing", async () => {
  for (const error of [undefined, null]) {
    const recorder = new Recorder();
    recorder.write = () => Promise.reject(error);
    await recorder.run(answer(["Hello"]));
    assertMatch(recorder.log, new RegExp(`\\b${error}\\b`));
  }
});
