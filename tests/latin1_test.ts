// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals } from "@std/assert";
import { encodeLatin1, isLatin1 } from "../_latin1.ts";

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);

Deno.test("isLatin1() takes each character that stands for a byte", () => {
  for (
    const [text, expected] of [
      ["", true],
      [String.fromCharCode(...EVERY_BYTE), true],
      ["\u0100", false],
      ["a\n\u20ac", false],
      ["\ud83d\ude00", false],
    ] as const
  ) {
    assertEquals(isLatin1(text), expected);
  }
});

Deno.test("encodeLatin1() gives the bytes that characters stand for", () => {
  assertEquals(encodeLatin1(""), new Uint8Array(0));
  assertEquals(encodeLatin1(String.fromCharCode(...EVERY_BYTE)), EVERY_BYTE);
});
