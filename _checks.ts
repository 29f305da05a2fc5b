// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import { APPLICATION_CHECKS } from "./_application_guard.ts";
import type { Check, WsgiConformanceCode } from "./_conformance.ts";
import { ENVIRON_CHECKS } from "./_environ_checks.ts";
import { STREAM_CHECKS } from "./_environ_guards.ts";
import { HEAD_CHECKS } from "./_head_checks.ts";
import { RESPONSE_CHECKS } from "./_response_guard.ts";
import { RESULT_CHECKS } from "./_result_guard.ts";

/** Every rule, in the order in which a request meets them. */
export const CHECKS: Record<WsgiConformanceCode, Check> = {
  ...APPLICATION_CHECKS,
  ...ENVIRON_CHECKS,
  ...STREAM_CHECKS,
  ...HEAD_CHECKS,
  ...RESPONSE_CHECKS,
  ...RESULT_CHECKS,
};
