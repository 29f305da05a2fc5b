// Copyright 2026 the wsgiref authors. MIT license.
// @ts-self-types="./delay.d.ts"
export * from "npm:deno-std@1.4.0/async/delay.js";
