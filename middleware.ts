// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

/**
 * Helps to write middleware: what takes an application and returns one, and so
 * is a server to the one within and an application to whoever is around it.
 *
 * - {@linkcode middleware} is the whole of it, for the head and the body.
 * - {@linkcode mapResult} is for the body alone.
 * - {@linkcode closeResult} gives a result up that will not be sent.
 *
 * Middleware that chooses an application, refuses a request or changes the
 * environ needs none of them.
 *
 * ```ts
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { middleware } from "@wsgi/wsgiref/middleware";
 * import type { WsgiApplication } from "@wsgi/wsgiref/types";
 * import { assertEquals } from "@std/assert";
 *
 * function noStore(app: WsgiApplication): WsgiApplication {
 *   return middleware(app, () => ({
 *     start({ headers }) {
 *       headers.set("Cache-Control", "no-store");
 *     },
 *   }));
 * }
 *
 * const app = noStore((_environ, startResponse) => {
 *   startResponse("200 OK", [["Content-Type", "text/plain"]]);
 *   return [new TextEncoder().encode("Hello, world!")];
 * });
 *
 * const response = await toFetchHandler(app)(new Request("http://localhost/"));
 * assertEquals(response.headers.get("Cache-Control"), "no-store");
 * assertEquals(await response.text(), "Hello, world!");
 * ```
 *
 * @see {@link https://peps.python.org/pep-3333/#middleware-components-that-play-both-sides | PEP 3333: Middleware}
 *
 * @module
 */

import {
  callAll,
  checkResult,
  closeResult as release,
  isPromise,
  ResultReader,
  type Step,
} from "./_result.ts";
import { WsgiHeaders } from "./headers.ts";
import type {
  StartResponse,
  WriteCallable,
  WsgiApplication,
  WsgiEnviron,
  WsgiResult,
} from "./types.ts";
import { FileWrapper } from "./util.ts";

const EMPTY = new Uint8Array(0);
const DONE: Step = { done: true, value: undefined };

/** Goes on with a value: at once if it is there. */
function andThen<T, U>(
  value: T | Promise<T>,
  use: (value: T) => U | Promise<U>,
): U | Promise<U> {
  return isPromise(value) ? Promise.resolve(value).then(use) : use(value);
}

/** Does nothing: for errors that somebody else is told of. */
function ignore(): void {}

/**
 * Gives up a result that will not be sent, in whatever state it is, as the
 * handlers do on every way out.
 *
 * A generator is ended, and so is any other iterator that is its own iterable;
 * a `ReadableStream` that nobody reads is canceled, which closes its file. Then
 * `close()` of the result is called, if it has one. Whoever has another iterator
 * of the result, or reads the stream, has to end that.
 *
 * A result that is handed on is closed by whoever gets it, and one given to
 * {@linkcode mapResult} by the result that it returns.
 *
 * @param result The result, which may have been begun, or be at its end.
 * @returns Nothing, or a promise if there is something to wait for.
 * @throws What the result throws as it ends; an `AggregateError` if both its
 * iterator and its `close()` throw.
 *
 * @see {@link https://peps.python.org/pep-3333/#specification-details | PEP 3333: Specification Details, on close()}
 *
 * @example Usage
 * ```ts
 * import { closeResult } from "@wsgi/wsgiref/middleware";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 * const stream = new ReadableStream<Uint8Array>({
 *   cancel: () => void log.push("canceled"),
 * });
 * const array = Object.assign([new Uint8Array(1)], {
 *   close: () => void log.push("closed"),
 * });
 *
 * await closeResult(stream);
 * await closeResult(array);
 * assertEquals(log, ["canceled", "closed"]);
 * ```
 */
export function closeResult(result: WsgiResult): void | Promise<void> {
  return release(result);
}

/**
 * Options for {@linkcode mapResult}.
 *
 * @example Usage
 * ```ts
 * import { type MapResultOptions, mapResult } from "@wsgi/wsgiref/middleware";
 * import { assertEquals } from "@std/assert";
 *
 * const withNewline: MapResultOptions = { end: () => new Uint8Array([10]) };
 *
 * const result = mapResult([new Uint8Array([65])], withNewline);
 * assertEquals(await new Response(ReadableStream.from(result)).text(), "A\n");
 * ```
 */
