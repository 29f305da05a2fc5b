// Copyright 2026 the wsgiref authors. MIT license.

import type { StartResponse, WsgiApplication, WsgiResult } from "../types.ts";
import {
  asyncIterator,
  between,
  body,
  type Cases,
  createEnviron,
  drive,
  EMPTY,
  generate,
  generateLater,
  HELLO,
  hello,
  iterator,
  run,
  serve,
  startResponse,
  TEXT,
  write,
} from "./_scenarios.ts";

/** A generator with a `close()`. */
const closable: WsgiApplication = (environ, startResponse) =>
  Object.assign(generate(environ, startResponse) as Iterable<Uint8Array>, {
    close() {},
  });

const closableArray: WsgiApplication = (environ, startResponse) =>
  Object.assign(hello(environ, startResponse) as Uint8Array[], { close() {} });

/** A server that iterates, and leaves it at that. */
async function exhaust(
  result: WsgiResult | Promise<WsgiResult>,
): Promise<WsgiResult> {
  const awaited = await result;
  for await (const _block of awaited);
  return awaited;
}

/** A stream that asks for a block before it is asked for one. */
function readAhead(result: WsgiResult): ReadableStream<Uint8Array> {
  return ReadableStream.from(result).pipeThrough(
    new TransformStream(undefined, undefined, { highWaterMark: 1 }),
  );
}

/** Middleware that has its first block before it returns. */
const peek =
  (app: WsgiApplication): WsgiApplication => async (environ, startResponse) => {
    const blocks = asyncIterator(await app(environ, startResponse));
    const { value } = await blocks.next();
    return (async function* () {
      yield value;
      yield* { [Symbol.asyncIterator]: () => blocks };
    })();
  };

/** An application that fails after this number of blocks. */
const failAfter = (count: number): WsgiApplication =>
  function* (_environ, startResponse) {
    startResponse("200 OK", [TEXT]);
    for (let i = 0; i < count; i++) yield HELLO;
    throw new Error("oops");
  };

/** Middleware that does something else with an error, and then ends. */
const trap = (
  use: (
    startResponse: StartResponse,
    error: unknown,
  ) => Iterable<Uint8Array> = () => [],
) =>
(app: WsgiApplication): WsgiApplication =>
  function* (environ, startResponse) {
    try {
      yield* app(environ, startResponse) as Iterable<Uint8Array>;
    } catch (error) {
      yield* use(startResponse, error);
    }
  };

