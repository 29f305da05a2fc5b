// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Hono on Deno: "plain", "facts", which reads of the request all that an environ
 * has of it, and "bridge", made an application and back.
 *
 * @module
 */

import { type Context, Hono } from "hono";
import { fromFetchHandler, toFetchHandler } from "../../handlers.ts";
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

interface Env {
  Bindings: Deno.ServeHandlerInfo<Deno.NetAddr>;
}

type Answer = (c: Context<Env>) => Response | Promise<Response>;

const rows: Record<string, Answer> = {
  hello: (c) => c.body(HELLO, 200, HEADERS),
  array: (c) => c.body(BODY, 200, HEADERS),
  blocks: (c) => c.body(blockStream(), 200, HEADERS),
  bytes: (c) => c.body(blockStream(), 200, HEADERS),
  echo: async (c) => c.body(await c.req.arrayBuffer(), 200, HEADERS),
  file: async (c) => c.body((await Deno.open(FILE)).readable, 200, HEADERS),
};

const answer = rows[ROW] as Answer;

/** What was read of the last request, so that reading it is not for nothing. */
export let facts: unknown;

const app = new Hono<Env>();
app.all(
  "/",
  VARIANT !== "facts" ? answer : (c) => {
    const { method, url } = c.req;
    const { hostname, port } = c.env.remoteAddr;
    facts = { method, url, hostname, port, headers: c.req.header() };
    return answer(c);
  },
);
Deno.serve(
  LISTEN,
  VARIANT === "bridge"
    ? toFetchHandler(fromFetchHandler(app.fetch))
    : app.fetch,
);