export interface MapResultOptions {
  /**
   * Turns each block into what is sent in its place.
   *
   * A block that nothing is made of becomes an empty one, as there has to be one
   * for each that the application gives.
   *
   * @param block The block. It is the application's again as soon as the next
   * one is asked for.
   * @returns The bytes to send, or nothing; or a promise of them.
   *
   * @see {@link https://peps.python.org/pep-3333/#middleware-handling-of-block-boundaries | PEP 3333: Middleware Handling of Block Boundaries}
   */
  block?(block: Uint8Array): Uint8Array | void | Promise<Uint8Array | void>;
  /**
   * Gives the bytes to send after the last block. It is called once, if the
   * result comes to its end: not if it fails, or if nobody asks for the rest of
   * it, as a server does that has sent all of `Content-Length`, or answers HEAD.
   * What has to happen in any case belongs in `close`.
   *
   * @returns The bytes to send, or nothing; or a promise of them.
   */
  end?(): Uint8Array | void | Promise<Uint8Array | void>;
  /**
   * Called once, after `close()` of the result, however that ends. No
   * `block` and no `end` is called after it.
   *
   * @returns Nothing, or a promise.
   *
   * @see {@link https://peps.python.org/pep-3333/#specification-details | PEP 3333: Specification Details, on close()}
   */
  close?(): void | Promise<void>;
}

/**
 * What {@linkcode middleware} has `start` look at, and change.
 *
 * @example Usage
 * ```ts
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { middleware, type ResponseHead } from "@wsgi/wsgiref/middleware";
 * import { demoApp } from "@wsgi/wsgiref/simple-server";
 * import { assertEquals } from "@std/assert";
 *
 * function addServer(head: ResponseHead): void {
 *   head.headers.setDefault("Server", "spam/1.0");
 * }
 *
 * const app = middleware(demoApp, () => ({ start: addServer }));
 * const response = await toFetchHandler(app)(new Request("http://localhost/"));
 * assertEquals(response.headers.get("server"), "spam/1.0");
 * ```
 */
export interface ResponseHead {
  /** The status code, a space and the reason phrase. */
  status: string;
  /** The headers: a copy of what the application gave. */
  readonly headers: WsgiHeaders;
}

/**
 * What {@linkcode middleware} calls for one request.
 *
 * @example Usage
 * ```ts
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { middleware, type MiddlewareHooks } from "@wsgi/wsgiref/middleware";
 * import { demoApp } from "@wsgi/wsgiref/simple-server";
 * import { assertEquals } from "@std/assert";
 *
 * const sizes: number[] = [];
 *
 * function countBytes(): MiddlewareHooks {
 *   let size = 0;
 *   return {
 *     block(block) {
 *       size += block.length;
 *       return block;
 *     },
 *     close: () => void sizes.push(size),
 *   };
 * }
 *
 * const handler = toFetchHandler(middleware(demoApp, countBytes));
 * const response = await handler(new Request("http://localhost/"));
 * assertEquals(sizes, [(await response.bytes()).length]);
 * ```
 */
export interface MiddlewareHooks extends MapResultOptions {
  /**
   * Called with the head of the response before it is sent, to look at it or to
   * change it.
   *
   * It is called once for each response that is begun: again if the application
   * replaces it by an error's, with `excInfo`, but not if that comes too
   * late, when the head has been sent. What `block` and `end` keep about
   * a response is to be set up here.
   *
   * If it returns a result, that is sent in place of the application's, which is
   * closed with it. `block` and `end` are not called for it.
   *
   * `startResponse()` is synchronous, so if a promise is returned, that of the
   * server is called when it has settled, and the first block waits for that.
   * What the server then throws is thrown there, and not by `startResponse()`.
   *
   * @param response The status and the headers.
   * @returns Nothing, or a result to send instead; or a promise of that.
   *
   * @see {@link https://peps.python.org/pep-3333/#the-start-response-callable | PEP 3333: The start_response() Callable}
   */
  start?(
    response: ResponseHead,
  ): WsgiResult | void | Promise<WsgiResult | void>;
  /**
   * Called with what the application throws: when it is called, by its promise,
   * or while its result is read. Afterwards the error is thrown again.
   *
   * Unless the hook answers in its place: it calls `startResponse()` with the
   * error as `excInfo`, and returns a result, which goes through the other
   * hooks like any. If the head has been sent, `startResponse()` throws the
   * error, which must not be caught: nothing can be answered any more.
   *
   * Errors of the other hooks do not come here, but for what `start` and `block`
   * throw out of the application's own call of `startResponse()` or `write()`,
   * if it lets that pass.
   *
   * @param error The value that was thrown.
   * @param startResponse Begins the response in its place.
   * @returns Nothing, or a result to send; or a promise of that.
   *
   * @see {@link https://peps.python.org/pep-3333/#error-handling | PEP 3333: Error Handling}
   */
  error?(
    error: unknown,
    startResponse: StartResponse,
  ): WsgiResult | void | Promise<WsgiResult | void>;
}

