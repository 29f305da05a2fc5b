// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Base classes for servers and gateways: they run an application and put what
 * it answers on the wire, or into a `Response`.
 *
 * - {@linkcode BaseHandler} is the protocol, and knows no transport.
 * - {@linkcode SimpleHandler} writes an HTTP response to a stream.
 * - {@linkcode BaseCgiHandler}, {@linkcode CgiHandler} and
 *   {@linkcode IisCgiHandler} write a CGI response.
 * - {@linkcode FetchHandler} answers a `Request` with a `Response`, and
 *   {@linkcode toFetchHandler} makes any application a fetch handler.
 *   {@linkcode fromFetchHandler} goes the other way.
 *
 * ```ts
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * const handler = toFetchHandler((_environ, startResponse) => {
 *   startResponse("200 OK", [["Content-Type", "text/plain"]]);
 *   return [new TextEncoder().encode("Hello, world!")];
 * });
 *
 * const response = await handler(new Request("http://localhost/"));
 * assertEquals(await response.text(), "Hello, world!");
 * ```
 *
 * @see {@link https://peps.python.org/pep-3333/#the-server-gateway-side | PEP 3333: The Server/Gateway Side}
 *
 * @module
 */

import { cgiEnviron, checkLength } from "./_cgi_environ.ts";
import { concat } from "./_concat.ts";
import { BaseHandler } from "./_base_handler.ts";
import { TextErrorStream } from "./_error_stream.ts";
import { quote } from "./_escape.ts";
import { EnvironInfo, type FetchInfo, toRequest } from "./_environ_request.ts";
import { FetchHandler, type FetchHandlerOptions } from "./_fetch_handler.ts";
import {
  beforeQuery,
  checkRequestOptions,
  decodePath,
} from "./_request_environ.ts";
import { isDigits } from "./_grammar.ts";
import { RequestError } from "./_request_error.ts";
import { startWith } from "./_response_result.ts";
import { isPromise } from "./_result.ts";
import type {
  ErrorStream,
  FileWrapperFactory,
  InputStream,
  WsgiApplication,
  WsgiEnviron,
} from "./types.ts";
import {
  decodeNativeString,
  encodeNativeString,
  FileWrapper,
  WsgiInput,
} from "./util.ts";

export { cgiEnviron } from "./_cgi_environ.ts";
export {
  BaseHandler,
  formatDateTime,
  type SendEachOptions,
} from "./_base_handler.ts";
export type { FetchInfo } from "./_environ_request.ts";
export { ConsoleErrorStream, TextErrorStream } from "./_error_stream.ts";
export { FetchHandler, type FetchHandlerOptions } from "./_fetch_handler.ts";
export {
  type ForwardedOptions,
  type RemoteAddr,
  requestEnviron,
  type RequestEnvironOptions,
} from "./_request_environ.ts";
export { ConnectionLostError, RequestError } from "./_request_error.ts";

/** The most bytes that are copied together to be written at once. */
const COALESCE_SIZE = 131_072;

const encoder = new TextEncoder();

/**
 * Takes the bytes of a response: `Deno.stdout` is one.
 *
 * @example Usage
 * ```ts
 * import { type ByteWriter, SimpleHandler } from "@wsgi/wsgiref/handlers";
 * import { setupTestingDefaults, WsgiInput } from "@wsgi/wsgiref/util";
 * import { demoApp } from "@wsgi/wsgiref/simple-server";
 * import { ConsoleErrorStream } from "@wsgi/wsgiref/handlers";
 * import { assert } from "@std/assert";
 *
 * let size = 0;
 * const counter: ByteWriter = { write: (data) => void (size += data.length) };
 *
 * const handler = new SimpleHandler(
 *   new WsgiInput(null),
 *   counter,
 *   new ConsoleErrorStream(),
 *   setupTestingDefaults({}),
 * );
 * await handler.run(demoApp);
 * assert(size > 0);
 * ```
 */
export interface ByteWriter {
  /**
   * Writes bytes.
   *
   * @param data The bytes.
   * @returns The number of bytes written, which may be less than all, or
   * nothing if all were.
   */
  write(data: Uint8Array): number | void | Promise<number | void>;
  /** Hands on what `write` may have kept back. */
  flush?(): void | Promise<void>;
}

/**
 * Options for {@linkcode SimpleHandler}.
 *
 * @example Usage
 * ```ts
 * import {
 *   ConsoleErrorStream,
 *   SimpleHandler,
 *   type SimpleHandlerOptions,
 * } from "@wsgi/wsgiref/handlers";
 * import { setupTestingDefaults, WsgiInput } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const options: SimpleHandlerOptions = { multiprocess: true };
 * const handler = new SimpleHandler(
 *   new WsgiInput(null),
 *   { write() {} },
 *   new ConsoleErrorStream(),
 *   setupTestingDefaults({}),
 *   options,
 * );
 * assertEquals(handler.wsgiMultiprocess, true);
 * ```
 */
export interface SimpleHandlerOptions {
  /**
   * The value of `wsgi.multithread`.
   *
   * @default {true}
   */
  multithread?: boolean;
  /**
   * The value of `wsgi.multiprocess`.
   *
   * @default {false}
   */
  multiprocess?: boolean;
}

/** Whether an error of a write says that nobody reads any more. */
function isDisconnect(error: unknown): boolean {
  const { name, code } = Object(error) as { name?: string; code?: string };
  return DISCONNECT_REGEXP.test(name ?? "") ||
    DISCONNECT_REGEXP.test(code ?? "");
}

const DISCONNECT_REGEXP =
  /^(?:BrokenPipe|ConnectionReset|ConnectionAborted|EPIPE|ECONNRESET|ECONNABORTED)$/;

/**
 * Answers as an HTTP server does: reads the body from one stream and writes
 * the response, with its status line, to another.
 *
 * @example Usage
 * ```ts
 * import { ConsoleErrorStream, SimpleHandler } from "@wsgi/wsgiref/handlers";
 * import { setupTestingDefaults, WsgiInput } from "@wsgi/wsgiref/util";
 * import { assertStringIncludes } from "@std/assert";
 *
 * let output = "";
 * const handler = new SimpleHandler(
 *   new WsgiInput(null),
 *   { write: (data) => void (output += new TextDecoder().decode(data)) },
 *   new ConsoleErrorStream(),
 *   setupTestingDefaults({}),
 * );
 * await handler.run((_environ, startResponse) => {
 *   startResponse("200 OK", [["Content-Type", "text/plain"]]);
 *   return [new TextEncoder().encode("Hello")];
 * });
 * assertStringIncludes(output, "HTTP/1.0 200 OK\r\n");
 * ```
 */
export class SimpleHandler extends BaseHandler {
  /** The value of `wsgi.input`. */
  stdin: InputStream;
  /** Takes the response. */
  stdout: ByteWriter;
  /** The value of `wsgi.errors`, and where errors are logged. */
  stderr: ErrorStream;
  /** The CGI variables of the request. */
  baseEnviron: Readonly<Partial<WsgiEnviron>>;

  #blocks: Uint8Array[] = [];
  /** Settles when what was flushed has been written. */
  #flushed: void | Promise<void> = undefined;

  /**
   * Constructs a new instance.
   *
   * @param stdin The value of `wsgi.input`.
   * @param stdout Takes the response.
   * @param stderr The value of `wsgi.errors`, and where errors are logged.
   * @param environ The CGI variables of the request.
   * @param options The flags of the environ.
   */
  constructor(
    stdin: InputStream,
    stdout: ByteWriter,
    stderr: ErrorStream,
    environ: Readonly<Partial<WsgiEnviron>>,
    options: SimpleHandlerOptions = {},
  ) {
    super();
    this.stdin = stdin;
    this.stdout = stdout;
    this.stderr = stderr;
    this.baseEnviron = environ;
    this.wsgiMultithread = options.multithread ?? true;
    this.wsgiMultiprocess = options.multiprocess ?? false;
  }

  /** Gives the value of `wsgi.input`. */
  override getStdin(): InputStream {
    return this.stdin;
  }

  /** Gives the value of `wsgi.errors`. */
  override getStderr(): ErrorStream {
    return this.stderr;
  }

  /** Adds the CGI variables of the request to `environ`. */
  override addCgiVars(): void {
    Object.assign(this.environ, this.baseEnviron);
  }

  /**
   * Keeps bytes for {@linkcode SimpleHandler._flush}.
   *
   * @param data The bytes.
   */
  override _write(data: Uint8Array): void {
    this.#blocks.push(data);
  }

  /** Writes what was kept, small blocks together. */
  override _flush(): void | Promise<void> {
    // A write that takes its time keeps its place before the next one.
    this.#flushed = this.#flushed
      ? this.#flushed.then(() => this.#writeBlocks())
      : this.#writeBlocks();
    return this.#flushed;
  }

  #writeBlocks(): void | Promise<void> {
    if (this.#blocks.length === 0) return;
    const blocks = coalesce(this.#blocks);
    this.#blocks = [];
    try {
      return this.#writeAll(blocks)?.catch((error) => this.#writeFailed(error));
    } catch (error) {
      this.#writeFailed(error);
    }
  }

  /** Completes partial writes. Waits only for a writer that makes it wait. */
  #writeAll(blocks: Uint8Array[]): void | Promise<void> {
    for (let block = blocks[0]; block !== undefined; block = blocks[0]) {
      const written = this.stdout.write(block);
      if (isPromise(written)) {
        return written.then((count) => {
          dropWritten(blocks, count);
          return this.#writeAll(blocks);
        });
      }
      dropWritten(blocks, written);
    }
    return this.stdout.flush?.();
  }

  #writeFailed(error: unknown): never {
    this.#flushed = undefined;
    if (isDisconnect(error)) this.connectionLost(error);
    throw error;
  }
}

