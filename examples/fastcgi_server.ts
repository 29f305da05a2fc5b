#!/usr/bin/env -S deno run --allow-net --allow-read
// Copyright 2026 the wsgiref authors. MIT license.

/**
 * A FastCGI server: runs the `application` of a module behind a web server.
 *
 * ```sh
 * deno run -N -R examples/fastcgi_server.ts app.ts 4000
 * ```
 *
 * For nginx:
 *
 * ```nginx
 * location ~ ^(?<script_name>/app)(?<path_info>/.*)?$ {
 *   include fastcgi_params;
 *   fastcgi_param SCRIPT_NAME $script_name;
 *   fastcgi_param PATH_INFO $path_info;
 *   client_max_body_size 100m;
 *   fastcgi_pass 127.0.0.1:4000;
 *   # With an upstream that has "keepalive", connections are used again.
 *   fastcgi_keep_conn on;
 *   # What the application sends does not wait for more.
 *   fastcgi_buffering off;
 * }
 * ```
 *
 * In place of the port there may be `HOST:PORT`, or the path of a socket file.
 * Without it, the program listens at the descriptor 0, as process managers of
 * FastCGI have it. docs/deployment.md has other web servers.
 *
 * @see {@link https://fastcgi-archives.github.io/FastCGI_Specification.html | FastCGI Specification}
 *
 * @module
 */

import type {
  ErrorStream,
  WsgiApplication,
  WsgiEnviron,
} from "@wsgi/wsgiref/types";
import { cgiEnviron, TextErrorStream } from "@wsgi/wsgiref/handlers";
import { Buffer } from "node:buffer";
import type { Server, Socket } from "node:net";

import {
  type Connection,
  CONSOLE,
  createGateway,
  GatewayHandler,
  main,
} from "./_gateway.ts";

// The types of records, and what they say: FastCGI Specification, 8.
const BEGIN_REQUEST = 1;
const ABORT_REQUEST = 2;
const END_REQUEST = 3;
const PARAMS = 4;
const STDIN = 5;
const STDOUT = 6;
const STDERR = 7;
const GET_VALUES = 9;
const GET_VALUES_RESULT = 10;
const UNKNOWN_TYPE = 11;
const RESPONDER = 1;
const KEEP_CONN = 1;
const REQUEST_COMPLETE = 0;
const CANT_MPX_CONN = 1;
const UNKNOWN_ROLE = 3;

const VERSION = 1;
const HEADER_SIZE = 8;
/** The most bytes of the variables of a request. */
const MAX_PARAMS_SIZE = 1_048_576;
/** The most content of a record, so that records have whole pages. */
const MAX_CONTENT_SIZE = 65_528;

const encoder = new TextEncoder();
const EMPTY = new Uint8Array(0);

function record(type: number, id: number, content: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(HEADER_SIZE + content.length);
  bytes.writeUInt16BE(VERSION << 8 | type, 0);
  bytes.writeUInt16BE(id, 2);
  bytes.writeUInt16BE(content.length, 4);
  bytes.writeUInt16BE(0, 6);
  bytes.set(content, HEADER_SIZE);
  return bytes;
}

function endRequest(id: number, status: number): Uint8Array {
  return record(END_REQUEST, id, Uint8Array.of(0, 0, 0, 0, status, 0, 0, 0));
}

/** Reads names and values, each with a length of one byte or of four before. */
function* readPairs(text: string): Generator<[name: string, value: string]> {
  let offset = 0;
  const readLength = () => {
    let length = text.charCodeAt(offset++);
    if (length < 128) return length;
    length &= 127;
    for (let i = 0; i < 3; i++) {
      length = length * 256 + text.charCodeAt(offset++);
    }
    return length;
  };
  while (offset < text.length) {
    const nameSize = readLength();
    const valueSize = readLength();
    const name = text.slice(offset, offset += nameSize);
    const value = text.slice(offset, offset += valueSize);
    // Beyond the end, a length is not a number.
    if (!(offset <= text.length)) {
      throw new TypeError("Cannot read the request as a variable is cut off");
    }
    yield [name, value];
  }
}

/** Answers one request, in records. */
class FastCgiHandler extends GatewayHandler {
  /** Whether the end of the request has been written. */
  hasEnded = false;
  #id: number;

  constructor(
    socket: Socket,
    id: number,
    environ: Partial<WsgiEnviron>,
    errors: ErrorStream,
  ) {
    super(socket, environ, errors);
    this.#id = id;
    this.stderr = new TextErrorStream((text) => {
      // Nobody listens to a request that has ended.
      if (this.hasEnded) errors.write(text);
      else this.#writeRecords(STDERR, encoder.encode(text));
    });
    this.stderr.flush = () => void this._flush()?.catch(() => {});
  }

