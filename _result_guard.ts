// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import type { Checks } from "./_conformance.ts";
import type { Exchange } from "./_exchange.ts";
import { hasMethods, isIterable, isObject } from "./_object.ts";
import type { ResponseGuard } from "./_response_guard.ts";
import {
  type BlockIterator,
  closeResult,
  isPromise,
  iterate,
  type Step,
} from "./_result.ts";
import type { WsgiResult } from "./types.ts";
import { FileWrapper } from "./util.ts";

/** What a result must be, and how it must be iterated and closed. */
export const RESULT_CHECKS = {
  "result-type": {
    clause: ["P020", "P127", "P180"],
    rule:
      "The application must return an iterable or async iterable, if only []",
    remedy: "return the blocks in an array, a generator or a ReadableStream",
  },
  "result-string": {
    clause: ["P020", "P132"],
    rule: "The application must not return a string",
    remedy: "return [new TextEncoder().encode(text)]",
  },
  "result-bytes": {
    clause: ["P020"],
    rule: "The application must not return bare bytes",
    remedy: "return [bytes]",
  },
  "result-close": {
    clause: ["P027"],
    rule: "close of a result must be a function",
    remedy: "make it a method, or leave it out",
  },
  "result-length": {
    clause: ["P026"],
    rule: "length or size of a result must be the number of its blocks",
    remedy: "correct it, or leave it out",
  },

  // How a server iterates and closes it
  "iterated-twice": {
    clause: ["P021"],
    side: "server",
    rule: "A result must be iterated once",
    remedy: "keep the blocks if they are needed again",
  },
  "iterated-early": {
    clause: ["P021"],
    side: "server",
    rule: "A block must not be asked for before the one before has come",
    remedy: "await next()",
  },
  "iterated-after-end": {
    clause: ["P021"],
    side: "server",
    rule: "A result must not be iterated after its end",
    remedy: "stop when next() is done",
  },
  "iterated-after-close": {
    clause: ["P027"],
    side: "server",
    rule: "A result must not be iterated after close()",
    remedy: "call close() last",
  },
  "close-repeated": {
    clause: ["P027"],
    side: "server",
    rule: "close() of a result must be called once",
    remedy: "call it in one place, where every request ends",
  },
  "close-missing": {
    clause: ["P027"],
    side: "server",
    rule: "close() of a result must be called when the request ends",
    remedy: "call it in a finally block",
    remedyIn: ({ outer }) =>
      outer?.skipsFinally
        ? "put close() on the object that you return, as a generator that is not begun, or waits, runs no finally block"
        : undefined,
  },

  // What middleware does with it
  "middleware-withheld": {
    clause: ["P118", "P119", "P120", "P114", "P008"],
    side: "middleware",
    rule: "Middleware must yield a block for each block that it is given",
    remedy: "yield new Uint8Array() while there is nothing to send yet",
  },
  "middleware-delayed": {
    clause: ["P121", "P008"],
    side: "middleware",
    rule: "Middleware must return before it iterates the result it is given",
    remedy: "iterate it in a generator, and return that",
  },
  "middleware-swallowed": {
    clause: ["P140", "P008"],
    side: "middleware",
    rule: "Middleware must not hide that the result it is given has failed",
    remedy:
      "throw the error again, or call startResponse() with it and send a message",
  },
} satisfies Checks;

/** Guards a result: how it is iterated and closed, and what it yields. */
class ResultGuard {
  readonly #exchange: Exchange;
  readonly #result: WsgiResult;
  readonly #response: ResponseGuard;
  readonly #hasClose: boolean;
  /** Whether there is nothing but a function to be called at the end. */
  readonly #isClosable: boolean;
  #iterator: BlockIterator | undefined;
  /** Whether a violation has kept the server from the rest of the blocks. */
  #isCut = false;

