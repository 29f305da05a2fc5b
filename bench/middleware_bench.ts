// Copyright 2026 the wsgiref authors. MIT license.

/**
 * What middleware costs behind `toFetchHandler()`, without a network: the
 * summaries are the ratios to the application alone. The aims, of the hello row
 * of `deno task bench:http`: an empty middleware 5 %, a header 10 %.
 */

import { toFetchHandler } from "../handlers.ts";
import { middleware, type MiddlewareHooks } from "../middleware.ts";
import type { WsgiApplication, WsgiHeader } from "../types.ts";

const BODY = new TextEncoder().encode("Hello, world!");
const HEADERS: WsgiHeader[] = [["Content-Type", "text/plain"]];
const REQUEST = new Request("http://localhost:8000/path?query");

const applications: Record<string, WsgiApplication> = {
  "array": (_environ, startResponse) => {
    startResponse("200 OK", HEADERS);
    return [BODY];
  },
  "generator of 100 blocks": function* (_environ, startResponse) {
    startResponse("200 OK", HEADERS);
    for (let i = 0; i < 100; i++) yield BODY;
  },
  "asynchronous generator of 100 blocks": async function* (
    _environ,
    startResponse,
  ) {
    startResponse("200 OK", HEADERS);
    for (let i = 0; i < 100; i++) yield await BODY;
  },
};

const hooks: Record<string, MiddlewareHooks> = {
  "empty": {},
  "start that sets a header": {
    start: ({ headers }) => headers.set("Cache-Control", "no-store"),
  },
  "start that waits": { start: () => Promise.resolve() },
  "block": { block: (block) => block },
  "close": { close: () => {} },
  "error": { error: () => {} },
};

for (const [group, app] of Object.entries(applications)) {
  const variants: [string, WsgiApplication][] = [
    ["none", app],
    ...Object.entries(hooks).map((
      [name, hooks],
    ): [string, WsgiApplication] => [name, middleware(app, () => hooks)]),
  ];
  for (const [name, app] of variants) {
    const handler = toFetchHandler(app);
    const baseline = name === "none";
    Deno.bench(`${group}: ${name}`, { group, baseline }, async () => {
      const response = await handler(REQUEST);
      await response.bytes();
    });
  }
}