/** Joins neighbouring blocks as long as they are small. */
function coalesce(blocks: Uint8Array[]): Uint8Array[] {
  const joined: Uint8Array[] = [];
  let start = 0;
  let size = 0;
  blocks.forEach((block, index) => {
    if (size > 0 && size + block.length > COALESCE_SIZE) {
      joined.push(concat(blocks.slice(start, index)));
      start = index;
      size = 0;
    }
    size += block.length;
  });
  joined.push(concat(blocks.slice(start)));
  return joined;
}

function dropWritten(blocks: Uint8Array[], count: number | void): void {
  const block = blocks[0] as Uint8Array;
  if (count === 0) {
    throw new TypeError(
      `Cannot write the response as its writer took none of ${block.length} bytes`,
    );
  }
  if (count === undefined || count >= block.length) blocks.shift();
  else blocks[0] = block.subarray(count);
}

/**
 * Answers as a CGI script does: with a `Status:` line, and without `Date` and
 * `Server`, which the web server adds. Use it for gateways of the same kind,
 * such as FastCGI and SCGI.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc3875#section-6 | RFC 3875, 6}
 *
 * @example Usage
 * ```ts
 * import { BaseCgiHandler, ConsoleErrorStream } from "@wsgi/wsgiref/handlers";
 * import { setupTestingDefaults, WsgiInput } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * let output = "";
 * const handler = new BaseCgiHandler(
 *   new WsgiInput(null),
 *   { write: (data) => void (output += new TextDecoder().decode(data)) },
 *   new ConsoleErrorStream(),
 *   setupTestingDefaults({}),
 * );
 * await handler.run((_environ, startResponse) => {
 *   startResponse("200 OK", []);
 *   return [];
 * });
 * assertEquals(output, "Status: 200 OK\r\nContent-Length: 0\r\n\r\n");
 * ```
 */