/** A result of which each block, the end and the close goes through hooks. */
class MappedResult implements AsyncIterable<Uint8Array> {
  readonly #hooks: MapResultOptions;
  readonly #call: MiddlewareCall | null;
  /** What is read, after what was given up for it. */
  readonly #readers: ResultReader<Step>[];
  /** What was read ahead. */
  #steps: (Step | Promise<Step>)[] = [];
  #isEnded = false;
  #isClosed = false;

  /** The call is that of the middleware, if the result is an application's. */
  constructor(
    result: WsgiResult,
    hooks: MapResultOptions,
    call: MiddlewareCall | null = null,
  ) {
    this.#hooks = hooks;
    this.#call = call;
    this.#readers = [
      new ResultReader(result, this.#take, { fail: this.#fail }),
    ];
  }

  /** Is its own iterator. Each step is a promise only if one is needed. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this as unknown as AsyncIterator<Uint8Array>;
  }

  next(): Step | Promise<Step> {
    const step = this.#steps.shift();
    if (step !== undefined) return step;
    if (this.#isEnded) return DONE;
    const pending = this.#call?.pending;
    if (pending) return pending.then(() => this.next());
    this.#replace();
    return this.#readers.at(-1)!.read();
  }

  return(): Step | Promise<Step> {
    this.#end();
    return andThen(this.#readers.at(-1)!.return(), () => DONE);
  }

  close(): void | Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#replace();
    this.#end();
    return callAll([
      ...this.#readers.map((reader) => () => reader.close()),
      () => this.#hooks.close?.(),
    ]);
  }

  /** Reads all blocks at once, unless there is something to wait for. */
  collect(): Uint8Array[] | null {
    const blocks: Uint8Array[] = [];
    let step: Step | Promise<Step>;
    try {
      for (step = this.next(); !isPromise(step); step = this.next()) {
        if (step.done) return blocks;
        blocks.push(step.value);
      }
    } catch (error) {
      // It is thrown where a server expects it, which then closes the result.
      blocks.length = 0;
      step = Promise.reject(error);
    }
    step.catch(ignore);
    const steps = blocks.map((value): Step => ({ done: false, value }));
    this.#steps = [...steps, step];
    return null;
  }

  #end(): void {
    this.#isEnded = true;
    this.#steps = [];
    this.#call?.end();
  }

  #take = (step: Step): Step | Promise<Step> => {
    if (this.#isEnded) return DONE;
    const pending = this.#call?.pending;
    if (pending) return pending.then(() => this.#take(step));
    if (this.#replace()) return step.done ? this.next() : this.#give(EMPTY);
    const hooks = this.#hooks;
    if (step.done) {
      this.#isEnded = true;
      return andThen(
        hooks.end?.(),
        (block) => block ? this.#give(block) : DONE,
      );
    }
    return hooks.block
      ? andThen(hooks.block(step.value), this.#give)
      : this.#give(step.value);
  };

  #give = (block: Uint8Array | void): Step => {
    const value = block ?? EMPTY;
    if (value.length > 0) this.#call?.commit();
    return { done: false, value };
  };

  /** Goes on with what `start` wants to be sent instead, if it does. */
  #replace(): boolean {
    const replacement = this.#call?.takeReplacement() ?? null;
    if (replacement === null) return false;
    const give = (step: Step) => {
      if (this.#isEnded || step.done) {
        this.#isEnded = true;
        return DONE;
      }
      return this.#give(step.value);
    };
    this.#readers.push(new ResultReader(replacement, give));
    return true;
  }

  #fail = (error: unknown): Step | Promise<Step> => {
    if (this.#isEnded || this.#call === null) throw error;
    return andThen(this.#call.answer(error), (page) => {
      if (page === null) throw error;
      if (this.#isEnded) return andThen(closeResult(page), () => DONE);
      this.#readers.push(new ResultReader(page, this.#take));
      return this.next();
    });
  };
}

