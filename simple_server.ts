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

import denoConfig from "./deno.json" with { type: "json" };
import { escape, quote } from "./_escape.ts";
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

const SOFTWARE = `wsgiref/${denoConfig.version}`;

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
    while (bytes.length > 0) {
      bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
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

  /** Ends the response, logs the request, and releases the result. */
  override close(): void | Promise<void> {
    this.#requestHandler.logRequest(
      this.status?.slice(0, 3) ?? "-",
      this.bytesSent,
    );
    return super.close();
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
  }

  /**
   * Makes the CGI variables of the request.
   *
   * @returns The variables, those of the server among them.
   * @throws {RequestError} If the request is not valid.
   */
  getEnviron(): Partial<WsgiEnviron> {
    return Object.assign(
      requestEnviron(this.request, this.info),
      this.server.baseEnviron,
    );
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
      this.logRequest(error.status, 0);
      return error.toResponse();
    }
    return new ServerHandler(this, environ).respond(this.server.getApp());
  }

  /**
   * Logs the request once it has been answered.
   *
   * @param code The status code, or `"-"` if there was none.
   * @param size The number of bytes of body that were sent.
   */
  logRequest(code: number | string = "-", size: number | string = "-"): void {
    if (this.server.quiet) return;
    const { method, url } = this.request;
    const target = url.slice(url.indexOf("/", url.indexOf("://") + 3));
    this.logMessage(`"${method} ${escape(target)} HTTP/1.1" ${code} ${size}`);
  }

  /**
   * Logs a message with the address of the client and the time.
   *
   * @param message One line, without control characters.
   */
  logMessage(message: string): void {
    const { hostname } = this.info.remoteAddr;
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

/** Options for {@linkcode WsgiServer}. */
export interface WsgiServerOptions {
  /** The certificate chain for HTTPS, in PEM format. */
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
  #abort = new AbortController();
  #closing = false;
  /** How many more requests may be answered now. */
  #allowed = 0;
  /** Called when a request that handleRequest() allowed has been answered. */
  #answered: (() => void)[] = [];
  /** The requests that wait to be answered. */
  #waiting: (() => void)[] = [];

  /**
   * Constructs a new instance.
   *
   * @param host The address to listen at; `""` stands for all interfaces.
   * @param port The port to listen at; 0 stands for any that is free.
   * @param options How to listen.
   * @throws {Deno.errors.AddrInUse} If the port is in use.
   */
  constructor(host: string, port: number, options: WsgiServerOptions = {}) {
    const { cert, key, signal, onListen = () => {}, quiet = false } = options;
    this.quiet = quiet;
    this.#server = Deno.serve({
      hostname: host === "" ? "0.0.0.0" : host,
      port,
      signal: this.#abort.signal,
      onListen,
      // The error has been logged with its request.
      onError: () => new Response(null, { status: 500 }),
      ...(cert !== undefined && key !== undefined && { cert, key }),
    }, (request, info) => this.#receive(request, info));
    this.serverAddress = this.#server.addr;
    const { hostname } = this.serverAddress;
    this.serverPort = this.serverAddress.port;
    this.serverName = hostname === "0.0.0.0" || hostname === "::"
      ? "localhost"
      : hostname;
    this.setupEnviron();
    if (signal?.aborted) this.serverClose();
    else {
      signal?.addEventListener("abort", () => this.shutdown(), { once: true });
    }
  }

  /** Makes {@linkcode WsgiServer.baseEnviron}. */
  setupEnviron(): void {
    this.baseEnviron = {
      SERVER_NAME: this.serverName,
      SERVER_PORT: String(this.serverPort),
      SERVER_SOFTWARE: SOFTWARE,
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
    if (typeof app !== "function") {
      throw new TypeError(
        `Cannot set the application as it must be a function: received ${
          quote(app)
        }`,
      );
    }
    this.#app = app;
  }

  /**
   * Answers requests until the server is shut down.
   *
   * @returns A promise of the end.
   */
  serveForever(): Promise<void> {
    this.#allow(Infinity);
    return this.#server.finished;
  }

  /**
   * Answers one request, which may have come already.
   *
   * @returns A promise that the response has been sent, or that the server has
   * been shut down.
   */
  async handleRequest(): Promise<void> {
    await Promise.race([
      new Promise<void>((resolve) => {
        this.#answered.push(resolve);
        this.#allow(1);
      }),
      this.#server.finished,
    ]);
  }

  #allow(count: number): void {
    this.getApp();
    this.#allowed += count;
    while (this.#allowed > 0 && this.#waiting.length > 0) {
      this.#waiting.shift()?.();
    }
  }

  #receive(
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ): Response | Promise<Response> {
    if (this.#allowed > 0) return this.#answer(request, info);
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(this.#answer(request, info)));
    });
  }

  #answer(
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ): Response | Promise<Response> {
    if (this.#closing) return new Response(null, { status: 503 });
    this.#allowed--;
    const answered = this.#answered.shift();
    if (answered) info.completed.then(answered, answered);
    return new this.handlerClass(request, info, this).handle();
  }

  /**
   * Stops the server: no more requests are accepted, and those that are being
   * answered are finished. Requests that wait are answered 503.
   *
   * @returns A promise of the end.
   */
  async shutdown(): Promise<void> {
    this.#closing = true;
    for (const answer of this.#waiting.splice(0)) answer();
    await this.#server.shutdown();
    this.log.flush();
  }

  /**
   * Stops the server at once: open connections are closed.
   *
   * @returns A promise of the end.
   */
  async serverClose(): Promise<void> {
    this.#closing = true;
    this.#abort.abort();
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
  /**
   * The class that handles requests.
   *
   * @default {WsgiRequestHandler}
   */
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
 * @throws {TypeError} If `app` is not a function.
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
  const {
    serverClass: Server = WsgiServer,
    handlerClass = WsgiRequestHandler,
  } = options;
  const server = new Server(host, port, options);
  server.handlerClass = handlerClass;
  try {
    server.setApp(app);
  } catch (error) {
    server.serverClose();
    throw error;
  }
  return server;
}

const USAGE = `wsgiref ${denoConfig.version}
Serves a WSGI application.

USAGE
  deno run -N jsr:@wsgi/wsgiref/simple-server [OPTIONS] [MODULE[:NAME]]

  MODULE is a file or a URL. NAME is the export to serve, by default "default"
  or "application". Without MODULE, the demo application is served. A file
  needs -R too.

OPTIONS
  --host HOST  The address to listen at (127.0.0.1)
  --port PORT  The port to listen at, 0 for any that is free (8000)
  --once       Answer one request, then exit
  --quiet      Do not log requests
  --help       Print this help and exit
  --version    Print the version and exit`;

/** Loads the application that the command line names. */
async function loadApp(target: string): Promise<WsgiApplication> {
  const [, path = "", name] = /^(.+?)(?::(\w+))?$/.exec(target) ?? [];
  const url = URL.canParse(path) && !/^[a-z]:/i.test(path)
    ? path
    : new URL(path, `file://${Deno.cwd()}/`).href;
  const module: Record<string, unknown> = await import(url);
  const app = name === undefined
    ? module.default ?? module.application
    : module[name];
  if (typeof app !== "function") {
    throw new TypeError(
      `Cannot serve ${quote(target)} as its export ${
        quote(name ?? "application")
      } must be a function: received ${quote(app)}`,
    );
  }
  return app as WsgiApplication;
}

async function main(): Promise<void> {
  const { parseArgs } = await import("node:util");
  const { values: flags, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "8000" },
      once: { type: "boolean", default: false },
      quiet: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
      version: { type: "boolean", default: false },
    },
  });
  if (flags.help) return console.log(USAGE);
  if (flags.version) return console.log(SOFTWARE);
  if (positionals.length > 1) {
    throw new TypeError(
      `Cannot serve more than one module: received ${quote(positionals)}`,
    );
  }
  const port = Number(flags.port);
  if (!/^\d+$/.test(flags.port) || port > 65_535) {
    throw new RangeError(
      `Cannot listen as the port must be 0 to 65535: received ${
        quote(flags.port)
      }`,
    );
  }
  const [target] = positionals;
  const app = target === undefined ? demoApp : await loadApp(target);
  const server = makeServer(flags.host, port, app, { quiet: flags.quiet });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => server.shutdown());
  }
  const host = flags.host.includes(":") ? `[${flags.host}]` : flags.host;
  console.log(`Serving on http://${host}:${server.serverPort}/`);
  await (flags.once ? server.handleRequest() : server.serveForever());
  await server.shutdown();
  Deno.exit();
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}
