// Copyright 2026 the wsgiref authors. MIT license.
// @ts-self-types="./content_type.d.ts"
export * from "npm:deno-std@1.4.0/media_types/content_type.js";
