// Copyright 2026 the wsgiref authors. MIT license.
// @ts-self-types="./bytes.d.ts"
export * from "npm:deno-std@1.4.0/fmt/bytes.js";
