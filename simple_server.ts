#!/usr/bin/env -S deno run --allow-net
// Copyright 2026 the wsgiref authors. MIT license.

/**
 * A web server for an application, on `Deno.serve`. It sets clients no time
 * limits: what the internet can reach has a proxy in front of it.
 *
 * ```ts no-assert ignore
 * import { makeServer } from "@wsgi/wsgiref/simple-server";
 *
 * await using server = makeServer("", 8000, (_environ, startResponse) => {
 *   startResponse("200 OK", [["Content-Type", "text/plain"]]);
 *   return [new TextEncoder().encode("Hello, world!")];
 * });
 * await server.serveForever();
 * ```
 *
 * As a program, it serves {@linkcode demoApp} or the application of a module:
 *
 * ```sh
 * deno run -N jsr:@wsgi/wsgiref/simple-server
 * deno run -N -R jsr:@wsgi/wsgiref/simple-server app.ts --port 8080
 * ```
 *
 * @module
 */

import { escape, escapeControls, quote } from "./_escape.ts";
import {
  CONSOLE_ERRORS,
  formatError,
  TextErrorStream,
} from "./_error_stream.ts";
import { FetchHandler, type FetchHandlerOptions } from "./_fetch_handler.ts";
import { checkRequestOptions, requestEnviron } from "./_request_environ.ts";
import { isInstance } from "./_is_instance.ts";
import { RequestError } from "./_request_error.ts";
import { isPromise } from "./_result.ts";
import { VERSION } from "./_version.ts";
import type {
  ErrorStream,
  WsgiApplication,
  WsgiEnviron,
  WsgiResult,
} from "./types.ts";

const SOFTWARE = `wsgiref/${VERSION}`;

const encoder = new TextEncoder();

/**
 * A demonstration: answers with a greeting and with the variables of the
 * environ, sorted by name.
 *
 * @param environ The request.
 * @param startResponse Begins the response.
 * @returns The page, as UTF-8 text.
 *
 * @example Usage
 * ```ts
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { demoApp } from "@wsgi/wsgiref/simple-server";
 * import { assertMatch } from "@std/assert";
 *
 * const response = await toFetchHandler(demoApp)(
 *   new Request("http://localhost/xyz?abc"),
 * );
 * const text = await response.text();
 *
 * assertMatch(text, /^Hello world!\n\n/);
 * assertMatch(text, /^PATH_INFO = '\/xyz'$/m);
 * ```
 */
export const demoApp: WsgiApplication = (
  environ,
  startResponse,
): WsgiResult => {
  const lines = Object.keys(environ).sort().map((key) =>
    `${escape(key)} = ${inspect(environ[key])}\n`
  );
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return [encoder.encode(`Hello world!\n\n${lines.join("")}`)];
};

function inspect(value: unknown): string {
  if (typeof value === "string") return `'${escape(value)}'`;
  return Object(value) === value && !Array.isArray(value)
    ? Object.prototype.toString.call(value)
    : JSON.stringify(value) ?? String(value);
}

/** The log of a server: lines of one turn of the event loop go out together. */
class Log extends TextErrorStream {
  #text = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super((text) => {
      this.#text += text;
      this.#timer ??= setTimeout(() => this.flush(), 0);
    });
  }

  override flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    let bytes = encoder.encode(this.#text);
    this.#text = "";
    try {
      while (bytes.length > 0) {
        bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
      }
    } catch {
      // A log that nobody reads any more must not stop the server.
    }
  }
}

/** Logs. A log that fails, as on a full disk, must not matter to a client. */
function tryToLog(log: () => void): void {
  try {
    log();
  } catch (error) {
    CONSOLE_ERRORS.write(`Cannot log: ${formatError(error, null)}`);
  }
}

