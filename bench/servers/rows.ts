// Copyright 2026 the wsgiref authors. MIT license.

/**
 * What every Deno contestant answers with, so that they do the same work.
 *
 * A server is started as `server.ts VARIANT ROW SIZE PORT`.
 *
 * @module
 */

/** The variant of the server, the row it serves, the row's size, the port. */
export const [VARIANT = "", ROW = "", size = "", port = ""] = Deno.args;
export const SIZE = Number(size);
export const LISTEN: Deno.ServeTcpOptions = {
  hostname: "127.0.0.1",
  port: Number(port),
  onListen() {},
};

export const FILE = Deno.env.get("BENCH_FILE") ?? "";
export const HELLO: Uint8Array<ArrayBuffer> = new TextEncoder().encode(
  "Hello, world!",
);
export const BODY: Uint8Array<ArrayBuffer> = new Uint8Array(
  ROW === "array" ? SIZE : 0,
);

const BLOCK = new Uint8Array(1024);
const LARGE_BLOCK = new Uint8Array(65_536);

/** `SIZE` blocks of 1 KiB for the row "blocks", `SIZE` bytes for "bytes". */
export function* blocks(): Generator<Uint8Array<ArrayBuffer>> {
  if (ROW === "blocks") {
    for (let i = 0; i < SIZE; i++) yield BLOCK;
    return;
  }
  for (let rest = SIZE; rest > 0; rest -= LARGE_BLOCK.length) {
    yield LARGE_BLOCK.subarray(0, rest);
  }
}

/** The blocks as the stream that is written by hand where speed counts. */
export function blockStream(): ReadableStream<Uint8Array<ArrayBuffer>> {
  const iterator = blocks();
  return new ReadableStream({
    pull(controller) {
      const { done, value } = iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}
