// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { loadPyodide } from "pyodide";
import type { PyCallable } from "pyodide/ffi";
import { exchange } from "../_client.ts";
import { fromPythonApp } from "../../examples/python_app.ts";
import { TextErrorStream, toFetchHandler } from "../../handlers.ts";
import { makeServer, WsgiRequestHandler } from "../../simple_server.ts";
import type { WsgiApplication, WsgiResult } from "../../types.ts";
import { setupTestingDefaults } from "../../util.ts";
import { validator } from "../../validate.ts";

const EXAMPLES = `${import.meta.dirname}/../../examples`;

const pyodide = await loadPyodide();
pyodide.mountNodeFS("/home/pyodide", import.meta.dirname ?? "");
const apps = pyodide.pyimport("apps");

const nothing = fromPythonApp(pyodide, apps.nothing);

function call(app: WsgiApplication): WsgiResult | Promise<WsgiResult> {
  return app(setupTestingDefaults({}), () => () => Promise.resolve());
}

/** What Python has noted since it was last asked. */
async function take(notes: "complaints" | "events"): Promise<unknown[]> {
  // Requests take turns: when this one is answered, those before it are over.
  await call(nothing);
  return JSON.parse(apps.take(apps[notes]));
}

/** A server for one of the applications, under CPython's validator or not. */
class Server implements AsyncDisposable {
  readonly #server;
  readonly origin: string;
  log = "";
  /** What this package's own validator found wrong with the bridge. */
  violations: string[] = [];

  constructor(name: string, { judged = true } = {}) {
    const stderr = new TextErrorStream((text) => this.log += text);
    const app: PyCallable = apps[name];
    const python = fromPythonApp(pyodide, judged ? apps.validator(app) : app);
    const note = (violation: Error) => this.violations.push(violation.message);
    this.#server = makeServer(
      "127.0.0.1",
      0,
      judged
        ? validator(python, { onViolation: note, onWarning() {} })
        : python,
      {
        quiet: true,
        handlerClass: class extends WsgiRequestHandler {
          override getStderr() {
            return stderr;
          }
        },
      },
    );
    this.#server.serveForever();
    this.origin = `http://127.0.0.1:${this.#server.serverPort}`;
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(this.origin + path, init);
  }

  /** Sends a request as it is written, and gives the body of the answer. */
  async send(...head: string[]): Promise<string> {
    const request = [...head, "Connection: close", "", ""].join("\r\n");
    const answer = await exchange(this.#server.serverPort, request);
    assertMatch(answer, /^HTTP\/1\.1 200 /);
    return answer.slice(answer.indexOf("\r\n\r\n") + 4);
  }

  async assertNothingWrong(): Promise<void> {
    const complaints = await take("complaints");
    assertEquals([complaints, this.violations, this.log], [[], [], ""]);
  }

  async [Symbol.asyncDispose]() {
    await this.#server.shutdown();
  }
}

/** Lines of many lengths. */
const LARGE = Array.from(
  { length: 2048 },
  (_, index) => `${"x".repeat((index * 37) % 1023)}\n`,
).join("").padEnd(1_048_576, "y");

const chunked = (...chunks: string[]) =>
  ReadableStream.from(chunks).pipeThrough(new TextEncoderStream());

// Deno's client closes the body of a request after the response has begun.
const CHUNKED = { sanitizeResources: false };

const REQUESTS: [title: string, init: () => RequestInit, body?: string][] = [
  ["GET", () => ({})],
  ["HEAD", () => ({ method: "HEAD" })],
  ["OPTIONS", () => ({ method: "OPTIONS" })],
  ["DELETE", () => ({ method: "DELETE" })],
  ["POST of nothing", () => ({ method: "POST" })],
  ["POST of no bytes", () => ({ method: "POST", body: "" })],
  ["POST", () => ({ method: "POST", body: "a=1\nb=2" }), "a=1\nb=2"],
  ["PATCH", () => ({ method: "PATCH", body: "\n\n" }), "\n\n"],
  ["POST of 1 MiB", () => ({ method: "POST", body: LARGE }), LARGE],
  [
    "PUT in chunks",
    () => ({ method: "PUT", body: chunked("a\nb", "c\n", "d") }),
    "a\nbc\nd",
  ],
  [
    "POST of 1 MiB in chunks",
    () => ({ method: "POST", body: chunked(LARGE) }),
    LARGE,
  ],
];

