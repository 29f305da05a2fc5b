#!/usr/bin/env -S deno run --allow-net --allow-read
// Copyright 2026 the wsgiref authors. MIT license.

/**
 * An SCGI server: runs the `application` of a module behind a web server.
 *
 * ```sh
 * deno run -N -R examples/scgi_server.ts app.ts 4000
 * ```
 *
 * For nginx:
 *
 * ```nginx
 * location ~ ^(?<script_name>/app)(?<path_info>/.*)?$ {
 *   include scgi_params;
 *   scgi_param SCRIPT_NAME $script_name;
 *   scgi_param PATH_INFO $path_info;
 *   client_max_body_size 100m;
 *   scgi_pass 127.0.0.1:4000;
 *   # What the application sends does not wait for more.
 *   scgi_buffering off;
 * }
 * ```
 *
 * @see {@link https://python.ca/scgi/protocol.txt | SCGI: A Simple Common Gateway Interface alternative}
 *
 * @module
 */

import { cgiEnviron } from "@wsgi/wsgiref/handlers";
import type {
  ErrorStream,
  WsgiApplication,
  WsgiEnviron,
} from "@wsgi/wsgiref/types";
import type { Buffer } from "node:buffer";
import type { Server, Socket } from "node:net";

import {
  type Connection,
  CONSOLE,
  createGateway,
  GatewayHandler,
  main,
} from "./_gateway.ts";

const MAX_SIZE = 65_536;

/** Reads the one request of a connection. */
class ScgiConnection implements Connection {
  handler: GatewayHandler | null = null;
  #socket: Socket;
  #app: WsgiApplication;
  #errors: ErrorStream;
  /** What has been received of the headers, as a native string. */
  #text = "";

  constructor(socket: Socket, app: WsgiApplication, errors: ErrorStream) {
    this.#socket = socket;
    this.#app = app;
    this.#errors = errors;
  }

  receive(bytes: Buffer): void {
    if (this.handler !== null) return this.handler.body.push(bytes);
    this.#text += bytes.toString("latin1");
    const end = netstringEnd(this.#text);
    if (end === null) return;
    const headers = this.#text.slice(this.#text.indexOf(":") + 1, end - 1);
    this.handler = new GatewayHandler(
      this.#socket,
      parseHeaders(headers),
      this.#errors,
    );
    const rest = this.#text.length - end;
    if (rest > 0) this.handler.body.push(bytes.subarray(-rest));
    this.handler.answer(this.#app).then(() => this.#socket.end());
  }
}

/** Where a netstring such as `5:Hello,` ends; `null` if it has not ended. */
function netstringEnd(text: string): number | null {
  const [prefix, digits] = /^([1-9]\d{0,4}):/.exec(text) ?? [];
  if (prefix === undefined) {
    if (/^(?:[1-9]\d{0,4})?$/.test(text)) return null;
    throw new TypeError("Cannot read the request as it has no valid length");
  }
  const end = prefix.length + Number(digits);
  if (Number(digits) > MAX_SIZE) {
    throw new TypeError("Cannot read the request as it has no valid length");
  }
  if (text.length <= end) return null;
  if (text[end] !== ",") {
    throw new TypeError("Cannot read the request as it has no comma");
  }
  return end + 1;
}

function parseHeaders(text: string): Partial<WsgiEnviron> {
  const fields = text.split("\0");
  if (fields.pop() !== "" || fields.length % 2 !== 0) {
    throw new TypeError("Cannot read the request as a header has no value");
  }
  const headers: [name: string, value: string][] = [];
  for (let i = 0; i < fields.length; i += 2) {
    headers.push([fields[i] ?? "", fields[i + 1] ?? ""]);
  }
  const environ = cgiEnviron(headers);
  if (fields[0] !== "CONTENT_LENGTH" || environ.CONTENT_LENGTH === undefined) {
    throw new TypeError("Cannot read the request as it has no CONTENT_LENGTH");
  }
  if (environ.SCGI !== "1") {
    throw new TypeError("Cannot read the request as it has no SCGI");
  }
  return environ;
}

/**
 * Makes an SCGI server of an application.
 *
 * @param app The application.
 * @param errors The value of `wsgi.errors`, and where errors are logged.
 * @returns The server, which does not listen yet.
 */
export function scgiServer(
  app: WsgiApplication,
  errors: ErrorStream = CONSOLE,
): Server {
  return createGateway(
    (socket) => new ScgiConnection(socket, app, errors),
    errors,
  );
}

if (import.meta.main) await main(scgiServer, Deno.args);