/**
 * Runs the application for one request of a {@linkcode WsgiServer}, and logs
 * the request.
 *
 * @example Usage
 * ```ts
 * import {
 *   demoApp,
 *   makeServer,
 *   ServerHandler,
 *   WsgiRequestHandler,
 * } from "@wsgi/wsgiref/simple-server";
 * import { assertEquals } from "@std/assert";
 *
 * class TeapotHandler extends ServerHandler {
 *   override errorStatus = "418 I'm a teapot";
 * }
 *
 * class RequestHandler extends WsgiRequestHandler {
 *   override handle() {
 *     return new TeapotHandler(this).respond(() => {
 *       throw new Error("Cannot brew coffee");
 *     });
 *   }
 * }
 *
 * await using server = makeServer("127.0.0.1", 0, demoApp, {
 *   errors: { write() {}, writelines() {}, flush() {} },
 *   handlerClass: RequestHandler,
 * });
 * const answered = server.handleRequest();
 *
 * const response = await fetch(`http://127.0.0.1:${server.serverPort}/`);
 * assertEquals(response.status, 418);
 * await response.body?.cancel();
 * await answered;
 * ```
 */
export class ServerHandler extends FetchHandler {
  #requestHandler: WsgiRequestHandler;
  #isLost = false;

  /**
   * Constructs a new instance.
   *
   * @param requestHandler The handler of the request.
   */
  constructor(requestHandler: WsgiRequestHandler) {
    const { request, info, server } = requestHandler;
    super(request, null, {
      ...server.options,
      wholeSize: LARGE_SIZE,
      errors: requestHandler.getStderr(),
      info,
    });
    this.#requestHandler = requestHandler;
  }

  /**
   * Gets the CGI variables of the request.
   *
   * @returns Those of {@linkcode WsgiRequestHandler.getEnviron}.
   */
  override getEnviron(): Partial<WsgiEnviron> {
    return this.#requestHandler.getEnviron();
  }

