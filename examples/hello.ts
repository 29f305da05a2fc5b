// Copyright 2026 the wsgiref authors. MIT license.

/**
 * The smallest application.
 *
 * ```sh
 * deno run -N examples/hello.ts
 * deno run -N -R simple_server.ts examples/hello.ts
 * ```
 *
 * @module
 */

import { makeServer } from "@wsgi/wsgiref/simple-server";
import type { WsgiApplication } from "@wsgi/wsgiref/types";

/** Greets the world. */
const helloWorld: WsgiApplication = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return [new TextEncoder().encode("Hello World")];
};

export default helloWorld;

if (import.meta.main) {
  await using server = makeServer("127.0.0.1", 8000, helloWorld, {
    // deno-lint-ignore no-console
    onListen: ({ port }) => console.log(`Serving on http://127.0.0.1:${port}/`),
  });
  await server.serveForever();
}
