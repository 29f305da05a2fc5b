// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

/** Whether a response with this code has a body: RFC 9110, 6.4.1 and 15.3.6. */
export function isBodiless(code: number): boolean {
  return code < 200 || code === 204 || code === 205 || code === 304;
}

/** Whether a response with this code has no Content-Length: RFC 9110, 8.6. */
export function isLengthless(code: number): boolean {
  return code < 200 || code === 204;
}

/** Options for {@linkcode Framing}. */
export interface FramingOptions {
  isHead: boolean;
  length?: number | undefined;
}

/**
 * What follows the head of one response: whether there is a body, and how many
 * bytes of it.
 */
export class Framing {
  /** Whether bytes of a body follow: not to HEAD, and not with every status. */
  readonly hasBody: boolean;
  /** The number of bytes of the body: `Infinity` as long as it is unknown. */
  length: number;
  /** The number of bytes of the body that came so far. */
  size = 0;
  /** Whether more bytes came than `length`: it is logged once. */
  isExceeded = false;
  readonly #code: number;

  /**
   * @param code The status code.
   * @param options Whether the request is HEAD, and the `Content-Length`.
   */
  constructor(code: number, options: FramingOptions) {
    const { isHead, length = Infinity } = options;
    this.hasBody = !isHead && !isBodiless(code);
    this.length = length;
    this.#code = code;
  }

  /** Whether `Content-Length` may be sent, or counted if it is not there. */
  get hasLength(): boolean {
    // With 205 only 0 would be right, whatever the application says: RFC 9110,
    // 15.3.6.
    return !isLengthless(this.#code) && this.#code !== 205;
  }

  /** Whether the length of what a result gives is that of the response. */
  isCountable(length: number): boolean {
    // What GET would send is unknown if HEAD has nothing to count.
    return !isBodiless(this.#code) && (this.hasBody || length > 0);
  }

  /** The number of bytes that the body still has room for. */
  get room(): number {
    return this.hasBody ? this.length - this.size : Infinity;
  }

  /** The number of bytes that a body which ends now has too few. */
  get missing(): number {
    return this.room < Infinity ? this.room : 0;
  }
}
