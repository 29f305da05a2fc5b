// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals } from "@std/assert";
import type { WsgiApplication } from "../types.ts";
import { validator } from "../validate.ts";
import { CASES } from "./_application_guard_cases.ts";
import {
  createEnviron,
  HELLO,
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