/** One that can be iterated without a promise if nothing makes it wait. */
class SyncMappedResult extends MappedResult implements Iterable<Uint8Array> {
  [Symbol.iterator](): Iterator<Uint8Array> {
    return {
      next: () => {
        const step = this.next();
        if (!isPromise(step)) return step;
        step.catch(ignore);
        throw new TypeError(
          "Cannot iterate the result synchronously as there is something to wait for: iterate it with for await",
        );
      },
      return: () => this.return() as Step,
    };
  }
}

function createMappedResult(
  result: WsgiResult,
  hooks: MapResultOptions,
  call: MiddlewareCall | null = null,
): MappedResult {
  return Symbol.asyncIterator in result
    ? new MappedResult(result, hooks, call)
    : new SyncMappedResult(result, hooks, call);
}

/**
 * Makes a new result from another: its blocks, its end and its `close()` go
 * through functions of yours.
 *
 * - An array stays an array, and so keeps its `Content-Length`, if `block` and
 *   `end` return no promise. They are called at once then.
 * - A result that can be iterated without promises stays one, under the same
 *   condition. Any other one has at most one promise more for each block.
 * - Each block becomes one block, be it an empty one, and is sent before the next
 *   one is asked for.
 * - The result is released exactly once: its iterator is ended at once
 *   when that of the new one is, also while a block is waited for; with the
 *   `close()` of the new one its own is called, before that of the options. All
 *   errors are thrown, several as an `AggregateError`.
 * - A `length` or `size` of the result is not carried over.
 * - Without options, the result is returned as it is, and a
 *   {@linkcode FileWrapper} stays one if there is `close` only.
 *
 * A `Content-Length` header is not touched: where the body changes, it has to be
 * deleted.
 *
 * @param result The result, which has not been begun.
 * @param options The functions.
 * @returns The new result. An error of a function is thrown as it is read.
 * @throws {TypeError} If `result` is not an iterable of bytes.
 *
 * @see {@link https://peps.python.org/pep-3333/#middleware-handling-of-block-boundaries | PEP 3333: Middleware Handling of Block Boundaries}
 *
 * @example Usage
 * ```ts
 * import { mapResult } from "@wsgi/wsgiref/middleware";
 * import { assertEquals } from "@std/assert";
 *
 * let size = 0;
 * const result = mapResult([new Uint8Array(2), new Uint8Array(3)], {
 *   block(block) {
 *     size += block.length;
 *     return block;
 *   },
 *   end: () => new Uint8Array([size]),
 * });
 *
 * assertEquals(await Array.fromAsync(result), [
 *   new Uint8Array(2),
 *   new Uint8Array(3),
 *   new Uint8Array([5]),
 * ]);
 * ```
 */
export function mapResult(
  result: WsgiResult,
  options: MapResultOptions,
): WsgiResult {
  const { block, end, close } = options;
  checkResult(result);
  if (!block && !end && !close) return result;
  if (result instanceof FileWrapper && !block && !end) {
    return closeFileWith(result, options);
  }
  const mapped = createMappedResult(result, options);
  const blocks = Array.isArray(result) ? mapped.collect() : null;
  if (blocks === null) return mapped;
  return result.close ?? close
    ? Object.assign(blocks, { close: () => mapped.close() })
    : blocks;
}

/** A file wrapper has to be the very one that the server knows. */
function closeFileWith(
  file: FileWrapper,
  options: MapResultOptions,
): FileWrapper {
  const { close } = file;
  let isClosed = false;
  return Object.assign(file, {
    close() {
      if (isClosed) return;
      isClosed = true;
      return callAll([() => close?.call(file), () => options.close?.()]);
    },
  });
}

/** A call of an application by middleware: what its response goes through. */
class MiddlewareCall {
  readonly #hooks: MiddlewareHooks;
  readonly #startResponse: StartResponse;
  #write: WriteCallable | undefined;
  /** What is to be sent in place of the application's result. */
  #replacement: WsgiResult | null = null;
  #isReplaced = false;
  #isStarted = false;
  /** Whether the head has probably been sent. */
  #isCommitted = false;
  #isEnded = false;
  /** What the next block has to wait for. */
  pending: Promise<void> | null = null;

  constructor(hooks: MiddlewareHooks, startResponse: StartResponse) {
    this.#hooks = hooks;
    this.#startResponse = startResponse;
  }

