// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import type {
  Predicates,
  Situation,
  WsgiConformanceCode,
} from "./_conformance.ts";
import type { WsgiResult } from "./types.ts";

/** What a validator remembers between requests. */
export interface Validation {
  /** What the application is called in a stack, if it has a name. */
  name: string | undefined;
  /** Throws a violation, or hands it to the options. */
  report(exchange: Exchange, code: WsgiConformanceCode, value: unknown): void;
  /** How many calls of the application have not returned. */
  calls: number;
  /** How many results are at their end, but not closed. */
  unclosed: number;
}

/**
 * How far a request has come, as its validator sees it:
 *
 * - `"calling"`: the application has not returned.
 * - `"returned"`: the server has the result, and may ask for a block.
 * - `"iterating"`: the server has asked for a block.
 * - `"ended"`: the iteration is over.
 * - `"closed"`: `close()` was called.
 */
type Phase = "calling" | "returned" | "iterating" | "ended" | "closed";

/** One request as it passes one validator: what its guards share. */
export class Exchange implements Situation {
  readonly validation: Validation;
  /** That of the validator around the middleware that made this call. */
  readonly outer: Exchange | undefined;
  /** That of the validator within the application, if that is middleware. */
  inner: Exchange | undefined;
  /** The results within that the middleware has to close. */
  readonly closables: { exchange: Exchange; result: WsgiResult }[] = [];
  phase: Phase = "calling";
  method = "";
  /** Aborted when the client has left. */
  signal: AbortSignal | undefined;
  /** Whether the application has returned a promise. */
  isAsync = false;
  hasStarted = false;
  /** Whether bytes were written by `write()`. */
  hasWritten = false;
  skipsFinally = false;
  /** The number of blocks that the result has yielded. */
  blocks = 0;
  /** The number of bytes of the body. */
  size = 0;
  /** The exchange within of which a block was waited for before returning. */
  awaited: Exchange | undefined;
  /** The exchange within whose response was begun before this one. */
  source: Exchange | undefined;
  /** The size of the body further out when the result failed. */
  failedAt: number | undefined;
  #reported: Set<string> | undefined;

  constructor(validation: Validation, before?: Exchange) {
    this.validation = validation;
    let outer = before;
    // One that is not running did not make this call: it was called before,
    // with the same environ.
    while (outer && outer.phase !== "calling" && outer.phase !== "iterating") {
      outer = outer.outer;
    }
    this.outer = outer;
    if (outer) outer.inner = this;
  }

  /** What the validators of this request have reported. */
  get reported(): Set<string> {
    return this.outer?.reported ?? (this.#reported ??= new Set());
  }

  /** Reports a violation. */
  report(code: WsgiConformanceCode, value: unknown): void {
    this.validation.report(this, code, value);
  }

  /** Reports the first of some rules that a value breaks, if there is one. */
  reportFirst<T>(
    predicates: Predicates<(value: T) => boolean>,
    value: T,
  ): boolean {
    for (const { code, isBad } of predicates) {
      if (!isBad(value)) continue;
      this.report(code, value);
      return true;
    }
    return false;
  }
}
