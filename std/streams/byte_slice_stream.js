// Copyright 2026 the wsgiref authors. MIT license.
// @ts-self-types="./byte_slice_stream.d.ts"
export * from "npm:deno-std@1.4.0/streams/byte_slice_stream.js";
