// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { closeResult } from "../_result.ts";
import { toFetchHandler } from "../handlers.ts";
import { WsgiHeaders } from "../headers.ts";
import type { StartResponse, WsgiApplication, WsgiResult } from "../types.ts";
import { FileWrapper, setupTestingDefaults } from "../util.ts";
import { validator, WsgiConformanceError } from "../validate.ts";
import { CASES } from "./_result_guard_cases.ts";
import {
  asyncIterator,
  createEnviron,
  encoder,
  generate,
  generateLater,
  HELLO,
  hello,
  invalid,
  iterator,
  serve,
  start,
  startResponse,
  testCases,
  TEXT,
  validateThrice,
} from "./_scenarios.ts";

testCases(CASES);

Deno.test("validator() answers an array at once, with its length", () => {
  const result = Object.freeze([HELLO]);
  const app: WsgiApplication = (_environ, startResponse) => {
    start(startResponse);
    return result;
  };
  assertStrictEquals(
    validateThrice(app)(createEnviron(), startResponse),
    result,
  );
  const response = toFetchHandler(validateThrice(app))(
    new Request("http://localhost/"),
  );
  assertInstanceOf(response, Response);
  assertEquals(response.headers.get("content-length"), "5");
});

Deno.test("validator() leaves an array with close() an array", async () => {
  const calls: string[] = [];
  const result = Object.assign([HELLO], { close: () => calls.push("close") });
  const app = validateThrice((_environ, startResponse) => {
    start(startResponse);
    return invalid(result);
  });
  const validated = await app(createEnviron(), startResponse);
  assert(Array.isArray(validated));
  assertEquals(await serve(() => validated), [HELLO]);
  assertEquals(calls, ["close"]);
  assertEquals(Object.keys(result), ["0", "close"]);
});

Deno.test("validator() keeps a stream streaming", async () => {
  const steps: string[] = [];
  const handler = toFetchHandler(
    validateThrice(async function* (_environ, startResponse) {
      start(startResponse);
      for (const step of ["first", "second"]) {
        steps.push(step);
        yield encoder.encode(step);
      }
    }),
  );
  const response = await handler(new Request("http://localhost/"));
  const reader = response.body?.getReader();
  assert(reader);
  assertEquals((await reader.read()).value, encoder.encode("first"));
  assertEquals(steps, ["first"]);
  assertEquals((await reader.read()).value, encoder.encode("second"));
  assertEquals((await reader.read()).done, true);
});

Deno.test("validator() leaves a file wrapper what it is", async () => {
  const calls: string[] = [];
  const file = {
    read: () => (calls.push("read"), calls.length === 1 ? HELLO : null),
    close: () => void calls.push("close"),
  };
  let made: WsgiResult = [];
  const app = validateThrice((environ, startResponse) => {
    start(startResponse);
    made = environ["wsgi.file_wrapper"]?.(file) ?? [];
    return made;
  });
  const result = await app(createEnviron(), startResponse);
  assertInstanceOf(result, FileWrapper);
  assertStrictEquals(result, made);
  assertEquals(await Array.fromAsync(result), [HELLO]);
  await result.close?.();
  assertEquals(calls, ["read", "read", "close"]);
});

Deno.test("validator() measures a file wrapper that is iterated", async () => {
  const app = validator((environ, startResponse) => {
    startResponse("200 OK", [
      ["Content-Type", "text/plain"],
      ["Content-Length", "6"],
    ]);
    return environ["wsgi.file_wrapper"]?.(new Blob(["Hello"])) ?? [];
  });
  const error = await assertRejects(() => serve(app), WsgiConformanceError);
  assertEquals(error.code, "content-length-unreached");
});

Deno.test("validator() passes return() and close() on once each", async () => {
  const calls: string[] = [];
  const app = validateThrice((_environ, startResponse) => {
    start(startResponse);
    return {
      async *[Symbol.asyncIterator]() {
        try {
          yield HELLO;
          yield HELLO;
        } finally {
          calls.push("return");
        }
      },
      async close() {
        await null;
        calls.push("close");
      },
    };
  });
  const response = await toFetchHandler(app)(new Request("http://localhost/"));
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await serve(app);
  assertEquals(calls, ["return", "close", "return", "close"]);
});

Deno.test("validator() cancels a stream of which a read is pending", async () => {
  let reason: unknown = "not canceled";
  const app = validateThrice((_environ, startResponse) => {
    start(startResponse);
    return new ReadableStream({ cancel: () => void (reason = "canceled") });
  });
  const result = await app(createEnviron(), startResponse);
  assert(Symbol.asyncIterator in result);
  const blocks = result[Symbol.asyncIterator]();
  const pending = blocks.next();
  await blocks.return?.();
  assertEquals(await pending, { done: true, value: undefined });
  assertEquals(reason, "canceled");
});

