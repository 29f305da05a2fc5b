// Copyright 2026 the wsgiref authors. MIT license.

import {
  assertEquals,
  assertFalse,
  assertLess,
  assertMatch,
  assertStrictEquals,
} from "@std/assert";
import {
  BaseCgiHandler,
  BaseHandler,
  type ByteWriter,
  SimpleHandler,
  TextErrorStream,
  toFetchHandler,
} from "../handlers.ts";
import type {
  WsgiApplication,
  WsgiEnviron,
  WsgiHeader,
  WsgiResult,
} from "../types.ts";
import { setupTestingDefaults, WsgiInput } from "../util.ts";
import { Client, exchange } from "./_client.ts";
import {
  bytes,
  ERROR,
  fail,
  generate,
  generateAsync,
  latin1,
  list,
  LOCAL,
  Log,
  OK,
  stream,
  TestHandler,
  turn,
  untilAborted,
  withConsole,
} from "./_handlers.ts";
import { breaks } from "./_mistakes.ts";
import { DENO } from "./conformance.ts";

// Over a socket

/** Serves an application, and gives what is logged. */
async function withServer(
  app: WsgiApplication,
  test: (port: number) => Promise<void>,
): Promise<string[]> {
  const log = new Log();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen() {},
    // By default, it would print that a response was cut off.
    onError: () => new Response(),
  }, toFetchHandler(app, { errors: log }));
  try {
    await test(server.addr.port);
  } finally {
    await server.shutdown();
  }
  return log.lines;
}

/** The head of a request, but for its end. */
function head(method: string, path: string, ...headers: string[]): string {
  const lines = [`${method} ${path} HTTP/1.1`, "Host: h", ...headers, ""];
  return lines.join("\r\n");
}

const CLOSE = "Connection: close\r\n\r\n";

Deno.test("toFetchHandler() notices over a socket that a client has gone", async () => {
  let asked = Promise.withResolvers<void>();
  let closed = Promise.withResolvers<void>();
  let events: string[] = [];
  let steps = 0;
  function noteClose<T extends WsgiResult>(result: T): T {
    return Object.assign(result, {
      close() {
        events.push("close");
        closed.resolve();
      },
    });
  }
  const apps: Record<string, WsgiApplication> = {
    async "/pending"(environ, startResponse) {
      asked.resolve();
      await untilAborted(environ).catch(() => {});
      startResponse(OK, []);
      return noteClose(list("a"));
    },
    "/thinking": (environ, startResponse) =>
      noteClose((async function* () {
        startResponse(OK, []);
        try {
          yield bytes("spam");
          await untilAborted(environ);
        } finally {
          events.push("finally");
        }
      })()),
    "/endless": (_environ, startResponse) =>
      noteClose((function* () {
        startResponse(OK, []);
        const block = new Uint8Array(2 ** 20);
        try {
          for (;; steps++) yield block;
        } finally {
          events.push("finally");
        }
      })()),
  };
  for (
    const [path, expected, wait] of [
      ["/pending", ["abort", "close"], () => asked.promise],
      // The generator is still waiting when its result is closed.
      ["/thinking", ["abort", "close", "finally"], (c) => c.readTo("spam")],
      ["/endless", ["abort", "finally", "close"], (c) => c.readTo("\r\n")],
    ] as [string, string[], (client: Client) => Promise<unknown>][]
  ) {
    asked = Promise.withResolvers();
    closed = Promise.withResolvers();
    events = [];
    const lines = await withServer((environ, startResponse) => {
      const signal = environ["wsgiref.signal"];
      signal?.addEventListener("abort", () => events.push("abort"));
      return apps[path]?.(environ, startResponse) ?? [];
    }, async (port) => {
      {
        using client = await Client.connect(port);
        await client.send(head("GET", path) + CLOSE);
        await wait(client);
      }
      await closed.promise;
    });
    assertEquals(events, expected);
    assertEquals(lines, []);
  }
  // What was not taken was not made, but for the buffers of the socket.
  assertLess(steps, 64);
});

Deno.test("toFetchHandler() takes no end over a socket for a disconnect", async () => {
  const signals: (AbortSignal | undefined)[] = [];
  const results: Record<string, () => WsgiResult | Promise<WsgiResult>> = {
    "/list": () => list("spam"),
    "/promise": () => turn().then(() => list("spam")),
    "/generator": () => generate("sp", "am"),
    "/async": () => generateAsync("sp", "am"),
    "/stream": () => stream("sp", "am"),
  };
  const lines = await withServer((environ, startResponse) => {
    signals.push(environ["wsgiref.signal"]);
    startResponse(OK, []);
    return results[environ.PATH_INFO ?? ""]?.() ?? [];
  }, async (port) => {
    for (const path of Object.keys(results)) {
      for (const method of ["GET", "HEAD", "POST"]) {
        const request = head(method, path, "Content-Length: 4") + CLOSE;
        const text = await exchange(port, `${request}body`);
        assertMatch(text, /^HTTP\/1.1 200 OK\r\n/);
      }
    }
  });
  assertEquals(signals.map((signal) => signal?.aborted), Array(15).fill(false));
  assertEquals(lines, []);
});