export class BaseCgiHandler extends SimpleHandler {
  /**
   * `false`: the output is for a gateway, which makes an HTTP response of it.
   */
  override originServer = false;

  /** Adds the CGI variables of the request to `environ`. */
  override addCgiVars(): void {
    super.addCgiVars();
    const { CONTENT_LENGTH: length } = this.environ;
    if (length) checkLength(length);
  }

  /**
   * Refuses a status that cannot be sent.
   *
   * @param status The status.
   * @throws {TypeError} If it is not three digits, a space and a reason phrase.
   * @throws {RangeError} If it is 1xx, after which a web server waits for another.
   */
  override checkStatus(status: string): void {
    super.checkStatus(status);
    if (status < "200") {
      throw new RangeError(
        `Cannot start the response as a gateway takes no status below 200: received ${
          quote(status)
        }`,
      );
    }
  }
}

/**
 * Reads the CGI variables of the request from the process environment, as native
 * strings, and has {@linkcode cgiEnviron} make an environ of them.
 *
 * Outside of a request all variables are given. Deno does not tell of those that
 * are not valid UTF-8.
 *
 * Requires `--allow-env` permission.
 *
 * @returns The variables.
 * @throws {RequestError} If the `CONTENT_LENGTH` of the request is no number of
 * bytes, or if its path cannot be known.
 *
 * @example Usage
 * ```ts
 * import { readEnviron } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * Deno.env.set("PATH_INFO", "/café");
 * assertEquals(readEnviron().PATH_INFO, "/cafÃ©");
 * ```
 */
