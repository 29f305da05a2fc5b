// Copyright 2026 the wsgiref authors. MIT license.

/**
 * This package: "plain" and "validator" on `Deno.serve`, "quiet" and "logging"
 * on `makeServer()`.
 *
 * @module
 */

import { toFetchHandler } from "../../handlers.ts";
import { makeServer } from "../../simple_server.ts";
import type { WsgiApplication, WsgiHeader } from "../../types.ts";
import { blocks, BODY, FILE, HELLO, LISTEN, ROW, VARIANT } from "./rows.ts";

const HEADERS: WsgiHeader[] = [["Content-Type", "text/plain"]];

const apps: Record<string, WsgiApplication> = {
  hello(_environ, startResponse) {
    startResponse("200 OK", HEADERS);
    return [HELLO];
  },
  array(_environ, startResponse) {
    startResponse("200 OK", HEADERS);
    return [BODY];
  },
  blocks(_environ, startResponse) {
    startResponse("200 OK", HEADERS);
    return blocks();
  },
  bytes(_environ, startResponse) {
    startResponse("200 OK", HEADERS);
    return blocks();
  },
  async echo(environ, startResponse) {
    const body = await environ["wsgi.input"].read();
    startResponse("200 OK", HEADERS);
    return [body];
  },
  async file(environ, startResponse) {
    const file = await Deno.open(FILE);
    startResponse("200 OK", HEADERS);
    return environ["wsgi.file_wrapper"]?.(file) ?? [];
  },
};

const app = apps[ROW] as WsgiApplication;

if (VARIANT === "plain") {
  Deno.serve(LISTEN, toFetchHandler(app));
} else if (VARIANT === "validator") {
  const { validator } = await import("../../validate.ts");
  Deno.serve(LISTEN, toFetchHandler(validator(app)));
} else {
  makeServer("127.0.0.1", LISTEN.port ?? 0, app, { quiet: VARIANT === "quiet" })
    .serveForever();
}