  constructor(exchange: Exchange, response: ResponseGuard, result: WsgiResult) {
    this.#exchange = exchange;
    this.#result = result;
    this.#response = response;
    this.#hasClose = typeof result.close === "function";
    this.#isClosable = this.#hasClose || result.close === undefined;
    if (!this.#isClosable) exchange.report("result-close", result.close);
    if (this.#hasClose) exchange.outer?.closables.push({ exchange, result });
  }

  begin(): void {
    if (this.#iterator) this.#exchange.report("iterated-twice", this.#result);
    this.#iterator = iterate(this.#result);
    if (!hasMethods(this.#iterator, ["next"])) {
      this.#exchange.report("result-type", this.#iterator);
    }
  }

  /** Asks for a block: a promise if the iterator gives one. */
  next(): Step | Promise<Step> {
    const exchange = this.#exchange;
    if (exchange.phase === "iterating") {
      exchange.report("iterated-early", this.#result);
    } else if (exchange.phase === "ended") {
      exchange.report("iterated-after-end", this.#result);
    } else if (exchange.phase === "closed") {
      exchange.report("iterated-after-close", this.#result);
    } else {
      exchange.phase = "iterating";
    }
    this.#response.commit();
    if (!this.#iterator) this.begin();
    const { outer } = exchange;
    let step;
    try {
      step = (this.#iterator as BlockIterator).next();
    } catch (error) {
      this.#fail(error);
    }
    const isEarly = outer?.phase === "calling" && exchange.blocks === 0;
    if (!isPromise(step)) {
      if (isEarly && !outer.isAsync) outer.awaited = exchange;
      return this.#check(step, true);
    }
    return (isEarly ? giveAlone(exchange, outer, step) : step).then(
      (step) => this.#check(step, false),
      (error) => this.#fail(error),
    );
  }

  return(): Step | Promise<Step> {
    this.#giveUp();
    return this.#iterator?.return?.() ?? { done: true, value: undefined };
  }

  /** Takes note that the server will not ask for another block. */
  end(): void {
    const { phase, outer, validation } = this.#exchange;
    if (phase === "closed" || phase === "ended") return;
    this.#exchange.phase = "ended";
    if (this.#hasClose && !outer) validation.unclosed += 1;
  }

  close(): void | Promise<void> {
    const exchange = this.#exchange;
    const { validation } = exchange;
    if (exchange.phase === "closed") {
      exchange.report("close-repeated", this.#result);
    } else {
      this.#giveUp();
      // The count is 0 if a later request has reported this one as not closed.
      if (this.#hasClose && !exchange.outer && validation.unclosed > 0) {
        validation.unclosed -= 1;
      }
    }
    exchange.phase = "closed";
    // A server ends what it has begun, unless a violation was thrown at it.
    const iteration = this.#iterator === undefined ? undefined : {
      iterator: this.#isCut ? this.#iterator : null,
      isWaiting: false,
    };
    const closing = closeResult(
      this.#isClosable ? this.#result : [],
      iteration,
    );
    return isPromise(closing)
      ? closing.then(() => checkClosables(exchange))
      : checkClosables(exchange);
  }

  #giveUp(): void {
    const exchange = this.#exchange;
    const { phase } = exchange;
    if (phase === "returned" || phase === "iterating") {
      exchange.skipsFinally = !this.#hasClose &&
        (phase === "iterating" || this.#iterator === undefined);
    }
    this.end();
  }

  /** Takes note that the iterator has failed. */
  #fail(error: unknown): never {
    const exchange = this.#exchange;
    if (exchange.phase === "iterating" && !isAbort(error)) {
      exchange.failedAt = exchange.outer?.size;
    }
    this.end();
    throw error;
  }

  #check(step: Step, isSync: boolean): Step {
    const exchange = this.#exchange;
    // The client may be gone since the block was asked for.
    if (exchange.phase !== "iterating") return step;
    exchange.phase = "returned";
    try {
      this.#response.checkFatal();
      if (!isObject(step)) {
        exchange.report("result-type", step);
      } else if (step.done) {
        this.#finish();
      } else {
        exchange.blocks += 1;
        this.#response.take(step.value);
        // Async iteration may read ahead.
        if (isSync) this.#checkBlocks();
      }
    } catch (error) {
      this.#isCut = exchange.phase === "returned";
      this.end();
      throw error;
    }
    return step;
  }

  #finish(): void {
    this.end();
    this.#response.finish();
    // A stream cuts its blocks as it likes.
    if (!(this.#result instanceof ReadableStream)) this.#checkBlocks();
    const { length, size } = this.#result as {
      length?: unknown;
      size?: unknown;
    };
    const count = typeof length === "number" ? length : size;
    if (typeof count === "number" && count !== this.#exchange.blocks) {
      this.#exchange.report("result-length", count);
    }
  }

  /** Compares the blocks with those within. */
  #checkBlocks(): void {
    const { inner, blocks } = this.#exchange;
    if (inner && inner.blocks > blocks && this.#response.hasBody) {
      this.#exchange.report("middleware-withheld", `${inner.blocks} blocks`);
      inner.blocks = blocks;
    }
  }
}

/** Whether an error tells that a stream was told to end. */
function isAbort(error: unknown): boolean {
  const { name } = (error ?? {}) as Partial<Error>;
  return name === "AbortError" || name === "TimeoutError";
}

// Tests may replace that of the global object.
const { setTimeout } = globalThis;

/**
 * Gives middleware that has not returned its first block at a time at which
 * nothing else goes on. If it returns then, that is what it has waited for.
 */
async function giveAlone(
  inner: Exchange,
  outer: Exchange,
  step: Promise<Step>,
): Promise<Step> {
  const block = await step;
  if (outer.phase !== "calling") return block;
  await new Promise((resolve) => setTimeout(resolve));
  outer.awaited = inner;
  forgetSoon(outer);
  return block;
}

/** Forgets the block that was waited for, before another one can be. */
async function forgetSoon(outer: Exchange): Promise<void> {
  // So many promises may be between the block and what middleware returns.
  for (let i = 0; i < 100; i++) await null;
  outer.awaited = undefined;
}

/** Checks that what middleware has to close with its result is closed. */
function checkClosables({ closables }: Exchange): void {
  for (const { exchange, result } of closables) {
    if (exchange.phase !== "closed") exchange.report("close-missing", result);
  }
}

class SyncResultGuard extends ResultGuard implements Iterable<Uint8Array> {
  [Symbol.iterator](): Iterator<Uint8Array> {
    this.begin();
    return this as Iterator<Uint8Array>;
  }
}

class AsyncResultGuard extends ResultGuard
  implements AsyncIterable<Uint8Array> {
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    this.begin();
    return this as AsyncIterator<Uint8Array>;
  }
}

/** An array stays what it is, so that it is answered at once. */
function guardArray(
  exchange: Exchange,
  response: ResponseGuard,
  result: Uint8Array[] & WsgiResult,
): WsgiResult {
  for (const block of result) response.take(block, true);
  response.finish();
  if (result.close === undefined) {
    checkClosables(exchange);
    return result;
  }
  const guard = new ResultGuard(exchange, response, result);
  guard.end();
  return Object.assign([...result], { close: () => guard.close() });
}

/** A file wrapper stays what it is, so that the server can tell. */
function guardFile(
  exchange: Exchange,
  response: ResponseGuard,
  result: FileWrapper,
): WsgiResult {
  const { next, close } = result;
  const guard = new ResultGuard(exchange, response, {
    [Symbol.asyncIterator]: () => ({ next: () => next.call(result) }),
    ...(close && { close: () => close.call(result) }),
  });
  return Object.assign(result, {
    next: () => guard.next(),
    close: () => guard.close(),
  });
}

/** Guards what an application has returned. */
export function guardResult(
  exchange: Exchange,
  response: ResponseGuard,
  result: WsgiResult,
): WsgiResult {
  const { inner, isAsync, awaited } = exchange;
  const isOver = inner?.phase === "ended" || inner?.phase === "closed";
  // What is returned by a promise may have begun to read ahead, a stream to its
  // end.
  const isDelayed = !isAsync || awaited === inner ||
    isOver && !(result instanceof ReadableStream);
  if (inner && inner.blocks > 0 && isDelayed && response.hasBody) {
    exchange.report("middleware-delayed", `${inner.blocks} blocks`);
  }
  response.checkFatal();
  if (typeof result === "string") {
    exchange.report("result-string", result);
  } else if (result instanceof ArrayBuffer || ArrayBuffer.isView(result)) {
    exchange.report("result-bytes", result);
  } else if (
    !isIterable(result) || (result instanceof ReadableStream && result.locked)
  ) {
    exchange.report("result-type", result);
  } else if (Array.isArray(result)) {
    return guardArray(exchange, response, result);
  } else if (result instanceof FileWrapper) {
    return guardFile(exchange, response, result);
  } else {
    return Symbol.asyncIterator in result
      ? new AsyncResultGuard(exchange, response, result)
      : new SyncResultGuard(exchange, response, result);
  }
  return result;
}