export function readEnviron(): Partial<WsgiEnviron> {
  const variables = Object.entries(Deno.env.toObject()).map(
    ([name, value]): [string, string] => [name, encodeNativeString(value)],
  );
  const isRequest = variables.some(([name]) => name === "REQUEST_METHOD");
  if (!isRequest) return Object.fromEntries(variables);
  const environ = cgiEnviron(variables);
  const { PATH_INFO, REQUEST_URI = "" } = environ;
  const target = decodePath(beforeQuery(REQUEST_URI));
  // Such a path is hidden by Deno, and a target that was rewritten has another.
  if (
    PATH_INFO === undefined && decodeNativeString(target).includes("\ufffd")
  ) {
    throw new RequestError(
      `Cannot answer the request as its path is not UTF-8: received ${
        quote(REQUEST_URI)
      }`,
      400,
    );
  }
  return environ;
}

/** The milliseconds that a result may take to be released after a SIGTERM. */
const RELEASE_TIME = 2_000;

/** Has one buffer: a block is written before the next one is read. */
class CgiFileWrapper extends FileWrapper {
  override get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { filelike } = this;
    if (!(filelike instanceof Deno.FsFile)) return super.readable;
    const buffer = new Uint8Array(65_536);
    return new ReadableStream({
      pull(controller) {
        const size = filelike.readSync(buffer);
        if (size) controller.enqueue(buffer.subarray(0, size));
        else controller.close();
      },
    }, { highWaterMark: 0 });
  }
}

/** Only Deno starts a process for a request, and tells it of its streams. */
function checkDeno(): void {
  if (typeof Deno === "undefined") {
    throw new TypeError(
      "Cannot answer as a CGI script as that needs Deno: here, use toFetchHandler()",
    );
  }
}

function logSync(text: string): void {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
}

/**
 * Answers the request that a web server has started this process for: reads
 * the environment and stdin, writes to stdout, and logs to stderr.
 *
 * The input ends after `CONTENT_LENGTH` bytes, also if the server keeps the
 * pipe open. If the response had to be cut off, the exit code becomes 1. A
 * SIGTERM, which Apache and lighttpd send when the client disconnects, ends the
 * run like the disconnect of a client.
 *
 * Requires `--allow-env` permission.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc3875 | RFC 3875}
 *
 * @example Usage
 * ```ts no-assert
 * import { CgiHandler } from "@wsgi/wsgiref/handlers";
 *
 * await new CgiHandler().run((_environ, startResponse) => {
 *   startResponse("200 OK", [["Content-Type", "text/plain"]]);
 *   return [new TextEncoder().encode("Hello, world!")];
 * });
 * ```
 */
export class CgiHandler extends BaseCgiHandler {
  /** The value of `wsgi.run_once`: a process answers one request. */
  override wsgiRunOnce = true;
  /** The value of `wsgi.input_terminated`. */
  override wsgiInputTerminated = true;
  /** The value of `wsgi.file_wrapper`; `null` for none. */
  override wsgiFileWrapper: FileWrapperFactory | null = (filelike, blksize) =>
    new CgiFileWrapper(filelike, blksize);

