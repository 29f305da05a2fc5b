// Copyright 2026 the wsgiref authors. MIT license.

import { assert, assertEquals, assertFalse, assertLess } from "@std/assert";
import { isDigits, isStatus } from "../_grammar.ts";

Deno.test("isStatus() takes three digits, a space and a reason phrase", () => {
  for (
    const status of ["200 OK", "100 C", "999 ~", "404 a  b", "200 \x80\xff"]
  ) {
    assert(isStatus(status), status);
  }
});

Deno.test("isStatus() takes nothing else", () => {
  for (
    const status of [
      "",
      "200",
      "200 ",
      "20 OK",
      "2000 OK",
      "099 OK",
      "\u0662\u0660\u0660 OK",
      "200OK",
      "200\tOK",
      "200  OK",
      "200 OK ",
      "200 OK\n",
      "200 OK\r\nX-A: 1",
      "200 O\x00K",
      "200 O\tK",
      "200 O\x7fK",
      "200 O\u0100K",
      200,
      null,
      undefined,
      ["200 OK"],
    ]
  ) {
    assertFalse(isStatus(status), String(status));
  }
});

Deno.test("isStatus() takes no longer for what is no status", () => {
  const status = `200 ${"a ".repeat(500_000)}`;
  const start = performance.now();
  assertFalse(isStatus(status));
  assertLess(performance.now() - start, 1000);
});

Deno.test("isDigits() takes decimal digits of ASCII alone", () => {
  for (
    const [text, expected] of [
      ["0", true],
      ["007", true],
      ["9".repeat(30), true],
      ["", false],
      [" 1", false],
      ["1 ", false],
      ["1\n", false],
      ["+1", false],
      ["-1", false],
      ["1.0", false],
      ["1e3", false],
      ["0x1", false],
      ["1,1", false],
      ["\xb2", false],
      ["\u0662", false],
    ] as const
  ) {
    assertEquals(isDigits(text), expected, text);
  }
});