  /**
   * Runs an application.
   *
   * @param app The application.
   * @returns The response, or a promise of it, which never rejects.
   */
  override respond(app: WsgiApplication): Response | Promise<Response> {
    const response = super.respond(app);
    track(this.#requestHandler.server, this);
    return response;
  }

  /**
   * Logs an error: one of the request by
   * {@linkcode WsgiRequestHandler.logError}, any other with its trace.
   *
   * @param error The value that was thrown.
   */
  override logException(error: unknown): void {
    if (isInstance(error, RequestError)) this.#requestHandler.logError(error);
    else super.logException(error);
  }

  /** What `Deno.serve` tells of the connection. */
  get info(): ServeInfo {
    return this.#requestHandler.info;
  }

  /**
   * Ends the run, as the client has gone.
   *
   * @param reason What pending and later writes are rejected with.
   * @returns Nothing, or a promise that the result is released.
   */
  override connectionLost(reason: unknown): void | Promise<void> {
    this.#isLost = true;
    return super.connectionLost(reason);
  }

  /** Ends the response, releases the result, and logs the request. */
  override close(): void | Promise<void> {
    // A client that has gone before it was answered was sent nothing.
    const isSent = this.response !== null || !this.#isLost;
    const closed = super.close();
    const status = isSent && this.response ? this.response.status : "-";
    tryToLog(() => this.#requestHandler.logRequest(status, this.bytesSent));
    return closed;
  }
}

/**
 * Handles one request of a {@linkcode WsgiServer}.
 *
 * @example Usage
 * ```ts
 * import {
 *   demoApp,
 *   makeServer,
 *   WsgiRequestHandler,
 * } from "@wsgi/wsgiref/simple-server";
 * import { assertStringIncludes } from "@std/assert";
 *
 * class RequestHandler extends WsgiRequestHandler {
 *   override getEnviron() {
 *     return { ...super.getEnviron(), "shop.name": "spam" };
 *   }
 * }
 *
 * await using server = makeServer("127.0.0.1", 0, demoApp, {
 *   handlerClass: RequestHandler,
 *   quiet: true,
 * });
 * const answered = server.handleRequest();
 *
 * const response = await fetch(`http://127.0.0.1:${server.serverPort}/`);
 * assertStringIncludes(await response.text(), "shop.name = ");
 * await answered;
 * ```
 */
export class WsgiRequestHandler {
  /** The request. */
  readonly request: Request;
  /** What `Deno.serve` tells of the connection. */
  readonly info: ServeInfo;
  /** The server. */
  readonly server: WsgiServer;
  /** The address of the client. */
  readonly clientAddress: ServerAddress;

  /**
   * Constructs a new instance.
   *
   * @param request The request.
   * @param info What `Deno.serve` tells of the connection.
   * @param server The server.
   */
  constructor(request: Request, info: ServeInfo, server: WsgiServer) {
    this.request = request;
    this.info = info;
    this.server = server;
    // Deno has forgotten it once the client has gone.
    this.clientAddress = info.remoteAddr;
  }

  /**
   * Makes the CGI variables of the request.
   *
   * @returns The variables of the request. The name, the port and the software
   * of the server, and what the request lacks, come from
   * {@linkcode WsgiServer.baseEnviron}.
   * @throws {RequestError} If the request is not valid.
   */
  getEnviron(): Partial<WsgiEnviron> {
    const { baseEnviron, options } = this.server;
    const info = { remoteAddr: this.clientAddress };
    const environ = requestEnviron(this.request, info, options);
    for (const name in baseEnviron) {
      if (name.startsWith("SERVER_") && name !== "SERVER_PROTOCOL") {
        environ[name] = baseEnviron[name];
      } else environ[name] ??= baseEnviron[name];
    }
    return environ;
  }

  /**
   * Gets the value of `wsgi.errors`, where errors and requests are logged.
   *
   * @returns The stream: that of the server.
   */
  getStderr(): ErrorStream {
    return this.server.log;
  }

  /**
   * Handles the request.
   *
   * @returns The response of the application, or that to a wrong request.
   */
  handle(): Response | Promise<Response> {
    return new ServerHandler(this).respond(this.server.getApp());
  }

  /**
   * Logs the request once it has been answered.
   *
   * @param code The status code, or `"-"` if there was none.
   * @param size The number of bytes of body that were sent, or `"-"`.
   */
  logRequest(code: number | string = "-", size: number | string = "-"): void {
    if (this.server.quiet) return;
    const { method, url } = this.request;
    const target = escape(targetOf(url));
    this.logMessage(`"${method} ${target} HTTP/1.1" ${code} ${size}`);
  }

  /**
   * Logs why the request was refused.
   *
   * @param error What is wrong with the request.
   */
  logError(error: RequestError): void {
    if (this.server.quiet) return;
    this.logMessage(`code ${error.status}, message ${error.message}`);
  }

  /**
   * Logs a message with the address of the client and the time.
   *
   * @param message The message, whose control characters are escaped.
   */
  logMessage(message: string): void {
    const { hostname = "-" } = this.clientAddress;
    this.getStderr().write(
      `${hostname} - - [${logTime()}] ${escapeControls(message)}\n`,
    );
  }
}

/** What was asked for: the path and the query, or the host of CONNECT. */
function targetOf(url: string): string {
  const authority = url.slice(url.indexOf("://") + 3);
  const start = authority.search(/[/?]/);
  return start === -1 ? authority : authority.slice(start);
}

let logSecond = 0;
let logText = "";

/** The local time as the common log format has it, made once a second. */
function logTime(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== logSecond) {
    const text = new Date(second * 1000).toString();
    const [, month, day, year, time] = text.split(" ");
    logSecond = second;
    logText = `${day}/${month}/${year} ${time}`;
  }
  return logText;
}

function checkApp(app: WsgiApplication): void {
  if (typeof app !== "function") {
    throw new TypeError(
      `Cannot set the application as it must be a function: received ${
        quote(app)
      }`,
    );
  }
}

/** Answers the requests that come while a server shuts down. */
const unavailable: WsgiApplication = (_environ, startResponse) => {
  startResponse("503 Service Unavailable", [["Content-Type", "text/plain"]]);
  return [encoder.encode("Service Unavailable\n")];
};

/**
 * The address of a server or of a client.
 *
 * @example Usage
 * ```ts
 * import {
 *   demoApp,
 *   makeServer,
 *   type ServerAddress,
 * } from "@wsgi/wsgiref/simple-server";
 * import { assertEquals } from "@std/assert";
 *
 * const { promise, resolve } = Promise.withResolvers<ServerAddress>();
 * await using server = makeServer("127.0.0.1", 0, demoApp, {
 *   onListen: resolve,
 * });
 *
 * const address = await promise;
 * assertEquals(address.hostname, "127.0.0.1");
 * assertEquals(address.port, server.serverPort);
 * ```
 */
export interface ServerAddress {
  /** The kind of socket. */
  readonly transport: "tcp" | "unix";
  /** The IP address. Absent for a Unix socket. */
  readonly hostname?: string;
  /** The port. Absent for a Unix socket. */
  readonly port?: number;
  /** The path of a Unix socket. */
  readonly path?: string;
}

/**
 * What `Deno.serve` tells of the connection of a request.
 *
 * @example Usage
 * ```ts
 * import {
 *   demoApp,
 *   makeServer,
 *   type ServeInfo,
 *   WsgiRequestHandler,
 * } from "@wsgi/wsgiref/simple-server";
 * import { assertEquals } from "@std/assert";
 *
 * function addressOf({ remoteAddr }: ServeInfo): string {
 *   return remoteAddr.hostname ?? remoteAddr.path ?? "unknown";
 * }
 *
 * let client = "";
 * class RequestHandler extends WsgiRequestHandler {
 *   override handle() {
 *     client = addressOf(this.info);
 *     return super.handle();
 *   }
 * }
 *
 * await using server = makeServer("127.0.0.1", 0, demoApp, {
 *   handlerClass: RequestHandler,
 *   quiet: true,
 * });
 * const answered = server.handleRequest();
 *
 * await (await fetch(`http://127.0.0.1:${server.serverPort}/`)).text();
 * await answered;
 * assertEquals(client, "127.0.0.1");
 * ```
 */
export interface ServeInfo {
  /** The address of the client. */
  readonly remoteAddr: ServerAddress;
  /** A promise that the response has been sent, as far as the server can tell. */
  readonly completed: Promise<void>;
}

/**
 * Options for {@linkcode WsgiServer}.
 *
 * @example Usage
 * ```ts
 * import {
 *   demoApp,
 *   WsgiServer,
 *   type WsgiServerOptions,
 * } from "@wsgi/wsgiref/simple-server";
 * import { assertEquals } from "@std/assert";
 *
 * const options: WsgiServerOptions = { maxBodySize: 1_000_000, quiet: true };
 * await using server = new WsgiServer("127.0.0.1", 0, options);
 * server.setApp(demoApp);
 *
 * assertEquals(server.options.maxBodySize, 1_000_000);
 * ```
 */
export interface WsgiServerOptions
  extends Omit<FetchHandlerOptions, "info" | "wholeSize"> {
  /**
   * The `Server` header, and `SERVER_SOFTWARE`. By default, there is no such
   * header, and the variable names this package.
   */
  serverSoftware?: string | null;
  /** The certificate chain for HTTPS, in PEM format. It needs a `key`. */
  cert?: string;
  /** The private key for HTTPS, in PEM format. */
  key?: string;
  /**
   * The path of a Unix socket to listen at, in place of host and port. The file
   * must not exist; it is removed when the server stops.
   */
  path?: string;
  /**
   * Shuts the server down when it is aborted, as
   * {@linkcode WsgiServer.shutdown} does.
   */
  signal?: AbortSignal;
  /** Called with the address once the server listens. */
  onListen?: (address: ServerAddress) => void;
  /**
   * Turns off the log of requests, and of why one was refused, a
   * {@linkcode RequestError}. Any other error is logged all the same.
   *
   * @default {false}
   */
  quiet?: boolean;
  /**
   * The value of `wsgi.errors`, and where errors and requests are logged. By
   * default, stderr.
   */
  errors?: ErrorStream;
  /**
   * How long {@linkcode WsgiServer.shutdown} lets requests be answered before it
   * aborts their `wsgiref.signal`, in milliseconds. A tenth of a second later
   * their connections are closed.
   *
   * @default {500}
   */
  shutdownTimeout?: number;
  /** The class that handles requests. By default, that of the server. */
  handlerClass?: typeof WsgiRequestHandler;
}

/**
 * Options for {@linkcode WsgiServer.shutdown}.
 *
 * @example Usage
 * ```ts
 * import {
 *   demoApp,
 *   makeServer,
 *   type ShutdownOptions,
 * } from "@wsgi/wsgiref/simple-server";
 *
 * const options: ShutdownOptions = { timeout: 1000 };
 * const server = makeServer("127.0.0.1", 0, demoApp);
 * const stopped = server.serveForever();
 *
 * await server.shutdown(options);
 * await stopped;
 * ```
 */
export interface ShutdownOptions {
  /**
   * How long to let requests be answered, in milliseconds. By default, the
   * `shutdownTimeout` of the server.
   */
  timeout?: number;
}

/** The most milliseconds that a timer can be set to. */
const MAX_TIMEOUT = 2_147_483_647;

function checkTimeout(timeout: number): number {
  if (timeout >= 0) return timeout;
  throw new RangeError(
    `Cannot wait for requests as the time must be a number >= 0 of milliseconds: received ${
      quote(timeout)
    }`,
  );
}

/** The milliseconds from the abortion of a signal to the end of a connection. */
const ABORT_TIME = 100;

/**
 * The milliseconds that Deno may take to hand a response to the operating
 * system, which delivers it though the connection is closed.
 */
const WRITE_TIME = 20;

/** The number of bytes that a socket may not take at once. */
const LARGE_SIZE = 65_536;

/** Has a server wait for the end of a response, when it shuts down. */
let track: (server: WsgiServer, handler: ServerHandler) => void;

/**
 * A web server for one application. It listens once it is constructed.
 * Requests wait until {@linkcode WsgiServer.serveForever} or
 * {@linkcode WsgiServer.handleRequest} is called. As long as neither is, the
 * server does not keep the process alive.
 *
 * Requires `--allow-net` permission.
 *
 * @example Usage
 * ```ts
 * import { demoApp, WsgiServer } from "@wsgi/wsgiref/simple-server";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new WsgiServer("127.0.0.1", 0, { quiet: true });
 * server.setApp(demoApp);
 * server.serveForever();
 *
 * const response = await fetch(`http://127.0.0.1:${server.serverPort}/`);
 * assertEquals(response.status, 200);
 * await response.body?.cancel();
 * ```
 */
export class WsgiServer implements AsyncDisposable {
  static {
    track = (server, handler) => server.#trackHandler(handler);
  }