for (
  const name of [
    "echo_list",
    "echo_generator",
    "echo_write",
    "echo_readline",
    "echo_readline_size",
    "echo_readlines",
    "echo_iteration",
    "echo_file_wrapper",
    "echo_error",
    "echo_object",
  ]
) {
  Deno.test(
    `wsgiref.validate has nothing to say about ${name}()`,
    CHUNKED,
    async (t) => {
      await using server = new Server(name);
      for (const [title, init, body = ""] of REQUESTS) {
        await t.step(title, async () => {
          const response = await server.fetch("/", init());
          assertEquals(response.status, 200);
          assertEquals(response.headers.get("x-replaced"), null);
          const expected = init().method === "HEAD" ? "" : `<${body}>`;
          // Not assertEquals(): its diff of a megabyte takes minutes.
          assert(await response.text() === expected);
          const closed = name === "echo_object" ? ["close"] : [];
          assertEquals(await take("events"), closed);
          await server.assertNothingWrong();
        });
      }
    },
  );
}

Deno.test("wsgiref.validate has nothing to say about empty responses", async () => {
  for (
    const [name, status] of [["nothing", 200], ["no_content", 204]] as const
  ) {
    await using server = new Server(name);
    for (const method of ["GET", "HEAD", "POST"]) {
      const response = await server.fetch("/", { method });
      assertEquals(response.status, status);
      assertEquals(await response.text(), "");
    }
    await server.assertNothingWrong();
  }
});

Deno.test("wsgiref.validate has nothing to say about many headers", async () => {
  await using server = new Server("many_headers");
  const response = await server.fetch("/");
  assertEquals(response.status, 299);
  assertEquals(response.headers.getSetCookie(), ["a=1", "b=1"]);
  assertEquals(response.headers.get("x-79"), "é".repeat(79));
  assertEquals(await response.text(), "ok");
  await server.assertNothingWrong();
});

/** What the environ was, as Python saw it. */
interface Facts {
  type: string;
  strange: string[];
  uri: string;
  environ: Record<string, unknown>;
}

