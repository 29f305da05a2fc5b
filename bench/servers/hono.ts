// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Hono on Deno: "plain", and "facts", which reads of the request all that an
 * environ has of it.
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

// What it offers is not known before it is loaded: the version is in the URL.
const { Hono } = await import(Deno.env.get("BENCH_HONO") ?? "");

const HEADERS = { "content-type": "text/plain" };

interface Context {
  req: {
    method: string;
    url: string;
    raw: Request;
    header(): Record<string, string>;
    arrayBuffer(): Promise<ArrayBuffer>;
  };
  env: Deno.ServeHandlerInfo<Deno.NetAddr>;
  body(body: BodyInit, status: number, headers: HeadersInit): Response;
}

const rows: Record<string, (c: Context) => Response | Promise<Response>> = {
  hello: (c) => c.body(HELLO, 200, HEADERS),
  array: (c) => c.body(BODY, 200, HEADERS),
  blocks: (c) => c.body(blockStream(), 200, HEADERS),
  bytes: (c) => c.body(blockStream(), 200, HEADERS),
  echo: async (c) => c.body(await c.req.arrayBuffer(), 200, HEADERS),
  file: async (c) => c.body((await Deno.open(FILE)).readable, 200, HEADERS),
};

const answer = rows[ROW] as (c: Context) => Response | Promise<Response>;

/** What was read of the last request, so that reading it is not for nothing. */
export let facts: unknown;

const app = new Hono();
app.all(
  "/",
  VARIANT === "plain" ? answer : (c: Context) => {
    const { method, url } = c.req;
    const { hostname, port } = c.env.remoteAddr;
    facts = { method, url, hostname, port, headers: c.req.header() };
    return answer(c);
  },
);
Deno.serve(LISTEN, app.fetch);