  #writeRecords(type: number, data: Uint8Array): void {
    for (let start = 0; start < data.length; start += MAX_CONTENT_SIZE) {
      const content = data.subarray(start, start + MAX_CONTENT_SIZE);
      super._write(record(type, this.#id, content));
    }
  }

  override _write(data: Uint8Array): void {
    this.#writeRecords(STDOUT, data);
  }

  override finishContent(): void {
    super.finishContent();
    super._write(record(STDOUT, this.#id, EMPTY));
    super._write(endRequest(this.#id, REQUEST_COMPLETE));
    this.hasEnded = true;
  }
}

/** A request, from its first record on. */
interface FastCgiRequest {
  id: number;
  keepsConnection: boolean;
  /** What has been received of the variables, as a native string. */
  params: string;
  /** What answers it, once its variables are complete. */
  handler: FastCgiHandler | null;
}

/** Reads requests, one after the other. */
class FastCgiConnection implements Connection {
  #socket: Socket;
  #app: WsgiApplication;
  #errors: ErrorStream;
  /** The beginning of a record that is not complete. */
  #rest: Buffer = Buffer.alloc(0);
  #request: FastCgiRequest | null = null;

  constructor(socket: Socket, app: WsgiApplication, errors: ErrorStream) {
    this.#socket = socket;
    this.#app = app;
    this.#errors = errors;
  }

  get handler(): FastCgiHandler | null {
    return this.#request?.handler ?? null;
  }

  receive(bytes: Buffer): void {
    let rest = this.#rest.length > 0
      ? Buffer.concat([this.#rest, bytes])
      : bytes;
    while (rest.length >= HEADER_SIZE) {
      if (rest.readUInt8(0) !== VERSION) {
        throw new TypeError("Cannot read the request as it is not FastCGI 1");
      }
      const end = HEADER_SIZE + rest.readUInt16BE(4);
      const next = end + rest.readUInt8(6);
      if (rest.length < next) break;
      const content = rest.subarray(HEADER_SIZE, end);
      this.#receiveRecord(rest.readUInt8(1), rest.readUInt16BE(2), content);
      rest = rest.subarray(next);
    }
    this.#rest = rest;
  }

  #receiveRecord(type: number, id: number, content: Buffer): void {
    if (id === 0) return this.#manage(type, content);
    if (type === BEGIN_REQUEST) return this.#begin(id, content);
    const request = this.#request;
    // What is left of a request that has ended.
    if (request === null || request.id !== id) return;
    if (type === ABORT_REQUEST) this.#abort(request);
    else if (type === PARAMS) this.#receiveParams(request, content);
    else if (type === STDIN) {
      const body = request.handler?.body;
      if (content.length > 0) body?.push(content);
      else body?.complete();
    }
  }

  /** Answers a record that is for no request. */
  #manage(type: number, content: Buffer): void {
    if (type !== GET_VALUES) {
      const what = Uint8Array.of(type, 0, 0, 0, 0, 0, 0, 0);
      this.#socket.write(record(UNKNOWN_TYPE, 0, what));
      return;
    }
    // There is no limit of connections or requests to tell of.
    const isAsked = readPairs(content.toString("latin1"))
      .some(([name]) => name === "FCGI_MPXS_CONNS");
    const values = isAsked ? "\x0f\x01FCGI_MPXS_CONNS0" : "";
    this.#socket.write(record(GET_VALUES_RESULT, 0, encoder.encode(values)));
  }

  #begin(id: number, content: Buffer): void {
    if (content.length !== 8) {
      throw new TypeError("Cannot read the request as it begins with no role");
    }
    const keepsConnection = (content.readUInt8(2) & KEEP_CONN) !== 0;
    if (this.#request !== null && this.handler?.hasEnded !== true) {
      this.#socket.write(endRequest(id, CANT_MPX_CONN));
    } else if (content.readUInt16BE(0) !== RESPONDER) {
      this.#socket.write(endRequest(id, UNKNOWN_ROLE));
      if (!keepsConnection) this.#socket.end();
    } else {
      this.#request = { id, keepsConnection, params: "", handler: null };
    }
  }

  #receiveParams(request: FastCgiRequest, content: Buffer): void {
    request.params += content.toString("latin1");
    if (request.handler !== null || request.params.length > MAX_PARAMS_SIZE) {
      throw new TypeError("Cannot read the request as it has more variables");
    }
    if (content.length > 0) return;
    const handler = new FastCgiHandler(
      this.#socket,
      request.id,
      cgiEnviron(readPairs(request.params)),
      this.#errors,
    );
    request.handler = handler;
    handler.answer(this.#app).then(() => this.#end(request));
  }

  #abort(request: FastCgiRequest): void {
    request.handler?.disconnect();
    this.#end(request);
  }

  #end(request: FastCgiRequest): void {
    if (this.#request !== request) return;
    this.#request = null;
    if (request.handler?.hasEnded !== true) {
      this.#socket.write(endRequest(request.id, REQUEST_COMPLETE));
    }
    if (!request.keepsConnection) this.#socket.end();
  }
}

/**
 * Makes a FastCGI server of an application.
 *
 * @param app The application.
 * @param errors Where errors are logged that no request is told of.
 * @returns The server, which does not listen yet.
 */
export function fastCgiServer(
  app: WsgiApplication,
  errors: ErrorStream = CONSOLE,
): Server {
  return createGateway(
    (socket) => new FastCgiConnection(socket, app, errors),
    errors,
  );
}

if (import.meta.main) await main(fastCgiServer, Deno.args);
