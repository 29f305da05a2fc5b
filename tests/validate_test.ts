// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLessOrEqual,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { AssertionError } from "@std/assert/assertion-error";
import { toFetchHandler } from "../handlers.ts";
import type { StartResponse, WsgiApplication, WsgiResult } from "../types.ts";
import { FileWrapper, setupTestingDefaults } from "../util.ts";
import * as validate from "../validate.ts";
import {
  CONFORMANCE_CHECKS,
  validator,
  type WsgiConformanceCheck,
  type WsgiConformanceCode,
  WsgiConformanceError,
} from "../validate.ts";
import {
  CASES,
  checkScenario,
  createEnviron,
  serve,
} from "./validate_cases.ts";
import {
  CLAUSES,
  DOCUMENT,
  generateDocument,
  observers,
} from "./validate_docs.ts";
import { findSites, SOURCE } from "./validate_mutation.ts";

const encoder = new TextEncoder();
const HELLO = encoder.encode("Hello");
const write = () => Promise.resolve();
const startResponse: StartResponse = () => write;
const start = (startResponse: StartResponse) =>
  startResponse("200 OK", [["Content-Type", "text/plain"]]);

/** A value that the types do not allow. */
function invalid<T>(value: unknown): T {
  return value as T;
}

/** Fails for a warning, but for the body that HEAD is to cut off. */
function onWarning(warning: WsgiConformanceError): void {
  if (warning.code !== "body-to-head") throw warning;
}

/** An application in three validators. */
function validateThrice(app: WsgiApplication): WsgiApplication {
  const options = { onWarning };
  return validator(validator(validator(app, options), options), options);
}

for (const [key, { bad, good }] of Object.entries(CASES)) {
  const code = key as WsgiConformanceCode;
  Deno.test(`validator() reports ${code}`, async (t) => {
    for (const [name, scenario] of Object.entries(bad)) {
      await t.step(name, () => checkScenario(validate, scenario, code, true));
    }
    for (const [name, scenario] of Object.entries(good)) {
      await t.step(
        `but not ${name}`,
        () => checkScenario(validate, scenario, code, false),
      );
    }
  });
}

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

Deno.test("validator() passes what Python's refuses without reason", async () => {
  const app = validator(async (environ, startResponse) => {
    await environ["wsgi.input"].read();
    startResponse("200 OK", [
      ["1a", "tab\there"],
      ["a.b", ""],
      ["X!", ""],
    ]);
    return [];
  }, { onWarning() {} });
  for (
    const variables of [
      { REQUEST_METHOD: "OPTIONS", PATH_INFO: "*" },
      { REQUEST_METHOD: "CONNECT", PATH_INFO: "localhost:443" },
      { REQUEST_METHOD: "PROPFIND" },
    ]
  ) await serve(app, createEnviron(variables));
  const environ = createEnviron();
  delete environ.QUERY_STRING;
  delete environ.SCRIPT_NAME;
  delete environ.PATH_INFO;
  await serve(app, environ);
  for (
    const status of [
      "103 Early Hints",
      "200 OK",
      "205 Reset Content",
      "301 Moved",
      "304 Not Modified",
    ]
  ) {
    await serve(validator((_environ, startResponse) => {
      startResponse(status, []);
      return [];
    }, { onWarning }));
  }
  await serve(validator((_environ, startResponse) => {
    startResponse("304 Not Modified", [["Content-Type", "text/plain"]]);
    return [];
  }, { onWarning }));
});

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

Deno.test("validator() gives the application the same environ", async () => {
  const environ = createEnviron();
  const { "wsgi.errors": errors } = environ;
  let given: unknown;
  await serve(
    validateThrice((environ, startResponse) => {
      given = environ;
      environ["wsgi.errors"].writelines(["a", "b\n"]);
      start(startResponse);
      return [];
    }),
    environ,
  );
  assertStrictEquals(given, environ);
  assertEquals(String(errors), "ab\n");
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
    clause: "P084 (PEP 3333: The start_response() Callable)",
    side: "application",
    severity: "error",
    value: '["X-A", "b\\r\\nX-C: d"]',
  });
  assertEquals(
    error.message,
    'The value of a header must have no control characters, and no blanks around it: received ["X-A", "b\\r\\nX-C: d"]; remove them, above all line breaks',
  );
});

