// Copyright 2026 the wsgiref authors. MIT license.

import { assertRejects } from "@std/assert";
import type { WsgiApplication } from "../types.ts";
import { validator, WsgiConformanceError } from "../validate.ts";
import { CASES } from "./_head_checks_cases.ts";
import {
  createEnviron,
  generate,
  onWarning,
  serve,
  testCases,
} from "./_scenarios.ts";

testCases(CASES);

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

Deno.test("validator() tells middleware that startResponse() has not been called", async () => {
  const late = (app: WsgiApplication): WsgiApplication =>
    validator((environ, startResponse) => {
      let status = "";
      const result = app(environ, (...args) => {
        status = args[0];
        return () => Promise.resolve();
      });
      startResponse(status, []);
      return result;
    });
  for (const app of [generate, validator(generate)]) {
    await assertRejects(
      () => serve(late(app)),
      WsgiConformanceError,
      'received ""; wait for the application within to call startResponse()',
    );
  }
  await assertRejects(
    () =>
      serve(late(validator((_environ, startResponse) => {
        startResponse("201", []);
        return [];
      }, { onViolation() {} }))),
    WsgiConformanceError,
    'received "201"; write it like "200 OK"',
  );
  await assertRejects(
    () =>
      serve(validator((_environ, startResponse) => {
        startResponse("201", []);
        return [];
      })),
    WsgiConformanceError,
    'received "201"; write it like "200 OK"',
  );
});
