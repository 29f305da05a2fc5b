// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

/** What is served on every runtime: the conformance table, and the bridge's. */

import { handler as answerThroughBridge } from "../_bridge_cases.ts";
import { handler as conform } from "../conformance.ts";

export function handler(
  request: Request,
  info?: unknown,
): Response | Promise<Response> {
  return request.headers.has("x-way")
    ? answerThroughBridge(request, info)
    : conform(request, info);
}
