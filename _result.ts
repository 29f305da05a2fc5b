// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import { quote } from "./_escape.ts";
import type { WsgiResult } from "./types.ts";

/** What an iterator gives: a block, or the end. */
export type Step = IteratorResult<Uint8Array>;

/** What gives the blocks of a result, one at a time. */
export interface BlockIterator {
  next(): Step | Promise<Step>;
  return?(): Step | Promise<Step>;
}

/** Whether a value has to be waited for. */
export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as Promise<T> | undefined)?.then === "function";
}

/** Refuses a result that cannot be iterated. */
export function checkResult(result: WsgiResult): WsgiResult {
  if (
    typeof result !== "object" || result === null ||
    result instanceof Uint8Array ||
    !(Symbol.iterator in result || Symbol.asyncIterator in result)
  ) {
    throw new TypeError(
      `Cannot send the result of the application as it must be an iterable of Uint8Array blocks, such as [body]: received ${
        quote(result)
      }`,
    );
  }
  return result;
}

/**
 * The iterator of a result. A stream gets one made here: `return()` of its own
 * waits for a pending read, and this one cancels.
 */
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

/** How far the iteration of a result has come, for {@linkcode closeResult}. */
export interface Iteration {
  /** The iterator, unless it has given its last block or has thrown. */
  iterator: BlockIterator | null;
  /** Whether a `next()` has not settled. */
  isWaiting: boolean;
  /** Is given the error of a `return()` that nobody has waited for. */
  onLateError?: (error: unknown) => void;
}

/** The iteration of a result that was not begun here: somebody else may have. */
function notBegun(result: WsgiResult): Iteration {
  if (result instanceof ReadableStream) {
    // A stream that somebody reads is for them to cancel.
    return {
      iterator: result.locked ? null : iterate(result),
      isWaiting: false,
    };
  }
  // A generator is its own iterator.
  const { next, return: end } = result as Partial<BlockIterator>;
  const isIterator = typeof next === "function" && typeof end === "function";
  return {
    iterator: isIterator ? result as unknown as BlockIterator : null,
    isWaiting: false,
  };
}

/**
 * Gives a result up in whatever state it is: ends its iterator, then calls its
 * `close()`. Waits only for what makes it wait.
 */
export function closeResult(
  result: WsgiResult,
  iteration: Iteration = notBegun(result),
): void | Promise<void> {
  const { iterator, isWaiting, onLateError } = iteration;
  if (iterator === null && result.close === undefined) return;
  const close = () => result.close?.();
  if (!isWaiting) return callAll([() => iterator?.return?.(), close]);
  // `return()` of a generator waits for a pending `next()`, which perhaps only
  // `close()` can end.
  const errors: unknown[] = [];
  let isOver = false;
  const end = () => {
    Promise.resolve(iterator?.return?.()).catch((error) => {
      if (isOver) onLateError?.(error);
      else errors.push(error);
    });
  };
  return callAll([end, close, () => void (isOver = true)], errors);
}

/**
 * Calls one function after the other, also if one fails. Waits only for what
 * makes it wait, and throws every error in the end, with those of before.
 */
export function callAll(
  calls: (() => unknown)[],
  errors: unknown[] = [],
): void | Promise<void> {
  for (const [index, call] of calls.entries()) {
    try {
      const value = call();
      if (isPromise(value)) {
        return Promise.resolve(value)
          .catch((error) => void errors.push(error))
          .then(() => callAll(calls.slice(index + 1), errors));
      }
    } catch (error) {
      errors.push(error);
    }
  }
  // `close()` often throws what `return()` has thrown.
  const [error, ...others] = new Set(errors);
  if (others.length > 0) {
    throw new AggregateError(
      [error, ...others],
      "Cannot end the response as it failed more than once",
    );
  }
  if (errors.length > 0) throw error;
}

/** Options for {@linkcode ResultReader}. */
export interface ResultReaderOptions<T> {
  /** Is given what the iterator throws. By default, it is thrown again. */
  fail?: (error: unknown) => T | Promise<T>;
}

function rethrow(error: unknown): never {
  throw error;
}

/** Reads the blocks of a result, and gives it up once. */
export class ResultReader<T> {
  readonly #result: WsgiResult;
  readonly #use: (step: Step) => T | Promise<T>;
  readonly #onError: (error: unknown) => T | Promise<T>;
  #iteration: Iteration | undefined;
  #isClosed = false;
  #closed: void | Promise<void> = undefined;

  /** `use` is given each block as it comes, and the end. */
  constructor(
    result: WsgiResult,
    use: (step: Step) => T | Promise<T>,
    options: ResultReaderOptions<T> = {},
  ) {
    this.#result = result;
    this.#use = use;
    this.#onError = options.fail ?? rethrow;
  }

  /** Asks for a block: a promise of what `use` returns only if one is needed. */
  read(): T | Promise<T> {
    let step;
    try {
      this.#iteration ??= {
        iterator: iterate(this.#result),
        isWaiting: false,
      };
      step = (this.#iteration.iterator as BlockIterator).next();
    } catch (error) {
      return this.#fail(error);
    }
    if (!isPromise(step)) return this.#take(step);
    this.#iteration.isWaiting = true;
    return step.then(this.#take, this.#fail);
  }

  #take = (step: Step): T | Promise<T> => {
    const iteration = this.#iteration as Iteration;
    iteration.isWaiting = false;
    if (step.done) iteration.iterator = null;
    return this.#use(step);
  };

  #fail = (error: unknown): T | Promise<T> => {
    if (this.#iteration) {
      this.#iteration = { iterator: null, isWaiting: false };
    }
    return this.#onError(error);
  };

  /** How far it has come: `undefined` if it was not begun. */
  get iteration(): Iteration | undefined {
    return this.#iteration;
  }

  /** Ends the iterator at once, also while a `next()` has not settled. */
  return(): unknown {
    const iteration = this.#iteration;
    const iterator = iteration?.iterator;
    if (iteration) iteration.iterator = null;
    return iterator?.return?.();
  }

  /** Gives the result up, whatever has become of it, the first time. */
  close(): void | Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#closed = closeResult(this.#result, this.#iteration);
    }
    return this.#closed;
  }
}
