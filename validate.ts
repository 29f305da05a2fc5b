// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

/**
 * Checks that a server and an application keep the rules of the protocol.
 *
 * {@linkcode validator} wraps an application and stands between it and whoever
 * calls it. Everything is passed on as it is; what breaks a rule is thrown, or
 * collected, as a {@linkcode WsgiConformanceError}.
 *
 * - `"server"` is the side that calls the validator: the environ, the streams,
 *   how the result is iterated and closed.
 * - `"application"` is the side that the validator calls: `startResponse()`,
 *   `write()`, the result, how the streams are used.
 * - `"middleware"` is what stands between two validators. Put one around each
 *   layer: what a middleware gets right on one side and wrong on the other is
 *   its own doing. The innermost validator that complains is next to the fault.
 *
 * An array is checked when it is returned, and passed on. How it is then
 * iterated is not seen, nor the bytes of a file wrapper that the server sends
 * by other means than iteration.
 *
 * A server that forgets `close()` is noticed at its next request, if its calls
 * do not overlap (`wsgi.multithread` is `false`). A middleware that forgets it
 * is noticed at once, when the result that it returned itself is closed.
 *
 * ```ts
 * import { validator } from "@wsgi/wsgiref/validate";
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * const app = validator((_environ, startResponse) => {
 *   startResponse("200 OK", [["Content-Type", "text/plain"]]);
 *   return [new TextEncoder().encode("Hello, world!")];
 * });
 *
 * const response = await toFetchHandler(app)(new Request("http://localhost/"));
 * assertEquals(await response.text(), "Hello, world!");
 * ```
 *
 * @see {@link https://peps.python.org/pep-3333/ | PEP 3333}
 * @see {@link https://docs.python.org/3/library/wsgiref.html#module-wsgiref.validate | Python: wsgiref.validate}
 *
 * @module
 */

import { AssertionError } from "@std/assert/assertion-error";
import { guardApplication } from "./_application_guard.ts";
import { CHECKS } from "./_checks.ts";
import {
  describeClause,
  type WsgiConformanceCheck,
  type WsgiConformanceCode,
} from "./_conformance.ts";
import { quote } from "./_escape.ts";
import type { WsgiApplication } from "./types.ts";

export type {
  WsgiConformanceCheck,
  WsgiConformanceCode,
} from "./_conformance.ts";

/** The rules that {@linkcode validator} checks, by the code of the violation. */
export const CONFORMANCE_CHECKS: Readonly<
  Record<WsgiConformanceCode, WsgiConformanceCheck>
> = Object.fromEntries(
  Object.entries(CHECKS).map(([code, { clause, side, severity, ...check }]) => [
    code,
    {
      clause: describeClause(clause),
      side: side ?? "application",
      severity: severity ?? "error",
      ...check,
    },
  ]),
) as Record<WsgiConformanceCode, WsgiConformanceCheck>;

/** Options for {@linkcode WsgiConformanceError}. */
export interface WsgiConformanceErrorOptions {
  /** What was found. */
  value: unknown;
  /** Who broke the rule. By default, the side of the check. */
  side?: WsgiConformanceCheck["side"];
}

/**
 * What {@linkcode validator} throws, or hands to its options.
 *
 * @example Usage
 * ```ts
 * import { validator, WsgiConformanceError } from "@wsgi/wsgiref/validate";
 * import { setupTestingDefaults } from "@wsgi/wsgiref/util";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const app = validator((_environ, startResponse) => {
 *   startResponse("200 OK\n", []);
 *   return [];
 * });
 * const error = assertThrows(
 *   () => app(setupTestingDefaults({}), () => () => Promise.resolve()),
 *   WsgiConformanceError,
 * );
 *
 * assertEquals(error.code, "status-control");
 * assertEquals(
 *   error.clause,
 *   "PEP 3333: The start_response() Callable (https://peps.python.org/pep-3333/#the-start-response-callable)",
 * );
 * assertEquals(
 *   error.message,
 *   'The status must not contain control characters: received "200 OK\\n"; remove them, above all line breaks',
 * );
 * ```
 */
export class WsgiConformanceError extends AssertionError {
  /** Which rule was broken. */
  readonly code: WsgiConformanceCode;
  /** The sections of PEP 3333 and of RFCs that ask for it, with addresses. */
  readonly clause: string;
  /** Who broke it. */
  readonly side: WsgiConformanceCheck["side"];
  /** Whether that is wrong, or only questionable. */
  readonly severity: WsgiConformanceCheck["severity"];
  /** What was found, on one line, with control characters escaped. */
  readonly value: string;

