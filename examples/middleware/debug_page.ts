// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Shows errors of an application in the browser: while it is being written, and
 * never to strangers.
 *
 * @module
 */

import { RequestError } from "@wsgi/wsgiref/handlers";
import { middleware } from "@wsgi/wsgiref/middleware";
import type { WsgiApplication } from "@wsgi/wsgiref/types";

/** Answers with the error and the environ if an application fails. */
export function debugPage(app: WsgiApplication): WsgiApplication {
  return middleware(app, (environ) => ({
    error(error, startResponse) {
      // What is wrong with a request is its client's doing.
      if (error instanceof RequestError) return;
      const trace = error instanceof Error ? error.stack : `Uncaught ${error}`;
      // Nobody else logs an error that is answered.
      environ["wsgi.errors"].write(`${trace}\n`);
      const variables = Object.entries(environ)
        .filter(([, value]) => typeof value === "string")
        .map(([name, value]) => `${name}: ${value}`)
        .sort();
      const text = `${trace}\n\n${variables.join("\n")}\n`;
      startResponse("500 Internal Server Error", [
        // As text, nothing of it can be taken for a script.
        ["Content-Type", "text/plain; charset=utf-8"],
        ["X-Content-Type-Options", "nosniff"],
      ], error);
      return [new TextEncoder().encode(text)];
    },
  }));
}
