#!/usr/bin/env -S deno run --allow-net
// Copyright 2026 the wsgiref authors. MIT license.

/**
 * A web server for an application, on `Deno.serve`: for development, tests and
 * demonstrations.
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

import { escape, quote } from "./_escape.ts";
import { VERSION } from "./_version.ts";
import {
  FetchHandler,
  requestEnviron,
  RequestError,
  TextErrorStream,
} from "./handlers.ts";
import type {
  ErrorStream,
  WsgiApplication,
  WsgiEnviron,
  WsgiResult,
} from "./types.ts";

const SOFTWARE = `wsgiref/${VERSION}`;

const encoder = new TextEncoder();

/**
 * Answers with a greeting and the environ, sorted.
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

/**
 * Runs the application for one request of a {@linkcode WsgiServer}, and has
 * the request logged.
 */
export class ServerHandler extends FetchHandler {
  /** The value of `SERVER_SOFTWARE`. */
  override serverSoftware: string | null = SOFTWARE;
  /** Whether the platform is `Deno.serve`, which it is. */
  override isDenoServe = true;

  #requestHandler: WsgiRequestHandler;

  /**
   * Constructs a new instance.
   *
   * @param requestHandler The handler of the request.
   * @param environ The CGI variables of the request.
   */
  constructor(
    requestHandler: WsgiRequestHandler,
    environ: Partial<WsgiEnviron>,
  ) {
    super(requestHandler.request, environ, {
      errors: requestHandler.getStderr(),
    });
    this.#requestHandler = requestHandler;
  }

  /** Ends the response, releases the result, and logs the request. */
  override close(): void | Promise<void> {
    const closed = super.close();
    this.#requestHandler.logRequest(
      this.status?.slice(0, 3) ?? "-",
      this.bytesSent,
    );
    return closed;
  }
}

/** Handles one request of a {@linkcode WsgiServer}. */
export class WsgiRequestHandler {
  /** The request. */
  readonly request: Request;
  /** What `Deno.serve` tells of the connection. */
  readonly info: Deno.ServeHandlerInfo<Deno.NetAddr>;
  /** The server. */
  readonly server: WsgiServer;
  /** The address of the client. */
  readonly clientAddress: Deno.NetAddr;

  /**
   * Constructs a new instance.
   *
   * @param request The request.
   * @param info What `Deno.serve` tells of the connection.
   * @param server The server.
   */
  constructor(
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
    server: WsgiServer,
  ) {
    this.request = request;
    this.info = info;
    this.server = server;
    // Deno has forgotten it once the client has gone.
    this.clientAddress = info.remoteAddr;
  }

  /**
   * Makes the CGI variables of the request.
   *
   * @returns The variables, those of the server among them.
   * @throws {RequestError} If the request is not valid.
   */
  getEnviron(): Partial<WsgiEnviron> {
    const environ = requestEnviron(this.request, {
      remoteAddr: this.clientAddress,
    });
    // The connection tells the scheme, whatever the target says.
    if (environ.HTTPS !== undefined) delete environ.HTTPS;
    return Object.assign(environ, this.server.baseEnviron);
  }