Deno.test("environ is a dict of native strings", async () => {
  await using server = new Server("facts");
  const { port } = new URL(server.origin);
  const response = await server.fetch("/a%20b?c=d", {
    method: "POST",
    body: "spam",
    headers: { "user-agent": "test" },
  });
  const { type, strange, environ }: Facts = await response.json();
  assertEquals(type, "dict");
  assertEquals(strange, []);
  assertMatch(String(environ.REMOTE_PORT), /^\d+$/);
  delete environ.REMOTE_PORT;
  assertMatch(String(environ.SERVER_SOFTWARE), /^wsgiref\//);
  delete environ.SERVER_SOFTWARE;
  assertEquals(environ, {
    CONTENT_LENGTH: "4",
    CONTENT_TYPE: "text/plain;charset=UTF-8",
    GATEWAY_INTERFACE: "CGI/1.1",
    HTTP_ACCEPT: "*/*",
    HTTP_ACCEPT_ENCODING: "gzip,br",
    HTTP_ACCEPT_LANGUAGE: "*",
    HTTP_HOST: `127.0.0.1:${port}`,
    HTTP_USER_AGENT: "test",
    PATH_INFO: "/a b",
    QUERY_STRING: "c=d",
    REMOTE_ADDR: "127.0.0.1",
    REQUEST_METHOD: "POST",
    REQUEST_URI: "/a%20b?c=d",
    SCRIPT_NAME: "",
    SERVER_NAME: "127.0.0.1",
    SERVER_PORT: port,
    SERVER_PROTOCOL: "HTTP/1.1",
    "wsgi.input_terminated": true,
    "wsgi.multiprocess": false,
    "wsgi.multithread": false,
    "wsgi.run_once": false,
    "wsgi.url_scheme": "http",
    "wsgi.version": "(1, 0)",
  });
  await server.assertNothingWrong();
});

/** The target, PATH_INFO, and what request_uri() makes of it if not the same. */
const TARGETS: [target: string, path: string, uri?: string][] = [
  ["/", "/"],
  ["/a/b/", "/a/b/"],
  ["/?", "/", "/"],
  ["/a?b=c&d=%20e?f", "/a"],
  ["/?a=1&a=2&b", "/"],
  ["/a%20b", "/a b"],
  ["/%C3%A4", "/\xc3\xa4"],
  ["/%E4%FF", "/\xe4\xff"],
  ["/\xc3\xa4", "/\xc3\xa4", "/%C3%A4"],
  ["/%00%01%7F", "/\0\x01\x7f"],
  ["/a%2Fb", "/a/b", "/a/b"],
  ["/%25", "/%"],
  ["/%zz%", "/%zz%", "/%25zz%25"],
  ["/a;b=c,d", "/a;b=c,d"],
  ["//", "//"],
  ["//host/a//b", "//host/a//b"],
  ["/.", "/."],
  ["/a/../b/./c", "/a/../b/./c"],
  ["/%2e%2E/a", "/../a", "/../a"],
  ["/a+b", "/a+b", "/a%2Bb"],
];

Deno.test("request_uri() gives the URL that was asked for", async (t) => {
  await using server = new Server("facts");
  for (const [target, path, uri = target] of TARGETS) {
    await t.step(JSON.stringify(target), async () => {
      const facts: Facts = JSON.parse(
        await server.send(`GET ${target} HTTP/1.1`, "Host: example.com:8080"),
      );
      assertEquals(facts.environ.PATH_INFO, path);
      assertEquals(facts.environ.REQUEST_URI, target);
      assertEquals(facts.uri, `http://example.com:8080${uri}`);
      assertEquals(facts.strange, []);
      await server.assertNothingWrong();
    });
  }
});

Deno.test("environ has the headers of the request", async () => {
  await using server = new Server("facts");
  const { environ, strange }: Facts = JSON.parse(
    await server.send(
      "GET / HTTP/1.1",
      "Host: example.com",
      "X-Twice: 1",
      "x-twice: 2",
      "Cookie: a=1",
      "Cookie: b=2",
      "X-Latin: \xe9\xff",
      "X-Tab: a\tb",
      "X-Empty:",
      "X_Under: score",
      "Proxy: evil",
      "!#$%&'*+.^`|~1: token",
      ...Array.from({ length: 80 }, (_, index) => `X-Many-${index}: ${index}`),
    ),
  );
  assertEquals(environ.HTTP_X_TWICE, "1, 2");
  assertEquals(environ.HTTP_COOKIE, "a=1; b=2");
  assertEquals(environ.HTTP_X_LATIN, "\xe9\xff");
  assertEquals(environ.HTTP_X_TAB, "a\tb");
  assertEquals(environ.HTTP_X_EMPTY, "");
  assertEquals(environ["HTTP_!#$%&'*+.^`|~1"], "token");
  assertEquals(environ.HTTP_X_MANY_79, "79");
  assertEquals(environ.CONTENT_LENGTH, undefined);
  assertEquals(environ.CONTENT_TYPE, undefined);
  assertEquals(
    Object.keys(environ).filter((key) => /UNDER|PROXY/.test(key)),
    [],
  );
  assertEquals(strange, []);
  await server.assertNothingWrong();
});

Deno.test("wsgiref.validate is heard when it raises and warns", async () => {
  await using server = new Server("reads_without_size");
  const response = await server.fetch("/", { method: "BREW" });
  assertEquals(response.status, 500);
  await response.body?.cancel();
  assertStringIncludes(server.log, "assert_(len(args) == 1)");
  assertEquals(await take("complaints"), [
    "WSGIWarning: Unknown REQUEST_METHOD: 'BREW'",
  ]);
});

Deno.test("fromPythonApp() logs the traceback of what an application raises", async (t) => {
  const cases: [name: string, error: RegExp][] = [
    ["raises", /Traceback .*, in raises\n.*\nValueError: spam\n/s],
    ["exits", /Traceback .*, in exits\n.*\nSystemExit: spam\n/s],
    [
      "bad_header",
      /Traceback .*, in bad_header\n.*control character: received "a\\nb"/s,
    ],
    ["no_iterable", /TypeError: 'NoneType' object is not iterable\n/],
    ["text_block", /must be a Uint8Array: received "text"/],
  ];
  for (const [name, error] of cases) {
    await t.step(name, async () => {
      await using server = new Server(name, { judged: false });
      const response = await server.fetch("/");
      assertEquals(response.status, 500);
      assertStringIncludes(await response.text(), "A server error occurred.");
      assertMatch(server.log, error);
      assertEquals(server.log.match(/^Cannot answer/gm)?.length, 1);
    });
  }
});

Deno.test("fromPythonApp() cuts off a response that fails midway", async () => {
  await using server = new Server("raises_midway");
  const response = await server.fetch("/");
  await assertRejects(() => response.text(), TypeError);
  assertMatch(server.log, /, in blocks\n.*\nValueError: spam\n/s);
  assertEquals(server.log.match(/^Cannot answer/gm)?.length, 1);
  assertEquals(await take("events"), ["close"]);
});

Deno.test("fromPythonApp() logs an error of close() after a whole response", async () => {
  await using server = new Server("raises_in_close");
  const response = await server.fetch("/");
  assertEquals(await response.text(), "whole");
  assertEquals(await take("events"), ["close"]);
  assertMatch(server.log, /, in close\n.*\nValueError: spam\n/s);
});

Deno.test("start_response() raises the error again after the headers", async () => {
  await using server = new Server("replaces_too_late");
  const response = await server.fetch("/");
  await assertRejects(() => response.text(), TypeError);
  assertEquals(await take("events"), [true, "raise error", "close"]);
  assertMatch(server.log, /ValueError: spam\n/);
});

Deno.test("wsgi.errors takes text", async () => {
  await using server = new Server("logs");
  await server.fetch("/").then((response) => response.body?.cancel());
  assertEquals(server.log, "one two thr€€\n");
  assertEquals(await take("complaints"), []);
});

Deno.test("fromPythonApp() answers a list with its length", async () => {
  await using server = new Server("echo_list", { judged: false });
  const response = await server.fetch("/", { method: "POST", body: "spam" });
  assertEquals(response.headers.get("content-length"), "6");
  assertEquals(await response.text(), "<spam>");
});

Deno.test("fromPythonApp() makes a block only when it is asked for", async () => {
  const app = fromPythonApp(pyodide, apps.endless);
  const result = await call(app);
  const iterator = (result as AsyncIterable<Uint8Array>)
    [Symbol.asyncIterator]();
  await iterator.next();
  await iterator.next();
  await result.close?.();
  assertEquals(await take("events"), [0, 1, "closed"]);
});

Deno.test("fromPythonApp() closes a result that is never iterated", async () => {
  const result = await call(fromPythonApp(pyodide, apps.too_long));
  await result.close?.();
  assertEquals(await take("events"), ["close"]);
});

Deno.test("fromPythonApp() stops at the Content-Length", async () => {
  await using server = new Server("too_long");
  const response = await server.fetch("/");
  assertEquals(await response.text(), "blockbl");
  assertEquals(await take("events"), [0, "close", "closed"]);
});

Deno.test("fromPythonApp() stops when the client goes", async () => {
  await using server = new Server("endless");
  const response = await server.fetch("/");
  await response.body?.cancel();
  const events = await take("events");
  assertEquals(events.at(-1), "closed");
  assertLess(events.length, 1000);
  await server.assertNothingWrong();
});

Deno.test("fromPythonApp() goes on when a client goes before its turn", async () => {
  await using server = new Server("endless");
  const first = await server.fetch("/");
  const impatient = new AbortController();
  const second = server.fetch("/", { signal: impatient.signal });
  impatient.abort();
  await assertRejects(() => second, DOMException);
  await first.body?.cancel();
  const third = await server.fetch("/", { method: "HEAD" });
  assertEquals(third.status, 200);
  assertEquals((await take("events")).slice(-2), [0, "closed"]);
  await server.assertNothingWrong();
});

Deno.test("fromPythonApp() lets requests take turns", CHUNKED, async () => {
  await using server = new Server("takes_turns");
  const uploads = Array.from({ length: 9 }, (_, index) => {
    const { readable, writable } = new TextEncoderStream();
    const writer = writable.getWriter();
    writer.write("first\n");
    const init = { method: "POST", body: readable };
    return { writer, response: server.fetch(`/${index}`, init) };
  });
  for (const { writer } of uploads.toReversed()) {
    await writer.write("last");
    await writer.close();
  }
  for (const { response } of uploads) {
    assertEquals(await (await response).text(), "first\nlast");
  }
  assertEquals(await take("events"), Array(18).fill([1, true]));
  await server.assertNothingWrong();
});

Deno.test("fromPythonApp() leaves nothing behind", async () => {
  const errors = new TextErrorStream(() => {});
  const handlers = [
    "echo_list",
    "echo_write",
    "echo_object",
    "echo_error",
    "raises_midway",
  ].map((name) =>
    toFetchHandler(fromPythonApp(pyodide, apps[name]), { errors })
  );
  /** The memory in use after 500 requests, in bytes. */
  const run = async (): Promise<number> => {
    for (let index = 0; index < 500; index++) {
      const handler = handlers[index % handlers.length];
      const init = { method: "POST", body: "a\nb" };
      const response = await handler?.(new Request("http://localhost/", init));
      await response?.text().catch(() => {});
    }
    await take("events");
    return apps.memory();
  };
  await run();
  const before = await run();
  const after = await run();
  assertLess(after - before, 5000);
});

const frameworks = pyodide.pyimport("frameworks");

/** A server for what frameworks do. */
function serveFrameworks() {
  const app = fromPythonApp(pyodide, frameworks.application);
  const server = makeServer("127.0.0.1", 0, app, { quiet: true });
  server.serveForever();
  return server;
}

/** A response as it was sent, from a server that must close the connection. */
async function exchangeOnce(port: number, ...lines: string[]): Promise<string> {
  return await exchange(port, lines.join("\r\n"));
}

for (const framework of ["bottle", "flask", "django"]) {
  Deno.test(
    `A body comes whole to what reads as ${framework} does`,
    CHUNKED,
    async (t) => {
      await using server = serveFrameworks();
      const url = `http://127.0.0.1:${server.serverPort}/${framework}`;
      for (const [title, init, body = ""] of REQUESTS) {
        await t.step(title, async () => {
          const response = await fetch(url, init());
          const expected = init().method === "HEAD" ? "" : body;
          assert(await response.text() === expected);
        });
      }
      // Who reads no further than the length must not keep the client waiting.
      await t.step("POST of HTTP/1.0", async () => {
        const response = await exchangeOnce(
          server.serverPort,
          `POST /${framework} HTTP/1.0`,
          "Host: localhost",
          `Content-Length: ${LARGE.length}`,
          "",
          LARGE,
        );
        assert(response.endsWith(`\r\n\r\n${LARGE}`));
      });
      frameworks.take_closed();
    },
  );
}

Deno.test("Sessions, forms, uploads and write() work as in frameworks", async () => {
  await using server = serveFrameworks();
  const url = `http://127.0.0.1:${server.serverPort}`;
  let cookie = "";
  for (const visit of ["visit 1", "visit 2", "visit 3"]) {
    const response = await fetch(`${url}/visits`, { headers: { cookie } });
    assertEquals(await response.text(), visit);
    const [session = "", theme] = response.headers.getSetCookie();
    assertEquals(theme, 'theme="dark blue"; Max-Age=10');
    cookie = session.replace(/;.*/, "");
  }
  assertEquals(frameworks.take_closed(), "[2, 2, 2]");

  const form = new FormData();
  form.append("photo", new File(["x".repeat(300_000)], "a b.png"));
  form.append("text", new File(["é"], "c.txt", { type: "text/plain" }));
  const upload = await fetch(`${url}/upload`, { method: "POST", body: form });
  assertEquals(
    await upload.text(),
    "photo: a b.png, 300000 bytes\ntext: c.txt, 2 bytes\n",
  );
  const body = new URLSearchParams({ name: "spam & eggs", age: "3" });
  const init = { method: "POST", body, redirect: "manual" } as const;
  const posted = await fetch(`${url}/form`, init);
  assertEquals([posted.status, posted.headers.get("location")], [
    303,
    "/visits",
  ]);
  assertEquals(await posted.text(), "{'name': ['spam & eggs'], 'age': ['3']}");

  const written = await fetch(`${url}/write`);
  assertEquals(await written.text(), "written, returned");
  assertEquals(frameworks.take_closed(), "[2, 1, 1]");
});

/** Runs the program, until it serves or ends. */
async function start(args: string[], cwd: string) {
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      `--config=${EXAMPLES}/../deno.json`,
      `${EXAMPLES}/python_app.ts`,
      ...args,
    ],
    cwd,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(process.stderr).text();
  const stdout = process.stdout.getReader();
  const { value } = await stdout.read();
  await stdout.cancel();
  const line = new TextDecoder().decode(value);
  return {
    line,
    port: / on port (\d+)\n$/.exec(line)?.[1],
    stderr,
    [Symbol.asyncDispose]: async () => {
      await process[Symbol.asyncDispose]();
      await stderr;
    },
  };
}

