// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Logs each request at its end, however that comes, and tells browsers in
 * `Server-Timing` how long the application took to begin.
 *
 * @module
 */

import { middleware } from "@wsgi/wsgiref/middleware";
import type { WsgiApplication } from "@wsgi/wsgiref/types";
import { decodeNativeString } from "@wsgi/wsgiref/util";

/** Options for {@linkcode accessLog}. */
export interface AccessLogOptions {
  /** Takes each line. By default, it goes to `wsgi.errors`. */
  log?: (line: string) => void;
}

/** Logs the requests to an application. */
export function accessLog(
  app: WsgiApplication,
  options: AccessLogOptions = {},
): WsgiApplication {
  return middleware(app, (environ) => {
    const {
      log = (line) => environ["wsgi.errors"].write(`${line}\n`),
    } = options;
    const begin = performance.now();
    const passed = () => `${(performance.now() - begin).toFixed(1)}`;
    // What is mounted within may change the environ.
    const { REMOTE_ADDR: address = "-", REQUEST_METHOD: method } = environ;
    // A line break in the path must not look like another request.
    const path = encodeURI(decodeNativeString(environ.PATH_INFO ?? ""));
    let code = "-";
    // Without `block`, arrays and files pass by as they are.
    return {
      start({ status, headers }) {
        code = status.slice(0, 3);
        headers.addHeader("Server-Timing", `app;dur=${passed()}`);
      },
      close: () => log(`${address} ${method} ${path} ${code} ${passed()} ms`),
    };
  });
}
