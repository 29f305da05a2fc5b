// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

const REASONS = {
  400: "Bad Request",
  404: "Not Found",
  413: "Content Too Large",
};

/**
 * An error of the request, not of the application: it is answered with its
 * status, and is one line in the log.
 *
 * An application may throw one too.
 *
 * @example Usage
 * ```ts
 * import { RequestError, toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * const handler = toFetchHandler((environ) => {
 *   throw new RequestError(`Cannot find "${environ.PATH_INFO}"`, 404);
 * }, { errors: { write() {}, writelines() {}, flush() {} } });
 *
 * const response = await handler(new Request("http://localhost/spam"));
 * assertEquals(response.status, 404);
 * assertEquals(await response.text(), "Not Found\n");
 * ```
 */
export class RequestError extends TypeError {
  /** The status code that answers the request. */
  readonly status: 400 | 404 | 413;

  /**
   * Constructs a new instance.
   *
   * @param message What is wrong with the request.
   * @param status The status code that answers the request.
   * @param options The cause.
   */
  constructor(
    message: string,
    status: 400 | 404 | 413,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "RequestError";
    this.status = status;
  }

  /** The reason phrase of the status. */
  get reason(): string {
    return REASONS[this.status];
  }
}

/**
 * The error of reading a request's body that broke off: its client has gone, or
 * has sent something that is no body, before the end.
 *
 * @example Tell a client that has gone from a body that is wrong
 * ```ts
 * import { ConnectionLostError, WsgiInput } from "@wsgi/wsgiref/util";
 * import { assertInstanceOf } from "@std/assert";
 *
 * // The client has promised 9 bytes, and sent 5.
 * const input = new WsgiInput(new TextEncoder().encode('{"a":'), { limit: 9 });
 * try {
 *   JSON.parse(new TextDecoder().decode(await input.read()));
 * } catch (error) {
 *   assertInstanceOf(error, ConnectionLostError); // and no SyntaxError
 * }
 * ```
 */
export class ConnectionLostError extends RequestError {
  /**
   * Constructs a new instance.
   *
   * @param message What has happened.
   * @param options The error that told of it, as `cause`.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, 400, options);
    this.name = "ConnectionLostError";
  }
}