  /**
   * Constructs a new instance.
   *
   * @param code Which rule was broken.
   * @param options What was found.
   */
  constructor(code: WsgiConformanceCode, options: WsgiConformanceErrorOptions) {
    const check = CONFORMANCE_CHECKS[code];
    const value = quote(options.value);
    super(`${check.rule}: received ${value}; ${check.remedy}`);
    this.name = "WsgiConformanceError";
    this.code = code;
    this.clause = check.clause;
    this.side = options.side ?? check.side;
    this.severity = check.severity;
    this.value = value;
  }
}

/** Options for {@linkcode validator}. */
export interface ValidatorOptions {
  /**
   * Takes what is legal but questionable, each code once for an application.
   * By default, it is written with `console.warn`.
   */
  onWarning?: (warning: WsgiConformanceError) => void;
  /**
   * Takes every violation, each once in a request, and the response goes on.
   * By default, the first one is thrown.
   */
  onViolation?: (violation: WsgiConformanceError) => void;
}

function warn(warning: WsgiConformanceError): void {
  // deno-lint-ignore no-console
  console.warn(`${warning.code}: ${warning.message}`);
}

/**
 * Wraps an application in a validator, which is an application too.
 *
 * The application is called with the same environ, whose `wsgi.input`,
 * `wsgi.errors` and `wsgi.file_wrapper` are replaced. A sync application stays
 * sync. An array that it returns, or a {@linkcode FileWrapper}, is passed on as
 * such; any other result is iterated as the server asks for blocks.
 *
 * @param app The application.
 * @param options Where violations and warnings go.
 * @returns The application that checks.
 * @throws {WsgiConformanceError} If `app` is not a function. What it returns
 * throws one for each rule that is broken, unless `onViolation` takes it.
 *
 * @see {@link https://docs.python.org/3/library/wsgiref.html#wsgiref.validate.validator | Python: wsgiref.validate.validator()}
 *
 * @example Usage
 * ```ts
 * import { validator } from "@wsgi/wsgiref/validate";
 * import { setupTestingDefaults } from "@wsgi/wsgiref/util";
 * import { assertThrows } from "@std/assert";
 *
 * const app = validator((_environ, startResponse) => {
 *   startResponse("200 OK", [["Connection", "close"]]);
 *   return [];
 * });
 *
 * assertThrows(
 *   () => app(setupTestingDefaults({}), () => () => Promise.resolve()),
 *   Error,
 *   "The headers must not be hop-by-hop",
 * );
 * ```
 *
 * @example Everything that is wrong with a response
 * ```ts
 * import { validator } from "@wsgi/wsgiref/validate";
 * import { setupTestingDefaults } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const codes: string[] = [];
 * const app = validator((_environ, startResponse) => {
 *   startResponse("200", [["Status", "200"], ["Content-Length", "5"]]);
 *   return [new TextEncoder().encode("Hello!")];
 * }, {
 *   onViolation: ({ code }) => codes.push(code),
 *   onWarning: ({ code }) => codes.push(code),
 * });
 * app(setupTestingDefaults({}), () => () => Promise.resolve());
 *
 * assertEquals(codes, [
 *   "status-form",
 *   "header-status",
 *   "content-length-exceeded",
 *   "content-type-missing",
 * ]);
 * ```
 */
export function validator(
  app: WsgiApplication,
  options: ValidatorOptions = {},
): WsgiApplication {
  const { onWarning = warn, onViolation } = options;
  const warned = new Set<WsgiConformanceCode>();
  return guardApplication(app, {
    calls: 0,
    unclosed: 0,
    report({ inner, outer, reported }, code, value) {
      const { side, severity } = CONFORMANCE_CHECKS[code];
      if (severity === "warning" && warned.has(code)) return;
      const isBetween = side === "server" ? outer : inner;
      const error = new WsgiConformanceError(code, {
        value,
        side: isBetween ? "middleware" : side,
      });
      if (severity === "error" && onViolation === undefined) throw error;
      if (severity === "warning") warned.add(code);
      // What comes to the next validator too is the doing of who had it first.
      const key = `${code} ${error.value}`;
      if (reported.has(key)) return;
      reported.add(key);
      if (severity === "warning") onWarning(error);
      else onViolation?.(error);
    },
  });
}
