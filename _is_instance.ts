// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

/** `instanceof` for what was thrown: a proxy that refuses to tell is none. */
export function isInstance<T>(
  value: unknown,
  type: abstract new (...args: never[]) => T,
): value is T {
  try {
    return value instanceof type;
  } catch {
    return false;
  }
}