Deno.test("toFetchHandler() cuts a response off so that the client can tell", async () => {
  const lines = await withServer(function* (environ, startResponse) {
    const { PATH_INFO: path } = environ;
    startResponse(OK, path === "/length" ? [["Content-Length", "9"]] : []);
    yield bytes("spam");
    fail();
  }, async (port) => {
    // The last chunk, of length 0, is missing.
    assertMatch(
      await exchange(port, head("GET", "/chunked") + CLOSE),
      /^transfer-encoding: chunked\r\n[^]*\r\n\r\n4\r\nspam\r\n$/m,
    );
    assertMatch(
      await exchange(port, head("GET", "/length") + CLOSE),
      /^content-length: 9\r\n[^]*\r\n\r\nspam$/m,
    );
  });
  assertEquals(
    lines,
    ["/chunked", "/length"].flatMap((path) => [
      `Cannot answer GET "http://h${path}"`,
      "Error: spam",
    ]),
  );
});

Deno.test("toFetchHandler() leaves a connection usable whose body was not read", async () => {
  const lines = await withServer((_environ, startResponse) => {
    startResponse(OK, []);
    return list("spam");
  }, async (port) => {
    const post = `${head("POST", "/", "Content-Length: 5")}\r\n12345`;
    const text = await exchange(port, post + post + head("GET", "/") + CLOSE);
    assertEquals(text.match(/HTTP\/1.1 200 OK\r\n/g)?.length, 3);
  });
  assertEquals(lines, []);
});

Deno.test("toFetchHandler() sends to HEAD the head of GET", async () => {
  breaks("body-forbidden");
  const heads: Record<string, unknown> = {
    "/200/list": [
      "200",
      `content-length: ${DENO === "Deno < 2.9.2" ? 0 : 4}`,
      "",
    ],
    "/200/generator": ["200", undefined, ""],
    "/304/list": ["304", undefined, ""],
    "/204/generator": ["204", undefined, ""],
  };
  const lines = await withServer((environ, startResponse) => {
    const [, status, kind] = (environ.PATH_INFO ?? "").split("/");
    startResponse(`${status} x`, []);
    return kind === "list" ? list("spam") : generate("sp", "am");
  }, async (port) => {
    for (const [path, expected] of Object.entries(heads)) {
      const text = await exchange(port, head("HEAD", path) + CLOSE);
      assertEquals([
        text.slice(9, 12),
        /^content-length: .*$/m.exec(text)?.[0],
        text.split("\r\n\r\n")[1],
      ], expected);
    }
  });
  assertEquals(lines, []);
});

Deno.test("toFetchHandler() logs to the console by default", async () => {
  const printed = await withConsole(async () => {
    const response = await toFetchHandler(() => fail())(LOCAL);
    assertEquals(response.status, 500);
  });
  assertEquals(printed.length, 1);
  assertMatch(
    printed[0] ?? "",
    /^Cannot answer GET "http:\/\/localhost\/"\nError: spam\n {4}at [^]*[^\n]$/,
  );
});

Deno.test("toFetchHandler() answers 500 if its log fails, and prints why", async () => {
  const errors = new TextErrorStream(() => fail(new Error("eggs")));
  const printed = await withConsole(async () => {
    const response = await toFetchHandler(() => fail(), { errors })(LOCAL);
    assertEquals(response.status, 500);
    await turn();
  });
  assertEquals(printed.length, 2);
  assertMatch(printed[0] ?? "", /^Error: spam\n/);
  assertMatch(printed[1] ?? "", /^Cannot log: Error: eggs\n/);
});

// CPython's HandlerTests

/** What a handler wrote to its stdout and to its stderr. */
interface Written {
  handler: SimpleHandler;
  output: string;
  errors: string[];
}

/** Runs an application as CPython's ErrorHandler and TestHandler do. */
async function runSimple(
  app: WsgiApplication,
  {
    Handler = BaseCgiHandler,
    environ = {},
    write,
    ...attributes
  }: {
    Handler?: typeof SimpleHandler;
    environ?: Partial<WsgiEnviron>;
    write?: ByteWriter["write"];
    serverSoftware?: string | null;
    httpVersion?: string;
  } = {},
): Promise<Written> {
  let output = "";
  const log = new Log();
  const handler = new Handler(
    new WsgiInput(null),
    { write: write ?? ((data) => void (output += latin1(data))) },
    log,
    setupTestingDefaults(environ),
  );
  await Object.assign(handler, attributes).run(app);
  return { handler, output, errors: log.lines };
}