/** What breaks the rules of `_result_guard.ts`, and what is next to that and legal. */
export const CASES = {
  "result-type": {
    bad: {
      "undefined": body(() => undefined),
      "null": body(() => null),
      "a Response": body(() => new Response("Hello")),
      "a function": body(() => () => [HELLO]),
      "an iterable without an iterator": body(() => ({
        [Symbol.iterator]: () => null,
      })),
      "an iterator that gives no result": body(() => ({
        [Symbol.asyncIterator]: () => ({ next: () => null }),
      })),
      "a locked stream": async (validate) => {
        const stream = ReadableStream.from([HELLO]);
        stream.getReader();
        await body(() => stream)(validate);
      },
    },
    good: {
      "an array": body(() => [HELLO]),
      "a Set": body(() => new Set([HELLO])),
      "a promise of a stream": body(
        () => Promise.resolve(ReadableStream.from([HELLO])),
      ),
    },
  },
  "result-string": {
    bad: {
      "a string": body(() => "Hello"),
      "a promise of a string": body(() => Promise.resolve("")),
    },
    good: { "an array of its bytes": body(() => [HELLO]) },
  },
  "result-bytes": {
    bad: {
      "a Uint8Array": body(() => HELLO),
      "an ArrayBuffer": body(() => HELLO.buffer),
    },
    good: { "an array of a Uint8Array": body(() => [HELLO]) },
  },
  "result-close": {
    bad: {
      "true": body(() => Object.assign(new Set([HELLO]), { close: true })),
      "null in an array": body(() => Object.assign([HELLO], { close: null })),
    },
    good: {
      "a function": body(() => Object.assign([HELLO], { close() {} })),
      "undefined": body(() => Object.assign([HELLO], { close: undefined })),
    },
  },
  "result-length": {
    bad: {
      "a length": body(() => Object.assign(new Set([HELLO]), { length: 2 })),
      "a size": body(() => ({
        size: 2,
        *[Symbol.iterator]() {
          yield HELLO;
        },
      })),
    },
    good: {
      "the size of a Set": body(() => new Set([HELLO])),
      "a size that is a method": body(() => ({
        size: () => 2,
        *[Symbol.iterator]() {
          yield HELLO;
        },
      })),
    },
  },
  "iterated-twice": {
    bad: {
      "two loops": drive((result) => {
        iterator(result);
        iterator(result);
      }),
      "two asynchronous loops": drive((result) => {
        asyncIterator(result);
        asyncIterator(result);
      }, generateLater),
    },
    good: { "one loop": run(generate) },
  },
  "iterated-early": {
    bad: {
      "two reads at once": drive(async (result) => {
        const blocks = asyncIterator(result);
        await Promise.all([blocks.next(), blocks.next()]);
      }, async function* (_environ, startResponse) {
        startResponse("200 OK", [TEXT]);
        yield HELLO;
        yield HELLO;
      }),
    },
    good: {
      "one read after the other": drive((result) => {
        const blocks = iterator(result);
        blocks.next();
        blocks.next();
      }),
    },
  },
  "iterated-after-end": {
    bad: {
      "after the last block": drive((result) => {
        const blocks = iterator(result);
        while (!blocks.next().done);
        blocks.next();
      }),
      "after return()": drive((result) => {
        const blocks = iterator(result);
        blocks.next();
        blocks.return?.();
        blocks.next();
      }),
      "after an error": drive((result) => {
        const blocks = iterator(result);
        try {
          blocks.next();
        } catch {
          blocks.next();
        }
        // deno-lint-ignore require-yield
      }, function* () {
        throw new Error("oops");
      }),
      "after a rejection": drive(async (result) => {
        const blocks = asyncIterator(result);
        try {
          await blocks.next();
        } catch {
          await blocks.next();
        }
        // deno-lint-ignore require-yield
      }, async function* () {
        throw new Error("oops");
      }),
    },
    good: {
      "to the end": drive((result) => {
        const blocks = iterator(result);
        while (!blocks.next().done);
        blocks.return?.();
      }),
    },
  },
  "iterated-after-close": {
    bad: {
      "a block": drive((result) => {
        result.close?.();
        iterator(result).next();
      }),
    },
    good: {
      "close() during a read": drive(async (result) => {
        const blocks = asyncIterator(result);
        const pending = blocks.next();
        await blocks.return?.();
        await result.close?.();
        await pending;
      }, (_environ, startResponse) => {
        startResponse("200 OK", [TEXT]);
        return new ReadableStream();
      }),
    },
  },
  "close-repeated": {
    bad: {
      "a generator": drive((result) => {
        result.close?.();
        result.close?.();
      }, closable),
      "an array": drive((result) => {
        result.close?.();
        result.close?.();
      }, closableArray),
    },
    good: { "once": run(closable) },
  },
  "close-missing": {
    bad: {
      "by a server": async (validate) => {
        const app = validate(closable);
        await exhaust(app(createEnviron(), startResponse));
        await exhaust(app(createEnviron(), startResponse));
      },
      "by a server that stops early": (validate) => {
        const app = validate(closable);
        for (let i = 0; i < 2; i++) {
          const result = app(createEnviron(), startResponse);
          const blocks = iterator(result as WsgiResult);
          blocks.next();
          blocks.return?.();
        }
      },
      "by a server, of an array": (validate) => {
        const app = validate(closableArray);
        app(createEnviron(), startResponse);
        app(createEnviron(), startResponse);
      },
      "by middleware": between((app) =>
        function* (environ, startResponse) {
          yield* app(environ, startResponse) as Iterable<Uint8Array>;
        }, closable),
      "by middleware, of an array": between(
        (app) => (environ, startResponse) => [
          ...app(environ, startResponse) as Iterable<Uint8Array>,
        ],
        closableArray,
      ),
      "by middleware with an async close()": between(
        (app) => (environ, startResponse) => ({
          *[Symbol.iterator]() {
            yield* app(environ, startResponse) as Iterable<Uint8Array>;
          },
          async close() {},
        }),
        closable,
      ),
    },
    good: {
      "a server whose calls overlap": async (validate) => {
        const app = validate(closable);
        const variables = { "wsgi.multithread": true };
        await exhaust(app(createEnviron(variables), startResponse));
        await exhaust(app(createEnviron(variables), startResponse));
      },
      "a server that closes": async (validate) => {
        const app = validate(closable);
        await serve(app);
        await serve(app);
      },
      "one request that calls twice": async (validate) => {
        const app = validate(closable);
        const environ = createEnviron();
        const results = [
          await exhaust(app(environ, startResponse)),
          await exhaust(app(environ, startResponse)),
        ];
        for (const result of results) await result.close?.();
      },
      "nothing to close": async (validate) => {
        const app = validate(generate);
        await exhaust(app(createEnviron(), startResponse));
        await exhaust(app(createEnviron(), startResponse));
      },
      "middleware that closes": between(
        (app) => (environ, startResponse) => {
          const result = app(environ, startResponse) as Iterable<Uint8Array> & {
            close?(): void;
          };
          return {
            *[Symbol.iterator]() {
              yield* result;
            },
            async close() {
              await null;
              result.close?.();
            },
          };
        },
        closable,
      ),
      "middleware that passes the result on": between(
        (app) => app,
        closableArray,
      ),
    },
  },
  "middleware-withheld": {
    bad: {
      "two blocks joined": between((app) =>
        function* (environ, startResponse) {
          let size = 0;
          for (
            const block of app(environ, startResponse) as Iterable<Uint8Array>
          ) size += block.length;
          yield new Uint8Array(size);
        }
      ),
      "as many blocks, but at the end": between((app) =>
        function* (environ, startResponse) {
          const blocks = app(environ, startResponse) as Iterable<Uint8Array>;
          yield* [...blocks];
        }
      ),
      "two blocks joined asynchronously": between((app) =>
        async function* (environ, startResponse) {
          let size = 0;
          for await (const block of await app(environ, startResponse)) {
            size += block.length;
          }
          yield new Uint8Array(size);
        }
      ),
      "a block dropped at the end": between((app) =>
        function* (environ, startResponse) {
          const blocks = iterator(app(environ, startResponse) as WsgiResult);
          yield blocks.next().value;
          blocks.next();
        }
      ),
    },
    good: {
      "empty blocks in between": between((app) =>
        function* (environ, startResponse) {
          let size = 0;
          for (
            const block of app(environ, startResponse) as Iterable<Uint8Array>
          ) {
            size += block.length;
            yield EMPTY;
          }
          yield new Uint8Array(size);
        }
      ),
      "two of its own for each": between((app) =>
        async function* (environ, startResponse) {
          for await (const block of await app(environ, startResponse)) {
            yield block;
            yield EMPTY;
          }
        }
      ),
      "a stream that joins what it is given": between(
        (app) => async (environ, startResponse) => {
          let size = 0;
          return ReadableStream.from(await app(environ, startResponse))
            .pipeThrough(
              new TransformStream<Uint8Array, Uint8Array>({
                transform: ({ length }) => void (size += length),
                flush: (controller) => controller.enqueue(new Uint8Array(size)),
              }),
            );
        },
      ),
      "what is only counted for HEAD": between(
        (app) =>
          // deno-lint-ignore require-yield
          function* (environ, startResponse) {
            const asGet = { ...environ, REQUEST_METHOD: "GET" };
            for (const _ of app(asGet, startResponse) as Iterable<Uint8Array>);
          },
        generate,
        { REQUEST_METHOD: "HEAD" },
      ),
      "a stream that reads ahead": between(
        (app) => async (environ, startResponse) =>
          ReadableStream.from(await app(environ, startResponse))
            .pipeThrough(new TransformStream()),
      ),
      "two results, one after the other": between((app) =>
        function* (environ, startResponse) {
          yield* app(environ, startResponse) as Iterable<Uint8Array>;
          yield* app(environ, () => write) as Iterable<Uint8Array>;
        }
      ),
    },
  },
  "middleware-delayed": {
    bad: {
      "all blocks": between((app) => (environ, startResponse) => [
        ...app(environ, startResponse) as Iterable<Uint8Array>,
      ]),
      "the first block": between((app) => (environ, startResponse) => {
        const blocks = iterator(app(environ, startResponse) as WsgiResult);
        blocks.next();
        return new Set([HELLO, HELLO]);
      }),
      "all blocks asynchronously": between(
        (app) => async (environ, startResponse) => {
          const blocks = [];
          for await (const block of await app(environ, startResponse)) {
            blocks.push(block);
          }
          return blocks;
        },
      ),
      "all blocks, which it closes": between(
        (app) => (environ, startResponse) => serve(app, environ, startResponse),
      ),
      "the first block, which it waits for": between(peek, generateLater),
      "a first block that is there at once": between(
        peek,
        async function* (_environ, startResponse) {
          startResponse("200 OK", [TEXT]);
          yield HELLO;
          yield HELLO;
        },
      ),
      "the first block, below others that only wait for it": between(
        (app) => async (environ, startResponse) => {
          const peeked = await peek(app)(environ, startResponse);
          await null;
          return await Promise.resolve(peeked);
        },
        generateLater,
      ),
      "the first block of a generator, in an asynchronous function": between(
        (app) =>
        // deno-lint-ignore require-await
        async (environ, startResponse) => {
          const blocks = iterator(app(environ, startResponse) as WsgiResult);
          blocks.next();
          return new Set([HELLO, HELLO]);
        },
      ),
    },
    good: {
      "a first block that comes while it waits for something else": between(
        (app) => async (environ, startResponse) => {
          const result = await app(environ, startResponse);
          const stream = readAhead(result);
          await new Promise((resolve) => setTimeout(resolve, 5));
          return stream;
        },
        generateLater,
      ),
      "a first block, which a promise may have read ahead": between(
        (app) => async (environ, startResponse) => {
          await null;
          const blocks = iterator(app(environ, startResponse) as WsgiResult);
          const first = blocks.next();
          return (function* () {
            yield first.value as Uint8Array;
            yield* { [Symbol.iterator]: () => blocks };
          })();
        },
      ),
      "a first block that comes when it goes on by itself": between(
        (app) => async (environ, startResponse) => {
          const time = new Promise((resolve) => setTimeout(resolve));
          const blocks = asyncIterator(
            app({ ...environ, "test.time": time }, startResponse) as WsgiResult,
          );
          const first = blocks.next();
          await time;
          for (let count = 0; count < 20; count++) await null;
          return (async function* () {
            yield (await first).value as Uint8Array;
            yield* { [Symbol.asyncIterator]: () => blocks };
          })();
        },
        async function* (environ, startResponse) {
          startResponse("200 OK", [TEXT]);
          await environ["test.time"];
          yield HELLO;
        },
      ),
      "a short body that a stream has read to its end": between(
        (app) => async (environ, startResponse) => {
          const stream = readAhead(await app(environ, startResponse));
          await new Promise((resolve) => setTimeout(resolve, 5));
          return stream;
        },
        function* (_environ, startResponse) {
          startResponse("200 OK", [TEXT]);
          yield HELLO;
        },
      ),
      "startResponse() of a first block, which it waits for": between(
        (app) => async (environ, startResponse) => {
          const { promise, resolve } = Promise.withResolvers<
            Parameters<StartResponse>
          >();
          const result = await app(environ, (...args) => {
            resolve(args);
            return write;
          });
          const stream = readAhead(result);
          startResponse(...await promise);
          return stream;
        },
        generateLater,
      ),
      "a generator": between((app) => (environ, startResponse) => {
        const result = app(environ, startResponse) as Iterable<Uint8Array>;
        return (function* () {
          yield* result;
        })();
      }),
      "a request of its own before": between(
        (app) => (environ, startResponse) => {
          iterator(app(environ, () => write) as WsgiResult).next();
          return app(environ, startResponse);
        },
      ),
    },
  },
  "middleware-swallowed": {
    bad: {
      "an error after a block": between(trap(), failAfter(1)),
      "an error before a block": between(trap(), failAfter(0)),
      "an error that is only logged": between(
        (app) =>
          function* (environ, startResponse) {
            try {
              yield* app(environ, startResponse) as Iterable<Uint8Array>;
            } catch (error) {
              environ["wsgi.errors"].write(`${error}\n`);
              yield EMPTY;
            }
          },
        failAfter(1),
      ),
      "an error of an asynchronous result": between(
        (app) =>
          async function* (environ, startResponse) {
            let head: Parameters<StartResponse> | undefined;
            const result = await app(environ, (...args) => {
              head = args;
              return write;
            });
            try {
              for await (const block of result) {
                if (head) startResponse(...head);
                head = undefined;
                yield block;
              }
            } catch {
              // Ends as if nothing was.
            }
          },
        async function* (_environ, startResponse) {
          startResponse("200 OK", [TEXT]);
          yield HELLO;
          await Promise.reject(new Error("oops"));
        },
      ),
    },
    good: {
      "thrown again": between(
        trap((_startResponse, error) => {
          throw error;
        }),
        failAfter(1),
      ),
      "an error page in place of the body": between(
        trap((startResponse, error) => {
          startResponse("500 Oops", [TEXT], error);
          return [];
        }),
        failAfter(0),
      ),
      "a message after the body": between(trap(() => [HELLO]), failAfter(1)),
      "an error page whose head is late": between(
        (app) =>
          function* (environ, startResponse) {
            try {
              yield* app(environ, () => write) as Iterable<Uint8Array>;
            } catch {
              startResponse("500 Oops", [TEXT]);
            }
          },
        failAfter(0),
      ),
      "an error of what is only included": between(
        (app) =>
          function* (environ, startResponse) {
            startResponse("200 OK", [TEXT]);
            yield HELLO;
            try {
              yield* app(environ, () => write) as Iterable<Uint8Array>;
            } catch {
              // The page is whole without it.
            }
          },
        failAfter(0),
      ),
      "an error after all that Content-Length tells of": between(
        trap(),
        function* (_environ, startResponse) {
          startResponse("200 OK", [TEXT, ["Content-Length", "5"]]);
          yield HELLO;
          throw new Error("oops");
        },
      ),
      "an abort": between(trap(), function* (_environ, startResponse) {
        startResponse("200 OK", [TEXT]);
        yield HELLO;
        throw new DOMException("stopped", "AbortError");
      }),
      "an error after the client has left": between(trap(), failAfter(1), {
        "wsgiref.signal": AbortSignal.abort(),
      }),
      "an error of a body that is not sent": between(
        trap(),
        // deno-lint-ignore require-yield
        function* (_environ, startResponse) {
          startResponse("304 Not Modified", []);
          throw new Error("oops");
        },
      ),
    },
  },
} satisfies Cases;
