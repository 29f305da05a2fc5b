// Copyright 2026 the wsgiref authors. MIT license.

/** One failure is one entry in the log, and no failure ends the process. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { TextErrorStream, toFetchHandler } from "../handlers.ts";
import { WsgiServer } from "../simple_server.ts";
import type { WsgiApplication, WsgiHeader, WsgiResult } from "../types.ts";
import { ask, Client, type RawResponse } from "./_client.ts";
import { pause, until, within } from "./_limit.ts";
import {
  errorsOf,
  framesOf,
  serve,
  type Serving,
  untilLogged,
  type Way,
  WAYS,
} from "./_serving.ts";

const TEXT: WsgiHeader[] = [["Content-Type", "text/plain"]];
const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

const encoder = new TextEncoder();

/** A result as the types do not allow it. */
function untyped(value: unknown): WsgiResult {
  return value as WsgiResult;
}

/** Collects what nobody in this process has caught. */
class Uncaught implements AsyncDisposable {
  errors: unknown[] = [];

  constructor() {
    addEventListener("error", this.#onError);
    addEventListener("unhandledrejection", this.#onRejection);
  }

  #onError = (event: ErrorEvent): void => {
    event.preventDefault();
    this.errors.push(event.error);
  };

  #onRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    this.errors.push(event.reason);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    // Rejections are told of late.
    await pause(0);
    removeEventListener("error", this.#onError);
    removeEventListener("unhandledrejection", this.#onRejection);
  }
}

/** What becomes of a response. */
type Fate = "500" | "cut" | "whole";

/** Where applications fail, and what their clients get. */
const FAILURES: Record<
  string,
  [fate: Fate, fail: (e: unknown) => WsgiApplication]
> = {
  "before startResponse()": ["500", (error) => () => {
    throw error;
  }],
  "by a promise": ["500", (error) => () => Promise.reject(error)],
  "after startResponse()": ["500", (error) => (_environ, startResponse) => {
    startResponse("200 OK", TEXT);
    throw error;
  }],
  "before the first block": [
    "500",
    (error) =>
      // deno-lint-ignore require-yield
      function* (_environ, startResponse) {
        startResponse("200 OK", TEXT);
        throw error;
      },
  ],
  "after the first block": [
    "cut",
    (error) =>
      function* (_environ, startResponse) {
        startResponse("200 OK", TEXT);
        yield encoder.encode("first");
        throw error;
      },
  ],
  "after the first block and a wait": [
    "cut",
    (error) =>
      async function* (_environ, startResponse) {
        startResponse("200 OK", TEXT);
        yield encoder.encode("first");
        await pause(5);
        throw error;
      },
  ],
  "after a write()": ["cut", (error) => async (_environ, startResponse) => {
    await startResponse("200 OK", TEXT)(encoder.encode("first"));
    throw error;
  }],
  "in a stream": ["cut", (error) => (_environ, startResponse) => {
    startResponse("200 OK", TEXT);
    let count = 0;
    return new ReadableStream({
      pull(controller) {
        if (count++ > 0) throw error;
        controller.enqueue(encoder.encode("first"));
      },
    }, { highWaterMark: 0 });
  }],
  "in close()": ["whole", (error) => (_environ, startResponse) => {
    startResponse("200 OK", TEXT);
    return Object.assign([encoder.encode("first")], {
      close() {
        throw error;
      },
    });
  }],
  "in an asynchronous close()": [
    "whole",
    (error) => (_environ, startResponse) => {
      startResponse("200 OK", TEXT);
      return {
        async *[Symbol.asyncIterator]() {
          yield encoder.encode("first");
        },
        close: () => Promise.reject(error),
      };
    },
  ],
};

/** Checks what a client got. */
function assertFate(fate: Fate, response: RawResponse): void {
  const { status, body, isWhole } = response;
  switch (fate) {
    case "500":
      assertEquals(status, 500);
      assert(isWhole);
      assertMatch(body, /^A server error occurred\./);
      break;
    case "cut":
      assertEquals([status, body, isWhole], [200, "first", false]);
      break;
    case "whole":
      assertEquals([status, body, isWhole], [200, "first", true]);
  }
}

for (const way of WAYS) {
  for (const [where, [fate, fail]] of Object.entries(FAILURES)) {
    Deno.test({
      name: `${way}: an error ${where} is one entry in the log`,
      timeout: 10_000,
      async fn() {
        await using serving = serve(way, fail(new RangeError("spam")));
        assertFate(fate, await ask(serving.port, GET));
        await untilLogged(serving);
        await pause(20);
        const errors = errorsOf(serving.log);
        assertEquals(errors.length, 1, serving.log);
        assertMatch(errors[0] ?? "", /RangeError: spam$/);
      },
    });
  }

  Deno.test({
    name: `${way}: a body that is too short is one entry in the log`,
    timeout: 10_000,
    async fn() {
      await using serving = serve(way, function* (_environ, startResponse) {
        startResponse("200 OK", [...TEXT, ["Content-Length", "9"]]);
        yield encoder.encode("first");
      });
      const { status, body, isWhole } = await ask(serving.port, GET);
      assertEquals([status, body, isWhole], [200, "first", false]);
      await untilLogged(serving);
      await pause(20);
      const errors = errorsOf(serving.log);
      assertEquals(errors.length, 1, serving.log);
      assertMatch(errors[0] ?? "", /\b5\b.*\b4\b/);
    },
  });
}

Deno.test({
  name:
    "handler: Deno's own line about a cut response has no trace, as the log has one",
  timeout: 30_000,
  async fn() {
    const module = new URL("../handlers.ts", import.meta.url).href;
    const source = `
      import { toFetchHandler } from ${JSON.stringify(module)};
      const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} },
        toFetchHandler(function* (_environ, startResponse) {
          startResponse("200 OK", []);
          yield new TextEncoder().encode("first");
          throw new RangeError("spam");
        }));
      await fetch("http://127.0.0.1:" + server.addr.port)
        .then((response) => response.text()).catch(() => {});
      await server.shutdown();
    `;
    await using process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "-N", "--ext=ts", "-"],
      cwd: new URL("..", import.meta.url),
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const writer = process.stdin.getWriter();
    await writer.write(encoder.encode(source));
    await writer.close();
    const text = await within(
      "The program ends",
      new Response(process.stderr).text(),
      20_000,
    );
    assertEquals(text.match(/RangeError: spam/g)?.length, 1, text);
    // A trace is a run of frames.
    assertEquals(text.match(/(?:^ +at .*\n)+/gm)?.length, 1, text);
  },
});

/** What is thrown, and is hard to write down. */
const HOSTILE: Record<string, () => unknown> = {
  "a stack getter that throws": () =>
    Object.defineProperty(new Error("spam"), "stack", { get: fail }),
  "a message getter that throws": () =>
    Object.defineProperties(new Error(), {
      message: { get: fail },
      stack: { value: undefined },
    }),
  "a cause getter that throws": () =>
    Object.defineProperty(new Error("spam"), "cause", { get: fail }),
  "a name getter that throws": () =>
    Object.defineProperties(new Error("spam"), {
      name: { get: fail },
      stack: { value: undefined },
    }),
  "an Error whose stack is no text": () =>
    Object.defineProperty(new Error("spam"), "stack", { value: Symbol("x") }),
  "an Error whose stack cannot become text": () =>
    Object.defineProperty(new Error("spam"), "stack", {
      value: { toString: fail },
    }),
  "a revoked proxy": () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  "a revoked proxy of an Error": () => {
    const { proxy, revoke } = Proxy.revocable(new Error("spam"), {});
    revoke();
    return proxy;
  },
  "a proxy that throws at everything": () =>
    new Proxy(new Error("spam"), {
      get: fail,
      getPrototypeOf: fail,
      has: fail,
      getOwnPropertyDescriptor: fail,
    }),
  "20 000 causes": () => {
    let error = new Error("spam");
    for (let count = 0; count < 20_000; count++) {
      error = new Error("spam", { cause: error });
    }
    return error;
  },
  "a cause that is its own": () => {
    const error = new Error("spam");
    error.cause = error;
    return error;
  },
  "a cause that is a revoked proxy": () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return new Error("spam", { cause: proxy });
  },
  "an object without a prototype": () => Object.create(null),
  "a toStringTag getter that throws": () =>
    Object.defineProperty({}, Symbol.toStringTag, { get: fail }),
  "a symbol": () => Symbol("spam"),
  "undefined": () => undefined,
  "null": () => null,
  "an AbortError": () => new DOMException("spam", "AbortError"),
  "a message of 10 MB": () => new Error("x".repeat(10_000_000)),
};

