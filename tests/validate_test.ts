// Copyright 2026 the wsgiref authors. MIT license.

import {
  assertEquals,
  assertInstanceOf,
  assertLessOrEqual,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { AssertionError } from "@std/assert/assertion-error";
import { toFetchHandler } from "../handlers.ts";
import type { WsgiApplication } from "../types.ts";
import { validator, WsgiConformanceError } from "../validate.ts";
import {
  createEnviron,
  HELLO,
  invalid,
  serve,
  start,
  startResponse,
  validateThrice,
} from "./_scenarios.ts";

/** Applications that keep the rules, and the ways in which they can differ. */
const GOOD: Record<string, WsgiApplication> = {
  "an array": (_environ, startResponse) => {
    start(startResponse);
    return [HELLO, HELLO];
  },
  "a promise of an array": async (_environ, startResponse) => {
    await null;
    start(startResponse);
    return [HELLO];
  },
  "an empty array": (_environ, startResponse) => {
    startResponse("204 No Content", []);
    return [];
  },
  "a generator": function* (_environ, startResponse) {
    start(startResponse);
    yield new Uint8Array();
    yield HELLO;
    yield HELLO;
  },
  "an async generator": async function* (_environ, startResponse) {
    start(startResponse);
    await null;
    yield HELLO;
    yield HELLO;
  },
  "a stream": (_environ, startResponse) => {
    start(startResponse);
    return ReadableStream.from([HELLO, HELLO]);
  },
  "a file wrapper": (environ, startResponse) => {
    start(startResponse);
    return environ["wsgi.file_wrapper"]?.(new Blob(["Hello"])) ?? [];
  },
  "a declared length": (_environ, startResponse) => {
    startResponse("200 OK", [
      ["Content-Type", "text/plain"],
      ["Content-Length", "10"],
    ]);
    return new Set([HELLO, HELLO.slice()]);
  },
  "a head without a body": (environ, startResponse) => {
    startResponse("200 OK", [
      ["Content-Type", "text/plain"],
      ["Content-Length", "5"],
    ]);
    return environ.REQUEST_METHOD === "HEAD" ? [] : [HELLO];
  },
  "an error response": (_environ, startResponse) => {
    start(startResponse);
    startResponse(
      "500 Oops",
      [["Content-Type", "text/plain"]],
      new Error("oops"),
    );
    return [HELLO];
  },
  "an echo": async (environ, startResponse) => {
    const body = await environ["wsgi.input"].read();
    start(startResponse);
    return [body];
  },
  "an echo of the stream": (environ, startResponse) => {
    start(startResponse);
    return environ["wsgi.input"].readable;
  },
  "a log": (environ, startResponse) => {
    environ["wsgi.errors"].write("");
    environ["wsgi.errors"].flush();
    start(startResponse);
    return [];
  },
  "cookies and a redirect": (_environ, startResponse) => {
    startResponse("302 Found", [
      ["Location", "/a?b"],
      ["Set-Cookie", "a=b"],
      ["Set-Cookie", "c=d"],
      ["ETag", 'W/"a"'],
    ]);
    return [];
  },
};

for (const [name, app] of Object.entries(GOOD)) {
  Deno.test(`validator() changes nothing about ${name}`, async () => {
    for (const method of ["GET", "HEAD", "POST"]) {
      const [expected, actual] = await Promise.all(
        [app, validateThrice(app)].map(async (app) => {
          const handler = toFetchHandler(app);
          const response = await handler(
            new Request("http://localhost/a%20b?c", {
              method,
              ...(method === "POST" ? { body: "Hello" } : {}),
            }),
          );
          return [
            response.status,
            [...response.headers],
            await response.bytes(),
          ];
        }),
      );
      assertEquals(actual, expected);
    }
  });
}

Deno.test("validator() passes the application's errors on", async () => {
  const oops = new Error("oops");
  const apps: WsgiApplication[] = [
    () => {
      throw oops;
    },
    () => Promise.reject(oops),
    // deno-lint-ignore require-yield
    function* () {
      throw oops;
    },
    // deno-lint-ignore require-yield
    async function* () {
      throw oops;
    },
    (_environ, startResponse) => {
      start(startResponse);
      return Object.assign([HELLO], {
        close() {
          throw oops;
        },
      });
    },
  ];
  for (const app of apps) {
    const error = await assertRejects(() => serve(validateThrice(app)));
    assertStrictEquals(error, oops);
  }
});

Deno.test("WsgiConformanceError says what, where, why and how", () => {
  const app = validator((_environ, startResponse) => {
    startResponse("200 OK", [["X-A", "b\r\nX-C: d"]]);
    return [];
  });
  const error = assertThrows(
    () => app(createEnviron(), startResponse),
    WsgiConformanceError,
  );
  assertInstanceOf(error, AssertionError);
  assertEquals({ ...error }, {
    name: "WsgiConformanceError",
    code: "header-value",
    clause:
      "PEP 3333: The start_response() Callable (https://peps.python.org/pep-3333/#the-start-response-callable)",
    side: "application",
    severity: "error",
    value: '["X-A", "b\\r\\nX-C: d"]',
    layer: undefined,
    between: [],
  });
  assertEquals(
    error.message,
    'The value of a header must have no control characters: received ["X-A", "b\\r\\nX-C: d"]; remove them, above all line breaks',
  );
});

Deno.test("validator() warns once for an application", () => {
  const codes: string[] = [];
  const app = validator((_environ, startResponse) => {
    startResponse("200 OK", []);
    return [HELLO];
  }, { onWarning: ({ code }) => codes.push(code) });
  app(createEnviron(), startResponse);
  app(createEnviron({ HTTP_PROXY: "a" }), startResponse);
  app(createEnviron({ HTTP_PROXY: "b" }), startResponse);
  assertEquals(codes, ["content-type-missing", "http-proxy"]);
});

Deno.test("validator() warns on the console", () => {
  const lines: unknown[] = [];
  const { warn } = console;
  // deno-lint-ignore no-console
  console.warn = (line) => lines.push(line);
  try {
    validator((_environ, startResponse) => {
      startResponse("200 OK", [["ETag", "a"]]);
      return [];
    })(createEnviron(), startResponse);
  } finally {
    // deno-lint-ignore no-console
    console.warn = warn;
  }
  assertEquals(lines, [
    'etag-form: An ETag should be quoted, with W/ before it if it is weak: received ["ETag", "a"]; write it like "tag" or W/"tag", with the quotes',
  ]);
});

Deno.test("validator() throws nothing of its own but WsgiConformanceError", async () => {
  const values: unknown[] = [
    undefined,
    null,
    true,
    -1,
    NaN,
    1n,
    "",
    "\ud800",
    Symbol("symbol"),
    () => {},
    [],
    [[]],
    [undefined],
    new Array(2),
    {},
    Object.create(null),
    new Map([[1, 2]]),
    new Date(NaN),
    new Uint8Array(1),
    { [Symbol.iterator]: () => [].values() },
  ];
  const places: ((value: unknown) => unknown)[] = [
    (value) => validator(invalid(value)),
    (value) => GOOD_APP(invalid(value), startResponse),
    (value) => GOOD_APP(createEnviron(), invalid(value)),
    ...Object.keys(createEnviron()).map((key) => (value: unknown) =>
      GOOD_APP(createEnviron({ [key]: value }), startResponse)
    ),
    ...[
      (value: never) => [value],
      (value: never) => ["200 OK", value],
      (value: never) => ["200 OK", [value]],
      (value: never) => ["200 OK", [[value, "a"]]],
      (value: never) => ["200 OK", [["Content-Length", value]]],
      (value: never) => ["200 OK", [], value],
    ].map((toArguments) => (value: unknown) =>
      validator((_environ, startResponse) => {
        invalid<(...args: unknown[]) => void>(startResponse)(
          ...toArguments(invalid(value)),
        );
        return [];
      }, { onWarning() {} })(createEnviron(), startResponse)
    ),
    (value) =>
      validator((_environ, startResponse) => {
        start(startResponse)(invalid(value));
        return [];
      }, { onWarning() {} })(createEnviron(), startResponse),
    (value) =>
      validator((_environ, startResponse) => {
        start(startResponse);
        return invalid(value);
      })(createEnviron(), startResponse),
    (value) =>
      serve(validator(function* (_environ, startResponse) {
        start(startResponse);
        yield invalid<Uint8Array>(value);
      })),
    (value) => GOOD_APP(createEnviron(), () => invalid(value)),
    ...["read", "readline", "readlines"].map((method) => (value: unknown) =>
      serve(validator(async (environ, startResponse) => {
        const input = invalid<Record<string, (size: unknown) => unknown>>(
          environ["wsgi.input"],
        );
        await input[method]?.(value);
        start(startResponse);
        return [];
      }))
    ),
    ...["write", "writelines"].map((method) => (value: unknown) =>
      validator((environ, startResponse) => {
        const errors = invalid<Record<string, (text: unknown) => void>>(
          environ["wsgi.errors"],
        );
        errors[method]?.(value);
        start(startResponse);
        return [];
      })(createEnviron(), startResponse)
    ),
    (value) =>
      validator((environ, startResponse) => {
        start(startResponse);
        return environ["wsgi.file_wrapper"]?.(invalid(value)) ?? [];
      })(createEnviron(), startResponse),
  ];
  let count = 0;
  for (const place of places) {
    for (const value of values) {
      try {
        await place(value);
      } catch (error) {
        assertInstanceOf(error, WsgiConformanceError);
        count++;
      }
    }
  }
  assertLessOrEqual(places.length * 5, count);
});

const GOOD_APP = validator((_environ, startResponse) => {
  start(startResponse);
  return [HELLO];
}, { onWarning() {} });
