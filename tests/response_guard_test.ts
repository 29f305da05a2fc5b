// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals } from "@std/assert";
import { validator } from "../validate.ts";
import { CASES } from "./_response_guard_cases.ts";
import {
  createEnviron,
  HELLO,
  invalid,
  startResponse,
  testCases,
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
