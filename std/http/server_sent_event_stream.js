// Copyright 2026 the wsgiref authors. MIT license.
// @ts-self-types="./server_sent_event_stream.d.ts"
export * from "npm:deno-std@1.4.0/http/server_sent_event_stream.js";
