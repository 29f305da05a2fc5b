// Copyright 2026 the wsgiref authors. MIT license.

import {
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
} from "@std/assert";
import { ConnectionLostError, RequestError } from "../_request_error.ts";

Deno.test("RequestError has a status and its reason phrase", () => {
  for (
    const [status, reason] of [
      [400, "Bad Request"],
      [404, "Not Found"],
      [413, "Content Too Large"],
    ] as const
  ) {
    const cause = new Error("eggs");
    const error = new RequestError("spam", status, { cause });
    assertInstanceOf(error, TypeError);
    assertEquals(String(error), "RequestError: spam");
    assertEquals(error.status, status);
    assertEquals(error.reason, reason);
    assertStrictEquals(error.cause, cause);
  }
  assertEquals("cause" in new RequestError("spam", 400), false);
});

Deno.test("ConnectionLostError is a RequestError of a client that has gone", () => {
  const cause = new Error("eggs");
  const error = new ConnectionLostError("spam", { cause });
  assertInstanceOf(error, RequestError);
  assertEquals(String(error), "ConnectionLostError: spam");
  assertEquals(error.status, 400);
  assertStrictEquals(error.cause, cause);
});
