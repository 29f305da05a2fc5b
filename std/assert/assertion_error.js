// Copyright 2026 the wsgiref authors. MIT license.
// @ts-self-types="./assertion_error.d.ts"
export * from "npm:deno-std@1.4.0/assert/assertion_error.js";