const HELLO: WsgiApplication = (_environ, startResponse) => {
  startResponse(OK, []);
  return [bytes("http")];
};

/** Its tests 23 to 35, and two that are new in 2026. */
const HANDLER_TESTS: Record<string, () => void | Promise<void>> = {
  testEnviron() {
    const handler = new TestHandler({ X: "Y", HOME: "/override/home" });
    handler.osEnviron = {
      HOME: "/home",
      PATH: "/bin",
      SCRIPT_NAME: "/s",
      SERVER_NAME: "os",
    };
    handler.setupEnviron();
    const { environ } = handler;
    assertEquals(environ.HOME, "/override/home");
    assertEquals(environ.PATH, "/bin");
    assertEquals(environ.X, "Y");
    assertEquals(environ.SERVER_NAME, "127.0.0.1");
    assertEquals(environ["wsgi.version"], [1, 0]);
    assertEquals(environ["wsgi.multithread"], true);
    assertEquals(environ["wsgi.multiprocess"], true);
    assertEquals(environ["wsgi.run_once"], false);
    assertEquals(environ["wsgi.input_terminated"], false);
    assertStrictEquals(environ["wsgi.errors"], handler.log);
    assertStrictEquals(environ["wsgi.file_wrapper"], handler.wsgiFileWrapper);
    handler.wsgiFileWrapper = null;
    handler.setupEnviron();
    assertFalse("wsgi.file_wrapper" in handler.environ);
  },
  testCGIEnviron() {
    const stdin = new WsgiInput(null);
    const stderr = new Log();
    const handler = new BaseCgiHandler(stdin, { write() {} }, stderr, {});
    handler.setupEnviron();
    assertEquals(handler.environ["wsgi.url_scheme"], "http");
    assertStrictEquals(handler.environ["wsgi.input"], stdin);
    assertStrictEquals(handler.environ["wsgi.errors"], stderr);
  },
  testScheme() {
    for (
      const [https, scheme] of [["on", "https"], ["off", "http"]] as const
    ) {
      const handler = new TestHandler({ HTTPS: https });
      handler.setupEnviron();
      assertEquals(handler.getScheme(), scheme);
    }
  },
  testAbstractMethods() {
    // The compiler refuses a subclass that lacks one of them.
    const handler = Object.create(BaseHandler.prototype);
    for (
      const name of [
        "_write",
        "_flush",
        "getStdin",
        "getStderr",
        "addCgiVars",
      ]
    ) {
      assertFalse(name in handler);
    }
  },
  async testContentLength() {
    const { output } = await runSimple(HELLO);
    assertEquals(
      output,
      "Status: 200 OK\r\nContent-Length: 4\r\n\r\nhttp",
    );
    const written = await runSimple(async (_environ, startResponse) => {
      await startResponse(OK, [])(bytes("http"));
      return [];
    });
    assertEquals(written.output, "Status: 200 OK\r\n\r\nhttp");
    const utf8 = await runSimple((_environ, startResponse) => {
      startResponse(OK, []);
      return [bytes("\xe9".repeat(4))];
    });
    assertMatch(utf8.output, /^Content-Length: 8\r$/m);
    // Kept for HEAD only: to GET, a body that is too short is an error (D6).
    const head = await runSimple((_environ, startResponse) => {
      startResponse(OK, [["Content-Length", "12345"]]);
      return [];
    }, { environ: { REQUEST_METHOD: "HEAD" } });
    assertEquals(
      head.output,
      "Status: 200 OK\r\nContent-Length: 12345\r\n\r\n",
    );
  },
  async testBasicErrorOutput() {
    const empty = await runSimple((_environ, startResponse) => {
      startResponse(OK, []);
      return [];
    });
    assertEquals(empty.output, "Status: 200 OK\r\nContent-Length: 0\r\n\r\n");
    assertEquals(empty.errors, []);
    const { output, errors } = await runSimple(() => {
      throw ERROR;
    });
    assertEquals(
      output,
      "Status: 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 59\r\n\r\nA server error occurred.  Please contact the administrator.",
    );
    assertEquals(errors, ["Error: spam"]);
  },
  async testErrorAfterOutput() {
    const { output, errors } = await runSimple((_environ, startResponse) => {
      startResponse(OK, [])(bytes("Some output has been sent"));
      throw ERROR;
    });
    assertEquals(output, "Status: 200 OK\r\n\r\nSome output has been sent");
    assertEquals(errors, ["Error: spam"]);
  },
  async testHeaderFormats() {
    breaks("server-protocol");
    const empty: WsgiApplication = (_environ, startResponse) => {
      startResponse(OK, []);
      return [];
    };
    for (const serverSoftware of ["FooBar/1.0", null]) {
      for (const httpVersion of ["1.0", "1.1"]) {
        for (const protocol of ["HTTP/0.9", "http/1.0", "HTTP/1.1"]) {
          const options = {
            serverSoftware,
            httpVersion,
            environ: { SERVER_PROTOCOL: protocol },
          };
          const gateway = await runSimple(empty, options);
          assertEquals(
            gateway.output,
            "Status: 200 OK\r\nContent-Length: 0\r\n\r\n",
          );
          const { output, handler } = await runSimple(empty, {
            ...options,
            Handler: SimpleHandler,
          });
          const server = serverSoftware ? `Server: ${serverSoftware}\r\n` : "";
          assertEquals(
            output.replace(
              /^Date: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$/m,
              "Date",
            ),
            protocol === "HTTP/0.9"
              ? ""
              : `HTTP/${httpVersion} 200 OK\r\nDate\r\n${server}Content-Length: 0\r\n\r\n`,
          );
          assertEquals(
            handler.environ.SERVER_SOFTWARE,
            serverSoftware ?? undefined,
          );
        }
      }
    }
    // The head of the application is its own.
    const { output } = await runSimple((_environ, startResponse) => {
      startResponse(OK, [["date", "1"], ["SERVER", "2"]]);
      return [];
    }, { Handler: SimpleHandler, serverSoftware: "FooBar/1.0" });
    assertEquals(
      output,
      "HTTP/1.0 200 OK\r\ndate: 1\r\nSERVER: 2\r\nContent-Length: 0\r\n\r\n",
    );
  },
  async testBytesData() {
    const { output } = await runSimple((_environ, startResponse) => {
      startResponse(OK, [["Content-Type", "text/plain; charset=utf-8"]]);
      return [bytes("data")];
    });
    assertEquals(
      output,
      "Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\ndata",
    );
  },
  async testCloseOnError() {
    let closes = 0;
    const { output, errors } = await runSimple((_environ, startResponse) => {
      startResponse(OK, [])(bytes("a"));
      return {
        *[Symbol.iterator]() {
          yield bytes("b");
          throw ERROR;
        },
        close: () => void closes++,
      };
    });
    assertEquals(output, "Status: 200 OK\r\n\r\nab");
    assertEquals(errors, ["Error: spam"]);
    assertEquals(closes, 1);
  },
  async testPartialWrite() {
    // Completed without a warning: a raw writer may write less.
    let output = "";
    await runSimple(HELLO, {
      write(data) {
        output += latin1(data.subarray(0, 7));
        return Math.min(data.length, 7);
      },
    });
    assertEquals(
      output,
      "Status: 200 OK\r\nContent-Length: 4\r\n\r\nhttp",
    );
  },
  async testClientConnectionTerminations() {
    for (
      const DisconnectError of [
        Deno.errors.ConnectionAborted,
        Deno.errors.BrokenPipe,
        Deno.errors.ConnectionReset,
      ]
    ) {
      const { errors } = await runSimple(HELLO, {
        write() {
          throw new DisconnectError();
        },
      });
      assertEquals(errors, []);
    }
  },
  async testDontResetInternalStateOnException() {
    const { handler, errors } = await runSimple(HELLO, {
      write() {
        throw new RangeError("custom");
      },
    });
    assertEquals(errors, ["RangeError: custom"]);
    assertEquals(handler.status, OK);
    assertEquals(handler.headers?.items(), [["Content-Length", "4"]]);
    assertEquals(handler.environ.REQUEST_METHOD, "GET");
    // But for the result, which has been closed.
    assertEquals(handler.result, null);
  },
  async testRaisesControlCharacters() {
    breaks("header-name", "header-value", "status-control");
    for (let code = 0; code < 0x80; code++) {
      if (code >= 0x20 && code < 0x7f || code === 9) continue;
      const control = String.fromCharCode(code);
      for (
        const [status, headers] of [
          [`200${control}OK`, []],
          [`200 OK${control}`, []],
          [OK, [[`a${control}`, "b"]]],
          [OK, [["a", `b${control}c`]]],
        ] as [string, WsgiHeader[]][]
      ) {
        const { output } = await runSimple((_environ, startResponse) => {
          startResponse(status, headers);
          return [];
        });
        assertMatch(output, /^Status: 500 /);
      }
    }
  },
};

for (const [name, test] of Object.entries(HANDLER_TESTS)) {
  Deno.test(`CPython's HandlerTests.${name}() passes`, test);
}
