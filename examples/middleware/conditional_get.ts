// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Answers 304 if the client has what an application would send: RFC 9110, 13.
 *
 * @module
 */

import { ifNoneMatch } from "@std/http/etag";
import { middleware } from "@wsgi/wsgiref/middleware";
import type { WsgiApplication, WsgiEnviron } from "@wsgi/wsgiref/types";
import type { WsgiHeaders } from "@wsgi/wsgiref/headers";

/** What tells of the body, which the client has: RFC 9110, 15.4.5. */
const BODY_HEADERS = [
  "Content-Encoding",
  "Content-Language",
  "Content-Length",
  "Content-Type",
];

function isFresh(environ: WsgiEnviron, headers: WsgiHeaders): boolean {
  const { HTTP_IF_NONE_MATCH: tags, HTTP_IF_MODIFIED_SINCE: since } = environ;
  // With tags, the time does not count: RFC 9110, 13.1.3.
  if (tags !== undefined) {
    return !ifNoneMatch(tags, headers.get("ETag") ?? undefined);
  }
  const modified = headers.get("Last-Modified");
  return since !== undefined && modified !== null &&
    Date.parse(modified) <= Date.parse(since);
}

/** Saves clients from what they have, by `ETag` and `Last-Modified`. */
export function conditionalGet(app: WsgiApplication): WsgiApplication {
  return middleware(app, (environ) => {
    if (!/^(?:GET|HEAD)$/.test(environ.REQUEST_METHOD)) return;
    return {
      start(response) {
        const { status, headers } = response;
        if (!status.startsWith("200") || !isFresh(environ, headers)) return;
        response.status = "304 Not Modified";
        for (const name of BODY_HEADERS) headers.delete(name);
        return [];
      },
    };
  });
}
