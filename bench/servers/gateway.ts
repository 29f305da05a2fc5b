// Copyright 2026 the wsgiref authors. MIT license.

/** What the gateways of `bench/gateways.ts` serve. */

import type { WsgiApplication } from "../../types.ts";

const HELLO = new TextEncoder().encode("Hello, world!");

export const application: WsgiApplication = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [HELLO];
};
