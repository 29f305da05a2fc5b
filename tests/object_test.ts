// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals } from "@std/assert";
import { hasMethods, isIterable, isObject, isPlainObject } from "../_object.ts";

class Spam {
  read() {}
}

Deno.test("isObject() and isPlainObject() tell what has properties", () => {
  for (
    const [value, object, plain] of [
      [{}, true, true],
      [Object.create(null), true, true],
      [new Spam(), true, false],
      [[], true, false],
      [new Map(), true, false],
      [Object.create({}), true, false],
      [() => {}, false, false],
      [null, false, false],
      [undefined, false, false],
      ["spam", false, false],
    ] as [unknown, boolean, boolean][]
  ) {
    assertEquals(isObject(value), object);
    assertEquals(isPlainObject(value), plain);
  }
});

Deno.test("hasMethods() tells whether an object has all of them", () => {
  for (
    const [value, expected] of [
      [{ read() {}, close() {} }, true],
      [Object.create({ read() {}, close() {} }), true],
      [new Spam(), false],
      [{ read() {}, close: 1 }, false],
      [null, false],
      ["spam", false],
    ] as [unknown, boolean][]
  ) {
    assertEquals(hasMethods(value, ["read", "close"]), expected);
  }
  assertEquals(hasMethods({}, []), true);
});

Deno.test("isIterable() tells objects that can be iterated", () => {
  for (
    const [value, expected] of [
      [[], true],
      [new Set(), true],
      [new ReadableStream(), true],
      [(async function* () {})(), true],
      [{}, false],
      [{ [Symbol.iterator]: null }, false],
      ["spam", false],
      [null, false],
    ] as [unknown, boolean][]
  ) {
    assertEquals(isIterable(value), expected);
  }
});
