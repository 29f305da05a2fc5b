// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

/** The version of this package, as `deno.json` has it. */
export const VERSION = "0.1.0";
