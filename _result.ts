// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

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

/** How far the iteration of a result has come, for {@linkcode closeResult}. */
export interface Iteration {
  /** The iterator, unless it has given its last block or has thrown. */
  iterator: BlockIterator | null;
  /** Whether a `next()` has not settled. */
  isWaiting: boolean;
}

/** The iteration of a result that nobody has begun, or nobody here. */
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
  if (iteration.iterator === null && result.close === undefined) return;
  const errors: unknown[] = [];
  const { iterator, isWaiting } = iteration;
  const returned = attempt(errors, () => iterator?.return?.());
  // `return()` of a generator waits for a pending `next()`, which perhaps only
  // `close()` can end.
  const closed = isPromise(returned) && !isWaiting
    ? returned.then(() => attempt(errors, () => result.close?.()))
    : attempt(errors, () => result.close?.());
  return isPromise(closed)
    ? closed.then(() => throwErrors(errors))
    : throwErrors(errors);
}

/** Calls a function; an error, now or later, goes into the list. */
function attempt(
  errors: unknown[],
  call: () => unknown,
): unknown {
  try {
    const value = call();
    return isPromise(value)
      ? Promise.resolve(value).catch((error) => void errors.push(error))
      : undefined;
  } catch (error) {
    errors.push(error);
  }
}

function throwErrors(errors: unknown[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) {
    throw new AggregateError(errors, "Cannot release the result");
  }
}

/** Reads the blocks of a result, and gives it up once. */
export class ResultReader<T> {
  readonly #result: WsgiResult;
  readonly #use: (step: Step) => T | Promise<T>;
  #iteration: Iteration | undefined;
  #isClosed = false;
  #closed: void | Promise<void> = undefined;

  /** `use` is given each block as it comes, and the end. */
  constructor(result: WsgiResult, use: (step: Step) => T | Promise<T>) {
    this.#result = result;
    this.#use = use;
  }

  /** Asks for a block: a promise of what `use` returns only if one is needed. */
  read(): T | Promise<T> {
    const iteration = this.#iteration ??= {
      iterator: iterate(this.#result),
      isWaiting: false,
    };
    let step;
    try {
      step = (iteration.iterator as BlockIterator).next();
    } catch (error) {
      return this.#fail(error);
    }
    if (!isPromise(step)) return this.#take(step);
    iteration.isWaiting = true;
    return step.then(this.#take, this.#fail);
  }

  #take = (step: Step): T | Promise<T> => {
    const iteration = this.#iteration as Iteration;
    iteration.isWaiting = false;
    if (step.done) iteration.iterator = null;
    return this.#use(step);
  };

  #fail = (error: unknown): never => {
    const iteration = this.#iteration as Iteration;
    iteration.isWaiting = false;
    iteration.iterator = null;
    throw error;
  };

  /** How far it has come: `undefined` if it was not begun. */
  get iteration(): Iteration | undefined {
    return this.#iteration;
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
