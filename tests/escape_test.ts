// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals } from "@std/assert";
import { escape, escapeControls, quote } from "../_escape.ts";

Deno.test("escape() and escapeControls() put a text on one line", () => {
  for (
    const [text, escaped, controlsEscaped = escaped] of [
      ["", ""],
      ["caf\xe9 \u20ac", "caf\xe9 \u20ac"],
      ["a\tb\nc\rd", "a\\tb\\nc\\rd"],
      ["\x00\x1b[31m\x7f", "\\x00\\x1b[31m\\x7f"],
      ["\x80\x9f\xa0", "\\x80\\x9f\xa0"],
      ["\u2028\u2029", "\\u2028\\u2029"],
      // Only in quotes these matter.
      ['"\\', '\\"\\\\', '"\\'],
    ] as [text: string, escaped: string, controlsEscaped?: string][]
  ) {
    assertEquals(escape(text), escaped);
    assertEquals(escapeControls(text), controlsEscaped);
  }
});

Deno.test("quote() shows a value on one line, shortly", () => {
  for (
    const [value, shown] of [
      ["spam", '"spam"'],
      ['a"\n', '"a\\"\\n"'],
      ["a".repeat(200), `"${"a".repeat(200)}"`],
      ["a".repeat(201), `"${"a".repeat(200)}…"`],
      [undefined, "undefined"],
      [null, "null"],
      [1, "1"],
      [1n, "1"],
      [true, "true"],
      [Symbol("spam"), "Symbol(spam)"],
      [{}, "[object Object]"],
      [Object.create(null), "[object Object]"],
      [new Uint8Array(1), "[object Uint8Array]"],
      [() => {}, "[object Function]"],
      [[], "[]"],
      [["a", 1, null], '["a", 1, null]'],
      [[["a"]], '[["a"]]'],
      [[[["a"]]], "[[[object Array]]]"],
      [Array(20).fill(1), `[${Array(10).fill(1).join(", ")}]`],
    ] as [unknown, string][]
  ) {
    assertEquals(quote(value), shown);
  }
});