  /** The address that the server listens at. */
  readonly serverAddress: ServerAddress;
  /**
   * The name of the server: the host, or `"localhost"` for all interfaces and
   * for a Unix socket.
   */
  readonly serverName: string;
  /** The port that the server listens at; 0 for a Unix socket. */
  readonly serverPort: number;
  /** The options for the handler of each request. */
  readonly options: FetchHandlerOptions;
  /** Whether requests are not logged. */
  readonly quiet: boolean;
  /** Where errors and requests are logged. */
  readonly log: ErrorStream;
  /**
   * Defaults for the environ of every request. The variables of the request
   * itself come first, but the name, the port and the software of the server
   * are always taken from here.
   */
  baseEnviron: Partial<WsgiEnviron> = {};
  /** The class that handles requests. */
  handlerClass: typeof WsgiRequestHandler;

  readonly #shutdownTimeout: number;
  readonly #server: Deno.HttpServer;
  /** Closes all connections. */
  readonly #abort = new AbortController();
  #app: WsgiApplication | null = null;
  #stopped: Promise<void> | undefined;
  /** Settles when Deno has stopped, and nobody waits any more. */
  readonly #ended: Promise<void>;
  #isClosing = false;
  /** Whether Deno shuts its server down. */
  #isShuttingDown = false;
  /** How many more requests may be answered now. */
  #allowed = 0;
  /** Called when a request that handleRequest() allowed has been answered. */
  #answered: (() => void)[] = [];
  /** The requests that wait to be answered. */
  #waiting: (() => void)[] = [];
  /** The answers that take time. */
  readonly #pending = new Set<ServerHandler | Promise<Response>>();
  /** Called when there are none left. */
  #onIdle: () => void = () => {};
  /** Whether a client may still be sending a body that nobody reads. */
  #hasUnreadInput = false;

