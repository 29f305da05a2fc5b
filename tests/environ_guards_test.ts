// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals, assertStrictEquals } from "@std/assert";
import { CASES } from "./_environ_guards_cases.ts";
import {
  createEnviron,
  serve,
  start,
  testCases,
  validateThrice,
} from "./_scenarios.ts";

testCases(CASES);

Deno.test("validator() gives the application the same environ", async () => {
  const environ = createEnviron();
  const { "wsgi.errors": errors } = environ;
  let given: unknown;
  await serve(
    validateThrice((environ, startResponse) => {
      given = environ;
      environ["wsgi.errors"].writelines(["a", "b\n"]);
      assertEquals(String(environ["wsgi.errors"]), "ab\n");
      start(startResponse);
      return [];
    }),
    environ,
  );
  assertStrictEquals(given, environ);
  assertEquals(String(errors), "ab\n");
});
