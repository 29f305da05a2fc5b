// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import type { Checks, Situation } from "./_conformance.ts";
import type { Exchange } from "./_exchange.ts";
import { isBodiless, isLengthless } from "./_framing.ts";
import { Head } from "./_head_checks.ts";
import { isPromise } from "./_result.ts";
import type { StartResponse, WriteCallable, WsgiHeaderList } from "./types.ts";

/** What middleware that changes a body has to do about its length. */
function suggestDeletion({ inner }: Situation): string | undefined {
  return inner &&
    "count bytes, not characters, or delete it where the body is changed";
}

/** How a response must be begun, and what must follow its head. */
export const RESPONSE_CHECKS = {
  // startResponse()
  "start-response-arguments": {
    clause: ["P015", "P016", "P077"],
    rule: "startResponse() must be called with two or three arguments",
    remedy: "pass the status, the headers and, after an error, excInfo",
  },
  "start-response-repeated": {
    clause: ["P101", "P102", "P144"],
    rule:
      "startResponse() must not be called again without excInfo, even if it threw",
    remedy: "pass the error that made it necessary as excInfo",
  },
  "start-response-missing": {
    clause: ["P030", "P031", "P032"],
    rule: "startResponse() must be called before the first block of the body",
    remedy: "call it in the application, or at the top of the generator",
  },
  "start-response-result": {
    clause: ["P019"],
    side: "server",
    rule: "startResponse() must return the function write",
    remedy: "return what the startResponse() further out returned",
  },
  "exc-info-type": {
    clause: ["P095"],
    severity: "warning",
    rule: "excInfo should be the error that was thrown",
    remedy: "pass an instance of Error",
  },
  "exc-info-ignored": {
    clause: ["P098"],
    side: "server",
    severity: "warning",
    rule: "startResponse() should throw excInfo once the headers are sent",
    remedy: "throw it, unless nothing has reached the client yet",
  },
  "exc-info-trapped": {
    clause: ["P100", "P145"],
    rule: "What startResponse() throws for excInfo must not be caught",
    remedy: "let it pass, so that the server can end the response",
  },

  // write()
  "write-arguments": {
    clause: ["P077", "P019"],
    rule: "write() must be called with one argument",
    remedy: "call it once for each block",
  },
  "write-after-return": {
    clause: ["P130", "P131"],
    rule: "write() must not be called after the application returned",
    remedy: "yield the block",
  },
  "write-discouraged": {
    clause: ["P124"],
    severity: "warning",
    rule: "write() should not be used by new applications",
    remedy: "return or yield the blocks",
  },
  "middleware-write": {
    clause: ["P122", "P123", "P008"],
    side: "middleware",
    rule: "Middleware must not write() what the application yields",
    remedy: "yield it",
  },
  "write-type": {
    clause: ["P125", "P138", "P002"],
    rule: "write() must be given a Uint8Array",
    remedy: "encode text with new TextEncoder().encode(text)",
  },
  "write-result": {
    clause: ["P126", "P019"],
    side: "server",
    rule: "write() must return a promise",
    remedy: "settle it when the data has been handed on",
  },

  // The body
  "block-type": {
    clause: ["P020", "P138", "P002"],
    rule: "Each block of the body must be a Uint8Array",
    remedy: "encode text with new TextEncoder().encode(text)",
  },
  "body-forbidden": {
    clause: ["P085", "RFC 9110, 6.4.1"],
    rule: "A response with status 1xx, 204, 205 or 304 must not have a body",
    remedy: "return []",
  },
  "body-to-head": {
    clause: ["P085", "RFC 9110, 9.3.2"],
    severity: "warning",
    rule: "A response to HEAD should not have a body, which is not sent",
    remedy: "return []",
  },
  "content-length-exceeded": {
    clause: ["P105", "P106"],
    rule: "The body must not be longer than its Content-Length",
    remedy: "count bytes, not characters",
    remedyIn: suggestDeletion,
  },
  "content-type-missing": {
    clause: ["P024", "RFC 9110, 8.3"],
    severity: "warning",
    rule: "A response with a body should have a Content-Type",
    remedy: "set it, or else clients guess",
  },
  "content-length-unreached": {
    clause: ["P107"],
    rule: "The body must not be shorter than its Content-Length",
    remedy: "count bytes, not characters",
    remedyIn: suggestDeletion,
  },
} satisfies Checks;

/** Guards `startResponse()` and `write()`, and measures the body. */
export class ResponseGuard {
  readonly #exchange: Exchange;
  readonly #startResponse: StartResponse;
  /** Whether there was a block before the response was begun. */
  #isMissed = false;
  /** What `startResponse()` threw when it was given an error. */
  #fatal: unknown;
  #head: Head;
  /** Whether the server has asked for more after a block that has bytes. */
  #isCommitted = false;