  /**
   * Constructs a new instance.
   *
   * @param host The address to listen at; `""` stands for all IPv4
   * interfaces.
   * @param port The port to listen at; 0 stands for any that is free.
   * @param options How to listen, and how requests become environs.
   * @throws {TypeError} If only one of `cert` and `key` is given, or if an option
   * is not valid.
   * @throws {RangeError} If `shutdownTimeout` is negative or not a number, or
   * `maxBodySize` is no number of bytes.
   * @throws {Deno.errors.AddrInUse} If the port is in use.
   */
  constructor(host: string, port: number, options: WsgiServerOptions = {}) {
    checkRequestOptions(options);
    const { cert, key, path, signal, handlerClass } = options;
    this.quiet = options.quiet ?? false;
    this.log = options.errors ?? new Log();
    this.handlerClass = handlerClass ?? WsgiRequestHandler;
    this.#shutdownTimeout = checkTimeout(options.shutdownTimeout ?? 500);
    const isSecure = (cert ?? key) !== undefined;
    this.#server = listen(host, port, {
      ...path !== undefined && { path },
      ...isSecure && { cert, key } as Deno.TlsCertifiedKeyPem,
      signal: this.#abort.signal,
      onListen() {},
      onError: (error: unknown) => this.#refused(error),
    }, (request, info) => this.#receive(request, info));
    this.#server.unref();
    this.serverAddress = this.#server.addr as ServerAddress;
    const { hostname = "", port: serverPort = 0 } = this.serverAddress;
    this.serverPort = serverPort;
    this.serverName = /^(?:|0\.0\.0\.0|::)$/.test(hostname)
      ? "localhost"
      : hostname;
    // The connection tells the scheme, whatever the target says.
    this.options = {
      ...options,
      scheme: options.scheme ?? (isSecure ? "https" : "http"),
    };
    this.setupEnviron();
    const stop = () => void this.shutdown();
    signal?.addEventListener("abort", stop);
    const end = () => {
      signal?.removeEventListener("abort", stop);
      this.#endAll();
    };
    this.#ended = this.#server.finished.finally(end);
    // Perhaps nobody waits for it.
    this.#ended.catch(() => {});
    if (signal?.aborted) stop();
    try {
      options.onListen?.(this.serverAddress);
    } catch (error) {
      // Nobody gets this server, so nobody else could close it.
      this.#abort.abort();
      throw error;
    }
  }

