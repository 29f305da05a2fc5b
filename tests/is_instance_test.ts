// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals } from "@std/assert";
import { isInstance } from "../_is_instance.ts";

Deno.test("isInstance() tells an instance, whatever it is given", () => {
  const { proxy, revoke } = Proxy.revocable(new TypeError("spam"), {});
  revoke();
  for (
    const [value, expected] of [
      [new TypeError("spam"), true],
      [new Proxy(new TypeError("spam"), {}), true],
      [new Error("spam"), false],
      ["spam", false],
      [undefined, false],
      [proxy, false],
    ] as [unknown, boolean][]
  ) {
    assertEquals(isInstance(value, TypeError), expected);
  }
});