function fail(): never {
  throw new Error("This is the application's fault");
}

for (const way of WAYS) {
  for (const [kind, make] of Object.entries(HOSTILE)) {
    Deno.test({
      name: `${way}: ${kind} can be thrown, anywhere`,
      timeout: 20_000,
      async fn() {
        for (const [where, [fate, failWith]] of Object.entries(FAILURES)) {
          // Deno's own streams fall over an error that they cannot look at.
          if (/proxy/.test(kind) && /stream/.test(where)) continue;
          await using serving = serve(way, failWith(make()));
          try {
            assertFate(fate, await ask(serving.port, GET));
            await untilLogged(serving);
          } catch (cause) {
            throw new Error(where, { cause });
          }
        }
      },
    });
  }

  Deno.test({
    name: `${way}: a log that fails changes no response`,
    timeout: 20_000,
    async fn() {
      await using uncaught = new Uncaught();
      for (const [where, [fate, failWith]] of Object.entries(FAILURES)) {
        const app = failWith(new Error("spam"));
        try {
          await using serving = serveWithoutLog(way, app);
          assertFate(fate, await ask(serving.port, GET));
          assertFate(fate, await ask(serving.port, GET));
        } catch (cause) {
          throw new Error(where, { cause });
        }
      }
      await pause(0);
      assertEquals(uncaught.errors, []);
    },
  });

  Deno.test({
    name: `${way}: a log that fails changes no response that succeeds`,
    timeout: 10_000,
    async fn() {
      await using uncaught = new Uncaught();
      const app: WsgiApplication = (_environ, startResponse) => {
        startResponse("200 OK", TEXT);
        return [encoder.encode("first")];
      };
      {
        await using serving = serveWithoutLog(way, app);
        for (let count = 0; count < 2; count++) {
          assertFate("whole", await ask(serving.port, GET));
        }
      }
      await pause(0);
      assertEquals(uncaught.errors, []);
    },
  });
}

