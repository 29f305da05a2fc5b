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
import { decodeNativeString } from "@wsgi/wsgiref/util";

export default {
  fetch: toFetchHandler((environ, startResponse) => {
    const path = decodeNativeString(environ.PATH_INFO ?? "");
    startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
    return [new TextEncoder().encode(`You asked for ${path}`)];
  }),
};