  /** Why no environ can be made of the variables. */
  readonly #failure: RequestError | null;

  /**
   * Constructs a new instance.
   *
   * @param environ The CGI variables of the request. By default, those that
   * {@linkcode readEnviron} reads. A request of which it can make no environ is
   * answered 400.
   */
  constructor(environ?: Readonly<Partial<WsgiEnviron>>) {
    checkDeno();
    let variables: Readonly<Partial<WsgiEnviron>> = {};
    let failure: RequestError | null = null;
    try {
      variables = environ ?? readEnviron();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      failure = error;
      // The error response needs it, also if nothing else is valid.
      variables = { REQUEST_METHOD: Deno.env.get("REQUEST_METHOD") ?? "" };
    }
    const { CONTENT_LENGTH: length, HTTP_TRANSFER_ENCODING: coding } =
      variables;
    super(
      new WsgiInput(
        {
          get body() {
            return Deno.stdin.readable;
          },
        },
        {
          // Apache passes the body of a chunked request without its length.
          limit: isDigits(length ?? "")
            ? Number(length)
            : coding
            ? Infinity
            : 0,
          onConnectionLost: (error) => this.abortSignal(error),
        },
      ),
      // Nothing else is to be done while the web server is slow to read.
      { write: (data) => Deno.stdout.writeSync(data) },
      new TextErrorStream(logSync),
      variables,
      { multithread: false, multiprocess: true },
    );
    this.#failure = failure;
  }

