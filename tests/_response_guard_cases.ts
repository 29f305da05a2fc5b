// Copyright 2026 the wsgiref authors. MIT license.

import {
  asyncIterator,
  between,
  body,
  type Cases,
  createEnviron,
  drive,
  EMPTY,
  generate,
  head,
  HELLO,
  hello,
  invalid,
  run,
  serve,
  TEXT,
  write,
} from "./_scenarios.ts";

/** What breaks the rules of `_response_guard.ts`, and what is next to that and legal. */
export const CASES = {
  "start-response-arguments": {
    bad: {
      "one argument": run((_environ, startResponse) => {
        invalid<(status: string) => void>(startResponse)("200 OK");
        return [];
      }),
      "four arguments": run((_environ, startResponse) => {
        invalid<(...args: unknown[]) => void>(startResponse)(
          "200 OK",
          [],
          undefined,
          {},
        );
        return [];
      }),
    },
    good: {
      "two arguments": head("200 OK"),
      "three arguments": run((_environ, startResponse) => {
        startResponse("500 Oops", [], new Error("oops"));
        return [];
      }),
    },
  },
  "start-response-repeated": {
    bad: {
      "a second call": run((_environ, startResponse) => {
        startResponse("200 OK", []);
        startResponse("200 OK", []);
        return [];
      }),
      "a second call with null as excInfo": run((_environ, startResponse) => {
        startResponse("200 OK", []);
        startResponse("200 OK", [], null);
        return [];
      }),
      "a second call after the first threw": async (validate) => {
        const app = validate((_environ, startResponse) => {
          try {
            startResponse("200 OK", []);
          } catch {
            startResponse("200 OK", []);
          }
          return [];
        });
        let calls = 0;
        await serve(app, createEnviron(), () => {
          if (calls++ === 0) throw new Error("refused");
          return write;
        });
      },
    },
    good: {
      "a second call with excInfo": run((_environ, startResponse) => {
        startResponse("200 OK", []);
        startResponse("500 Oops", [], new Error("oops"));
        return [];
      }),
    },
  },
  "start-response-missing": {
    bad: {
      "an array": run(() => [HELLO]),
      "an empty array": run(() => []),
      "a generator": run(function* () {
        yield HELLO;
      }),
      "an empty block": run(function* (_environ, startResponse) {
        yield EMPTY;
        startResponse("200 OK", []);
      }),
      "an empty generator": run(function* () {}),
    },
    good: {
      "in the first iteration": run(function* (_environ, startResponse) {
        startResponse("200 OK", [TEXT]);
        yield HELLO;
      }),
      "before the end of an empty generator": run(
        // deno-lint-ignore require-yield
        function* (_environ, startResponse) {
          startResponse("200 OK", []);
        },
      ),
    },
  },
  "start-response-result": {
    bad: {
      "undefined": async (validate) => {
        await serve(validate(hello), createEnviron(), () => invalid(undefined));
      },
    },
    good: { "a function": run(hello) },
  },
  "exc-info-type": {
    bad: {
      "a tuple as in Python": run((_environ, startResponse) => {
        startResponse("500 Oops", [], [Error, new Error("oops"), null]);
        return [];
      }),
    },
    good: {
      "a DOMException": run((_environ, startResponse) => {
        startResponse("500 Oops", [], new DOMException("oops"));
        return [];
      }),
    },
  },
  "exc-info-ignored": {
    bad: {
      "after a block": run(function* (_environ, startResponse) {
        startResponse("200 OK", [TEXT]);
        yield HELLO;
        startResponse("500 Oops", [TEXT], new Error("oops"));
      }),
      "after a single byte": run(function* (_environ, startResponse) {
        startResponse("200 OK", [TEXT]);
        yield HELLO.subarray(0, 1);
        startResponse("500 Oops", [TEXT], new Error("oops"));
      }),
    },
    good: {
      "after an empty block": run(function* (_environ, startResponse) {
        startResponse("200 OK", [TEXT]);
        yield EMPTY;
        startResponse("500 Oops", [TEXT], new Error("oops"));
      }),
    },
  },
  "exc-info-trapped": {
    bad: {
      "by an application": async (validate) => {
        const app = validate((_environ, startResponse) => {
          try {
            startResponse("500 Oops", [], new Error("oops"));
          } catch {
            // Goes on, which it must not.
          }
          return [];
        });
        await serve(app, createEnviron(), (_status, _headers, excInfo) => {
          throw excInfo;
        });
      },
      "by a generator": async (validate) => {
        const app = validate(function* (_environ, startResponse) {
          startResponse("200 OK", [TEXT]);
          yield HELLO;
          try {
            startResponse("500 Oops", [TEXT], new Error("oops"));
          } catch {
            yield HELLO;
          }
        });
        await serve(app, createEnviron(), (_status, _headers, excInfo) => {
          if (excInfo) throw excInfo;
          return write;
        });
      },
    },
    good: {
      "let pass": async (validate) => {
        const oops = new Error("oops");
        const app = validate((_environ, startResponse) => {
          startResponse("500 Oops", [], oops);
          return [];
        });
        await serve(app, createEnviron(), (_status, _headers, excInfo) => {
          throw excInfo;
        }).catch((error) => {
          if (error !== oops) throw error;
        });
      },
      "a first call that was refused": async (validate) => {
        const app = validate((_environ, startResponse) => {
          try {
            startResponse("200 OK", []);
          } catch (error) {
            startResponse("500 Oops", [], error);
          }
          return [];
        });
        await serve(app, createEnviron(), (_status, _headers, excInfo) => {
          if (!excInfo) throw new Error("refused");
          return write;
        });
      },
    },
  },
  "write-arguments": {
    bad: {
      "two arguments": run((_environ, startResponse) => {
        invalid<(...data: unknown[]) => void>(startResponse("200 OK", [TEXT]))(
          HELLO,
          HELLO,
        );
        return [];
      }),
    },
    good: {
      "one argument": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT])(HELLO);
        return [];
      }),
    },
  },
  "write-after-return": {
    bad: {
      "in a generator": run(function* (_environ, startResponse) {
        startResponse("200 OK", [TEXT])(HELLO);
        yield HELLO;
      }),
      "after an array": async (validate) => {
        let write = (_data: Uint8Array) => Promise.resolve();
        const app = validate((_environ, startResponse) => {
          write = startResponse("200 OK", [TEXT]);
          return [];
        });
        await serve(app);
        await write(HELLO);
      },
    },
    good: {
      "in an async application": run(async (_environ, startResponse) => {
        const write = startResponse("200 OK", [TEXT]);
        await write(HELLO);
        await write(HELLO);
        return [HELLO];
      }),
    },
  },
  "write-discouraged": {
    bad: {
      "one block": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT])(HELLO);
        return [];
      }),
      "one byte": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT])(HELLO.subarray(0, 1));
        return [];
      }),
    },
    good: {
      "no block": run(generate),
      "no bytes, which open the response": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT])(EMPTY);
        return [HELLO];
      }),
    },
  },
  "middleware-write": {
    bad: {
      "what was yielded": between((app) => (environ, startResponse) => {
        let write = (_data: Uint8Array) => Promise.resolve();
        const [block = EMPTY] = app(environ, (...args) => {
          write = startResponse(...args);
          return write;
        }) as Uint8Array[];
        write(block);
        return [];
      }, hello),
    },
    good: {
      "what was written": between((app) => app, (_environ, startResponse) => {
        startResponse("200 OK", [TEXT])(HELLO);
        return [];
      }),
      "no bytes": between(
        (app) => (environ, startResponse) =>
          app(environ, (...args) => {
            const write = startResponse(...args);
            write(EMPTY);
            return write;
          }),
        hello,
      ),
    },
  },
  "write-type": {
    bad: {
      "a string": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT])(invalid("Hello"));
        return [];
      }),
      "undefined": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT])(invalid(undefined));
        return [];
      }),
    },
    good: {
      "empty bytes": run((_environ, startResponse) => {
        startResponse("200 OK", [])(EMPTY);
        return [];
      }),
    },
  },
  "write-result": {
    bad: {
      "undefined": async (validate) => {
        const app = validate((_environ, startResponse) => {
          startResponse("200 OK", [TEXT])(HELLO);
          return [];
        });
        await serve(app, createEnviron(), () => () => invalid(undefined));
      },
    },
    good: {
      "a promise": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT])(HELLO);
        return [];
      }),
    },
  },
  "block-type": {
    bad: {
      "a string in an array": body(() => ["Hello"]),
      "a hole in an array": body(() => new Array(1)),
      "a string in a generator": body(() => new Set(["Hello"])),
      "an ArrayBuffer in a stream": body(() =>
        ReadableStream.from([HELLO.buffer])
      ),
    },
    good: {
      "a subclass of Uint8Array": body(
        () => [new (class extends Uint8Array {})(1)],
      ),
    },
  },
  "body-forbidden": {
    bad: {
      "204": body(() => [HELLO], [], { status: "204 No Content" }),
      "205": body(() => [HELLO], [], { status: "205 Reset Content" }),
      "304": body(() => new Set([HELLO]), [], { status: "304 Not Modified" }),
      "1xx": body(() => [HELLO], [], { status: "103 Early Hints" }),
    },
    good: {
      "empty blocks": body(() => [EMPTY], [], { status: "204 No Content" }),
      "404": body(() => [HELLO], [TEXT], { status: "404 Not Found" }),
    },
  },
  "body-to-head": {
    bad: {
      "a block": body(() => new Set([HELLO]), [TEXT], { method: "HEAD" }),
      "a stream": body(
        () => ReadableStream.from([HELLO]),
        [TEXT],
        { method: "HEAD" },
      ),
      "write()": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT])(HELLO);
        return [];
      }, { REQUEST_METHOD: "HEAD" }),
    },
    good: {
      "no block": body(() => [], [TEXT], { method: "HEAD" }),
      "an array, of which the length is sent": body(
        () => [HELLO],
        [TEXT],
        { method: "HEAD" },
      ),
      "an array that has to be closed": body(
        () => Object.assign([HELLO], { close() {} }),
        [TEXT],
        { method: "HEAD" },
      ),
    },
  },
  "content-length-exceeded": {
    bad: {
      "an array": body(() => [HELLO, HELLO], [TEXT, ["Content-Length", "9"]]),
      "a header after it": body(() => [HELLO], [["Content-Length", "4"], TEXT]),
      "a generator": body(() => new Set([HELLO]), [TEXT, [
        "Content-Length",
        "0",
      ]]),
      "write()": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT, ["Content-Length", "4"]])(HELLO);
        return [];
      }),
      "write() and an array": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT, ["Content-Length", "5"]])(HELLO);
        return [HELLO];
      }),
    },
    good: {
      "its very length": body(() => [HELLO], [TEXT, ["Content-Length", "5"]]),
      "a number in another header": body(() => [HELLO], [TEXT, ["Age", "4"]]),
      "a length that was replaced": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT, ["Content-Length", "4"]]);
        startResponse("500 Oops", [TEXT], new Error("oops"));
        return [HELLO];
      }),
    },
  },
  "content-type-missing": {
    bad: {
      "an array": body(() => [HELLO], []),
      "a generator": run(function* (_environ, startResponse) {
        startResponse("200 OK", []);
        yield HELLO;
      }),
    },
    good: {
      "an empty body": body(() => [], []),
      "an empty block": body(() => [EMPTY], []),
      "a redirect without a body": head("302 Found", ["Location", "/"]),
    },
  },
  "content-length-unreached": {
    bad: {
      "an array": body(() => [HELLO], [TEXT, ["Content-Length", "6"]]),
      "an empty array": body(() => [], [["Content-Length", "5"]]),
      "a generator": body(() => new Set([HELLO]), [TEXT, [
        "Content-Length",
        "6",
      ]]),
    },
    good: {
      "write() and an array": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT, ["Content-Length", "10"]])(HELLO);
        return [HELLO];
      }),
      "HEAD": body(() => [], [TEXT, ["Content-Length", "5"]], {
        method: "HEAD",
      }),
      "304": head("304 Not Modified", ["Content-Length", "5"]),
      "a result that is closed early": drive(async (result) => {
        asyncIterator(result).next();
        await result.close?.();
      }, async function* (_environ, startResponse) {
        startResponse("200 OK", [TEXT, ["Content-Length", "10"]]);
        yield HELLO;
        yield HELLO;
      }),
    },
  },
} satisfies Cases;
