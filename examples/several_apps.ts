// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Serves several applications, each below a path of its own. Each of them sees
 * that path in `SCRIPT_NAME`, and the rest in `PATH_INFO`.
 *
 * ```sh
 * deno run -N -R simple_server.ts examples/several_apps.ts
 * curl http://127.0.0.1:8000/
 * ```
 *
 * @module
 */

import { STATUS_TEXT } from "@std/http/status";
import type { WsgiApplication } from "@wsgi/wsgiref/types";
import { applicationUri, shiftPathInfo } from "@wsgi/wsgiref/util";
import readBody from "./body.ts";
import showEnviron from "./environ.ts";
import helloWorld from "./hello.ts";

/** The applications, by the first segment of their paths. */
const APPS = new Map<string, WsgiApplication>([
  ["body", readBody],
  ["environ", showEnviron],
  ["hello", helloWorld],
]);

/** Answers with where the applications are. */
const listApps: WsgiApplication = (environ, startResponse) => {
  const isFound = environ.PATH_INFO === "/" || !environ.PATH_INFO;
  const status = isFound ? 200 : 404;
  startResponse(`${status} ${STATUS_TEXT[status]}`, [
    ["Content-Type", "text/plain; charset=utf-8"],
  ]);
  const here = applicationUri(environ).replace(/\/$/, "");
  const lines = [...APPS.keys()].map((name) => `${here}/${name}/\n`);
  return [new TextEncoder().encode(lines.join(""))];
};

/** Hands each request on to the application of its path. */
const severalApps: WsgiApplication = (environ, startResponse) => {
  // Of a path that is nobody's, nothing is taken away.
  const rest = { ...environ };
  const app = APPS.get(shiftPathInfo(rest) ?? "");
  return app ? app(rest, startResponse) : listApps(environ, startResponse);
};

export default severalApps;
