// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Shows the environ of the request, filled up with defaults for tests, as in
 * Python's documentation.
 *
 * ```sh
 * deno run -N examples/environ.ts
 * ```
 *
 * @module
 */

import { makeServer } from "@wsgi/wsgiref/simple-server";
import type { WsgiApplication } from "@wsgi/wsgiref/types";
import { setupTestingDefaults } from "@wsgi/wsgiref/util";

const encoder = new TextEncoder();

/** Answers with one line for each variable. */
const showEnviron: WsgiApplication = (environ, startResponse) => {
  setupTestingDefaults(environ);
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return Object.entries(environ).map(([key, value]) =>
    encoder.encode(
      `${key}: ${typeof value === "string" ? value : Deno.inspect(value)}\n`,
    )
  );
};

export default showEnviron;

if (import.meta.main) {
  await using server = makeServer("127.0.0.1", 8000, showEnviron, {
    // deno-lint-ignore no-console
    onListen: ({ port }) => console.log(`Serving on http://127.0.0.1:${port}/`),
  });
  await server.serveForever();
}
