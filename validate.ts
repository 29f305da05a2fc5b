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
 *   layer, and give each a name: what a middleware gets right on one side and
 *   wrong on the other is its own doing.
 *
 * What a middleware does between two validators is compared: blocks that it
 * withholds, a first block that it waits for before it returns, a request body
 * that it has read and an error that it has caught and does not hand on. So
 * that this is certain, the first block of an asynchronous application comes a
 * turn of the event loop later if it is asked for before the middleware has
 * returned. Nothing else is changed.
 *
 * That nothing is reported does not prove that all is well: a validator sees
 * what passes it, and not what a server or an application keeps to itself.
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

/**
 * The rules that {@linkcode validator} checks, by the code of the violation.
 *
 * @example Usage
 * ```ts
 * import { CONFORMANCE_CHECKS } from "@wsgi/wsgiref/validate";
 * import { assertEquals } from "@std/assert";
 *
 * for (const [code, { rule, remedy }] of Object.entries(CONFORMANCE_CHECKS)) {
 *   console.log(`${code}: ${rule}. ${remedy}`);
 * }
 * assertEquals(CONFORMANCE_CHECKS["status-control"].severity, "error");
 * ```
 */
export const CONFORMANCE_CHECKS: Readonly<
  Record<WsgiConformanceCode, WsgiConformanceCheck>
> = Object.fromEntries(
  Object.entries(CHECKS).map(([code, check]) => [code, {
    clause: describeClause(check.clause),
    side: check.side ?? "application",
    severity: check.severity ?? "error",
    rule: check.rule,
    remedy: check.remedy,
  }]),
) as Record<WsgiConformanceCode, WsgiConformanceCheck>;

/**
 * Options for {@linkcode WsgiConformanceError}.
 *
 * @example Usage
 * ```ts
 * import {
 *   WsgiConformanceError,
 *   type WsgiConformanceErrorOptions,
 * } from "@wsgi/wsgiref/validate";
 * import { assertEquals } from "@std/assert";
 *
 * const options: WsgiConformanceErrorOptions = {
 *   value: "200 OK\n",
 *   layer: "shop",
 * };
 *
 * const error = new WsgiConformanceError("status-control", options);
 * assertEquals(error.layer, "shop");
 * ```
 */
export interface WsgiConformanceErrorOptions {
  /** What was found. */
  value: unknown;
  /** Who broke the rule. By default, the side of the check. */
  side?: WsgiConformanceCheck["side"];
  /** How to put it right. By default, the remedy of the check. */
  remedy?: string | undefined;
  /** The name of the layer that broke the rule. */
  layer?: string | undefined;
  /** The names of the layers between which it was seen, the outer one first. */
  between?: readonly string[];
}

/** Where something happened, as far as there are names. */
function describePlace(
  layer: string | undefined,
  between: readonly string[],
): string {
  const names = between.map(quote);
  const place = layer === undefined ? [] : [`in ${quote(layer)}`];
  if (names.length > 1) place.push(`between ${names.join(" and ")}`);
  else if (names.length > place.length) place.push(`at ${names}`);
  return place.length > 0 ? ` (${place.join(", ")})` : "";
}

/**
 * A rule that was broken: {@linkcode validator} throws it, or hands it to its
 * options.
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
  /** Whether that is an error, or only questionable. */
  readonly severity: WsgiConformanceCheck["severity"];
  /** What was found, on one line, with control characters escaped. */
  readonly value: string;
  /** The name of the layer that broke it, if that has one. */
  readonly layer: string | undefined;
  /** The names of the layers between which it was seen, the outer one first. */
  readonly between: readonly string[];

  /**
   * Constructs a new instance.
   *
   * @param code Which rule was broken.
   * @param options What was found.
   */
  constructor(code: WsgiConformanceCode, options: WsgiConformanceErrorOptions) {
    const check = CONFORMANCE_CHECKS[code];
    const { remedy = check.remedy, layer, between = [] } = options;
    const value = quote(options.value);
    const place = describePlace(layer, between);
    super(`${check.rule}: received ${value}; ${remedy}${place}`);
    this.name = "WsgiConformanceError";
    this.code = code;
    this.clause = check.clause;
    this.side = options.side ?? check.side;
    this.severity = check.severity;
    this.value = value;
    this.layer = layer;
    this.between = between;
  }
}