/** A log on a disk that is full. */
class FullLog extends TextErrorStream {
  constructor() {
    super(() => {
      throw new Deno.errors.WriteZero("No space left on device");
    });
  }

  override flush(): void {
    throw new Deno.errors.WriteZero("No space left on device");
  }
}

class UnloggedServer extends WsgiServer {
  override readonly log = new FullLog();
}

function serveWithoutLog(
  way: Way,
  app: WsgiApplication,
): AsyncDisposable & { port: number } {
  if (way === "server") {
    const server = new UnloggedServer("127.0.0.1", 0);
    server.setApp(app);
    server.serveForever();
    return {
      port: server.serverPort,
      async [Symbol.asyncDispose]() {
        await within("The server ends", server.serverClose());
      },
    };
  }
  const abort = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: abort.signal,
    onListen() {},
    onError: () => new Response(null, { status: 500 }),
  }, toFetchHandler(app, { errors: new FullLog() }));
  return {
    port: server.addr.port,
    async [Symbol.asyncDispose]() {
      abort.abort();
      await within("The server ends", server.finished);
    },
  };
}

/** An iterator that gives some blocks, and then waits. */
class Waiting {
  #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    return this.#count-- > 0
      ? Promise.resolve({ done: false, value: encoder.encode("first") })
      : new Promise(() => {});
  }
}

/** A result with an iterator that has some more properties. */
function withIterator(
  count: number,
  properties: PropertyDescriptorMap,
): WsgiResult {
  return {
    [Symbol.asyncIterator]: () =>
      Object.defineProperties(new Waiting(count), properties),
  };
}

/** A result that has some more properties. */
function withProperties(
  count: number,
  properties: PropertyDescriptorMap,
): WsgiResult {
  return Object.defineProperties(withIterator(count, {}), properties);
}

const THENABLE = {
  get then() {
    return fail();
  },
};