Deno.test("validator() returns a generator that a violation has cut", async () => {
  const calls: string[] = [];
  for (const isAsync of [false, true]) {
    const blocks = function* () {
      try {
        yield invalid<Uint8Array>("text");
      } finally {
        calls.push("return");
      }
    };
    const app = validator((_environ, startResponse) => {
      start(startResponse);
      return isAsync
        ? (async function* () {
          yield* blocks();
        })()
        : blocks();
    });
    const error = await assertRejects(() => serve(app), WsgiConformanceError);
    assertEquals(error.code, "block-type");
  }
  assertEquals(calls, ["return", "return"]);
});

Deno.test("validator() waits for the end of a generator that a violation has cut", async () => {
  const steps: string[] = [];
  const app = validator(async function* (_environ, startResponse) {
    startResponse("200 OK", [TEXT]);
    try {
      yield invalid<Uint8Array>("text");
    } finally {
      await new Promise((resolve) => setTimeout(resolve));
      steps.push("finally");
    }
  });
  const result = await app(createEnviron(), startResponse);
  await assertRejects(
    async () => await asyncIterator(result).next(),
    WsgiConformanceError,
  );
  await result.close?.();
  assertEquals(steps, ["finally"]);
});

Deno.test("validator() closes a result that it refuses", () => {
  let closed = 0;
  const app = validator((_environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", "text/plain"]]);
    const blocks = ["text"] as unknown as Uint8Array[];
    return Object.assign(blocks, { close: () => void closed++ });
  });
  const error = assertThrows(
    () => app(setupTestingDefaults({}), () => () => Promise.resolve()),
    WsgiConformanceError,
  );
  assertEquals(error.code, "block-type");
  assertEquals(closed, 1);
});

Deno.test("validator() has a result given up that nobody has begun", async () => {
  for (const calls of [["canceled"], ["returned"], ["closed"]]) {
    const [expected] = calls.splice(0);
    const blocks = generate(createEnviron(), startResponse) as Generator;
    const results: Record<string, unknown> = {
      canceled: new ReadableStream({
        cancel: () => void calls.push("canceled"),
      }),
      returned: Object.assign(blocks, {
        return: () => (calls.push("returned"), { done: true }),
      }),
      closed: {
        [Symbol.iterator]: () => calls.push("begun"),
        close: () => calls.push("closed"),
      },
    };
    const result = await validateThrice((_environ, startResponse) => {
      start(startResponse);
      return invalid(results[expected ?? ""]);
    })(createEnviron(), startResponse);
    await closeResult(result);
    assertEquals(calls, [expected]);
  }
});

/** Middleware that keeps the rules, though it comes close to breaking some. */
const LEGAL: Record<string, (app: WsgiApplication) => WsgiApplication> = {
  "an error page in place of the body": (app) =>
    async function* (environ, startResponse) {
      let hasFailed = false;
      const result = await app(environ, (status, headers, excInfo) => {
        hasFailed = status.startsWith("500");
        return startResponse(
          status,
          hasFailed ? [["Content-Type", "text/plain"]] : headers,
          excInfo,
        );
      });
      try {
        for await (const block of result) {
          if (hasFailed) break;
          yield block;
        }
      } catch (error) {
        startResponse("500 Oops", [["Content-Type", "text/plain"]], error);
        hasFailed = true;
      } finally {
        await closeResult(result);
      }
      if (hasFailed) yield encoder.encode("Oops");
    },
  "HEAD answered by GET": (app) => async (environ, startResponse) => {
    if (environ.REQUEST_METHOD !== "HEAD") return app(environ, startResponse);
    environ.REQUEST_METHOD = "GET";
    const result = await app(environ, startResponse);
    // That may be where startResponse() is called.
    for await (const _block of result) break;
    await result.close?.();
    return [];
  },
  "HEAD answered by GET, to its end": (app) => (environ, startResponse) => {
    if (environ.REQUEST_METHOD !== "HEAD") return app(environ, startResponse);
    const asGet = { ...environ, REQUEST_METHOD: "GET" };
    return serve(app, asGet, startResponse).then(() => []);
  },
  "an ETag of an array, with 304": (app) => async (environ, startResponse) => {
    let head: Parameters<StartResponse> = ["", []];
    const result: WsgiResult = await app(environ, (...args) => {
      head = args;
      return () => Promise.resolve();
    });
    if (!Array.isArray(result)) {
      return {
        async *[Symbol.asyncIterator]() {
          let isStarted = false;
          for await (const block of result) {
            if (!isStarted) startResponse(...head);
            isStarted = true;
            yield block;
          }
        },
        close: () => closeResult(result),
      };
    }
    const [status, headers, excInfo] = head;
    const etag = `"${result.map(({ length }) => length).join("-")}"`;
    if (environ.HTTP_IF_NONE_MATCH === etag) {
      await closeResult(result);
      startResponse("304 Not Modified", [["ETag", etag]]);
      return [];
    }
    startResponse(
      status,
      [...WsgiHeaders.from(headers), ["ETag", etag]],
      excInfo,
    );
    return result;
  },
  "a splitter": (app) => async (environ, startResponse) => {
    const result = await app(environ, startResponse);
    return {
      async *[Symbol.asyncIterator]() {
        for await (const block of result) {
          yield block.subarray(0, 1);
          yield block.subarray(1);
        }
      },
      close: () => closeResult(result),
    };
  },
  "CompressionStream": (app) => async (environ, startResponse) => {
    const result = await app(
      environ,
      (status, headers, excInfo) =>
        startResponse(
          status,
          [...WsgiHeaders.from(headers), ["Content-Encoding", "gzip"]],
          excInfo,
        ),
    );
    const compressed = ReadableStream.from(result)
      .pipeThrough(
        new CompressionStream("gzip") as TransformStream<Uint8Array>,
      );
    return Object.assign(compressed, { close: () => closeResult(result) });
  },
  "a joiner of arrays": (app) => async (environ, startResponse) => {
    const result = await app(environ, startResponse);
    if (!Array.isArray(result)) return result;
    const blocks = [new Uint8Array(await new Blob(result).arrayBuffer())];
    return Object.assign(blocks, { close: () => closeResult(result) });
  },
};

