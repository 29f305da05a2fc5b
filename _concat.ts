// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

/** The bytes of all blocks; those of a single one are not copied. */
export function concat(blocks: Uint8Array[]): Uint8Array {
  if (blocks.length === 1) return blocks[0] as Uint8Array;
  const size = blocks.reduce((sum, block) => sum + block.length, 0);
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const block of blocks) {
    bytes.set(block, offset);
    offset += block.length;
  }
  return bytes;
}
