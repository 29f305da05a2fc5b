// Copyright 2026 the wsgiref authors. MIT license.

/** An application that shows what it knows of a request. */

import type { WsgiApplication } from "../../types.ts";
import { requestUri } from "../../util.ts";

export const application: WsgiApplication = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "application/json"]]);
  const facts = {
    url: requestUri(environ),
    address: environ.REMOTE_ADDR,
    host: environ.HTTP_HOST,
    scheme: environ["wsgi.url_scheme"],
    script: environ.SCRIPT_NAME,
    path: environ.PATH_INFO,
    multiprocess: environ["wsgi.multiprocess"],
  };
  return [new TextEncoder().encode(JSON.stringify(facts))];
};
