// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

const OUTSIDE_REGEXP = /[^\0-\xff]/;

/** Whether each character stands for a byte, as in a native string. */
export function isLatin1(text: string): boolean {
  return !OUTSIDE_REGEXP.test(text);
}

/** The bytes that the characters of a native string stand for. */
export function encodeLatin1(native: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(native.length);
  for (let i = 0; i < native.length; i++) bytes[i] = native.charCodeAt(i);
  return bytes;
}
