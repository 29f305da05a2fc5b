#!/usr/bin/env -S deno run --allow-net --allow-read
// Copyright 2026 the wsgiref authors. MIT license.
// deno-lint-ignore-file no-console -- it is a program too

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
 *   scgi_param CONTENT_LENGTH $content_length;
 *   scgi_param SCRIPT_NAME $script_name;
 *   scgi_param PATH_INFO $path_info;
 *   scgi_pass 127.0.0.1:4000;
 * }
 * ```
 *
 * @see {@link https://python.ca/scgi/protocol.txt | SCGI: A Simple Common Gateway Interface alternative}
 *
 * @module
 */

import { BaseCgiHandler, TextErrorStream } from "@wsgi/wsgiref/handlers";
import type {
  ErrorStream,
  InputStream,
  WsgiApplication,
  WsgiEnviron,
} from "@wsgi/wsgiref/types";
import { WsgiInput } from "@wsgi/wsgiref/util";

const CONSOLE = new TextErrorStream((text) => console.error(text.trimEnd()));

/** Answers one request. */
class ScgiHandler extends BaseCgiHandler {
  override wsgiInputTerminated = true;

  constructor(
    connection: Deno.Conn,
    input: InputStream,
    environ: Partial<WsgiEnviron>,
    errors: ErrorStream,
  ) {
    const limit = Number(environ.CONTENT_LENGTH);
    const body = new WsgiInput(input.readable, { limit });
    super(body, connection, errors, environ);
  }
}

/** Reads a netstring, `5:Hello,`, of at most 65 536 bytes. */
async function readNetstring(input: InputStream): Promise<string> {
  let prefix = "";
  while (prefix.length < 6 && !prefix.endsWith(":")) {
    const [byte = 0] = await input.read(1);
    prefix += String.fromCharCode(byte);
  }
  const size = parseInt(prefix);
  if (!/^[1-9]\d*:$/.test(prefix) || size > 65_536) {
    throw new TypeError("Cannot read the request as it has no valid length");
  }
  const text = String.fromCharCode(...await input.read(size + 1));
  if (text[size] !== ",") {
    throw new TypeError("Cannot read the request as it has no comma");
  }
  return text.slice(0, size);
}

function parseHeaders(text: string): Partial<WsgiEnviron> {
  const environ: Partial<WsgiEnviron> = Object.create(null);
  const headers = text.split("\0");
  const [first, length = ""] = headers;
  if (first !== "CONTENT_LENGTH" || !/^\d+$/.test(length)) {
    throw new TypeError("Cannot read the request as it has no CONTENT_LENGTH");
  }
  if (headers.pop() !== "" || headers.length % 2 !== 0) {
    throw new TypeError("Cannot read the request as a header has no value");
  }
  for (let i = 0; i < headers.length; i += 2) {
    const [name = "", value = ""] = headers.slice(i, i + 2);
    if (name in environ) {
      throw new TypeError(`Cannot read the request as it has two ${name}`);
    }
    environ[name] = value;
  }
  if (environ.SCGI !== "1") {
    throw new TypeError("Cannot read the request as it has no SCGI");
  }
  // A client could set it, and HTTP clients take it for a setting.
  delete environ.HTTP_PROXY;
  // They have variables of their own.
  delete environ.HTTP_CONTENT_TYPE;
  delete environ.HTTP_CONTENT_LENGTH;
  return environ;
}

/** Ends a connection. What was not read of it would reset it otherwise. */
async function finish(connection: Deno.Conn): Promise<void> {
  await connection.closeWrite();
  const buffer = new Uint8Array(65_536);
  while (await connection.read(buffer) !== null);
}

async function handle(
  connection: Deno.Conn,
  app: WsgiApplication,
  errors: ErrorStream,
): Promise<void> {
  using _ = connection;
  try {
    const input = new WsgiInput(connection.readable);
    const environ = parseHeaders(await readNetstring(input));
    await new ScgiHandler(connection, input, environ, errors).run(app);
  } catch (error) {
    errors.write(`${error}\n`);
  }
  // Whoever has gone need not be waited for.
  await finish(connection).catch(() => {});
}

/**
 * Serves an application until the listener is closed.
 *
 * @param listener Where web servers connect to.
 * @param app The application.
 * @param errors The value of `wsgi.errors`, and where errors are logged.
 */
export async function serveScgi(
  listener: Deno.Listener,
  app: WsgiApplication,
  errors: ErrorStream = CONSOLE,
): Promise<void> {
  for await (const connection of listener) handle(connection, app, errors);
}

if (import.meta.main) {
  const [module = "", port = "4000"] = Deno.args;
  const { application } = await import(
    new URL(module, `file://${Deno.cwd()}/`).href
  );
  const listener = Deno.listen({ hostname: "127.0.0.1", port: Number(port) });
  await serveScgi(listener, application);
}