/** Results that fail when they are given up. */
const UNRELEASABLE: Record<string, (count: number) => WsgiResult> = {
  "a return getter that throws": (count) =>
    withIterator(count, { return: { get: fail } }),
  "a return() that throws": (count) =>
    withIterator(count, { return: { value: fail } }),
  "a return() that rejects": (count) =>
    withIterator(count, {
      return: { value: () => Promise.reject(new Error()) },
    }),
  "a return() that is no function": (count) =>
    withIterator(count, { return: { value: "spam" } }),
  "a return() that gives no promise that can be used": (count) =>
    withIterator(count, { return: { value: () => THENABLE } }),
  "a return() that never settles": (count) =>
    withIterator(count, { return: { value: () => new Promise(() => {}) } }),
  "a close getter that throws": (count) =>
    withProperties(count, { close: { get: fail } }),
  "a close() that throws": (count) =>
    withProperties(count, { close: { value: fail } }),
  "a close() that rejects": (count) =>
    withProperties(count, {
      close: { value: () => Promise.reject(new Error()) },
    }),
  "a close() that is no function": (count) =>
    withProperties(count, { close: { value: "spam" } }),
  "a close() that gives no promise that can be used": (count) =>
    withProperties(count, { close: { value: () => THENABLE } }),
  "a close() that throws a revoked proxy": (count) =>
    withProperties(count, {
      close: {
        value() {
          throw HOSTILE["a revoked proxy"]?.();
        },
      },
    }),
  "a stream whose cancel() throws": (count) =>
    new ReadableStream({
      start(controller) {
        if (count > 0) controller.enqueue(encoder.encode("first"));
      },
      cancel: fail,
    }),
};

for (const way of WAYS) {
  for (const [kind, makeResult] of Object.entries(UNRELEASABLE)) {
    for (const count of [0, 1]) {
      Deno.test({
        name: `${way}: ${kind} harms nobody when the client leaves ${
          count === 0 ? "before" : "after"
        } the first block`,
        timeout: 10_000,
        async fn() {
          await using uncaught = new Uncaught();
          let called = false;
          await using serving = serve(way, (environ, startResponse) => {
            called = true;
            startResponse("200 OK", TEXT);
            return environ.PATH_INFO === "/next"
              ? [encoder.encode("next")]
              : makeResult(count);
          });
          const client = await Client.connect(serving.port);
          await client.send(GET);
          if (count > 0) await client.readTo("first");
          await until("The application is called", () => called);
          // A client is not watched at once.
          await pause(count > 0 ? 0 : 200);
          client[Symbol.dispose]();
          await pause(50);
          assertEquals(uncaught.errors, []);
          const request = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n";
          assertEquals((await ask(serving.port, request)).body, "next");
          // A promise that is not settled cannot fail.
          if (!kind.includes("never")) await untilLogged(serving);
        },
      });
    }
  }
}

/** Results that fail when they are to be sent. */
const UNSENDABLE: Record<string, () => WsgiResult> = {
  "an iterator method that throws": () => ({ [Symbol.asyncIterator]: fail }),
  "an iterator getter that throws": () =>
    Object.defineProperty({} as WsgiResult, Symbol.asyncIterator, {
      get: fail,
    }),
  "an iterator that is none": () => ({
    [Symbol.iterator]: () => untyped("spam") as never,
  }),
  "a next getter that throws": () => ({
    [Symbol.iterator]: () =>
      Object.defineProperty({} as Iterator<Uint8Array>, "next", { get: fail }),
  }),
  "a next() that gives undefined": () => ({
    [Symbol.iterator]: () => ({ next: () => untyped(undefined) as never }),
  }),
  "a done getter that throws": () => ({
    [Symbol.iterator]: () => ({
      next: () =>
        Object.defineProperty({} as IteratorResult<Uint8Array>, "done", {
          get: fail,
        }),
    }),
  }),
  "a value getter that throws": () => ({
    [Symbol.iterator]: () => ({
      next: () =>
        Object.defineProperty({} as IteratorResult<Uint8Array>, "value", {
          get: fail,
        }),
    }),
  }),
  "a then getter that throws": () => untyped(THENABLE),
  "a locked stream": () => {
    const stream = new Blob(["spam"]).stream();
    stream.getReader();
    return stream;
  },
  "a block whose buffer was transferred": () => {
    const block = encoder.encode("spam");
    const result = Object.assign([block], { close() {} });
    structuredClone(block, { transfer: [block.buffer] });
    return result;
  },
  "a revoked proxy": () => untyped(HOSTILE["a revoked proxy"]?.()),
};

