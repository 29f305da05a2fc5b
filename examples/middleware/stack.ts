// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Serves a site through all the middleware of this directory.
 *
 * ```sh
 * deno run -N -R simple_server.ts examples/middleware/stack.ts
 * curl --compressed --include --cookie-jar jar --cookie jar localhost:8000/
 * curl --user eric:spam localhost:8000/private
 * ```
 *
 * @module
 */

import type { WsgiApplication } from "@wsgi/wsgiref/types";
import { decodeNativeString } from "@wsgi/wsgiref/util";
import { accessLog } from "./access_log.ts";
import { basicAuth } from "./basic_auth.ts";
import { conditionalGet } from "./conditional_get.ts";
import { cors } from "./cors.ts";
import { debugPage } from "./debug_page.ts";
import { dispatcher } from "./dispatcher.ts";
import { gzip } from "./gzip.ts";
import { methodOverride } from "./method_override.ts";
import {
  type Session,
  sessionOf,
  sessions,
  type SessionStore,
} from "./sessions.ts";

const key = await crypto.subtle.generateKey(
  { name: "HMAC", hash: "SHA-256" },
  false,
  ["sign", "verify"],
);
const saved = new Map<string, Session>();
const store: SessionStore = {
  get: (id) => Promise.resolve(saved.get(id)),
  set: (id, session) => Promise.resolve(void saved.set(id, session)),
};

/** The layers, the outermost first. */
export const layers: ((app: WsgiApplication) => WsgiApplication)[] = [
  (app) => accessLog(app),
  debugPage,
  (app) => cors(app, { origins: ["https://example.org"], methods: ["PUT"] }),
  // Around gzip, so that it sees the entity tags that clients see.
  conditionalGet,
  gzip,
  methodOverride,
  (app) => sessions(app, { key, store }),
];

/** Counts the visits of each client. */
export const home: WsgiApplication = (environ, startResponse) => {
  const session = sessionOf(environ);
  session.visits = Number(session.visits ?? 0) + 1;
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return [new TextEncoder().encode(`Visit ${session.visits}\n`)];
};

const welcome: WsgiApplication = (environ, startResponse) => {
  const name = decodeNativeString(environ.REMOTE_USER ?? "");
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return [new TextEncoder().encode(`Hello, ${name}\n`)];
};

const passwords = new Map([["eric", "spam"]]);
const site = dispatcher(
  new Map([
    ["private", basicAuth(welcome, { realm: "private", passwords })],
  ]),
  home,
);

/** The site behind all layers. */
export default layers.reduceRight((app, layer) => layer(app), site);
