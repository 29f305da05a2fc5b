// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

/**
 * What tests do wrong on purpose. `validated_test.ts`, which runs them under the
 * validator, expects this and nothing else; otherwise it does not matter.
 */

import type { WsgiConformanceCode } from "../validate.ts";

const mistakes = new Set<WsgiConformanceCode>();

/** Says that the test that runs breaks these rules on purpose. */
export function breaks(...codes: WsgiConformanceCode[]): void {
  for (const code of codes) mistakes.add(code);
}

/** What was broken since this was called last, in order. */
export function takeMistakes(): WsgiConformanceCode[] {
  const codes = [...mistakes].sort();
  mistakes.clear();
  return codes;
}