  /** Runs the application. */
  run(
    app: WsgiApplication,
    environ: WsgiEnviron,
  ): WsgiResult | Promise<WsgiResult> {
    let result;
    try {
      const { start, block } = this.#hooks;
      const isSeen = start !== undefined || block !== undefined;
      result = app(environ, isSeen ? this.startResponse : this.#startResponse);
    } catch (error) {
      return this.#fail(error);
    }
    return isPromise(result)
      ? result.then(
        (result) => this.#finish(result),
        (error) => this.#fail(error),
      )
      : this.#finish(result);
  }

  startResponse: StartResponse = (status, headers, excInfo) => {
    const hasError = excInfo !== undefined && excInfo !== null;
    // It may not have come to the server yet, which would say so (P102).
    if (this.#isStarted && !hasError) {
      throw new TypeError(
        "Cannot start the response as startResponse() was called before: an error response passes the error as excInfo",
      );
    }
    this.#isStarted = true;
    // An error's response may come in the place of one that was refused.
    const before = this.pending?.catch(ignore);
    this.#wait(before, () => this.#start(status, headers, excInfo));
    return this.#writeBlock;
  };

  #start(...args: Parameters<StartResponse>): void | Promise<void> {
    if (!this.#hooks.start) return this.#begin(...args);
    // It throws the error if the head has been sent (P098).
    if (this.#isCommitted) this.#startResponse(...args);
    const [status, list, excInfo] = args;
    // The list may be constant.
    const headers = WsgiHeaders.from(list);
    const response = { status, headers };
    return andThen(this.#hooks.start(response), (replacement) => {
      const before = this.takeReplacement();
      this.#isReplaced = Boolean(replacement);
      this.#replacement = replacement ? checkResult(replacement) : null;
      this.#begin(response.status, headers.items(), excInfo);
      const unused = this.#isEnded ? this.takeReplacement() : before;
      if (unused !== null) return closeResult(unused);
    });
  }

  #begin(...args: Parameters<StartResponse>): void {
    if (!this.#isEnded) this.#write = this.#startResponse(...args);
  }

  #writeBlock: WriteCallable = (data) => {
    let written = Promise.resolve();
    const pending = this.#wait(this.pending, () => {
      if (this.#isReplaced || this.#isEnded) return;
      const block = this.#hooks.block ? this.#hooks.block(data) : data;
      return andThen(block, (block) => {
        this.#isCommitted = true;
        if (this.#write) written = this.#write(block ?? EMPTY);
      });
    });
    if (!pending) return written;
    const result = pending.then(() => written);
    // An application need not wait for its writes: the next block does.
    result.catch(ignore);
    return result;
  };

  /** Calls a function when its turn comes, and lets the next block wait. */
  #wait(
    before: Promise<void> | null | undefined,
    call: () => void | Promise<void>,
  ): void | Promise<void> {
    const value = before ? before.then(call) : call();
    if (!isPromise(value)) return;
    const pending = value.then(() => {
      if (this.pending === pending) this.pending = null;
    });
    // Whoever waits for the next block is told.
    pending.catch(ignore);
    this.pending = pending;
    return pending;
  }

  /** Takes note that a block with bytes is on its way. */
  commit(): void {
    this.#isCommitted = true;
  }

  /** Takes note that nothing more is to be sent. */
  end(): void {
    this.#isEnded = true;
  }

  takeReplacement(): WsgiResult | null {
    const replacement = this.#replacement;
    this.#replacement = null;
    return replacement;
  }

  /** What the hook has to say to an error: a result, if it answers. */
  answer(error: unknown): WsgiResult | null | Promise<WsgiResult | null> {
    return andThen(
      this.#hooks.error?.(error, this.startResponse),
      (page) => page ? checkResult(page) : null,
    );
  }

  #fail(error: unknown): WsgiResult | Promise<WsgiResult> {
    let page;
    try {
      page = this.answer(error);
    } catch (error) {
      return this.#abandon(error);
    }
    const take = (page: WsgiResult | null) =>
      page === null ? this.#abandon(error) : this.#take(page);
    return isPromise(page)
      ? page.then(take, (error) => this.#abandon(error))
      : take(page);
  }

  #finish(result: WsgiResult): WsgiResult | Promise<WsgiResult> {
    try {
      checkResult(result);
    } catch (error) {
      return this.#fail(error);
    }
    return this.#take(result);
  }

  #take(result: WsgiResult): WsgiResult | Promise<WsgiResult> {
    const hooks = this.#hooks;
    const { pending } = this;
    // One that is all there runs no code of the application when it is read.
    const isWhole = Array.isArray(result) ||
      result instanceof FileWrapper &&
        !hooks.block && !hooks.end && !hooks.error;
    if (isWhole && pending) {
      return pending.then(
        () => this.#take(result),
        (error) => this.#abandon(error, result),
      );
    }
    const replacement = pending ? null : this.takeReplacement();
    if (replacement !== null) {
      return mapResult(replacement, {
        close: () =>
          callAll([() => closeResult(result), () => hooks.close?.()]),
      });
    }
    return isWhole
      ? mapResult(result, hooks)
      : createMappedResult(result, hooks, this);
  }

  /** Throws an error, after all that is to be closed has been. */
  #abandon(
    error: unknown,
    result: WsgiResult | null = null,
  ): WsgiResult | Promise<WsgiResult> {
    this.#isEnded = true;
    const results = [result, this.takeReplacement()];
    // It throws, at once or later.
    return callAll([
      ...results.map((result) => () => result && closeResult(result)),
      () => this.#hooks.close?.(),
    ], [error]) as Promise<never>;
  }
}