  /** Adds the CGI variables of the request to `environ`. */
  override addCgiVars(): void {
    super.addCgiVars();
    if (this.#failure !== null) throw this.#failure;
  }

  /** Sends what the application returned, then releases it. */
  override finishResponse(): void | Promise<void> {
    // Apache and lighttpd end the process when the client has gone.
    if (!Array.isArray(this.result) && Deno.build.os !== "windows") {
      Deno.addSignalListener("SIGTERM", () => {
        this.connectionLost(new Deno.errors.Interrupted("SIGTERM"));
        // An application that waits for something else must not stay behind.
        Deno.unrefTimer(setTimeout(() => Deno.exit(143), RELEASE_TIME));
      });
    }
    return super.finishResponse();
  }

  /**
   * Sets the exit code of the process to 1, as the response was cut off.
   *
   * @param _error The value that was thrown, which is in the log.
   */
  override abort(_error: unknown): void {
    Deno.exitCode = 1;
  }
}

/**
 * Answers as {@linkcode CgiHandler} does, for an IIS without the setting
 * `allowPathInfoForScriptMappings`. Such an IIS puts the name of the script in
 * front of the path a second time; this class takes it off.
 *
 * @see {@link https://docs.python.org/3/library/wsgiref.html#wsgiref.handlers.IISCGIHandler | Python: wsgiref.handlers.IISCGIHandler}
 *
 * @example Usage
 * ```ts no-assert
 * import { IisCgiHandler } from "@wsgi/wsgiref/handlers";
 *
 * await new IisCgiHandler().run((_environ, startResponse) => {
 *   startResponse("204 No Content", []);
 *   return [];
 * });
 * ```
 */
export class IisCgiHandler extends CgiHandler {
  /**
   * Constructs a new instance.
   *
   * @param environ The CGI variables of the request. By default, those that
   * {@linkcode readEnviron} reads.
   */
  constructor(environ?: Readonly<Partial<WsgiEnviron>>) {
    super(environ);
    const { PATH_INFO: path = "", SCRIPT_NAME: script = "" } = this.baseEnviron;
    if (`${path}/`.startsWith(`${script}/`)) {
      this.baseEnviron = {
        ...this.baseEnviron,
        PATH_INFO: path.slice(script.length),
      };
    }
  }
}

/**
 * Options for {@linkcode toFetchHandler}.
 *
 * @example Usage
 * ```ts
 * import {
 *   toFetchHandler,
 *   type ToFetchHandlerOptions,
 * } from "@wsgi/wsgiref/handlers";
 * import { demoApp } from "@wsgi/wsgiref/simple-server";
 * import { assertEquals } from "@std/assert";
 *
 * const options: ToFetchHandlerOptions = { maxBodySize: 3 };
 * const handler = toFetchHandler(demoApp, options);
 *
 * const request = new Request("http://localhost/", {
 *   method: "POST",
 *   headers: { "Content-Length": "4" },
 *   body: "spam",
 * });
 * assertEquals((await handler(request)).status, 413);
 * ```
 */
export type ToFetchHandlerOptions = Omit<
  FetchHandlerOptions,
  "info" | "wholeSize"
>;

/**
 * Makes a fetch handler of an application, for `Deno.serve` and for anything
 * else that answers a `Request` with a `Response`.
 *
 * An application that returns an array at once is answered at once, without a
 * promise and without a stream.
 *
 * @param app The application.
 * @param options What the platform does not tell.
 * @returns The handler. It takes the request and what the platform tells of the
 * connection. A request that is not valid is answered 400, one outside
 * `scriptName` 404. It never throws and never rejects.
 * @throws {TypeError} If `app` is not a function, or `scriptName` is not valid.
 * @throws {RangeError} If `maxBodySize` is no number of bytes.
 *
 * @example Usage
 * ```ts
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * const handler = toFetchHandler((environ, startResponse) => {
 *   startResponse("200 OK", [["Content-Type", "text/plain"]]);
 *   return [new TextEncoder().encode(`This is ${environ.REQUEST_METHOD}`)];
 * });
 *
 * await using server = Deno.serve({ port: 0, onListen() {} }, handler);
 * const response = await fetch(`http://localhost:${server.addr.port}/`);
 *
 * assertEquals(await response.text(), "This is GET");
 * ```
 */
export function toFetchHandler(
  app: WsgiApplication,
  options: ToFetchHandlerOptions = {},
): (request: Request, info?: unknown) => Response | Promise<Response> {
  if (typeof app !== "function") {
    throw new TypeError(
      `Cannot serve the application as it must be a function: received ${
        quote(app)
      }`,
    );
  }
  checkRequestOptions(options);
  return (request, info) =>
    new FetchHandler(request, null, { ...options, info }).respond(app);
}

/**
 * Makes an application of a fetch handler, such as a framework's or one written
 * for `Deno.serve`, for any gateway.
 *
 * The handler is given the very `Request` that `toFetchHandler()` was, as long as
 * the environ still says what it says, and else one that says what the environ
 * says. The body of its response becomes an array if it is known whole, so that
 * its length is sent; the head of any other is sent without waiting for a block.
 * Headers that are hop-by-hop are left out.
 *
 * A request whose path a URL parser would change, such as `/x/../admin`, is
 * answered 400, as middleware has seen another path than the handler would. A
 * method that a `Request` cannot have (CONNECT, TRACE, TRACK) is answered 501,
 * and so is a WebSocket, which no result can be. The body of a GET or HEAD
 * request, which a `Request` cannot have either, is ignored.
 *
 * @param handler The fetch handler.
 * @returns The application.
 * @throws {TypeError} If `handler` is not a function.
 *
 * @example Usage
 * ```ts
 * import { fromFetchHandler, toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * const app = fromFetchHandler(async (request) =>
 *   new Response((await request.text()).toUpperCase())
 * );
 *
 * const response = await toFetchHandler(app)(
 *   new Request("http://localhost/", { method: "POST", body: "spam" }),
 * );
 * assertEquals(await response.text(), "SPAM");
 * ```
 */
export function fromFetchHandler(
  handler: (request: Request, info: FetchInfo) => Response | Promise<Response>,
): WsgiApplication {
  if (typeof handler !== "function") {
    throw new TypeError(
      `Cannot make an application of the fetch handler as it must be a function: received ${
        quote(handler)
      }`,
    );
  }
  return async (environ, startResponse) => {
    const request = toRequest(environ);
    if (typeof request === "string") {
      startResponse(request, [["Content-Type", "text/plain"]]);
      return [encoder.encode(`${request}\n`)];
    }
    const info = new EnvironInfo(environ);
    try {
      const response = await handler(request, info);
      return info.follow(await startWith(response, startResponse));
    } catch (error) {
      info.complete();
      throw error;
    }
  };
}
