// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

/** Whether a value can have properties of its own. Functions do not count. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Whether a value is an object literal, or has no prototype at all. */
export function isPlainObject(value: unknown): boolean {
  if (!isObject(value) || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  // `Object.prototype` may be that of another realm.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Whether a value is an object with these methods. */
export function hasMethods(value: unknown, names: PropertyKey[]): boolean {
  if (!isObject(value)) return false;
  for (const name of names) {
    const method = (value as Record<PropertyKey, unknown>)[name];
    if (typeof method !== "function") return false;
  }
  return true;
}

/** Whether a value can be iterated, at once or asynchronously. */
export function isIterable(
  value: unknown,
): value is Iterable<unknown> | AsyncIterable<unknown> {
  return hasMethods(value, [Symbol.iterator]) ||
    hasMethods(value, [Symbol.asyncIterator]);
}
