// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertMatch,
} from "@std/assert";
import { CONFORMANCE_CHECKS, type WsgiConformanceCheck } from "../validate.ts";
import {
  CLAUSES,
  DOCUMENT,
  generateDocument,
  observersOf,
} from "./validate_docs.ts";

/** Markdown without its line breaks, which `deno fmt` decides upon. */
function unwrap(markdown: string): string {
  return markdown.replace(/\s+/g, " ").trim();
}

Deno.test("CONFORMANCE_CHECKS has clauses, rules and remedies of one form", () => {
  const checks: [string, WsgiConformanceCheck][] = Object.entries(
    CONFORMANCE_CHECKS,
  );
  for (const [code, { clause, severity, rule, remedy }] of checks) {
    assertMatch(code, /^[a-z]+(?:-[a-z]+)*$/);
    assertMatch(
      clause,
      /^PEP 3333: [^(]+(?:\(\))?[^(]+ \(https:[^ )]+\)(?:; RFC \d{4}, [\d.]+ \(https:[^ )]+\))?$/,
    );
    assertMatch(rule, severity === "error" ? /\bmust\b/ : /\bshould\b/);
    assertMatch(rule, /[^.]$/);
    assertMatch(remedy, /^[a-z].*[^.]$/);
  }
});

Deno.test("CONFORMANCE_CHECKS tells clauses to those who do not know the numbers", () => {
  assertEquals(
    CONFORMANCE_CHECKS["http-host"].clause,
    "PEP 3333: environ Variables (https://peps.python.org/pep-3333/#environ-variables); " +
      "RFC 9110, 7.2 (https://www.rfc-editor.org/rfc/rfc9110#section-7.2)",
  );
  assertEquals(
    CONFORMANCE_CHECKS["write-after-return"].clause,
    "PEP 3333: The write() Callable (https://peps.python.org/pep-3333/#the-write-callable)",
  );
});

Deno.test("validator() observes each clause, or a reason says why it cannot", () => {
  assertEquals(CLAUSES.length, 194);
  CLAUSES.forEach(([_statement, reason], index) => {
    const number = `P${String(index + 1).padStart(3, "0")}`;
    const isObserved = observersOf(number).length > 0;
    assertEquals(isObserved, reason === undefined, number);
    assertLessOrEqual(reason?.split(" ").length ?? 0, 5);
  });
});

Deno.test("docs/conformance.md is what the checks and their tests say", async () => {
  const document = await Deno.readTextFile(DOCUMENT);
  const isFresh = unwrap(document) === unwrap(generateDocument());
  assert(isFresh, "The document is stale: run `deno task docs:clauses`.");
});