/** What middleware may be given. */
const INNER: Record<string, WsgiApplication> = {
  "an array": hello,
  "an array of two blocks that has to be closed": (_environ, startResponse) => {
    start(startResponse);
    return Object.assign([HELLO, HELLO], { close() {} });
  },
  "a generator": generate,
  "blocks that come later": generateLater,
  "many blocks": async function* (_environ, startResponse) {
    start(startResponse);
    for (let i = 0; i < 100; i++) {
      if (i % 7 === 0) await null;
      yield HELLO;
    }
  },
  "a stream": (_environ, startResponse) => {
    start(startResponse);
    return ReadableStream.from([HELLO, HELLO]);
  },
  "an error page": (_environ, startResponse) => {
    startResponse(
      "500 Oops",
      [["Content-Type", "text/plain"]],
      new Error("oops"),
    );
    return new Set([HELLO, HELLO]);
  },
};

Deno.test("validator() has nothing to say of middleware that comes close", async (t) => {
  for (const [name, middleware] of Object.entries(LEGAL)) {
    await t.step(name, async () => {
      for (const [inner, app] of Object.entries(INNER)) {
        for (const method of ["GET", "HEAD"]) {
          const found: string[] = [];
          const report = ({ message, code }: WsgiConformanceError) => {
            // What the bare application does to HEAD is its own business.
            if (code !== "body-to-head") found.push(`${inner}: ${message}`);
          };
          const options = { onViolation: report, onWarning: report };
          const handler = toFetchHandler(
            validator(middleware(validator(app, options)), options),
          );
          const request = new Request("http://localhost/", {
            method,
            headers: { "If-None-Match": '"5"' },
          });
          await (await handler(request)).bytes();
          assertEquals(found, []);
        }
      }
    });
  }
});

/** What is said of middleware whose result a server gives up. */
async function complain(
  middleware: (app: WsgiApplication) => WsgiApplication,
  use: (result: WsgiResult) => unknown,
): Promise<string> {
  const messages: string[] = [];
  const options = {
    onViolation: ({ message }: WsgiConformanceError) => messages.push(message),
  };
  const inner: WsgiApplication = (_environ, startResponse) => {
    start(startResponse);
    // Its first block never comes.
    return Object.assign(new ReadableStream(), { close() {} });
  };
  const app = validator(middleware(validator(inner, options)), options);
  const result = await app(createEnviron(), startResponse);
  await use(result);
  await result.close?.();
  return messages.join();
}

