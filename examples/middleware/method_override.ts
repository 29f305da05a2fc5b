// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Lets clients that can only POST ask for other methods, in
 * `X-HTTP-Method-Override`. It changes the environ, and needs no hooks.
 *
 * @module
 */

import type { WsgiApplication } from "@wsgi/wsgiref/types";

const METHODS = ["DELETE", "PATCH", "PUT"];

/** Gives an application the method that a POST stands for. */
export function methodOverride(app: WsgiApplication): WsgiApplication {
  return (environ, startResponse) => {
    const { HTTP_X_HTTP_METHOD_OVERRIDE: method = "" } = environ;
    return environ.REQUEST_METHOD === "POST" && METHODS.includes(method)
      ? app({ ...environ, REQUEST_METHOD: method }, startResponse)
      : app(environ, startResponse);
  };
}
