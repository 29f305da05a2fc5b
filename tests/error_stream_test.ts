// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals, assertThrows } from "@std/assert";
import { TextErrorStream } from "../handlers.ts";
import { bytes } from "./_handlers.ts";

Deno.test("TextErrorStream passes text on, and nothing but text", () => {
  const pieces: string[] = [];
  const errors = new TextErrorStream((text) => pieces.push(text));
  errors.write("a\n\u20ac\ud800");
  errors.writelines(new Set(["b", ""]));
  errors.flush();
  assertEquals(pieces, ["a\n\u20ac\ud800", "b", ""]);
  for (
    const [value, received] of [[1, "1"], [bytes("a"), "[object Uint8Array]"]]
  ) {
    assertThrows(
      () => errors.write(value as string),
      TypeError,
      `Cannot write to wsgi.errors as it takes a string: received ${received}`,
    );
    assertThrows(() => errors.writelines([value as string]), TypeError);
  }
  assertEquals(pieces.length, 3);
});
