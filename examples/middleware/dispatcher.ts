// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Serves several applications, each below a path of its own. It only chooses,
 * and needs no hooks.
 *
 * @module
 */

import type { WsgiApplication } from "@wsgi/wsgiref/types";
import { shiftPathInfo } from "@wsgi/wsgiref/util";

/** Answers that there is nothing. */
const notFound: WsgiApplication = (_environ, startResponse) => {
  startResponse("404 Not Found", [["Content-Type", "text/plain"]]);
  return [new TextEncoder().encode("Not Found\n")];
};

/**
 * Makes one application of several.
 *
 * @param apps The applications, by the first segment of their paths.
 * @param fallback The application for all other paths.
 * @returns The application that calls them.
 */
export function dispatcher(
  apps: ReadonlyMap<string, WsgiApplication>,
  fallback = notFound,
): WsgiApplication {
  return (environ, startResponse) => {
    // What stands around this still wants to know the whole path.
    const rest = { ...environ };
    const app = apps.get(shiftPathInfo(rest) ?? "");
    return app ? app(rest, startResponse) : fallback(environ, startResponse);
  };
}