Deno.test("CONFORMANCE_CHECKS has rules and remedies of one form", () => {
  const checks: [string, WsgiConformanceCheck][] = Object.entries(
    CONFORMANCE_CHECKS,
  );
  for (const [code, { clause, severity, rule, remedy }] of checks) {
    assertMatch(code, /^[a-z]+(?:-[a-z]+)*$/);
    assertMatch(clause, /^P\d{3}(?:, P\d{3})*(?:, RFC \d{4} \d+(?:\.\d+)*)?$/);
    assertMatch(rule, severity === "error" ? /\bmust\b/ : /\bshould\b/);
    assertMatch(rule, /[^.]$/);
    assertMatch(remedy, /^[a-z].*[^.]$/);
  }
});

Deno.test("validator() tells on which side the fault is", () => {
  const found: string[] = [];
  const wrap = (name: string, app: WsgiApplication) =>
    validator(app, {
      onViolation: ({ code, side }) => found.push(`${name}: ${code} ${side}`),
    });
  const faulty: WsgiApplication = (_environ, startResponse) => {
    startResponse("200 OK\n", []);
    return [];
  };
  const faultless: WsgiApplication = (_environ, startResponse) => {
    startResponse("200 OK", []);
    return [];
  };
  const transparent = (app: WsgiApplication): WsgiApplication => app;
  const damaging =
    (app: WsgiApplication): WsgiApplication => (environ, startResponse) =>
      app(
        { ...environ, SERVER_PORT: "" },
        (status, headers) =>
          startResponse(status, [...headers, ["Status", status]]),
      );
  const run = (
    middleware: (app: WsgiApplication) => WsgiApplication,
    app: WsgiApplication,
    variables = {},
  ) => {
    found.length = 0;
    wrap("outer", middleware(wrap("inner", app)))(
      createEnviron(variables),
      startResponse,
    );
    return found.join(", ");
  };
  assertEquals(run(transparent, faultless), "");
  assertEquals(run(transparent, faulty), "inner: status-control application");
  assertEquals(
    run(transparent, faultless, { SERVER_PORT: "" }),
    "outer: server-port server",
  );
  assertEquals(
    run(damaging, faultless),
    "inner: server-port middleware, outer: header-status middleware",
  );
});

Deno.test("validator() does not take two calls with one environ for a nested one", async () => {
  const first = validator(() => [invalid<Uint8Array>("text")], {
    onViolation() {},
  });
  const second = validator(function* (_environ, startResponse) {
    start(startResponse);
    yield HELLO;
    yield HELLO;
  });
  const app = validator((environ, startResponse) => {
    first(environ, startResponse);
    return second(environ, startResponse);
  });
  assertEquals(await serve(app), [HELLO, HELLO]);
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

Deno.test("validator() collects all that is wrong with a response", () => {
  const codes: string[] = [];
  const app = validator((_environ, startResponse) => {
    startResponse("200", [["Connection", "close"], ["Content-Length", "6"]]);
    return [invalid<Uint8Array>("text"), invalid<Uint8Array>("text"), HELLO];
  }, {
    onViolation: ({ code }) => codes.push(code),
    onWarning: ({ code }) => codes.push(code),
  });
  app(createEnviron(), startResponse);
  assertEquals(codes, [
    "status-form",
    "header-hop-by-hop",
    "block-type",
    "content-type-missing",
    "content-length-unreached",
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

Deno.test("validator() observes each clause, or a reason says why it cannot", () => {
  const codes = observers();
  assertEquals(CLAUSES.length, 194);
  CLAUSES.forEach(([_statement, reason], index) => {
    const number = `P${String(index + 1).padStart(3, "0")}`;
    assertEquals(codes.has(number), reason === undefined, number);
    assertLessOrEqual(reason?.split(" ").length ?? 0, 5);
  });
});

Deno.test("validator() has the rule above each of its checks", () => {
  const unchecked = new Set<string>(Object.keys(CONFORMANCE_CHECKS));
  for (const { code, comment } of findSites(SOURCE)) {
    const { clause } = CONFORMANCE_CHECKS[code];
    const numbers = clause.match(/P\d{3}/g)?.join(", ");
    assertEquals(comment.split(":")[0], numbers, code);
    unchecked.delete(code);
  }
  assertEquals([...unchecked], []);
});

Deno.test("docs/conformance.md is what the checks and their tests say", async () => {
  const isFresh = await Deno.readTextFile(DOCUMENT) === generateDocument();
  assert(isFresh, "The document is stale: run `deno task docs:clauses`.");
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
