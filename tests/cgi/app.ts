#!/usr/bin/env -S deno run --allow-env --allow-read --allow-write
// Copyright 2026 the wsgiref authors. MIT license.

/** The application that all gateways run; as a program, it is a CGI script. */

import { CgiHandler } from "../../handlers.ts";
import type { WsgiApplication, WsgiEnviron } from "../../types.ts";

const encoder = new TextEncoder();

/** The query is the path of a file by which the test and the page talk. */
function filePath(environ: WsgiEnviron): string {
  return decodeURIComponent(environ.QUERY_STRING ?? "");
}

const PAGES: Record<string, WsgiApplication> = {
  async "/echo"(environ, startResponse) {
    const body = await environ["wsgi.input"].read();
    startResponse("200 OK", [["Content-Type", "application/octet-stream"]]);
    return [body];
  },
  async "/file"(environ, startResponse) {
    const file = await Deno.open(filePath(environ));
    startResponse("200 OK", [["Content-Type", "application/octet-stream"]]);
    return environ["wsgi.file_wrapper"]?.(file) ?? [];
  },
  "/redirect"(_environ, startResponse) {
    startResponse("302 Found", [["Location", "/elsewhere?a=b"]]);
    return [];
  },
  "/moved"(_environ, startResponse) {
    startResponse("301 Moved Permanently", [
      ["Location", "https://example.com/%C3%A9"],
    ]);
    return [];
  },
  "/continue"(_environ, startResponse) {
    startResponse("100 Continue", []);
    return [];
  },
  "/not-modified"(_environ, startResponse) {
    startResponse("304 Not Modified", [["ETag", '"1"']]);
    return [];
  },
  "/cookies"(_environ, startResponse) {
    startResponse("200 OK", [
      ["Content-Type", "text/plain"],
      ["Set-Cookie", "a=1; Path=/"],
      ["Set-Cookie", "b=2; Expires=Thu, 01 Jan 2099 00:00:00 GMT"],
      ["Set-Cookie", "c=3"],
    ]);
    return [encoder.encode("cookies")];
  },
  /** Each block after the first waits for a byte from a FIFO. */
  async *"/blocks"(environ, startResponse) {
    startResponse("200 OK", [["Content-Type", "text/plain"]]);
    using fifo = await Deno.open(filePath(environ));
    for (let i = 0; i < 100; i++) {
      yield encoder.encode(`block ${i}\n`);
      await fifo.read(new Uint8Array(1));
    }
  },
  /** Says goodbye when it is not to go on. */
  async *"/endless"(environ, startResponse) {
    startResponse("200 OK", [["Content-Type", "text/plain"]]);
    try {
      for (;;) yield new Uint8Array(65_536);
    } finally {
      await Deno.writeTextFile(filePath(environ), "closed");
    }
  },
  /** Sends one block, and says goodbye when it is not to wait for more. */
  "/stalled"(environ, startResponse) {
    startResponse("200 OK", [["Content-Type", "text/plain"]]);
    return new ReadableStream({
      start(controller) {
        controller.enqueue(encoder.encode("first block\n"));
        setTimeout(() => controller.close(), 60_000);
      },
      cancel: () => Deno.writeTextFile(filePath(environ), "closed"),
    });
  },
  "/throw"() {
    throw new RangeError("thrown before the first block");
  },
  async *"/throw-late"(_environ, startResponse) {
    startResponse("200 OK", [["Content-Type", "text/plain"]]);
    yield encoder.encode("first block\n");
    throw new RangeError("thrown after the first block");
  },
};

/** Any other page shows the variables of the request. */
export const application: WsgiApplication = (environ, startResponse) => {
  const page = PAGES[environ.PATH_INFO ?? ""];
  if (page) return page(environ, startResponse);
  startResponse("200 OK", [["Content-Type", "application/json"]]);
  const strings = Object.entries(environ)
    .filter(([, value]) => typeof value === "string");
  return [encoder.encode(JSON.stringify(Object.fromEntries(strings)))];
};

if (Deno.env.has("UNDER_VALIDATOR")) await import("../_under_validator.ts");

if (import.meta.main) await new CgiHandler().run(application);