  /** Makes {@linkcode WsgiServer.baseEnviron}. */
  setupEnviron(): void {
    const {
      serverName: name = this.serverName,
      serverPort: port = this.serverPort,
      serverSoftware,
    } = this.options;
    this.baseEnviron = {
      SERVER_NAME: name,
      // A Unix socket has none: that of the Host header is as good as any.
      ...port > 0 && { SERVER_PORT: String(port) },
      SERVER_SOFTWARE: serverSoftware ?? SOFTWARE,
    };
  }

  /**
   * Gets the application.
   *
   * @returns The application.
   * @throws {TypeError} If none has been set.
   */
  getApp(): WsgiApplication {
    if (this.#app === null) {
      throw new TypeError(
        "Cannot answer requests as the server has no application: call setApp()",
      );
    }
    return this.#app;
  }

  /**
   * Sets the application.
   *
   * @param app The application.
   * @throws {TypeError} If `app` is not a function.
   */
  setApp(app: WsgiApplication): void {
    checkApp(app);
    this.#app = app;
  }

  /**
   * Answers requests until the server is shut down.
   *
   * @returns A promise that settles when the server has stopped.
   * @throws {TypeError} If the server has no application.
   */
  async serveForever(): Promise<void> {
    this.#allow(Infinity);
    await this.#server.finished;
  }

