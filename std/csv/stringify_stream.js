// Copyright 2026 the wsgiref authors. MIT license.
// @ts-self-types="./stringify_stream.d.ts"
export * from "npm:deno-std@1.4.0/csv/stringify_stream.js";