for (const way of WAYS) {
  for (const [kind, makeResult] of Object.entries(UNSENDABLE)) {
    Deno.test({
      name: `${way}: a result with or of ${kind} harms nobody`,
      timeout: 10_000,
      async fn() {
        await using uncaught = new Uncaught();
        await using serving = serve(way, (environ, startResponse) => {
          startResponse("200 OK", TEXT);
          return environ.PATH_INFO === "/next"
            ? [encoder.encode("next")]
            : makeResult();
        });
        const { status, isWhole } = await ask(serving.port, GET);
        // A block of no bytes is one.
        assertEquals(status, kind.includes("transferred") ? 200 : 500);
        assert(isWhole);
        await pause(10);
        assertEquals(uncaught.errors, []);
        const request = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n";
        assertEquals((await ask(serving.port, request)).body, "next");
      },
    });
  }
}

const FORGERY =
  "GET /%0a127.0.0.1%20-%20-%20%1b[31m%0d%C2%85%9b31m HTTP/1.1\r\n" +
  "Host: h\r\n\r\n";

/** Ways to have the path of a request in an error. */
const FORGERS: Record<string, (path: string) => unknown> = {
  "a message": (path) => new Error(`bad path ${path}`),
  "a name": (path) => Object.assign(new Error("bad"), { name: path }),
  "the message of a cause": (path) =>
    new Error("bad path", { cause: new Error(path) }),
  "a cause that is text": (path) => new Error("bad path", { cause: path }),
  "text": (path) => `bad path ${path}`,
  "a message without a stack": (path) =>
    Object.defineProperty(new Error(`bad path ${path}`), "stack", {
      value: undefined,
    }),
  "a stack of its own": (path) =>
    Object.defineProperty(new Error("bad"), "stack", {
      value: `Error: ${path}\n    at spam (file:///spam.ts:1:1)`,
    }),
  "an AggregateError": (path) => new AggregateError([new Error(path)], path),
};

// deno-lint-ignore no-control-regex
const CONTROL_REGEXP = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]/g;

/** What changes a terminal, and lines that seem to be of requests. */
function forgeries(log: string): string[] {
  const requests = /^127\.0\.0\.1 (?!- - \[[\w/]+ [\d:]+\] "GET ).*/gm;
  return [
    ...log.match(CONTROL_REGEXP) ?? [],
    ...log.match(requests) ?? [],
  ];
}

for (const way of WAYS) {
  for (const [kind, make] of Object.entries(FORGERS)) {
    Deno.test({
      name: `${way}: a path in ${kind} cannot forge a line of the log`,
      timeout: 10_000,
      async fn() {
        await using serving = serve(way, ({ PATH_INFO: path = "" }) => {
          throw make(path);
        });
        assertEquals((await ask(serving.port, FORGERY)).status, 500);
        await untilLogged(serving);
        assertEquals(forgeries(serving.log), []);
      },
    });
  }

  Deno.test({
    name: `${way}: the log escapes messages, and keeps the lines of traces`,
    timeout: 10_000,
    async fn() {
      await using serving = serve(way, ({ PATH_INFO: path }) => {
        throw new Error(`bad path ${path}`);
      });
      await ask(serving.port, "GET /a%0ab%1b HTTP/1.1\r\nHost: h\r\n\r\n");
      await untilLogged(serving);
      assertStringIncludes(serving.log, String.raw`bad path /a\nb\x1b`);
      assert(framesOf(serving.log).length > 1, serving.log);
    },
  });

  Deno.test({
    name: `${way}: an error page tells nothing of the error`,
    timeout: 10_000,
    async fn() {
      await using serving: Serving = serve(way, () => {
        throw new Error("secret");
      });
      const { body, headers } = await ask(serving.port, GET);
      assertEquals(
        body,
        "A server error occurred.  Please contact the administrator.",
      );
      assertEquals(JSON.stringify(headers).includes("secret"), false);
      await until("It is logged", () => serving.log.includes("secret"));
    },
  });
}
