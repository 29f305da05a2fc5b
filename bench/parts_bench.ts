// Copyright 2026 the wsgiref authors. MIT license.

/** Times the parts of a request. */

import { FetchHandler, requestEnviron, toFetchHandler } from "../handlers.ts";
import { WsgiHeaders } from "../headers.ts";
import type { WsgiHeader } from "../types.ts";
import { requestUri, shiftPathInfo, WsgiInput } from "../util.ts";

const HEADERS: WsgiHeader[] = [
  ["Content-Type", "text/html; charset=utf-8"],
  ["Cache-Control", "max-age=60"],
  ["ETag", '"1"'],
  ["Set-Cookie", "a=1"],
  ["Vary", "Accept"],
];
const BODY = new TextEncoder().encode("Hello, world!");

const url = "http://localhost:8000/blog/2026/%C3%A9?page=2";
const small = new Request(url);
const large = new Request(url, {
  headers: Array.from({ length: 12 }, (_, i) => [`x-header-${i}`, "value"]),
});
const environ = requestEnviron(large);
const request = { ...environ, "wsgi.url_scheme": "http" };

for (const [title, request] of [["0", small], ["12", large]] as const) {
  Deno.bench(`requestEnviron(), ${title} headers`, { group: "environ" }, () => {
    requestEnviron(request);
  });
}

const handler = toFetchHandler((_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [BODY];
});
Deno.bench("new Response()", { group: "handler", baseline: true }, () => {
  new Response(BODY, { headers: { "Content-Type": "text/plain" } });
});
Deno.bench("toFetchHandler()", { group: "handler" }, () => {
  handler(small);
});
Deno.bench("new FetchHandler()", { group: "handler" }, () => {
  new FetchHandler(small, environ);
});

Deno.bench("new Headers()", { group: "headers", baseline: true }, () => {
  new Headers(HEADERS);
});
Deno.bench("new WsgiHeaders()", { group: "headers" }, () => {
  new WsgiHeaders(HEADERS);
});
const headers = new WsgiHeaders(HEADERS);
Deno.bench("WsgiHeaders.get()", { group: "headers" }, () => {
  headers.get("vary");
});
Deno.bench("WsgiHeaders.toBytes()", { group: "headers" }, () => {
  headers.toBytes();
});

Deno.bench("shiftPathInfo()", { group: "path" }, () => {
  shiftPathInfo({ SCRIPT_NAME: "/app", PATH_INFO: "/blog/2026" });
});
Deno.bench("requestUri()", { group: "path" }, () => {
  requestUri(request);
});

const lines = new TextEncoder().encode(`${"x".repeat(79)}\n`.repeat(12_500));
Deno.bench(
  "WsgiInput.read(), 1 MB",
  { group: "input", baseline: true },
  async () => {
    await new WsgiInput(lines).read();
  },
);
Deno.bench(
  "WsgiInput, 12 500 lines of 80 bytes",
  { group: "input" },
  async () => {
    for await (const _line of new WsgiInput(lines));
  },
);
