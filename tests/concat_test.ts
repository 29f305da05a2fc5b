// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals, assertStrictEquals } from "@std/assert";
import { concat } from "../_concat.ts";

Deno.test("concat() gives the bytes of all blocks, in order", () => {
  for (
    const [blocks, bytes] of [
      [[], []],
      [[[], []], []],
      [[[1], [], [2, 3]], [1, 2, 3]],
    ] as [number[][], number[]][]
  ) {
    assertEquals(
      concat(blocks.map((block) => new Uint8Array(block))),
      new Uint8Array(bytes),
    );
  }
});

Deno.test("concat() does not copy a single block", () => {
  const block = new Uint8Array([1]);
  assertStrictEquals(concat([block]), block);
});

Deno.test("concat() leaves the blocks as they are", () => {
  const blocks = [new Uint8Array([1]), new Uint8Array([2])];
  concat(blocks).fill(0);
  assertEquals(blocks, [new Uint8Array([1]), new Uint8Array([2])]);
});