  /**
   * Answers one request, which may have come already.
   *
   * @returns A promise that the request has been answered, or that the server
   * has been shut down.
   * @throws {TypeError} If the server has no application.
   */
  async handleRequest(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#allow(1, resolve);
    await promise;
    tryToLog(() => this.log.flush());
    // Nothing is left to wait for: the process may end.
    if (this.#allowed <= 0) this.#server.unref();
  }

  #allow(count: number, answered?: () => void): void {
    this.getApp();
    if (this.#isClosing) return answered?.();
    if (answered) this.#answered.push(answered);
    this.#allowed += count;
    this.#server.ref();
    while (this.#allowed > 0 && this.#waiting.length > 0) {
      this.#waiting.shift()?.();
    }
  }

  #receive(request: Request, info: ServeInfo): Response | Promise<Response> {
    if (this.#allowed > 0 || this.#isClosing) {
      return this.#answer(request, info);
    }
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(this.#answer(request, info)));
    });
  }

  /** Where every request is answered. */
  #answer(request: Request, info: ServeInfo): Response | Promise<Response> {
    if (this.#isClosing) return this.#respond(request, info, unavailable);
    this.#allowed--;
    const answered = this.#answered.shift();
    if (answered) info.completed.then(answered, answered);
    const fail = (error: unknown) =>
      this.#respond(request, info, () => {
        throw error;
      });
    try {
      const response = new this.handlerClass(request, info, this).handle();
      if (!isPromise(response)) return response;
      const answer = response.catch(fail);
      this.#track(answer, info.completed);
      return answer;
    } catch (error) {
      return fail(error);
    }
  }

  #respond(
    request: Request,
    info: ServeInfo,
    app: WsgiApplication,
  ): Response | Promise<Response> {
    const handler = new WsgiRequestHandler(request, info, this);
    return new ServerHandler(handler).respond(app);
  }

  #trackHandler(handler: ServerHandler): void {
    // To ask Deno for the end of each request would cost time.
    if (!handler.isClosed || handler.bytesSent > LARGE_SIZE) {
      this.#track(handler, handler.info.completed);
    } else if (handler.hasUnreadInput) {
      this.#hasUnreadInput = true;
    }
  }

  #track(
    answer: ServerHandler | Promise<Response>,
    completed: Promise<void>,
  ): void {
    const end = () => {
      if (answer instanceof ServerHandler) {
        this.#hasUnreadInput ||= answer.hasUnreadInput;
      }
      this.#pending.delete(answer);
      if (this.#pending.size === 0) this.#onIdle();
    };
    this.#pending.add(answer);
    completed.then(end, end);
  }

  #handlers(): ServerHandler[] {
    return [...this.#pending].filter((answer) =>
      answer instanceof ServerHandler
    );
  }

  #endAll(): void {
    for (const answered of this.#answered.splice(0)) answered();
    for (const handler of this.#handlers()) handler.connectionLost(STOPPED);
    this.#onIdle();
    tryToLog(() => this.log.flush());
  }

  /**
   * Logs why Deno refuses a response, but for an `AbortError`: that was made of
   * an error that has been logged.
   */
  #refused(error: unknown): Response {
    tryToLog(() => {
      if ((error as Error | null)?.name === "AbortError") return;
      this.log.write(`Cannot send a response: ${formatError(error, null)}`);
    });
    return new Response(null, { status: 500 });
  }

  /**
   * Stops the server: requests that are being answered are finished, and those
   * that wait or still come are answered 503. When the time is over, what is
   * still being answered is asked to end by its `wsgiref.signal`, and then cut
   * off.
   *
   * @param options How long to wait.
   * @returns A promise that settles when the server has stopped.
   * @throws {RangeError} If the time is negative or not a number.
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    const { timeout = this.#shutdownTimeout } = options;
    return this.#stopped ??= this.#stop(checkTimeout(timeout));
  }

  async #stop(timeout: number): Promise<void> {
    this.#isClosing = true;
    this.#server.ref();
    for (const answer of this.#waiting.splice(0)) answer();
    await this.#waitForResponses(timeout);
    for (const handler of this.#handlers()) handler.abortSignal(STOPPED);
    await this.#waitForResponses(ABORT_TIME);
    if (!this.#hasUnreadInput && this.#pending.size === 0) {
      // It waits for what Deno has not handed to the operating system, which
      // takes a moment, and lets nobody abort.
      this.#isShuttingDown = true;
      await this.#server.shutdown();
      return this.#ended;
    }
    // It would wait for clients that do not finish their bodies, and could not
    // be cut short.
    await new Promise((resolve) => setTimeout(resolve, WRITE_TIME));
    await this.serverClose();
  }

  async #waitForResponses(timeout: number): Promise<void> {
    if (this.#pending.size === 0 || this.#abort.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    const timer = timeout > MAX_TIMEOUT
      ? undefined
      : setTimeout(resolve, timeout);
    await promise;
    clearTimeout(timer);
  }

  /**
   * Stops the server at once: open connections are closed, also while
   * {@linkcode WsgiServer.shutdown} waits.
   *
   * @returns A promise that settles when the server has stopped.
   */
  async serverClose(): Promise<void> {
    this.#isClosing = true;
    this.#server.ref();
    if (!this.#isShuttingDown) this.#abort.abort();
    await this.#ended;
  }

  /** Stops the server as {@linkcode WsgiServer.shutdown} does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}

/** The reason of the signals of requests that a server gives up. */
const STOPPED = new DOMException("The server has been stopped", "AbortError");

/** Calls `Deno.serve`, and says where it could not listen. */
function listen(
  host: string,
  port: number,
  options: Record<string, unknown>,
  handler: (request: Request, info: ServeInfo) => Response | Promise<Response>,
): Deno.HttpServer {
  if (typeof Deno === "undefined") {
    throw new TypeError(
      "Cannot listen as that needs Deno: here, give toFetchHandler() to a server",
    );
  }
  const address = options.path === undefined
    ? { hostname: host === "" ? "0.0.0.0" : host, port }
    : {};
  try {
    return Deno.serve(
      { ...address, ...options } as Deno.ServeTcpOptions,
      handler as Deno.ServeHandler,
    );
  } catch (error) {
    if (error instanceof Error) {
      const place = options.path === undefined
        ? `host ${quote(host)}, port ${port}`
        : quote(options.path);
      error.message = `Cannot listen on ${place}: ${error.message}`;
    }
    throw error;
  }
}

/**
 * Options for {@linkcode makeServer}.
 *
 * @example Usage
 * ```ts
 * import { demoApp, makeServer, WsgiServer } from "@wsgi/wsgiref/simple-server";
 * import { assertEquals } from "@std/assert";
 *
 * class SpamServer extends WsgiServer {
 *   override setupEnviron() {
 *     super.setupEnviron();
 *     this.baseEnviron.SERVER_ADMIN = "eric@spam.example";
 *   }
 * }
 *
 * await using server = makeServer("127.0.0.1", 0, demoApp, {
 *   serverClass: SpamServer,
 * });
 * assertEquals(server.baseEnviron.SERVER_ADMIN, "eric@spam.example");
 * ```
 */
export interface MakeServerOptions<Server extends WsgiServer = WsgiServer>
  extends WsgiServerOptions {
  /**
   * The class of the server.
   *
   * @default {WsgiServer}
   */
  serverClass?: new (
    host: string,
    port: number,
    options?: WsgiServerOptions,
  ) => Server;
}

/**
 * Makes a server for an application. It listens when this returns.
 *
 * Requires `--allow-net` permission; for a Unix socket, `--allow-read` and
 * `--allow-write` too.
 *
 * @param host The address to listen at; `""` stands for all IPv4 interfaces.
 * @param port The port to listen at; 0 stands for any that is free.
 * @param app The application.
 * @param options How to listen, and the classes to use.
 * @returns The server.
 * @throws {TypeError} If `app` is not a function, or if only one of `cert` and
 * `key` is given.
 * @throws {RangeError} If `shutdownTimeout` is negative or not a number, or
 * `maxBodySize` is no number of bytes.
 * @throws {Deno.errors.AddrInUse} If the port is in use.
 *
 * @example One request
 * ```ts
 * import { demoApp, makeServer } from "@wsgi/wsgiref/simple-server";
 * import { assertStringIncludes } from "@std/assert";
 *
 * await using server = makeServer("127.0.0.1", 0, demoApp, { quiet: true });
 * const answered = server.handleRequest();
 *
 * const response = await fetch(`http://127.0.0.1:${server.serverPort}/`);
 * assertStringIncludes(await response.text(), "Hello world!");
 * await answered;
 * ```
 *
 * @example Every request
 * ```ts ignore
 * import { demoApp, makeServer } from "@wsgi/wsgiref/simple-server";
 *
 * await using server = makeServer("", 8000, demoApp);
 * await server.serveForever();
 * ```
 */
export function makeServer<Server extends WsgiServer = WsgiServer>(
  host: string,
  port: number,
  app: WsgiApplication,
  options: MakeServerOptions<Server> = {},
): Server {
  const {
    serverClass = WsgiServer as NonNullable<typeof options.serverClass>,
  } = options;
  checkApp(app);
  const server = new serverClass(host, port, options);
  if (options.handlerClass) server.handlerClass = options.handlerClass;
  server.setApp(app);
  return server;
}

// Deno looks for what to load in the first import, which bundlers leave out as
// it is never reached. They cannot read the second.
// deno-lint-ignore no-constant-condition
if (false) import("./_program.ts");
if (import.meta.main && import.meta.url.endsWith("/simple_server.ts")) {
  const program = "./_program.ts";
  // Not awaited, as the module to serve may import this one.
  import(program).then(({ main }) => main());
}
