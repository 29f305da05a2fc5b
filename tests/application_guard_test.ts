// Copyright 2026 the wsgiref authors. MIT license.

import {
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import type { WsgiApplication } from "../types.ts";
import { validator, WsgiConformanceError } from "../validate.ts";
import { CASES } from "./_application_guard_cases.ts";
import {
  createEnviron,
  generate,
  HELLO,
  hello,
  invalid,
  serve,
  start,
  startResponse,
  testCases,
} from "./_scenarios.ts";

testCases(CASES);

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

Deno.test("validator() checks what middleware does after an application that failed", async () => {
  const codes: string[] = [];
  const options = {
    onViolation: ({ code }: WsgiConformanceError) => codes.push(code),
  };
  const closable = validator(
    (environ, startResponse) =>
      Object.assign(generate(environ, startResponse), { close() {} }),
    options,
  );
  const failing: WsgiApplication[] = [
    () => {
      throw new Error("spam");
    },
    () => Promise.reject(new Error("spam")),
  ];
  for (const app of failing) {
    const first = validator(app, options);
    const fallback: WsgiApplication = async (environ, startResponse) => {
      try {
        return await first(environ, startResponse);
      } catch {
        // It neither hands each block on nor closes the second result.
        const result = await closable(environ, startResponse);
        return Array.fromAsync(result);
      }
    };
    await serve(validator(fallback, options));
    assertEquals(codes.splice(0), ["middleware-delayed", "close-missing"]);
  }
});

Deno.test("validator() names the layer, and those between which it was", async () => {
  /** Five layers, one of which does something else. */
  async function report(
    wrong: string,
    middleware: (app: WsgiApplication) => WsgiApplication,
    names = ["log", "gzip", "session", "auth", "app"],
  ): Promise<[string | undefined, readonly string[], string]> {
    const options = { onWarning() {} };
    const app = names.toReversed().reduce<WsgiApplication>(
      (app, name) =>
        validator(name === wrong ? middleware(app) : app, { ...options, name }),
      hello,
    );
    const error = await assertRejects(() => serve(app), WsgiConformanceError);
    const [place = ""] = / \([^()]*\)$/.exec(error.message) ?? [];
    return [error.layer, error.between, place];
  }
  const badHead = (app: WsgiApplication): WsgiApplication =>
  (
    environ,
    startResponse,
  ) =>
    app(
      environ,
      (status, headers, excInfo) =>
        startResponse(status, [...headers, ["Connection", "close"]], excInfo),
    );
  const badEnviron =
    (app: WsgiApplication): WsgiApplication => (environ, startResponse) =>
      app({ ...environ, SERVER_PORT: "" }, startResponse);
  const joining = (app: WsgiApplication): WsgiApplication =>
    function* (environ, startResponse) {
      const twice: WsgiApplication = function* (environ, startResponse) {
        yield* app(environ, startResponse) as Uint8Array[];
        yield HELLO;
      };
      const blocks = validator(twice, { name: "twice" })(
        environ,
        startResponse,
      ) as Iterable<Uint8Array>;
      yield new Uint8Array([...blocks].length);
    };
  assertEquals(await report("session", badHead), [
    "session",
    ["gzip", "session"],
    ' (in "session", between "gzip" and "session")',
  ]);
  assertEquals(await report("session", badEnviron), [
    "session",
    ["session", "auth"],
    ' (in "session", between "session" and "auth")',
  ]);
  assertEquals(await report("session", joining), [
    "session",
    ["gzip", "session"],
    ' (in "session", between "gzip" and "session")',
  ]);
  assertEquals(await report("app", badHead), [
    "app",
    ["auth", "app"],
    ' (in "app", between "auth" and "app")',
  ]);
  assertEquals(await report("log", badHead), ["log", ["log"], ' (in "log")']);
  assertEquals(await report("app", badHead, ["app"]), [
    "app",
    ["app"],
    ' (in "app")',
  ]);
});

Deno.test("validator() reports a result that was not closed once, not at each later request", async () => {
  const codes: string[] = [];
  const app = validator(
    (environ, startResponse) =>
      Object.assign(generate(environ, startResponse), { close() {} }),
    { onViolation: ({ code }) => codes.push(code) },
  );
  const variables = { "wsgi.multithread": false };
  const result = await app(createEnviron(variables), startResponse);
  assertEquals(await Array.fromAsync(result), [HELLO, HELLO]);
  assertEquals(codes, []);
  for (let count = 0; count < 2; count++) {
    await serve(app, createEnviron(variables));
    assertEquals(codes, ["close-missing"]);
  }
});

Deno.test("validator() runs an application whose environ is none, if nobody throws", async () => {
  const codes: string[] = [];
  const app = validator(hello, { onViolation: ({ code }) => codes.push(code) });
  for (const environ of [null, 5]) {
    codes.length = 0;
    await serve(app, invalid(environ));
    assertEquals(codes, ["environ-type"]);
  }
});

Deno.test("validator() names the application that a server calls wrongly", () => {
  const error = assertThrows(
    () =>
      validator(hello, { name: "hello" })(
        createEnviron({ SERVER_PORT: "" }),
        startResponse,
      ),
    WsgiConformanceError,
  );
  assertEquals(error.layer, undefined);
  assertStringIncludes(
    error.message,
    '; set the default port of the scheme (at "hello")',
  );
});
