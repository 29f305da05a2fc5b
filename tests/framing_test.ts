// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals } from "@std/assert";
import { Framing, isBodiless, isLengthless } from "../_framing.ts";

Deno.test("isBodiless() and isLengthless() tell what a code forbids", () => {
  for (
    const [code, bodiless, lengthless] of [
      [100, true, true],
      [103, true, true],
      [199, true, true],
      [200, false, false],
      [203, false, false],
      [204, true, true],
      [205, true, false],
      [206, false, false],
      [303, false, false],
      [304, true, false],
      [305, false, false],
      [404, false, false],
      [599, false, false],
    ] as const
  ) {
    assertEquals(isBodiless(code), bodiless, `${code}`);
    assertEquals(isLengthless(code), lengthless, `${code}`);
  }
});

Deno.test("Framing tells whether a body and a length may follow the head", () => {
  for (
    const [code, isHead, hasBody, hasLength] of [
      [200, false, true, true],
      [200, true, false, true],
      [404, true, false, true],
      [103, false, false, false],
      [204, false, false, false],
      [204, true, false, false],
      [205, false, false, false],
      [205, true, false, false],
      [304, false, false, true],
      [304, true, false, true],
    ] as const
  ) {
    const framing = new Framing(code, { isHead });
    assertEquals(framing.hasBody, hasBody, `${code}`);
    assertEquals(framing.hasLength, hasLength, `${code}`);
  }
});

Deno.test("Framing counts what a result gives, if that is what GET sends", () => {
  for (
    const [code, isHead, length, isCountable] of [
      [200, false, 0, true],
      [200, false, 5, true],
      [200, true, 1, true],
      // Perhaps the application has left the body out.
      [200, true, 0, false],
      [204, false, 5, false],
      [205, false, 0, false],
      [304, false, 5, false],
      [304, true, 5, false],
    ] as const
  ) {
    const framing = new Framing(code, { isHead });
    assertEquals(framing.isCountable(length), isCountable, `${code} ${length}`);
  }
});

Deno.test("Framing tells how much room a body has, and how much is missing", () => {
  for (
    const [length, isHead, size, room, missing] of [
      [undefined, false, 0, Infinity, 0],
      [undefined, false, 5, Infinity, 0],
      [0, false, 0, 0, 0],
      [5, false, 0, 5, 5],
      [5, false, 3, 2, 2],
      [5, false, 5, 0, 0],
      // Nothing of it is sent.
      [5, true, 0, Infinity, 0],
    ] as const
  ) {
    const framing = new Framing(200, { isHead, length });
    assertEquals(framing.size, 0);
    framing.size = size;
    assertEquals(framing.room, room);
    assertEquals(framing.missing, missing);
  }
  const counted = new Framing(200, { isHead: false });
  counted.length = 3;
  assertEquals(counted.room, 3);
  const bodiless = new Framing(304, { isHead: false, length: 5 });
  assertEquals([bodiless.room, bodiless.missing], [Infinity, 0]);
});
