// Copyright 2026 the wsgiref authors. MIT license.

/**
 * What `validator()` costs a hello world behind `toFetchHandler()`, without a
 * network: the summary is the ratio of the two.
 */

import { toFetchHandler } from "../handlers.ts";
import type { WsgiApplication } from "../types.ts";
import { validator } from "../validate.ts";

const BODY = new TextEncoder().encode("Hello, world!");
const REQUEST = new Request("http://localhost:8000/path?query", {
  headers: {
    "Accept": "*/*",
    "Accept-Encoding": "gzip",
    "Host": "localhost:8000",
    "User-Agent": "bench",
  },
});

const array: WsgiApplication = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [BODY];
};

const generator: WsgiApplication = function* (_environ, startResponse) {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  yield BODY;
};

for (const [group, app] of Object.entries({ array, generator })) {
  for (const baseline of [true, false]) {
    const handler = toFetchHandler(baseline ? app : validator(app));
    const name = baseline ? group : `${group}, validated`;
    Deno.bench({ name, group, baseline }, async () => {
      const response = await handler(REQUEST);
      await response.bytes();
    });
  }
}
