// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Python's `wsgiref` for TypeScript: the reference implementation of one small
 * protocol, `app(environ, startResponse)`, and the bridge between it and the
 * `fetch` world.
 *
 * - {@linkcode makeServer} serves an application.
 * - {@linkcode toFetchHandler} runs it wherever fetch handlers run, and
 *   {@linkcode fromFetchHandler} runs a fetch handler behind any gateway.
 * - {@linkcode CgiHandler} runs it as a CGI script.
 * - {@linkcode middleware} helps to write what stands between a server and an
 *   application.
 * - {@linkcode validator} checks both sides of the protocol.
 * - {@linkcode WsgiHeaders}, {@linkcode requestUri} and others help to write
 *   applications, servers and what stands between them.
 *
 * ```ts
 * import { toFetchHandler, type WsgiApplication } from "@wsgi/wsgiref";
 * import { assertEquals } from "@std/assert";
 *
 * const app: WsgiApplication = (_environ, startResponse) => {
 *   startResponse("200 OK", [["Content-Type", "text/plain"]]);
 *   return [new TextEncoder().encode("Hello, world!")];
 * };
 *
 * const response = await toFetchHandler(app)(new Request("http://localhost/"));
 * assertEquals(await response.text(), "Hello, world!");
 * ```
 *
 * @see {@link https://peps.python.org/pep-3333/ | PEP 3333}
 * @see {@link https://docs.python.org/3/library/wsgiref.html | Python: wsgiref}
 *
 * @module
 */

export * from "./simple_server.ts";
export * from "./handlers.ts";
export * from "./middleware.ts";
export * from "./validate.ts";
export * from "./types.ts";
export * from "./headers.ts";
export * from "./util.ts";