/** A package with a module that imports others of it, and mistakes. */
const FILES: Record<string, string> = {
  "mysite/__init__.py": "",
  "mysite/settings.py": "GREETING = 'hello'",
  "mysite/wsgi.py": `
from mysite.settings import GREETING
from . import settings
number = 5
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [(GREETING + settings.GREETING).encode()]
app = application
`,
  "broken.py": "import mysite\nimport missing_module\n",
};

Deno.test("python_app.ts serves an application of a package, or says why not", async (t) => {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/mysite`);
  for (const [name, text] of Object.entries(FILES)) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  for (const target of ["mysite.wsgi:application", "mysite/wsgi.py:app"]) {
    await t.step(target, async () => {
      await using server = await start([target, "--port", "0"], folder);
      assertEquals(server.line, `Serving ${target} on port ${server.port}\n`);
      const response = await fetch(`http://127.0.0.1:${server.port}/`);
      assertEquals(await response.text(), "hellohello");
    });
  }
  const failures: [target: string, message: string][] = [
    ["nothing.py", "there is no such file"],
    ["mysite.wsgi:spam", 'it has no "spam"'],
    ["mysite.wsgi:number", '"number" cannot be called'],
    [
      "broken.py",
      '  File "/home/pyodide/broken.py", line 2, in <module>\n' +
      "    import missing_module\n" +
      "ModuleNotFoundError: No module named 'missing_module'",
    ],
  ];
  for (const [target, message] of failures) {
    await t.step(target, async () => {
      await using server = await start([target], folder);
      assertEquals(await server.stderr, `Cannot serve ${target}: ${message}\n`);
    });
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("python_app.ts serves its example", async () => {
  await using server = await start(
    ["--host", "127.0.0.2", "--port", "0", "python_app.py"],
    EXAMPLES,
  );
  const response = await fetch(`http://127.0.0.2:${server.port}/`, {
    method: "POST",
    body: new URLSearchParams({ entry: "<spam>" }),
  });
  assertStringIncludes(await response.text(), "<p>&lt;spam&gt;</p>");
});
