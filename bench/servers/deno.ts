// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Fetch handlers on `Deno.serve`: "minimal" does what the row asks for and no
 * more, "facts" reads of the request all that an environ has of it, "bridge" is
 * the minimal one made an application and back, "middleware" the same with
 * middleware in between that sets a header.
 *
 * @module
 */

import { fromFetchHandler, toFetchHandler } from "../../handlers.ts";
import type { WsgiApplication } from "../../types.ts";
import {
  blockStream,
  BODY,
  FILE,
  HELLO,
  LISTEN,
  ROW,
  VARIANT,
} from "./rows.ts";

const HEADERS = { "content-type": "text/plain" };

const minimal: Record<string, Deno.ServeHandler> = {
  hello: () => new Response(HELLO, { headers: HEADERS }),
  array: () => new Response(BODY, { headers: HEADERS }),
  blocks: () => new Response(blockStream(), { headers: HEADERS }),
  bytes: () => new Response(blockStream(), { headers: HEADERS }),
  echo: async (request) =>
    new Response(await request.bytes(), { headers: HEADERS }),
  file: async () => {
    const file = await Deno.open(FILE);
    return new Response(file.readable, { headers: HEADERS });
  },
};

const answer = minimal[ROW] as Deno.ServeHandler;

/** What was read of the last request, so that reading it is not for nothing. */
export let facts: unknown;

const readFacts: Deno.ServeHandler = (request, info) => {
  const { method, url } = request;
  const { hostname, port } = info.remoteAddr as Deno.NetAddr;
  const headers: Record<string, string> = {};
  for (const [name, value] of request.headers) headers[name] = value;
  facts = { method, url, hostname, port, headers };
  return answer(request, info);
};

/** Middleware that sets a header of the response. */
function setHeader(app: WsgiApplication): WsgiApplication {
  return (environ, startResponse) =>
    app(
      environ,
      (status, headers, excInfo) =>
        startResponse(
          status,
          [...headers, ["X-Frame-Options", "DENY"]],
          excInfo,
        ),
    );
}

const variants: Record<string, () => Deno.ServeHandler> = {
  minimal: () => answer,
  facts: () => readFacts,
  bridge: () => toFetchHandler(fromFetchHandler(answer)),
  middleware: () => toFetchHandler(setHeader(fromFetchHandler(answer))),
};

Deno.serve(LISTEN, variants[VARIANT]?.() ?? answer);