  /**
   * Gives the value of `wsgi.errors`, where errors and requests are logged.
   *
   * @returns The stream: that of the server, which goes to stderr.
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
    let environ;
    try {
      environ = this.getEnviron();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (!this.server.quiet) {
        this.logMessage(`code ${error.status}, message ${error.message}`);
      }
      this.logRequest(error.status);
      return error.toResponse();
    }
    return new ServerHandler(this, environ).respond(this.server.getApp());
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
    // The target of CONNECT is a host.
    const target = url.replace(/^\w+:\/\/(?:[^/?]*(?=[/?]))?/, "");
    this.logMessage(`"${method} ${escape(target)} HTTP/1.1" ${code} ${size}`);
  }

  /**
   * Logs a message with the address of the client and the time.
   *
   * @param message One line, without control characters.
   */
  logMessage(message: string): void {
    const { hostname } = this.clientAddress;
    this.getStderr().write(`${hostname} - - [${logTime()}] ${message}\n`);
  }
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

let logSecond = 0;
let logText = "";

/** The local time as the common log format has it, made once a second. */
function logTime(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== logSecond) {
    const date = new Date(second * 1000);
    const two = (number: number) => String(number).padStart(2, "0");
    logSecond = second;
    logText =
      `${two(date.getDate())}/${
        MONTHS[date.getMonth()]
      }/${date.getFullYear()} ` +
      `${two(date.getHours())}:${two(date.getMinutes())}:${
        two(date.getSeconds())
      }`;
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

/** Options for {@linkcode WsgiServer}. */
export interface WsgiServerOptions {
  /** The certificate chain for HTTPS, in PEM format; `key` belongs to it. */
  cert?: string;
  /** The private key for HTTPS, in PEM format. */
  key?: string;
  /** Shuts the server down when it is aborted. */
  signal?: AbortSignal;
  /** Is called with the address once the server listens. */
  onListen?: (address: Deno.NetAddr) => void;
  /**
   * Does not log requests. Errors are logged all the same.
   *
   * @default {false}
   */
  quiet?: boolean;
}

/**
 * A web server for one application. It listens once it is constructed.
 * Requests wait until {@linkcode WsgiServer.serveForever} or
 * {@linkcode WsgiServer.handleRequest} is called.
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
  /** The address that the server listens at. */
  readonly serverAddress: Deno.NetAddr;
  /** The name of the server: the host, or `"localhost"` for all interfaces. */
  readonly serverName: string;
  /** The port that the server listens at. */
  readonly serverPort: number;
  /** Whether requests are not logged. */
  readonly quiet: boolean;
  /** Where errors and requests are logged: stderr. */
  readonly log: ErrorStream = new Log();
  /** The variables that every environ has from the server. */
  baseEnviron: Partial<WsgiEnviron> = {};
  /** The class that handles requests. */
  handlerClass: typeof WsgiRequestHandler = WsgiRequestHandler;

  #app: WsgiApplication | null = null;
  #server: Deno.HttpServer<Deno.NetAddr>;
  /** Closes all connections. Deno cannot do so while it shuts down. */
  #abort: AbortController | null;
  #isSecure: boolean;
  #stopped: Promise<void> | undefined;
  #closing = false;
  /** How many more requests may be answered now. */
  #allowed = 0;
  /** Called when a request that handleRequest() allowed has been answered. */
  #answered: (() => void)[] = [];
  /** The requests that wait to be answered. */
  #waiting: (() => void)[] = [];
  /** The answers that take time. Called when they end. */
  #pending = new Set<() => void>();
  /** Called when there are none left. */
  #idle = () => {};

  /**
   * Constructs a new instance.
   *
   * @param host The address to listen at; `""` stands for all interfaces.
   * @param port The port to listen at; 0 stands for any that is free.
   * @param options How to listen.
   * @throws {TypeError} If only one of `cert` and `key` is given.
   * @throws {Deno.errors.AddrInUse} If the port is in use.
   */
  constructor(host: string, port: number, options: WsgiServerOptions = {}) {
    const { cert, key, signal, onListen = () => {}, quiet = false } = options;
    const abort = new AbortController();
    this.quiet = quiet;
    this.#abort = abort;
    this.#isSecure = cert !== undefined;
    this.#server = Deno.serve({
      hostname: host === "" ? "0.0.0.0" : host,
      port,
      signal: abort.signal,
      onListen,
      // Errors of the application do not come to here.
      onError: (error) => {
        this.log.write(`${error instanceof Error ? error.stack : error}\n`);
        return new Response(null, { status: 500 });
      },
      ...(cert ?? key) !== undefined &&
        { cert, key } as Deno.TlsCertifiedKeyPem,
    }, (request, info) => this.#receive(request, info));
    const endAll = () => {
      for (const end of [...this.#pending, ...this.#answered]) end();
    };
    this.#server.finished.then(endAll, endAll);
    this.serverAddress = this.#server.addr;
    const { hostname } = this.serverAddress;
    this.serverPort = this.serverAddress.port;
    this.serverName = hostname === "0.0.0.0" || hostname === "::"
      ? "localhost"
      : hostname;
    this.setupEnviron();
    if (signal?.aborted) this.shutdown();
    else signal?.addEventListener("abort", () => this.shutdown());
  }

  /** Makes {@linkcode WsgiServer.baseEnviron}. */
  setupEnviron(): void {
    this.baseEnviron = {
      SERVER_NAME: this.serverName,
      SERVER_PORT: String(this.serverPort),
      SERVER_SOFTWARE: SOFTWARE,
      ...(this.#isSecure && { HTTPS: "on" }),
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
   * @returns A promise of the end.
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
  }

  #allow(count: number, answered?: () => void): void {
    this.getApp();
    if (this.#closing) return answered?.();
    if (answered) this.#answered.push(answered);
    this.#allowed += count;
    while (this.#allowed > 0 && this.#waiting.length > 0) {
      this.#waiting.shift()?.();
    }
  }

  #receive(
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ): Response | Promise<Response> {
    if (this.#allowed > 0 || this.#closing) return this.#answer(request, info);
    return new Promise((resolve) => {
      this.#waiting.push(() =>
        resolve(Promise.try(() => this.#answer(request, info)))
      );
    });
  }

  #answer(
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ): Response | Promise<Response> {
    if (this.#closing) return new Response(null, { status: 503 });
    this.#allowed--;
    const answered = this.#answered.shift();
    let response;
    try {
      return response = new this.handlerClass(request, info, this).handle();
    } finally {
      // To ask Deno for the end of each request would cost time.
      if (answered || !(response instanceof Response)) {
        this.#track(info.completed, answered);
      }
    }
  }

  #track(completed: Promise<void>, answered = () => {}): void {
    const end = () => {
      answered();
      this.#pending.delete(end);
      if (this.#pending.size === 0) this.#idle();
    };
    this.#pending.add(end);
    completed.then(end, end);
  }

  /**
   * Stops the server: requests that are being answered are finished, and those
   * that wait or still come are answered 503.
   *
   * @returns A promise of the end.
   */
  shutdown(): Promise<void> {
    return this.#stopped ??= this.#stop();
  }

  async #stop(): Promise<void> {
    this.#closing = true;
    for (const answer of this.#waiting.splice(0)) answer();
    if (this.#pending.size > 0) {
      await new Promise<void>((resolve) => this.#idle = resolve);
    }
    this.#abort = null;
    await this.#server.shutdown();
    this.log.flush();
  }

  /**
   * Stops the server at once: open connections are closed, also while
   * {@linkcode WsgiServer.shutdown} waits for an application.
   *
   * @returns A promise of the end.
   */
  async serverClose(): Promise<void> {
    this.#closing = true;
    this.#abort?.abort();
    await this.#server.finished;
    this.log.flush();
  }

  /** Stops the server as {@linkcode WsgiServer.shutdown} does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}

/** Options for {@linkcode makeServer}. */
export interface MakeServerOptions extends WsgiServerOptions {
  /**
   * The class of the server.
   *
   * @default {WsgiServer}
   */
  serverClass?: typeof WsgiServer;
  /** The class that handles requests. By default, that of the server. */
  handlerClass?: typeof WsgiRequestHandler;
}

/**
 * Makes a server for an application. It listens when this returns.
 *
 * Requires `--allow-net` permission.
 *
 * @param host The address to listen at; `""` stands for all interfaces.
 * @param port The port to listen at; 0 stands for any that is free.
 * @param app The application.
 * @param options How to listen, and the classes to use.
 * @returns The server.
 * @throws {TypeError} If `app` is not a function, or if only one of `cert` and
 * `key` is given.
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
export function makeServer(
  host: string,
  port: number,
  app: WsgiApplication,
  options: MakeServerOptions = {},
): WsgiServer {
  const { serverClass: Server = WsgiServer, handlerClass } = options;
  checkApp(app);
  const server = new Server(host, port, options);
  if (handlerClass) server.handlerClass = handlerClass;
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
