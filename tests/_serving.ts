// Copyright 2026 the wsgiref authors. MIT license.

/** The ways to serve an application over a socket. */

import { TextErrorStream, toFetchHandler } from "../handlers.ts";
import { WsgiServer, type WsgiServerOptions } from "../simple_server.ts";
import type { WsgiApplication } from "../types.ts";
import { until, within } from "./_limit.ts";

/** `makeServer()`, and `toFetchHandler()` under `Deno.serve()`. */
export const WAYS = ["server", "handler"] as const;
export type Way = typeof WAYS[number];

/** The options of both ways. */
export interface ServingOptions extends WsgiServerOptions {
  scriptName?: string;
  scheme?: "http" | "https";
  maxBodySize?: number;
  forwarded?: { for?: number; proto?: number; host?: number };
}

/** An application that is served until this is disposed of. */
export interface Serving extends AsyncDisposable {
  port: number;
  /** What has been logged. */
  readonly log: string;
  /** The server, if there is one beside that of Deno. */
  server: WsgiServer | null;
}

class LoggedServer extends WsgiServer {
  logged = "";
  override readonly log = new TextErrorStream((text) => this.logged += text);
}

/** Serves an application. Whatever it does, its end does not take long. */
export function serve(
  way: Way,
  app: WsgiApplication,
  options: ServingOptions = {},
): Serving {
  return way === "server"
    ? serveByServer(app, options)
    : serveByHandler(app, options);
}

function serveByServer(app: WsgiApplication, options: ServingOptions): Serving {
  const server = new LoggedServer("127.0.0.1", 0, options);
  server.setApp(app);
  server.serveForever();
  return {
    port: server.serverPort,
    get log() {
      return server.logged;
    },
    server,
    async [Symbol.asyncDispose]() {
      await within("The server ends", server.serverClose());
    },
  };
}

function serveByHandler(
  app: WsgiApplication,
  options: ServingOptions,
): Serving {
  let log = "";
  const errors = new TextErrorStream((text) => log += text);
  const abort = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: abort.signal,
    onListen() {},
    // Deno tells of a cut, whose error has been logged.
    onError: () => new Response(null, { status: 500 }),
  }, toFetchHandler(app, { ...options, errors }));
  return {
    port: server.addr.port,
    get log() {
      return log;
    },
    server: null,
    async [Symbol.asyncDispose]() {
      abort.abort();
      await within("The server ends", server.finished);
    },
  };
}

/** The lines of a log that tell of no request and are no frames of a trace. */
export function errorsOf(log: string): string[] {
  return log.replaceAll(/^(Cannot answer \S+ "[^"]*")(?::|\n)\s*/gm, "")
    .split("\n").filter((line) =>
      line !== "" && !/^\S+ - - \[[^\]]*\] "/.test(line) && !/^ +at /.test(line)
    );
}

/** The frames of the traces in a log. */
export function framesOf(log: string): string[] {
  return log.split("\n").filter((line) => /^ +at /.test(line));
}

/** Waits for an error to be logged. */
export async function untilLogged(serving: Serving): Promise<void> {
  await until("An error is logged", () => errorsOf(serving.log).length > 0);
}
