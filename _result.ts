// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import type { WsgiResult } from "./types.ts";

type Step = IteratorResult<Uint8Array>;

/** What gives the blocks of a result, one at a time. */
export interface BlockIterator {
  next(): Step | Promise<Step>;
  return?(): Step | Promise<Step>;
}

/** Whether a value has to be waited for. */
export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as Promise<T> | undefined)?.then === "function";
}

/** The iterator of a result. A stream's own would be deaf during a read. */
export function iterate(result: WsgiResult): BlockIterator {
  if (result instanceof ReadableStream) {
    const reader: ReadableStreamDefaultReader<Uint8Array> = result.getReader();
    return {
      next: () => reader.read() as Promise<Step>,
      return: () =>
        reader.cancel().then(() => ({ done: true, value: undefined })),
    };
  }
  return Symbol.asyncIterator in result
    ? result[Symbol.asyncIterator]()
    : result[Symbol.iterator]();
}