Deno.test("validator() tells where a finally block is enough to close a result", async () => {
  const careful = (app: WsgiApplication): WsgiApplication =>
    async function* (environ, startResponse) {
      const result = await app(environ, startResponse);
      try {
        yield* result;
      } finally {
        await result.close?.();
      }
    };
  const careless = (app: WsgiApplication): WsgiApplication =>
    async function* (environ, startResponse) {
      yield new Uint8Array();
      yield* await app(environ, startResponse);
    };
  const eager =
    (middleware: typeof careful) =>
    (app: WsgiApplication): WsgiApplication =>
    async (environ, startResponse) => {
      const result = await app(environ, startResponse);
      return middleware(() => result)(environ, startResponse);
    };
  const next = (result: WsgiResult) => asyncIterator(result).next();
  const replacing = (app: WsgiApplication): WsgiApplication =>
  async (
    environ,
    startResponse,
  ) => {
    await app(environ, startResponse);
    return [HELLO];
  };
  assertEquals(await complain(careful, () => {}), "");
  assertStringIncludes(
    await complain(replacing, () => {}),
    "; call it in a finally block",
  );
  assertStringIncludes(
    await complain(eager(careful), () => {}),
    "; put close() on the object that you return, as a generator that is not begun, or waits, runs no finally block",
  );
  assertStringIncludes(
    await complain(careful, (result) => void next(result)),
    "; put close() on the object",
  );
  assertStringIncludes(
    await complain(careful, (result) => {
      const blocks = asyncIterator(result);
      blocks.next();
      blocks.return?.();
    }),
    "; put close() on the object",
  );
  assertStringIncludes(
    await complain(eager(careless), async (result) => {
      const blocks = asyncIterator(result);
      await blocks.next();
      await blocks.return?.();
    }),
    "; call it in a finally block",
  );
});

Deno.test("validator() counts the results that were not closed", async () => {
  const found: string[] = [];
  const options = {
    onViolation: ({ code, value }: WsgiConformanceError) =>
      found.push(`${code}: ${value}`),
  };
  const closable: WsgiApplication = (environ, startResponse) =>
    Object.assign(generate(environ, startResponse), { close() {} });
  let app = validator(closable, options);
  const call = async (variables = {}, called = app) => {
    const environ = createEnviron({ "wsgi.multithread": false, ...variables });
    const result = await called(environ, startResponse);
    await Array.fromAsync(result);
    return result;
  };

  // One of several.
  const several = { "wsgi.multithread": true };
  const first = await call(several);
  await call(several);
  await call(several);
  await first.close?.();
  const fourth = await call();
  assertEquals(found.splice(0), ['close-missing: "2 not closed"']);
  await fourth.close?.();

  // One that is closed after a later request was told of it.
  const late = await call();
  const next = await call();
  assertEquals(found.splice(0), ['close-missing: "1 not closed"']);
  await next.close?.();
  await late.close?.();
  await call(several);
  const last = await call();
  assertEquals(found.splice(0), ['close-missing: "1 not closed"']);
  await last.close?.();

  // One that has no close(), which is called all the same.
  let current: WsgiApplication = generate;
  app = validator((...args) => current(...args), options);
  await (await call()).close?.();
  current = closable;
  await call(several);
  await (await call()).close?.();
  assertEquals(found.splice(0), ['close-missing: "1 not closed"']);

  // One within another, which has to close it.
  app = validator(closable, options);
  const around = validator((...args) => app(...args), options);
  await (await call({}, around)).close?.();
  assertEquals(found, []);
  await call(several);
  await (await call()).close?.();
  assertEquals(found, ['close-missing: "1 not closed"']);
});

Deno.test("validator() misses close() of a result that a violation has cut", async () => {
  const app = validator((_environ, startResponse) => {
    startResponse("200 OK", [TEXT]);
    return Object.assign(new Set([invalid<Uint8Array>("text")]), {
      close() {},
    });
  });
  const call = async () => {
    const environ = createEnviron({ "wsgi.multithread": false });
    iterator(await app(environ, startResponse)).next();
  };
  assertEquals(
    (await assertRejects(call, WsgiConformanceError)).code,
    "block-type",
  );
  assertEquals(
    (await assertRejects(call, WsgiConformanceError)).code,
    "close-missing",
  );
});

Deno.test("validator() does not call a close that is no function", async () => {
  const codes: string[] = [];
  const app = validator((_environ, startResponse) => {
    startResponse("200 OK", [TEXT]);
    return Object.assign(new Set([HELLO]), { close: invalid<() => void>(5) });
  }, { onViolation: ({ code }) => codes.push(code) });
  assertEquals(await serve(app), [HELLO]);
  assertEquals(codes, ["result-close"]);
});

Deno.test("validator() reports once that a block was withheld", async () => {
  const codes: string[] = [];
  const options = {
    onViolation: ({ code }: WsgiConformanceError) => codes.push(code),
  };
  const inner = validator(function* (_environ, startResponse) {
    startResponse("200 OK", [TEXT]);
    for (let count = 0; count < 4; count++) yield HELLO;
  }, options);
  await serve(validator(function* (environ, startResponse) {
    const blocks = iterator(inner(environ, startResponse) as WsgiResult);
    blocks.next();
    for (let count = 1; count < 4; count++) {
      yield blocks.next().value as Uint8Array;
    }
    blocks.next();
  }, options));
  assertEquals(codes, ["middleware-withheld"]);
});
