// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import { quote } from "./_escape.ts";
import { isDigits } from "./_grammar.ts";
import { beforeQuery, decodePath } from "./_request_environ.ts";
import { RequestError } from "./_request_error.ts";
import type { WsgiEnviron } from "./types.ts";

// What HTTP clients take for a setting, and headers that have variables of
// their own (P044).
const UNWANTED_VARIABLES = [
  "HTTP_PROXY",
  "HTTP_CONTENT_TYPE",
  "HTTP_CONTENT_LENGTH",
];
// What is to be left out if there is nothing to say (P049).
const OPTIONAL_VARIABLES = [
  "CONTENT_TYPE",
  "AUTH_TYPE",
  "REMOTE_ADDR",
  "REMOTE_HOST",
  "REMOTE_IDENT",
  "REMOTE_USER",
];

/**
 * Makes an environ of the CGI variables that a web server passes to a gateway.
 *
 * - A request header that comes several times is joined. Of any other variable
 *   the last value counts, but the values of `CONTENT_LENGTH` must be the same.
 * - `HTTP_PROXY`, which a client could set, is left out, and so are
 *   `HTTP_CONTENT_TYPE` and `HTTP_CONTENT_LENGTH`, which some servers add, and
 *   what servers leave empty as they do not know it, such as `REMOTE_USER`.
 * - A `PATH_INFO` that is missing is taken from `REQUEST_URI`, if that has more
 *   than the `SCRIPT_NAME`.
 *
 * @param variables The names and values, as native strings: each character
 * stands for a byte.
 * @returns The environ.
 * @throws {RequestError} If there is no `REQUEST_METHOD`, or if `CONTENT_LENGTH` is
 * not one number of bytes.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc3875#section-4.1 | RFC 3875, 4.1}
 * @see {@link https://httpoxy.org/ | httpoxy}
 *
 * @example Usage
 * ```ts
 * import { cgiEnviron } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * const environ = cgiEnviron([
 *   ["REQUEST_METHOD", "GET"],
 *   ["SCRIPT_NAME", "/app"],
 *   ["REQUEST_URI", "/app/spam?eggs"],
 *   ["HTTP_ACCEPT", "text/html"],
 *   ["HTTP_ACCEPT", "text/plain"],
 *   ["REMOTE_USER", ""],
 * ]);
 *
 * assertEquals(environ.PATH_INFO, "/spam");
 * assertEquals(environ.HTTP_ACCEPT, "text/html, text/plain");
 * assertEquals("REMOTE_USER" in environ, false);
 * ```
 */
export function cgiEnviron(
  variables: Iterable<readonly [name: string, value: string]>,
): Partial<WsgiEnviron> {
  const environ: Record<string, string> = Object.create(null);
  for (const [name, value] of variables) {
    const earlier = environ[name];
    if (name === "CONTENT_LENGTH") {
      if (value === "") continue;
      checkLength(value, earlier);
    }
    environ[name] = earlier !== undefined && name.startsWith("HTTP_")
      ? `${earlier}${name === "HTTP_COOKIE" ? ";" : ","} ${value}`
      : value;
  }
  if (!environ.REQUEST_METHOD) {
    throw new RequestError(
      "Cannot answer the request as it has no REQUEST_METHOD, which web servers pass to gateways",
      400,
    );
  }
  for (const name of UNWANTED_VARIABLES) delete environ[name];
  for (const name of OPTIONAL_VARIABLES) {
    if (environ[name] === "") delete environ[name];
  }
  const { PATH_INFO, REQUEST_URI, SCRIPT_NAME = "" } = environ;
  if (PATH_INFO === undefined && REQUEST_URI !== undefined) {
    const path = decodePath(beforeQuery(REQUEST_URI));
    if (path.startsWith(`${SCRIPT_NAME}/`)) {
      environ.PATH_INFO = path.slice(SCRIPT_NAME.length);
    }
  }
  return environ;
}

/** Refuses what is no length. The same one twice is one: RFC 9110, 8.6. */
export function checkLength(length: string, earlier = length): void {
  if (isDigits(length) && length === earlier) return;
  throw new RequestError(
    `Cannot answer the request as its CONTENT_LENGTH must be one number of bytes: received ${
      quote(length === earlier ? length : [earlier, length])
    }`,
    400,
  );
}
