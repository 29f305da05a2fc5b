// Copyright 2026 the wsgiref authors. MIT license.

import type { WsgiConformanceCode } from "../validate.ts";
import { CASES as APPLICATION_GUARD_CASES } from "./_application_guard_cases.ts";
import { CASES as ENVIRON_CHECKS_CASES } from "./_environ_checks_cases.ts";
import { CASES as ENVIRON_GUARDS_CASES } from "./_environ_guards_cases.ts";
import { CASES as HEAD_CHECKS_CASES } from "./_head_checks_cases.ts";
import { CASES as RESPONSE_GUARD_CASES } from "./_response_guard_cases.ts";
import { CASES as RESULT_GUARD_CASES } from "./_result_guard_cases.ts";
import type { Scenarios } from "./_scenarios.ts";

/** For each check, what breaks its rule, and what is next to that and legal. */
export const CASES: Record<
  WsgiConformanceCode,
  { bad: Scenarios; good: Scenarios }
> = {
  ...APPLICATION_GUARD_CASES,
  ...ENVIRON_CHECKS_CASES,
  ...ENVIRON_GUARDS_CASES,
  ...HEAD_CHECKS_CASES,
  ...RESPONSE_GUARD_CASES,
  ...RESULT_GUARD_CASES,
};
