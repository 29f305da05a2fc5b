// Copyright 2026 the wsgiref authors. MIT license.

/** The server that `load.ts` drives: a program of its own. */

import { TextErrorStream, toFetchHandler } from "../handlers.ts";
import { makeServer } from "../simple_server.ts";
import type { WsgiApplication, WsgiResult } from "../types.ts";

const encoder = new TextEncoder();
const BLOCK = new Uint8Array(65_536);

/** What there is to know at the end. */
const counts = { opened: 0, closed: 0, planned: 0, entries: 0, others: 0 };

/** The tags of the requests that an application was called for. */
const started: string[] = [];

const errors = new TextErrorStream((text) => {
  for (const line of text.split("\n")) {
    if (line.includes("planned")) counts.entries++;
    // Requests that are wrong, or break off, are the clients' doing.
    else if (/Error\b/.test(line) && !/broke off|its host must/.test(line)) {
      counts.others++;
    }
  }
});

function fail(): never {
  counts.planned++;
  throw new RangeError("planned");
}

/** Counts a result that has to be closed. */
function counted(result: WsgiResult): WsgiResult {
  counts.opened++;
  return Object.assign(result, {
    close() {
      counts.closed++;
    },
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

const PAGES: Record<string, (tag: string) => WsgiResult> = {
  "/array": (tag) => [encoder.encode(tag)],
  "/generator": function* (tag) {
    for (let count = 0; count < 10; count++) yield encoder.encode(tag);
  },
  "/events": async function* (tag) {
    for (let count = 0; count < 3; count++) {
      await pause(5);
      yield encoder.encode(tag);
    }
  },
  "/large": (tag) => [encoder.encode(tag.repeat(5_000))],
  "/stream": (tag) => ReadableStream.from([encoder.encode(tag.repeat(500))]),
  "/cut": function* (tag) {
    yield encoder.encode(tag);
    fail();
  },
  "/endless": function* () {
    for (;;) yield BLOCK;
  },
};

const application: WsgiApplication = async (environ, startResponse) => {
  const { PATH_INFO: path = "", QUERY_STRING: tag = "" } = environ;
  const input = environ["wsgi.input"];
  if (path === "/counts") {
    startResponse("200 OK", [["Content-Type", "application/json"]]);
    // Only there if V8 is told so.
    (globalThis as { gc?: () => void }).gc?.();
    let files = 0;
    for await (const _file of Deno.readDir("/proc/self/fd")) files++;
    const { rss, heapUsed } = Deno.memoryUsage();
    const text = JSON.stringify({ ...counts, files, rss, heapUsed });
    return [encoder.encode(text)];
  }
  started.push(tag);
  if (path === "/throw") fail();
  const headers: [string, string][] = [["Content-Type", "text/plain"]];
  if (environ.REQUEST_METHOD === "POST") {
    const body = path === "/part" ? await input.read(20) : await input.read();
    startResponse("200 OK", headers);
    return counted([body]);
  }
  startResponse("200 OK", headers);
  const page = PAGES[path]?.(tag) ?? [];
  return page instanceof ReadableStream ? page : counted(page);
};

const [way] = Deno.args;
const hostname = "127.0.0.1";
const server = way === "server"
  ? makeServer(hostname, 0, application, { errors, shutdownTimeout: 10_000 })
  : Deno.serve(
    {
      hostname,
      port: 0,
      onListen() {},
      // Deno tells of a cut, whose error has been logged.
      onError: () => new Response(null, { status: 500 }),
    },
    toFetchHandler(application, { errors }),
  );
let port;
if ("serveForever" in server) {
  server.serveForever();
  port = server.serverPort;
} else port = server.addr.port;
// deno-lint-ignore no-console
console.log(port);

// The end of the input is the word to shut down.
for await (const _chunk of Deno.stdin.readable);
await server.shutdown();
// deno-lint-ignore no-console
console.log(JSON.stringify(started));
Deno.exit();