/**
 * Wraps an application so that its response goes through hooks.
 *
 * The hooks are called on the way out only. What is to be done on the way in,
 * to the environ, is done by the function that gives them, or around it.
 *
 * - What a hook leaves out costs nothing. Without any, the application is called
 *   as if nobody stood around it. They are looked up when they are needed, so
 *   `start` may add `block` and `end` to them.
 * - An application that is synchronous stays so, unless a hook is not. What
 *   {@linkcode mapResult} says of the result is true here too. An array stays an
 *   array also if `start` waits.
 * - Blocks that come by `write()` go through `block` too, in their order, and
 *   are handed on by `write()`, as no others are. They are not held
 *   back, but by a `start` or a `block` that waits.
 * - `close` is called once for each call of the application, also if that throws
 *   or if the client leaves.
 * - `Content-Length` is not touched: where the body changes, `start` has to
 *   delete it, and so have `ETag` and others that tell of the body to change.
 *
 * @param app The application.
 * @param hooks Gives the hooks for a request, or none; or a promise of them,
 * which the application waits for.
 * @returns The application that calls them.
 *
 * @see {@link https://peps.python.org/pep-3333/#middleware-components-that-play-both-sides | PEP 3333: Middleware}
 *
 * @example Usage
 * ```ts
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { middleware } from "@wsgi/wsgiref/middleware";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 * const app = middleware(
 *   (_environ, startResponse) => {
 *     startResponse("200 OK", [["Content-Type", "text/plain"]]);
 *     return [new TextEncoder().encode("Hello, world!")];
 *   },
 *   (environ) => {
 *     let line = `${environ.REQUEST_METHOD} ${environ.PATH_INFO}`;
 *     return {
 *       start: ({ status }) => void (line += ` ${status}`),
 *       close: () => void log.push(line),
 *     };
 *   },
 * );
 *
 * await toFetchHandler(app)(new Request("http://localhost/spam"));
 * assertEquals(log, ["GET /spam 200 OK"]);
 * ```
 *
 * @example A page in place of an error
 * ```ts
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { middleware } from "@wsgi/wsgiref/middleware";
 * import { assertEquals } from "@std/assert";
 *
 * const app = middleware(
 *   () => {
 *     throw new RangeError("no such spam");
 *   },
 *   () => ({
 *     error(error, startResponse) {
 *       if (!(error instanceof RangeError)) return;
 *       const headers: [string, string][] = [["Content-Type", "text/plain"]];
 *       startResponse("404 Not Found", headers, error);
 *       return [new TextEncoder().encode(error.message)];
 *     },
 *   }),
 * );
 *
 * const response = await toFetchHandler(app)(new Request("http://localhost/"));
 * assertEquals(response.status, 404);
 * assertEquals(await response.text(), "no such spam");
 * ```
 */
export function middleware(
  app: WsgiApplication,
  hooks: (
    environ: WsgiEnviron,
  ) => MiddlewareHooks | void | Promise<MiddlewareHooks | void>,
): WsgiApplication {
  return (environ, startResponse) =>
    andThen(hooks(environ), (hooks) => {
      const { start, block, end, close, error } = hooks ?? {};
      if (!hooks || !(start ?? block ?? end ?? close ?? error)) {
        return app(environ, startResponse);
      }
      return new MiddlewareCall(hooks, startResponse).run(app, environ);
    });
}