/**
 * Options for {@linkcode validator}.
 *
 * @example Usage
 * ```ts
 * import { validator, type ValidatorOptions } from "@wsgi/wsgiref/validate";
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * const reports: string[] = [];
 * const options: ValidatorOptions = {
 *   name: "shop",
 *   onViolation: ({ code, layer }) => reports.push(`${layer}: ${code}`),
 * };
 *
 * const app = validator((_environ, startResponse) => {
 *   startResponse("200 Fine\t", [["Content-Type", "text/plain"]]);
 *   return [];
 * }, options);
 * await toFetchHandler(app)(new Request("http://localhost/"));
 * assertEquals(reports, ["shop: status-control"]);
 * ```
 */
export interface ValidatorOptions {
  /**
   * What the application is called in reports. In a stack of middleware, each
   * layer is found by its name.
   */
  name?: string;
  /**
   * Called with what is legal but questionable, once for each code and
   * application. By default, it is written with `console.warn`.
   */
  onWarning?: (warning: WsgiConformanceError) => void;
  /**
   * Called with every violation, each once in a request; the response goes on.
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
 * @throws {WsgiConformanceError} If `app` is not a function. The application
 * that is returned throws one for the first rule that is broken, unless
 * `onViolation` takes it.
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
 * @example A stack of middleware
 * ```ts
 * import { validator, type WsgiConformanceError } from "@wsgi/wsgiref/validate";
 * import type { WsgiApplication } from "@wsgi/wsgiref/types";
 * import { setupTestingDefaults } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const hello: WsgiApplication = (_environ, startResponse) => {
 *   startResponse("200 OK", []);
 *   return [];
 * };
 * function close(app: WsgiApplication): WsgiApplication {
 *   return (environ, startResponse) =>
 *     app(
 *       environ,
 *       (status, headers) =>
 *         startResponse(status, [...headers, ["Connection", "close"]]),
 *     );
 * }
 *
 * const errors: WsgiConformanceError[] = [];
 * const onViolation = (error: WsgiConformanceError) => errors.push(error);
 * const app = validator(hello, { name: "hello", onViolation });
 * const stack = validator(close(app), { name: "close", onViolation });
 * stack(setupTestingDefaults({}), () => () => Promise.resolve());
 *
 * assertEquals(errors.map(({ layer }) => layer), ["close"]);
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
  const { name, onWarning = warn, onViolation } = options;
  const warned = new Set<WsgiConformanceCode>();
  return guardApplication(app, {
    name,
    calls: 0,
    unclosed: 0,
    report(exchange, code, value) {
      const { inner, outer, reported } = exchange;
      const { side, severity } = CONFORMANCE_CHECKS[code];
      if (severity === "warning" && warned.has(code)) return;
      const isBetween = side === "server" ? outer : inner;
      const error = new WsgiConformanceError(code, {
        value,
        side: isBetween ? "middleware" : side,
        remedy: CHECKS[code].remedyIn?.(exchange, value),
        layer: side === "server" ? outer?.validation.name : name,
        between: [outer?.validation.name, name].filter((name) =>
          name !== undefined
        ),
      });
      if (severity === "error" && onViolation === undefined) throw error;
      warned.add(code);
      // What comes to the next validator too is the doing of who had it first.
      const key = `${code} ${error.value}`;
      if (reported.has(key)) return;
      reported.add(key);
      if (severity === "warning") onWarning(error);
      else onViolation?.(error);
    },
  });
}
