// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Bare `Deno.serve`: "minimal" does what the row asks for and no more, "facts"
 * reads of the request all that an environ has of it.
 *
 * @module
 */

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

Deno.serve(
  LISTEN,
  VARIANT === "minimal" ? answer : (request, info) => {
    const { method, url } = request;
    const { hostname, port } = info.remoteAddr as Deno.NetAddr;
    const headers: Record<string, string> = {};
    for (const [name, value] of request.headers) headers[name] = value;
    facts = { method, url, hostname, port, headers };
    return answer(request, info);
  },
);
