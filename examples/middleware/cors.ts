// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Lets scripts of other origins read what an application answers with.
 *
 * @module
 */

import { middleware } from "@wsgi/wsgiref/middleware";
import type { WsgiApplication } from "@wsgi/wsgiref/types";

/** Options for {@linkcode cors}. */
export interface CorsOptions {
  /** The origins, such as `"https://example.org"`. */
  origins: readonly string[];
  /** The methods beside GET, HEAD and POST, which need no permission. */
  methods?: readonly string[];
  /** The request headers that need permission. */
  headers?: readonly string[];
}

/** Opens an application to other origins. */
export function cors(
  app: WsgiApplication,
  { origins, methods = [], headers: names = [] }: CorsOptions,
): WsgiApplication {
  const opened = middleware(app, ({ HTTP_ORIGIN: origin = "" }) => ({
    start({ headers }) {
      // A cache must not give the answer to one origin to another.
      headers.addHeader("Vary", "Origin");
      if (origins.includes(origin)) {
        headers.set("Access-Control-Allow-Origin", origin);
      }
    },
  }));
  return (environ, startResponse) => {
    const { REQUEST_METHOD: method, HTTP_ORIGIN: origin = "" } = environ;
    const isPreflight = method === "OPTIONS" && origins.includes(origin) &&
      environ.HTTP_ACCESS_CONTROL_REQUEST_METHOD !== undefined;
    if (!isPreflight) return opened(environ, startResponse);
    startResponse("204 No Content", [
      ["Access-Control-Allow-Origin", origin],
      ["Access-Control-Allow-Methods", methods.join(", ")],
      ["Access-Control-Allow-Headers", names.join(", ")],
      ["Vary", "Origin"],
    ]);
    return [];
  };
}
