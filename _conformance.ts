// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

/**
 * The code of a rule. Its meaning never changes.
 *
 * @example Usage
 * ```ts
 * import {
 *   CONFORMANCE_CHECKS,
 *   type WsgiConformanceCode,
 * } from "@wsgi/wsgiref/validate";
 * import { assertEquals } from "@std/assert";
 *
 * const code: WsgiConformanceCode = "status-control";
 *
 * assertEquals(CONFORMANCE_CHECKS[code].severity, "error");
 * ```
 */
// deno-fmt-ignore: a line for what belongs together
export type WsgiConformanceCode =
  | "application-type" | "application-arguments" | "wsgi-multithread"
  | "environ-type" | "environ-string-range" | "http-name" | "extension-name"
  | "environ-value-type"
  | "environ-missing" | "request-method" | "script-name" | "path-info"
  | "path-missing" | "request-content-length"
  | "server-name" | "server-port" | "server-protocol" | "http-host"
  | "http-content" | "http-proxy" | "environ-empty" | "http-transfer-encoding"
  | "https"
  | "wsgi-version" | "url-scheme" | "url-scheme-unusual" | "wsgi-flag"
  | "input-type" | "errors-type" | "file-wrapper-type"
  | "input-arguments" | "input-size" | "input-past-end" | "input-closed"
  | "input-result" | "input-excess" | "input-after-end"
  | "errors-arguments" | "errors-text" | "errors-line-ending" | "errors-closed"
  | "errors-throws"
  | "file-wrapper-arguments" | "file-wrapper-file" | "file-wrapper-result"
  | "start-response-arguments" | "start-response-repeated"
  | "start-response-missing" | "start-response-result"
  | "exc-info-type" | "exc-info-ignored" | "exc-info-trapped"
  | "status-type" | "response-string-range" | "status-control" | "status-form"
  | "headers-type" | "header-pair" | "header-type"
  | "header-name" | "header-name-end" | "header-value" | "header-value-blanks"
  | "header-hop-by-hop" | "header-status"
  | "content-type-forbidden" | "content-length-form"
  | "content-length-forbidden"
  | "etag-form" | "location-form" | "header-repeated"
  | "write-arguments" | "write-after-return" | "write-discouraged"
  | "middleware-write" | "write-type" | "write-result"
  | "block-type" | "body-forbidden" | "body-to-head" | "content-length-exceeded"
  | "content-type-missing" | "content-length-unreached"
  | "result-type" | "result-string" | "result-bytes" | "result-close"
  | "result-length"
  | "iterated-twice" | "iterated-early" | "iterated-after-end"
  | "iterated-after-close"
  | "close-repeated" | "close-missing"
  | "middleware-input" | "middleware-withheld" | "middleware-delayed"
  | "middleware-swallowed";

/**
 * One rule that {@linkcode validator} checks.
 *
 * @example Usage
 * ```ts
 * import {
 *   CONFORMANCE_CHECKS,
 *   type WsgiConformanceCheck,
 * } from "@wsgi/wsgiref/validate";
 * import { assertEquals } from "@std/assert";
 *
 * const check: WsgiConformanceCheck = CONFORMANCE_CHECKS["status-control"];
 *
 * assertEquals(check.side, "application");
 * assertEquals(check.severity, "error");
 * ```
 */
export interface WsgiConformanceCheck {
  /** The sections of PEP 3333 and of RFCs that ask for it, with addresses. */
  clause: string;
  /** Who breaks it. */
  side: "server" | "application" | "middleware";
  /** Whether it is an error to break the rule, or only questionable. */
  severity: "error" | "warning";
  /** What is expected. */
  rule: string;
  /** How to put it right. */
  remedy: string;
}

/** What has become of a request, as far as a remedy depends on it. */
export interface Situation {
  /** That of the validator further out, and of that further in. */
  readonly outer: Situation | undefined;
  readonly inner: Situation | undefined;
  /** Whether `startResponse()` was called. */
  readonly hasStarted: boolean;
  /** Whether the result was given up where no `finally` of it runs. */
  readonly skipsFinally: boolean;
}

/** A rule as it is written down, beside what finds that it is broken. */
export interface Check extends Pick<WsgiConformanceCheck, "rule" | "remedy"> {
  /**
   * The statements of PEP 3333 that it enforces, numbered as in
   * `docs/conformance.md`, and sections of RFCs.
   */
  clause: readonly string[];
  /** Left out where the application breaks it. */
  side?: "server" | "middleware";
  /** Left out where breaking it is wrong. */
  severity?: "warning";
  /** How to put it right where the remedy would mislead. */
  remedyIn?(situation: Situation, value: unknown): string | undefined;
}

/** The rules of one room, by code. */
export type Checks<T extends Check = Check> = {
  readonly [code in WsgiConformanceCode]?: T;
};

/** The predicates of one kind that the rules of a room have, in order. */
export type Predicates<T> = { code: WsgiConformanceCode; isBad: T }[];

/** Gives the predicates of a room, kind by kind. */
export function predicatesOf<T extends Check>(
  checks: Checks<T>,
): <Kind extends keyof T>(kind: Kind) => Predicates<NonNullable<T[Kind]>> {
  const entries = Object.entries(checks) as [WsgiConformanceCode, T][];
  return (kind) =>
    entries.flatMap(([code, { [kind]: isBad }]) =>
      isBad ? [{ code, isBad }] : []
    );
}

/** The sections of PEP 3333, each by the first of its statements. */
export const SECTIONS = [
  ["P001", "Specification Overview"],
  ["P010", "Specification Details"],
  ["P034", "environ Variables"],
  ["P065", "Input and Error Streams"],
  ["P077", "The start_response() Callable"],
  ["P105", "Handling the Content-Length Header"],
  ["P113", "Buffering and Streaming"],
  ["P118", "Middleware Handling of Block Boundaries"],
  ["P124", "The write() Callable"],
  ["P132", "Unicode Issues"],
  ["P139", "Error Handling"],
  ["P146", "HTTP 1.1 Expect/Continue"],
  ["P150", "Other HTTP Features"],
  ["P163", "Thread Support"],
  ["P164", "Implementation/Application Notes"],
  ["P181", "Optional Platform-Specific File Handling"],
  ["P194", "Questions and Answers"],
] as const;

/** The address of a section of PEP 3333, by its title. */
export function sectionUrl(title: string): string {
  const id = title.toLowerCase().replace(/[^a-z\d]+/g, " ").trim();
  return `https://peps.python.org/pep-3333/#${id.replaceAll(" ", "-")}`;
}

/** The title of the section of PEP 3333 that a statement stands in. */
export function sectionOf(statement: string): string {
  return SECTIONS.findLast(([first]) => first <= statement)?.[1] ?? "";
}

/** What a clause says to those who do not know the numbers. */
export function describeClause(clause: Check["clause"]): string {
  const title = sectionOf(clause[0] ?? "");
  const rfcs = clause.filter((part) => part.startsWith("RFC"));
  return [`PEP 3333: ${title} (${sectionUrl(title)})`, ...rfcs].join("; ")
    .replace(
      /RFC (\d+), ([\d.]+)/,
      "$& (https://www.rfc-editor.org/rfc/rfc$1#section-$2)",
    );
}