  constructor(exchange: Exchange, startResponse: StartResponse) {
    this.#exchange = exchange;
    this.#startResponse = startResponse;
    this.#head = new Head(exchange);
  }

  start(
    status: string,
    headers: WsgiHeaderList,
    excInfo: unknown,
    rest: unknown[],
  ): WriteCallable {
    const exchange = this.#exchange;
    const hasError = excInfo !== undefined && excInfo !== null;
    if (headers === undefined || rest.length > 0) {
      const args = [status, headers, excInfo, ...rest];
      exchange.report("start-response-arguments", args);
    }
    if (exchange.hasStarted && !hasError) {
      exchange.report("start-response-repeated", status);
    }
    exchange.hasStarted = true;
    const { inner } = exchange;
    const isPassedOn = inner?.hasStarted && inner.failedAt === undefined;
    exchange.source = isPassedOn ? inner : undefined;
    if (hasError && !(excInfo instanceof Error)) {
      exchange.report("exc-info-type", excInfo);
    }
    this.#head = new Head(exchange);
    this.#head.check(status, headers);
    let write;
    try {
      write = this.#startResponse(status, headers, excInfo);
    } catch (error) {
      if (hasError) this.#fatal = error;
      throw error;
    }
    if (hasError && this.#isCommitted) {
      exchange.report("exc-info-ignored", excInfo);
    }
    if (typeof write !== "function") {
      exchange.report("start-response-result", write);
      return write;
    }
    return this.#guardWrite(write);
  }

  #guardWrite(write: WriteCallable): WriteCallable {
    const exchange = this.#exchange;
    return (data, ...rest: unknown[]) => {
      if (rest.length > 0) exchange.report("write-arguments", [data, ...rest]);
      if (exchange.phase !== "calling") {
        exchange.report("write-after-return", data);
      }
      // To write no bytes is how a response is opened before its body.
      if (!(data instanceof Uint8Array) || data.length > 0) {
        exchange.hasWritten = true;
        if (exchange.inner === undefined) {
          exchange.report("write-discouraged", data);
        } else if (!exchange.inner.hasWritten) {
          exchange.report("middleware-write", data);
        }
      }
      if (data instanceof Uint8Array) this.#measure(data);
      else exchange.report("write-type", data);
      const written = write(data);
      if (!isPromise(written)) exchange.report("write-result", written);
      return written;
    };
  }

  /** Whether what the result gives is sent. */
  get hasBody(): boolean {
    return this.#head.method !== "HEAD" && !isBodiless(this.#head.code);
  }

  /** Takes account of a block of the result, perhaps one that is only counted. */
  take(block: Uint8Array, isCounted = false): void {
    if (block instanceof Uint8Array) this.#measure(block, isCounted);
    else this.#exchange.report("block-type", block);
  }

  #measure(block: Uint8Array, isCounted = false): void {
    const exchange = this.#exchange;
    const { method, code, names, length } = this.#head;
    if (!exchange.hasStarted && !this.#isMissed) {
      this.#isMissed = true;
      exchange.report("start-response-missing", block);
    }
    if (block.length === 0) return;
    exchange.size += block.length;
    if (isBodiless(code)) {
      exchange.report("body-forbidden", block);
    } else if (method === "HEAD") {
      if (!isCounted) exchange.report("body-to-head", block);
    } else {
      if (length !== undefined && exchange.size > length) {
        this.#head.length = undefined;
        const size = `${exchange.size} of ${length} bytes`;
        exchange.report("content-length-exceeded", size);
      }
      if (exchange.hasStarted && !names.includes("content-type")) {
        exchange.report("content-type-missing", block);
      }
    }
  }

  /** Takes note that the server has asked for the next block. */
  commit(): void {
    this.#isCommitted = this.#exchange.size > 0 && this.#head.method !== "HEAD";
  }

  /** Takes note that the application has gone on after `startResponse()`. */
  checkFatal(): void {
    if (this.#fatal === undefined) return;
    this.#exchange.report("exc-info-trapped", this.#fatal);
  }

  /** Takes note that the body is complete. */
  finish(): void {
    const exchange = this.#exchange;
    const { size, source, signal } = exchange;
    if (!exchange.hasStarted && !this.#isMissed) {
      exchange.report("start-response-missing", undefined);
    }
    const { method, code, length = 0 } = this.#head;
    const isUnmeasured = method === "HEAD" || isLengthless(code) ||
      code === 304;
    if (size < length && !isUnmeasured) {
      exchange.report("content-length-unreached", `${size} of ${length} bytes`);
    }
    // What follows the failure may be a message about it.
    if (
      source?.failedAt === size && size !== this.#head.length &&
      this.hasBody && !signal?.aborted
    ) {
      exchange.report("middleware-swallowed", `${size} bytes, then an error`);
    }
  }
}
