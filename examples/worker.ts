// Copyright 2026 the wsgiref authors. MIT license.

/**
 * An application as a fetch handler: what Deno, Bun and Cloudflare Workers
 * serve.
 *
 * ```sh
 * deno serve examples/worker.ts
 * deno serve --parallel examples/worker.ts
 * ```
 *
 * @module
 */

import { toFetchHandler } from "@wsgi/wsgiref/handlers";

export default {
  fetch: toFetchHandler((environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", "text/plain"]]);
    return [new TextEncoder().encode(`You asked for ${environ.PATH_INFO}`)];
  }),
};
