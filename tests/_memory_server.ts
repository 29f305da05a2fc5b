// Copyright 2026 the wsgiref authors. MIT license.

/** The server whose memory is measured: a program of its own. */

import { toFetchHandler } from "../handlers.ts";
import type { WsgiApplication } from "../types.ts";

const BLOCK_SIZE = 65_536;

/** How often a block was asked for. */
let asked = 0;

function* blocks(count: number): Generator<Uint8Array> {
  // One buffer for all blocks: so what is used is the server's, who copies it.
  const block = new Uint8Array(BLOCK_SIZE);
  for (; count > 0; count--) {
    asked++;
    yield block;
  }
}

const app: WsgiApplication = async (environ, startResponse) => {
  const input = environ["wsgi.input"];
  startResponse("200 OK", []);
  switch (environ.PATH_INFO) {
    case "/download":
      return blocks(2 ** 30 / BLOCK_SIZE);
    case "/endless":
      return blocks(Infinity);
    case "/upload": {
      let size = 0;
      for (;;) {
        const { length } = await input.read(8192);
        if (length === 0) break;
        size += length;
      }
      return [new TextEncoder().encode(`${size}`)];
    }
    default:
      return [new TextEncoder().encode(`${asked * BLOCK_SIZE}`)];
  }
};

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  // deno-lint-ignore no-console
  onListen: ({ port }) => console.log(port),
}, toFetchHandler(app));
