// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { WsgiApplication } from "../types.ts";
import { validator, WsgiConformanceError } from "../validate.ts";
import { CASES } from "./_response_guard_cases.ts";
import {
  createEnviron,
  HELLO,
  invalid,
  serve,
  startResponse,
  testCases,
  TEXT,
} from "./_scenarios.ts";

testCases(CASES);

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

Deno.test("validator() reports once what goes on", async () => {
  const { length } = HELLO;
  const table: [app: WsgiApplication, code: string][] = [
    [() => new Set([HELLO, HELLO.slice(1)]), "start-response-missing"],
    [(_environ, startResponse) => {
      startResponse("200 OK", [TEXT, ["Content-Length", `${length - 1}`]]);
      return new Set([HELLO, HELLO.slice(1), HELLO.slice(2)]);
    }, "content-length-exceeded"],
  ];
  for (const [app, expected] of table) {
    const codes: string[] = [];
    const onViolation = ({ code }: { code: string }) => codes.push(code);
    await serve(validator(app, { onViolation }));
    assertEquals(codes, [expected]);
  }
});

Deno.test("validator() tells middleware that changes a body what to do about its length", async () => {
  const app = validator((_environ, startResponse) => {
    startResponse("200 OK", [TEXT, ["Content-Length", "5"]]);
    return [HELLO];
  });
  for (const blocks of [[HELLO, HELLO], []]) {
    const changed: WsgiApplication = async (environ, startResponse) => {
      await app(environ, startResponse);
      return blocks;
    };
    const { message } = await assertRejects(
      () => serve(validator(changed)),
      WsgiConformanceError,
    );
    assertStringIncludes(
      message,
      "; count bytes, not characters, or delete it where the body is changed",
    );
    await assertRejects(
      () =>
        serve(validator((_environ, startResponse) => {
          startResponse("200 OK", [TEXT, ["Content-Length", "5"]]);
          return blocks;
        })),
      WsgiConformanceError,
      "; count bytes, not characters",
    );
  }
});
