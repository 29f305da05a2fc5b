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

import { quote } from "./_escape.ts";
import { encodeLatin1 } from "./_latin1.ts";
import { type BlockIterator, isPromise, iterate } from "./_result.ts";
import { WsgiHeaders } from "./headers.ts";
import type {
  ErrorStream,
  FileLike,
  FileWrapperFactory,
  InputStream,
  StartResponse,
  WriteCallable,
  WsgiApplication,
  WsgiEnviron,
  WsgiHeader,
  WsgiHeaderList,
  WsgiResult,
} from "./types.ts";
import {
  encodeNativeString,
  FileWrapper,
  guessScheme,
  isHopByHop,
  requestUri,
  WsgiInput,
} from "./util.ts";

/**
 * How far a response has come. It only moves forward:
 *
 * - `"not started"`: `startResponse()` has not been called.
 * - `"started"`: it has; the head can still be replaced by an error's.
 * - `"headers sent"`: the head is with the client, and only body may follow.
 * - `"closed"`: the response has ended and the result is released.
 */
type HandlerState = "not started" | "started" | "headers sent" | "closed";

/** The most bytes that are copied together to be written at once. */
const COALESCE_SIZE = 131_072;

const encoder = new TextEncoder();
const EMPTY = new Uint8Array(0);
const ERROR_BODY = encoder.encode(
  "A server error occurred.  Please contact the administrator.",
);

// A code from 100 to 999, one space and a reason phrase without control
// characters or surrounding blanks (P078-P080).
const STATUS_REGEXP =
  /^[1-9]\d\d [!-~\x80-\xff](?:[ -~\x80-\xff]*[!-~\x80-\xff])?$/;
const BODILESS_REGEXP = /^(?:1|204|205|304)/;
const LENGTHLESS_REGEXP = /^(?:1|20[45])/;
const DIGITS_REGEXP = /^\d+$/;

const WSGI_VERSION = [1, 0] as const;
const ERROR_HEADERS: WsgiHeader[] = [["Content-Type", "text/plain"]];

/** Says what is wrong with a result that is no iterable of bytes. */
function checkResult(result: WsgiResult): WsgiResult {
  if (
    typeof result !== "object" || result === null ||
    result instanceof Uint8Array ||
    !(Symbol.iterator in result || Symbol.asyncIterator in result)
  ) {
    throw new TypeError(
      `Cannot send the result of the application as it must be an iterable of Uint8Array blocks, such as [body]: received ${
        quote(result)
      }`,
    );
  }
  return result;
}

function blocksLength(blocks: Uint8Array[]): number {
  let length = 0;
  for (const block of blocks) length += checkBlock(block).length;
  return length;
}

function checkBlock(block: Uint8Array): Uint8Array {
  if (block instanceof Uint8Array) return block;
  throw new TypeError(
    `Cannot send a block of the body as it must be a Uint8Array: received ${
      quote(block)
    }`,
  );
}

/** The trace of an error and of its causes, each once, as lines of text. */
function formatError(
  error: unknown,
  limit: number | null,
  shown = new Set<unknown>(),
): string {
  if (!(error instanceof Error)) return `Uncaught ${quote(error)}\n`;
  shown.add(error);
  const lines = String(error.stack ?? error).split("\n");
  let frames = 0;
  const kept = limit === null
    ? lines
    : lines.filter((line) => !/^ {4}at /.test(line) || frames++ < limit);
  const cause = error.cause === undefined || shown.has(error.cause)
    ? ""
    : `Caused by: ${formatError(error.cause, limit, shown)}`;
  return `${kept.join("\n")}\n${cause}`;
}

function createFileWrapper(filelike: FileLike, blksize?: number): WsgiResult {
  return new FileWrapper(filelike, blksize);
}

function concat(blocks: Uint8Array[], size: number): Uint8Array {
  if (blocks.length === 1) return blocks[0]!;
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const block of blocks) {
    bytes.set(block, offset);
    offset += block.length;
  }
  return bytes;
}

/**
 * Formats a time as the `Date` header has it.
 *
 * @param timestamp The seconds since 1970-01-01T00:00:00Z. A fraction is cut.
 * @returns The time, in English and GMT.
 * @throws {RangeError} If `timestamp` is not within the range of a `Date`.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7 | RFC 9110, 5.6.7}
 *
 * @example Usage
 * ```ts
 * import { formatDateTime } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatDateTime(0), "Thu, 01 Jan 1970 00:00:00 GMT");
 * ```
 */
export function formatDateTime(timestamp: number): string {
  const date = new Date(timestamp * 1000);
  if (Number.isNaN(date.getTime())) {
    throw new RangeError(
      `Cannot format the time as it must be a number of seconds within the range of a Date: received ${timestamp}`,
    );
  }
  return date.toUTCString();
}

/**
 * An {@linkcode ErrorStream} that passes text on.
 *
 * @example Usage
 * ```ts
 * import { TextErrorStream } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * let text = "";
 * const errors = new TextErrorStream((chunk) => text += chunk);
 * errors.writelines(["first\n", "second\n"]);
 * assertEquals(text, "first\nsecond\n");
 * ```
 */
export class TextErrorStream implements ErrorStream {
  #write: (text: string) => void;

  /**
   * Constructs a new instance.
   *
   * @param write Takes each piece of text.
   */
  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /**
   * Writes text.
   *
   * @param text Any text.
   * @throws {TypeError} If `text` is not a string.
   */
  write(text: string): void {
    if (typeof text !== "string") {
      throw new TypeError(
        `Cannot write to wsgi.errors as it takes a string: received ${
          quote(text)
        }`,
      );
    }
    this.#write(text);
  }

  /**
   * Writes several pieces of text.
   *
   * @param list The pieces.
   * @throws {TypeError} If one of them is not a string.
   */
  writelines(list: Iterable<string>): void {
    for (const text of list) this.write(text);
  }

  /** Does nothing: all that was written has been passed on. */
  flush(): void {}
}

/** Takes the bytes of a response: `Deno.stdout` is one. */
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
 * Runs an application and keeps the rules of the protocol. A subclass says
 * where the input comes from and where the output goes.
 *
 * A handler answers one request. Every attribute may be set by a subclass.
 *
 * @see {@link https://peps.python.org/pep-3333/#specification-details | PEP 3333: Specification Details}
 *
 * @example A handler that collects its output
 * ```ts
 * import { BaseHandler, TextErrorStream } from "@wsgi/wsgiref/handlers";
 * import { setupTestingDefaults, WsgiInput } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * class TextHandler extends BaseHandler {
 *   override originServer = false;
 *   text = "";
 *   override _write(data: Uint8Array) {
 *     this.text += new TextDecoder().decode(data);
 *   }
 *   override _flush() {}
 *   override getStdin() {
 *     return new WsgiInput(null);
 *   }
 *   override getStderr() {
 *     return new TextErrorStream(console.error);
 *   }
 *   override addCgiVars() {
 *     setupTestingDefaults(this.environ);
 *   }
 * }
 *
 * const handler = new TextHandler();
 * handler.run((_environ, startResponse) => {
 *   startResponse("200 OK", []);
 *   return [new TextEncoder().encode("Hello")];
 * });
 * assertEquals(
 *   handler.text,
 *   "Status: 200 OK\r\nContent-Length: 5\r\n\r\nHello",
 * );
 * ```
 */
export abstract class BaseHandler {
  /** The value of `wsgi.version`. */
  wsgiVersion: readonly [major: number, minor: number] = WSGI_VERSION;
  /** The value of `wsgi.multithread`. */
  wsgiMultithread = true;
  /** The value of `wsgi.multiprocess`. */
  wsgiMultiprocess = true;
  /** The value of `wsgi.run_once`. */
  wsgiRunOnce = false;
  /** The value of `wsgi.input_terminated`. */
  wsgiInputTerminated = false;
  /** The value of `wsgi.file_wrapper`; `null` for none. */
  wsgiFileWrapper: FileWrapperFactory | null = createFileWrapper;
  /** The variables that every environ begins with; `null` for none. */
  osEnviron: Readonly<Partial<WsgiEnviron>> | null = null;
  /** Whether the output is a whole HTTP response, or one for a gateway. */
  originServer = true;
  /** The HTTP version of the response of an origin server. */
  httpVersion = "1.0";
  /** The `Server` header of an origin server, and `SERVER_SOFTWARE`. */
  serverSoftware: string | null = null;
  /** The most stack frames of an error to log; `null` for all. */
  tracebackLimit: number | null = null;
  /** The status of the error response. */
  errorStatus = "500 Internal Server Error";
  /** The headers of the error response. */
  errorHeaders: WsgiHeader[] = ERROR_HEADERS;
  /** The body of the error response. */
  errorBody: Uint8Array = ERROR_BODY;

  /** The environ of the request. */
  environ: Partial<WsgiEnviron> = {};
  /** The status, once the response has started. */
  status: string | null = null;
  /** The headers, once the response has started. */
  headers: WsgiHeaders | null = null;
  /** What the application returned, until it is released. */
  result: WsgiResult | null = null;
  /** The number of bytes of body that were handed on. */
  bytesSent = 0;

  #hasRun = false;
  #state: HandlerState = "not started";
  /** The iterator of the result, until it is exhausted. */
  #iterator: BlockIterator | null = null;
  #released: Promise<void> | undefined;
  /** The body bytes that may still be sent: infinite without Content-Length. */
  #remaining = Infinity;
  /** Whether this is a response to HEAD or has a status without a body. */
  #bodiless = false;
  #isHead = false;
  /** The length of the body, in bytes, once it is known. */
  #length: number | null = null;
  /** Why the client's connection is gone, if it is. */
  #lost: unknown = null;

  /** Hands bytes on to {@linkcode BaseHandler._flush}, or to the client. */
  abstract _write(data: Uint8Array): void;
  /** Makes sure that what was written is on its way to the client. */
  abstract _flush(): void | Promise<void>;
  /** Gives the value of `wsgi.input`. */
  abstract getStdin(): InputStream;
  /** Gives the value of `wsgi.errors`. */
  abstract getStderr(): ErrorStream;
  /** Adds the CGI variables of the request to `environ`. */
  abstract addCgiVars(): void;

  /** Whether the head of the response has been sent. */
  get headersSent(): boolean {
    return this.#state === "headers sent" || this.#state === "closed";
  }

  /**
   * Runs an application: sends its response, or the error response.
   *
   * @param app The application.
   * @returns Nothing if the response is complete, or else a promise of its end.
   * It rejects only if the error response fails too.
   * @throws {TypeError} If the handler has run an application before.
   */
  run(app: WsgiApplication): void | Promise<void> {
    if (this.#hasRun) {
      throw new TypeError(
        "Cannot run the application as a handler answers one request: create a new handler",
      );
    }
    this.#hasRun = true;
    let pending;
    try {
      this.setupEnviron();
      const result = app(
        this.environ as WsgiEnviron,
        (status, headers, excInfo) =>
          this.startResponse(status, headers, excInfo),
      );
      pending = isPromise(result)
        ? result.then((result) => this.#finish(result))
        : this.#finish(result);
    } catch (error) {
      return this.#fail(error);
    }
    return pending?.catch((error) => this.#fail(error));
  }

  #finish(result: WsgiResult): void | Promise<void> {
    this.result = checkResult(result);
    if (this.#lost !== null) throw this.#lost;
    return this.finishResponse();
  }

  /** Makes `environ`: the CGI variables and those of WSGI. */
  setupEnviron(): void {
    this.environ = { ...this.osEnviron };
    this.addCgiVars();
    const environ = this.environ;
    environ["wsgi.version"] = this.wsgiVersion;
    environ["wsgi.url_scheme"] = this.getScheme();
    environ["wsgi.input"] = this.getStdin();
    environ["wsgi.errors"] = this.getStderr();
    environ["wsgi.multithread"] = this.wsgiMultithread;
    environ["wsgi.multiprocess"] = this.wsgiMultiprocess;
    environ["wsgi.run_once"] = this.wsgiRunOnce;
    environ["wsgi.input_terminated"] = this.wsgiInputTerminated;
    if (this.wsgiFileWrapper !== null) {
      environ["wsgi.file_wrapper"] = this.wsgiFileWrapper;
    }
    if (this.originServer && this.serverSoftware !== null) {
      environ.SERVER_SOFTWARE ??= this.serverSoftware;
    }
    // The application may change environ, so what is needed later is kept.
    this.#isHead = environ.REQUEST_METHOD === "HEAD";
  }

  /**
   * Gives the scheme of the URL.
   *
   * @returns `"http"` or `"https"`.
   */
  getScheme(): string {
    return guessScheme(this.environ);
  }

  /**
   * Begins the response: what the application is given to call.
   *
   * @param status The status code, a space and the reason phrase.
   * @param headers The headers, in order.
   * @param excInfo The value that was thrown, for an error response.
   * @returns The {@linkcode WriteCallable}.
   * @throws {TypeError} If the status or a header is not valid, if a header is
   * hop-by-hop, or if the response was started before and `excInfo` is absent.
   * @throws `excInfo` itself, if the headers have been sent.
   */
  startResponse(
    status: string,
    headers: WsgiHeaderList,
    excInfo?: unknown,
  ): WriteCallable {
    // A second call without excInfo is fatal, even when the first one threw
    // (P102). With it, after the headers were sent, the error is raised (P098).
    if (excInfo !== undefined && excInfo !== null) {
      if (this.headersSent) throw excInfo;
    } else if (this.#state !== "not started") {
      throw new TypeError(
        "Cannot start the response as startResponse() was called before: an error response passes the error as excInfo",
      );
    }
    this.#state = "started";
    this.status = null;
    this.#remaining = Infinity;
    if (typeof status !== "string" || !STATUS_REGEXP.test(status)) {
      throw new TypeError(
        `Cannot start the response as its status must be three digits, a space and a reason phrase: received ${
          quote(status)
        }`,
      );
    }
    this.headers = WsgiHeaders.from(headers);
    for (const [name, value] of this.headers) {
      // Hop-by-hop headers are the server's own, and fatal (P088, P089).
      if (isHopByHop(name)) {
        throw new TypeError(
          `Cannot set header "${name}" as it is hop-by-hop, which is the server's to set: received ${
            quote(value)
          }`,
        );
      }
      if (name.length === 14 && name.toLowerCase() === "content-length") {
        if (this.#remaining !== Infinity || !DIGITS_REGEXP.test(value)) {
          throw new TypeError(
            `Cannot set header "${name}" as it must be one number of bytes in decimal digits: received ${
              quote(this.headers.getAll(name))
            }`,
          );
        }
        this.#remaining = Number(value);
      }
    }
    this.status = status;
    this.#bodiless = this.#isHead || BODILESS_REGEXP.test(status);
    return (data) => {
      const flushed = this.write(data);
      // An application that does not wait for its writes must not fall over
      // the client's disconnect.
      flushed?.catch(() => {});
      return flushed ?? Promise.resolve();
    };
  }

  /**
   * Sends body bytes, after the head if that was not sent.
   *
   * @param data The bytes.
   * @returns Nothing if they have been handed on, or else a promise of it.
   * @throws {TypeError} If `data` is not bytes, if the response was not
   * started, or if `data` is more than the declared `Content-Length`.
   */
  write(data: Uint8Array): void | Promise<void> {
    if (this.#lost !== null) return Promise.reject(this.#lost);
    this.#send(checkBlock(data));
    return this._flush();
  }

  /** Writes a block, the head before the first that is not empty (P092). */
  #send(data: Uint8Array): void {
    if (this.status === null) {
      throw new TypeError(
        "Cannot send the body as startResponse() has not been called",
      );
    }
    if (this.#state === "closed") {
      throw new TypeError("Cannot send more body as the response has ended");
    }
    // Raise when write() would exceed Content-Length (P106).
    if (data.length > this.#remaining && !this.#bodiless) {
      throw new TypeError(
        `Cannot write ${data.length} bytes as the Content-Length leaves ${this.#remaining}`,
      );
    }
    if (data.length === 0) return;
    if (!this.headersSent) this.sendHeaders();
    if (this.#bodiless) return;
    this.bytesSent += data.length;
    this.#remaining -= data.length;
    this._write(data);
  }

  /** Sends what the application returned, then releases it. */
  finishResponse(): void | Promise<void> {
    const result = this.result;
    if (!Array.isArray(result)) return this.#sendResult();
    this.#length = blocksLength(result);
    for (const block of result) this.#send(this.#clamp(block));
    this.finishContent();
    const flushed = this._flush();
    return flushed ? flushed.then(() => this.close()) : this.close();
  }

  async #sendResult(): Promise<void> {
    this.#length = null;
    if (!this.resultIsFile() || !await this.sendfile()) {
      await this.#sendBlocks(this.result as WsgiResult);
    }
    // The client may have gone as soon as it had the last block.
    if (this.#lost !== null) throw this.#lost;
    this.finishContent();
    const flushed = this._flush();
    if (flushed) await flushed;
    await this.close();
  }

  /** Sends each block before it asks for the next (P021). */
  async #sendBlocks(blocks: WsgiResult): Promise<void> {
    if (this.#lost !== null) throw this.#lost;
    const iterator = iterate(blocks);
    this.#iterator = iterator;
    for (;;) {
      let step;
      try {
        const next = iterator.next();
        step = isPromise(next) ? await next : next;
      } catch (error) {
        this.#iterator = null;
        throw error;
      }
      if (this.#lost !== null) throw this.#lost;
      if (step.done) {
        this.#iterator = null;
        return;
      }
      this.#send(this.#clamp(step.value));
      // Enough was sent (P106), or no body is to follow the head.
      if (this.#remaining <= 0 || this.#bodiless && this.headersSent) return;
      const flushed = this._flush();
      if (flushed) await flushed;
    }
  }

  /** The part of a block that Content-Length leaves room for (P105). */
  #clamp(block: Uint8Array): Uint8Array {
    return checkBlock(block).length > this.#remaining && !this.#bodiless
      ? block.subarray(0, this.#remaining)
      : block;
  }

  /** Sends the head if there was no body, and checks that there was enough. */
  finishContent(): void {
    if (this.status === null) {
      throw new TypeError(
        "Cannot finish the response as startResponse() has not been called",
      );
    }
    // Too few bytes: log it and close the connection (P107).
    if (this.#remaining > 0 && this.#remaining < Infinity && !this.#bodiless) {
      throw new RangeError(
        `Cannot finish the response as its body is shorter than its Content-Length: ${this.bytesSent} bytes sent, ${this.#remaining} missing`,
      );
    }
    if (!this.headersSent) {
      this.#length = 0;
      this.sendHeaders();
    }
  }

  /** Sends the head, completed with what only the server can know. */
  sendHeaders(): void {
    this.cleanupHeaders();
    this.#state = "headers sent";
    this.sendPreamble();
  }

  /** Completes the headers: `Content-Length`, where it can be known. */
  cleanupHeaders(): void {
    const headers = this.headers as WsgiHeaders;
    if (!headers.has("Content-Length")) this.setContentLength();
    // 1xx and 204 have no Content-Length (RFC 9110, 8.6), and 205 has no body.
    else if (LENGTHLESS_REGEXP.test(this.status ?? "")) {
      headers.delete("Content-Length");
    }
  }

  /** Sets `Content-Length` if the length of the body is known. */
  setContentLength(): void {
    const length = this.#length;
    if (length === null || BODILESS_REGEXP.test(this.status ?? "")) return;
    // What GET would send is unknown if HEAD has nothing to count.
    if (length === 0 && this.#isHead) return;
    this.headers?.set("Content-Length", String(length));
    this.#remaining = length;
  }

  /** Writes the status line and the headers. */
  sendPreamble(): void {
    let head: string;
    if (!this.originServer) {
      head = `Status: ${this.status}\r\n`;
    } else if (this.clientIsModern()) {
      head = `HTTP/${this.httpVersion} ${this.status}\r\n`;
      if (!this.headers?.has("Date")) {
        head += `Date: ${formatDateTime(Date.now() / 1000)}\r\n`;
      }
      if (this.serverSoftware !== null && !this.headers?.has("Server")) {
        head += `Server: ${this.serverSoftware}\r\n`;
      }
    } else return;
    this._write(encodeLatin1(head + this.headers));
  }

  /**
   * Whether the client knows status lines and headers.
   *
   * @returns `false` for HTTP/0.9 only.
   */
  clientIsModern(): boolean {
    return this.environ.SERVER_PROTOCOL?.toUpperCase() !== "HTTP/0.9";
  }

  /**
   * Whether the result is a file wrapper, which
   * {@linkcode BaseHandler.sendfile} may send.
   *
   * @returns Whether it is.
   */
  resultIsFile(): boolean {
    return this.result instanceof FileWrapper;
  }

  /**
   * Sends a file wrapper: with a `Content-Length`, where the file tells its
   * size, and in larger blocks than those of its iteration. A subclass may know
   * a faster way.
   *
   * @returns Whether it was sent. If not, it is iterated like any result.
   */
  async sendfile(): Promise<boolean> {
    const file = this.result as FileWrapper;
    this.#length = await file.size();
    await this.#sendBlocks(file.readable);
    return true;
  }

  /**
   * Handles an error of the application: logs it, and sends the error response
   * if that is still possible, or else cuts the transfer off.
   *
   * @param error The value that was thrown.
   * @returns A promise of the end.
   */
  async handleError(error: unknown): Promise<void> {
    this.logException(error);
    const released = this.#release();
    if (released) await released;
    if (this.headersSent) {
      await this._flush();
      this.abort(error);
      return this.close();
    }
    this.result = checkResult(this.errorOutput(
      this.environ as WsgiEnviron,
      (status, headers, excInfo) =>
        this.startResponse(status, headers, excInfo),
      error ?? new TypeError(`The application threw ${error}`),
    ));
    return this.finishResponse();
  }

  async #fail(error: unknown): Promise<void> {
    try {
      if (!this.#isDisconnect(error)) await this.handleError(error);
    } catch (error) {
      if (!this.#isDisconnect(error)) throw error;
    } finally {
      if (this.#state !== "closed") await this.close();
    }
  }

  /** Whether an error is only the end of the client's own connection. */
  #isDisconnect(error: unknown): boolean {
    return this.#lost !== null &&
      (error === this.#lost || (error as Error)?.name === "AbortError");
  }

  /**
   * Logs an error to {@linkcode BaseHandler.getStderr}.
   *
   * @param error The value that was thrown.
   */
  logException(error: unknown): void {
    const stderr = this.getStderr();
    stderr.write(formatError(error, this.tracebackLimit));
    stderr.flush();
  }

  /**
   * Is the application that makes the error response.
   *
   * @param _environ The environ of the request.
   * @param startResponse Begins the response.
   * @param error The value that was thrown, to be passed as `excInfo`.
   * @returns The body.
   */
  errorOutput(
    _environ: WsgiEnviron,
    startResponse: StartResponse,
    error: unknown,
  ): WsgiResult {
    startResponse(this.errorStatus, this.errorHeaders, error);
    return [this.errorBody];
  }

  /**
   * Cuts the transfer off, so that the client can tell it from a whole one.
   * Does nothing by itself: a closed connection is all that most gateways have.
   *
   * @param _error The value that was thrown.
   */
  abort(_error: unknown): void {}

  /**
   * Takes note that the client has gone: the run ends, and the result is
   * released, without a word in the log.
   *
   * @param reason What pending and later writes are rejected with.
   */
  connectionLost(reason: unknown): void {
    this.#lost ??= reason;
    // Nobody waits for it yet: close() will, and tells if it fails.
    this.#release()?.catch(() => {});
  }

  /** Ends the response, and releases the result. */
  close(): void | Promise<void> {
    this.#state = "closed";
    return this.#release();
  }

  /** Calls `return()` of an unfinished iterator and `close()` of the result. */
  #release(): void | Promise<void> {
    const iterator = this.#iterator;
    const result = this.result;
    this.#iterator = null;
    this.result = null;
    if (iterator?.return || result?.close) {
      this.#released = this.#releaseAll(iterator, result);
    }
    return this.#released;
  }

  async #releaseAll(
    iterator: BlockIterator | null,
    result: WsgiResult | null,
  ): Promise<void> {
    try {
      await iterator?.return?.();
    } catch (error) {
      if (!this.#isDisconnect(error)) this.logException(error);
    }
    try {
      await result?.close?.();
    } catch (error) {
      if (!this.#isDisconnect(error)) this.logException(error);
    }
  }
}

/**
 * Options for {@linkcode SimpleHandler}.
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
  const { name, code } = error as { name?: string; code?: string };
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
 * import { SimpleHandler, TextErrorStream } from "@wsgi/wsgiref/handlers";
 * import { setupTestingDefaults, WsgiInput } from "@wsgi/wsgiref/util";
 * import { assertStringIncludes } from "@std/assert";
 *
 * let output = "";
 * const handler = new SimpleHandler(
 *   new WsgiInput(null),
 *   { write: (data) => void (output += new TextDecoder().decode(data)) },
 *   new TextErrorStream(console.error),
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

  /** Keeps bytes for {@linkcode SimpleHandler._flush}. */
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
      joined.push(concat(blocks.slice(start, index), size));
      start = index;
      size = 0;
    }
    size += block.length;
  });
  joined.push(concat(blocks.slice(start), size));
  return joined;
}

function dropWritten(blocks: Uint8Array[], count: number | void): void {
  const [block = EMPTY] = blocks;
  if (count === 0) {
    throw new TypeError(
      `Cannot write the response as its writer took none of ${block.length} bytes`,
    );
  }
  if (count === undefined || count >= block.length) blocks.shift();
  else blocks[0] = block.subarray(count);
}

/**
 * Answers as a CGI script does: with a `Status:` line, and no `Date` or
 * `Server`, which are the web server's. For gateways of the same kind, such as
 * FastCGI and SCGI.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc3875#section-6 | RFC 3875, 6}
 *
 * @example Usage
 * ```ts
 * import { BaseCgiHandler, TextErrorStream } from "@wsgi/wsgiref/handlers";
 * import { setupTestingDefaults, WsgiInput } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * let output = "";
 * const handler = new BaseCgiHandler(
 *   new WsgiInput(null),
 *   { write: (data) => void (output += new TextDecoder().decode(data)) },
 *   new TextErrorStream(console.error),
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
  /** Whether the output is a whole HTTP response: it is for a gateway. */
  override originServer = false;
}

// The variables that come from the request and hold bytes, not text.
const REQUEST_VARIABLE_REGEXP =
  /^(?:REDIRECT_)*(?:SCRIPT_NAME|PATH_INFO|QUERY_STRING|REQUEST_METHOD|AUTH_TYPE|CONTENT_TYPE|CONTENT_LENGTH|HTTPS|REMOTE_USER|REMOTE_IDENT|(?:HTTP|SSL)_.*)$/s;

// What HTTP clients take for a setting, and headers that have variables of
// their own (P044).
const UNWANTED_VARIABLES = [
  "HTTP_PROXY",
  "HTTP_CONTENT_TYPE",
  "HTTP_CONTENT_LENGTH",
];
// What is to be left out if there is nothing to say (P049).
const OPTIONAL_VARIABLES = [
  "CONTENT_TYPE",
  "CONTENT_LENGTH",
  "AUTH_TYPE",
  "REMOTE_ADDR",
  "REMOTE_HOST",
  "REMOTE_IDENT",
  "REMOTE_USER",
];

/**
 * Reads the CGI variables of the request from the process environment.
 *
 * Variables of the request are native strings. While a request is handled,
 * `HTTP_PROXY`, which a client could set, is left out, and so are
 * `HTTP_CONTENT_TYPE` and `HTTP_CONTENT_LENGTH`, which some servers add, and
 * what servers leave empty as they do not know it, such as `REMOTE_USER`. Deno
 * does not tell of variables that are not valid UTF-8; such a `PATH_INFO` is
 * taken from `REQUEST_URI`.
 *
 * Requires `--allow-env` permission.
 *
 * @returns The variables.
 *
 * @see {@link https://httpoxy.org/ | httpoxy}
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
  const environ: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(Deno.env.toObject())) {
    // No other characters may come to the application (P136).
    const isBytes = REQUEST_VARIABLE_REGEXP.test(name) ||
      /[^\0-\xff]/.test(value);
    environ[name] = isBytes ? encodeNativeString(value) : value;
  }
  if (environ.REQUEST_METHOD === undefined) return environ;
  for (const name of UNWANTED_VARIABLES) delete environ[name];
  for (const name of OPTIONAL_VARIABLES) {
    if (environ[name] === "") delete environ[name];
  }
  if (environ.PATH_INFO === undefined && environ.REQUEST_URI !== undefined) {
    const [target = ""] = environ.REQUEST_URI.split("?", 1);
    const path = decodePath(encodeNativeString(target));
    const scriptName = environ.SCRIPT_NAME ?? "";
    if (path.startsWith(`${scriptName}/`)) {
      environ.PATH_INFO = path.slice(scriptName.length);
    }
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

  /**
   * Constructs a new instance.
   *
   * @param environ The CGI variables of the request.
   */
  constructor(environ: Readonly<Partial<WsgiEnviron>> = readEnviron()) {
    // Apache passes the body of a chunked request without its length.
    const length = environ.HTTP_TRANSFER_ENCODING ? Infinity : 0;
    super(
      new WsgiInput(
        {
          get body() {
            return Deno.stdin.readable;
          },
        },
        { limit: Number(environ.CONTENT_LENGTH ?? length) },
      ),
      // Nothing else is to be done while the web server is slow to read.
      { write: (data) => Deno.stdout.writeSync(data) },
      new TextErrorStream(logSync),
      environ,
      { multithread: false, multiprocess: true },
    );
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

  /** Makes the exit code of the process 1. */
  override abort(_error: unknown): void {
    Deno.exitCode = 1;
  }
}

/**
 * Is {@linkcode CgiHandler} for IIS without `allowPathInfoForScriptMappings`,
 * which puts the script's name before the path a second time.
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
   * @param environ The CGI variables of the request.
   */
  constructor(environ: Readonly<Partial<WsgiEnviron>> = readEnviron()) {
    const { PATH_INFO: path = "", SCRIPT_NAME: script = "" } = environ;
    super(
      `${path}/`.startsWith(`${script}/`)
        ? { ...environ, PATH_INFO: path.slice(script.length) }
        : environ,
    );
  }
}

/** Thrown for a request that no environ can be made of. */
export class RequestError extends TypeError {
  /** The status code that answers the request. */
  readonly status: 400 | 404;

  /**
   * Constructs a new instance.
   *
   * @param message What is wrong with the request.
   * @param status The status code that answers the request.
   */
  constructor(message: string, status: 400 | 404) {
    super(message);
    this.name = "RequestError";
    this.status = status;
  }

  /**
   * Makes the answer to the request.
   *
   * @returns A response with the status and its name.
   */
  toResponse(): Response {
    const reason = this.status === 400 ? "Bad Request" : "Not Found";
    return new Response(`${reason}\n`, {
      status: this.status,
      headers: { "content-type": "text/plain; charset=utf-8" },
    });
  }
}

/**
 * How many proxies in front of the server are trusted, for each header that
 * they set: the value that counts is that many from the right.
 */
export interface ForwardedOptions {
  /**
   * Proxies that add to `X-Forwarded-For`, for `REMOTE_ADDR`.
   *
   * @default {0}
   */
  for?: number;
  /**
   * Proxies that add to `X-Forwarded-Proto`, for `wsgi.url_scheme`.
   *
   * @default {0}
   */
  proto?: number;
  /**
   * Proxies that add to `X-Forwarded-Host`, for `HTTP_HOST`.
   *
   * @default {0}
   */
  host?: number;
}

/** The address of a client. */
export interface RemoteAddr {
  /** The IP address. */
  hostname?: string;
  /** The port. */
  port?: number;
}

/** Options for {@linkcode requestEnviron}. */
export interface RequestEnvironOptions {
  /**
   * The path at which the application is mounted: `SCRIPT_NAME`.
   *
   * @default {""}
   */
  scriptName?: string;
  /** `SERVER_NAME`. By default, the host of the URL. */
  serverName?: string;
  /** `SERVER_PORT`. By default, the port of the URL. */
  serverPort?: number;
  /**
   * Finds the address of the client, for `REMOTE_ADDR` and `REMOTE_PORT`. By
   * default it is the `remoteAddr` of `info`, as `Deno.serve` gives it.
   */
  remoteAddr?: (request: Request, info: unknown) => RemoteAddr | undefined;
  /** The proxies to trust. By default, none. */
  forwarded?: ForwardedOptions;
}

/** Options for {@linkcode FetchHandler}. */
export interface FetchHandlerOptions {
  /**
   * The value of `wsgi.errors`, and where errors are logged. By default,
   * `console.error`.
   */
  errors?: ErrorStream;
  /**
   * The value of `wsgi.multiprocess`: `true` under `deno serve --parallel`.
   *
   * @default {false}
   */
  multiprocess?: boolean;
  /**
   * Variables that every environ has, such as those of the process. What only a
   * request can have, such as `HTTPS` and `HTTP_*`, is left out, and what the
   * request has is kept. By default, none.
   */
  osEnviron?: Readonly<Partial<WsgiEnviron>>;
}

/** Options for {@linkcode toFetchHandler}. */
export interface ToFetchHandlerOptions
  extends RequestEnvironOptions, FetchHandlerOptions {}

// RFC 3986, 3.2: host [ ":" port ], without user information.
const AUTHORITY = String.raw`(\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::(\d*))?`;
const AUTHORITY_REGEXP = new RegExp(`^${AUTHORITY}$`, "i");

// Scheme, authority, target, path and query. The fragment is the client's.
const URL_REGEXP = new RegExp(
  String.raw`^(https?)://(${AUTHORITY})(?![^/?#])(([^?#]*)\??([^#]*))`,
  "i",
);

/** The variables of request headers that are common, or not `HTTP_` ones. */
const HEADER_VARIABLES = new Map([
  ["content-type", "CONTENT_TYPE"],
  ["content-length", "CONTENT_LENGTH"],
  ...[
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cache-control",
    "connection",
    "cookie",
    "host",
    "if-modified-since",
    "if-none-match",
    "origin",
    "range",
    "referer",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-user",
    "upgrade-insecure-requests",
    "user-agent",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-requested-with",
  ].map((name) => [name, headerVariable(name)] as const),
]);

function headerVariable(name: string): string {
  return `HTTP_${name.toUpperCase().replaceAll("-", "_")}`;
}

function addHeader(
  environ: Partial<WsgiEnviron>,
  name: string,
  value: string,
): void {
  // An underscore could pass for a dash. `Proxy` would become HTTP_PROXY, which
  // HTTP clients take for a setting. The platform has decoded the chunks.
  if (
    name.includes("_") || name === "proxy" ||
    (name === "transfer-encoding" && value.toLowerCase() === "chunked")
  ) return;
  const variable = headerVariable(name);
  const existing = environ[variable];
  environ[variable] = existing === undefined ? value : `${existing}, ${value}`;
}

/** Decodes percent-encoded bytes to a native string, once. */
function decodePath(path: string): string {
  return path.includes("%")
    ? path.replace(
      /%([\da-f]{2})/gi,
      (_, hex) => String.fromCharCode(parseInt(hex, 16)),
    )
    : path;
}

function checkAuthority(authority: string): void {
  if (AUTHORITY_REGEXP.test(authority)) return;
  throw new RequestError(
    `Cannot answer the request as its host must be a name or an address: received ${
      quote(authority)
    }`,
    400,
  );
}

/** Overrides what the connection says by what trusted proxies say. */
function applyForwarded(
  environ: Partial<WsgiEnviron>,
  counts: ForwardedOptions,
): void {
  const forwarded = (name: string, count = 0) =>
    count > 0
      ? (environ[`HTTP_X_FORWARDED_${name}`] as string | undefined)
        ?.split(",").at(-count)?.trim()
      : undefined;
  const address = forwarded("FOR", counts.for);
  if (address !== undefined) {
    environ.REMOTE_ADDR = address;
    delete environ.REMOTE_PORT;
  }
  const scheme = forwarded("PROTO", counts.proto);
  if (scheme === "https") environ.HTTPS = "on";
  else if (scheme !== undefined) delete environ.HTTPS;
  const host = forwarded("HOST", counts.host);
  if (host !== undefined) {
    checkAuthority(host);
    environ.HTTP_HOST = host;
  }
}

/**
 * Makes the CGI variables of a request.
 *
 * They are read from the text of its URL, which is not resolved. Headers with
 * an underscore in their name, which could pass for others, and `Proxy`, which
 * could pass for a setting of the server, are left out.
 *
 * @param request The request.
 * @param info What the platform tells of the connection.
 * @param options What the platform does not tell.
 * @returns The variables.
 * @throws {RequestError} If the request names no valid host or a path outside
 * `scriptName`, or if its `Content-Length` is no number.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc3875#section-4.1 | RFC 3875, 4.1}
 *
 * @example Usage
 * ```ts
 * import { requestEnviron } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * const environ = requestEnviron(new Request("http://localhost/a%20b?c=d"));
 *
 * assertEquals(environ.PATH_INFO, "/a b");
 * assertEquals(environ.QUERY_STRING, "c=d");
 * ```
 */
export function requestEnviron(
  request: Request,
  info?: unknown,
  options: RequestEnvironOptions = {},
): Partial<WsgiEnviron> {
  // A URL object would resolve dots.
  const [
    ,
    scheme = "",
    authority = "",
    serverName = "",
    serverPort = "",
    target = "",
    path = "",
    query = "",
  ] = URL_REGEXP.exec(encodeNativeString(request.url)) ?? [];
  if (authority === "") {
    throw new RequestError(
      `Cannot answer the request as its URL must have the scheme "http" or "https" and a valid host: received ${
        quote(request.url)
      }`,
      400,
    );
  }
  const isHttps = scheme.toLowerCase() === "https";
  const environ: Partial<WsgiEnviron> = {
    GATEWAY_INTERFACE: "CGI/1.1",
    REQUEST_METHOD: request.method,
    REQUEST_URI: target,
    SCRIPT_NAME: "",
    PATH_INFO: decodePath(path),
    QUERY_STRING: query,
    SERVER_NAME: options.serverName ?? serverName,
    SERVER_PORT: String(
      options.serverPort ?? (serverPort || (isHttps ? 443 : 80)),
    ),
    SERVER_PROTOCOL: "HTTP/1.1",
  };
  if (isHttps) environ.HTTPS = "on";
  const { hostname, port } =
    (options.remoteAddr
      ? options.remoteAddr(request, info)
      : (info as { remoteAddr?: RemoteAddr } | undefined)?.remoteAddr) ?? {};
  if (hostname !== undefined) environ.REMOTE_ADDR = hostname;
  if (port !== undefined) environ.REMOTE_PORT = String(port);
  // An iterator would make an array of each header, and take twice as long.
  request.headers.forEach((value, name) => {
    const variable = HEADER_VARIABLES.get(name);
    if (variable === undefined) addHeader(environ, name, value);
    else environ[variable] = value;
  });
  const { HTTP_HOST: host, CONTENT_LENGTH: length } = environ;
  if (host !== authority) {
    if (host !== undefined) checkAuthority(host);
    // An absolute target overrides the header, and HTTP/2 has none: RFC 9112,
    // 3.2.2, and RFC 9113, 8.3.1.
    environ.HTTP_HOST = authority;
  }
  if (length !== undefined && !DIGITS_REGEXP.test(length)) {
    // The same length several times is one: RFC 9110, 8.6.
    const [first = "", ...rest] = length.split(/, */);
    if (!DIGITS_REGEXP.test(first) || rest.some((other) => other !== first)) {
      throw new RequestError(
        `Cannot answer the request as its Content-Length must be a number of bytes: received ${
          quote(length)
        }`,
        400,
      );
    }
    environ.CONTENT_LENGTH = first;
  }
  if (options.scriptName) mount(environ, options.scriptName);
  if (options.forwarded) applyForwarded(environ, options.forwarded);
  return environ;
}

/** Moves the path of the mount point from `PATH_INFO` to `SCRIPT_NAME`. */
function mount(environ: Partial<WsgiEnviron>, scriptName: string): void {
  const path = environ.PATH_INFO ?? "";
  if (!`${path}/`.startsWith(`${scriptName}/`)) {
    throw new RequestError(
      `Cannot answer the request as its path must begin with ${
        quote(scriptName)
      }: received ${quote(path)}`,
      404,
    );
  }
  environ.SCRIPT_NAME = scriptName;
  environ.PATH_INFO = path.slice(scriptName.length);
}

const CONSOLE_ERRORS = new TextErrorStream((text) =>
  // deno-lint-ignore no-console
  console.error(text.replace(/\n$/, ""))
);

/** The longest that a client of `Deno.serve` goes unwatched, in milliseconds. */
const UNWATCHED_TIME = 100;

/** A promise that the client asks for more. */
class Demand {
  meet!: () => void;
  refuse!: (reason: unknown) => void;
  readonly promise = new Promise<void>((resolve, reject) => {
    this.meet = resolve;
    this.refuse = reject;
  });
}

/**
 * Answers a `Request` with a `Response`.
 *
 * An array is answered with its exact length and without a stream. Any other
 * result becomes a stream that asks for a block only when the client has taken
 * the one before.
 *
 * Beside the variables of WSGI, the environ has the `Request` as
 * `wsgiref.request` and, as `wsgiref.signal`, an `AbortSignal` that is aborted
 * if the client disconnects before the response has ended.
 *
 * @example Usage
 * ```ts
 * import { FetchHandler } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * const request = new Request("http://localhost/");
 * const response = await new FetchHandler(request).respond(
 *   (_environ, startResponse) => {
 *     startResponse("200 OK", [["Content-Type", "text/plain"]]);
 *     return [new TextEncoder().encode("Hello")];
 *   },
 * );
 *
 * assertEquals(response.headers.get("content-length"), "5");
 * assertEquals(await response.text(), "Hello");
 * ```
 */
export class FetchHandler extends BaseHandler {
  /** The value of `wsgi.multiprocess`. */
  override wsgiMultiprocess: boolean;
  /** The value of `wsgi.input_terminated`: the platform ends the body. */
  override wsgiInputTerminated = true;
  /**
   * Whether the platform is `Deno.serve`. It adds the `Content-Length` of an
   * array and the reason phrase by itself, and is faster if they are left out;
   * and a signal costs it as much as a short request does.
   */
  isDenoServe = false;

  /** The handlers that wait for their application and do not watch yet. */
  static #unwatched = new Set<FetchHandler>();
  /** Aborted when they are to begin, all at once. */
  static #timeout: AbortSignal | null = null;

  #request: Request;
  #input: WsgiInput | undefined;
  #variables: Partial<WsgiEnviron>;
  #errors: ErrorStream;
  #disconnected = new AbortController();
  /** What was written before there was a stream. */
  #blocks: Uint8Array[] = [];
  #init: ResponseInit = {};
  #response: Response | null = null;
  #onResponse: ((response: Response) => void) | null = null;
  #unwatch: (() => void) | null = null;
  #stream: ReadableStreamDefaultController<Uint8Array> | null = null;
  /** What is waited for once the client was given something. */
  #demand: Demand | null = null;
  #ended = false;

  /**
   * Constructs a new instance.
   *
   * @param request The request.
   * @param environ The CGI variables of the request.
   * @param options The environ's other variables.
   */
  constructor(
    request: Request,
    environ: Partial<WsgiEnviron> = requestEnviron(request),
    options: FetchHandlerOptions = {},
  ) {
    super();
    this.#request = request;
    this.#variables = environ;
    this.#errors = options.errors ?? CONSOLE_ERRORS;
    this.wsgiMultiprocess = options.multiprocess ?? false;
    this.osEnviron = options.osEnviron ?? null;
  }

  /**
   * Runs an application.
   *
   * @param app The application.
   * @returns The response; a promise of it only if the application, or the
   * first block of its result, is one. It never rejects.
   * @throws {TypeError} If the handler has run an application before.
   */
  respond(app: WsgiApplication): Response | Promise<Response> {
    // Only an error response that fails too comes to here, or the log itself.
    this.run(app)
      ?.catch((error) => this.logException(error))
      .catch((error) => CONSOLE_ERRORS.write(formatError(error, null)));
    if (this.#response !== null) return this.#response;
    return new Promise((resolve) => {
      this.#onResponse = resolve;
      if (this.isDenoServe) this.#watchLater();
      else this.#watch();
    });
  }

  /** Watches the client until there is a response, whose stream tells. */
  #watch(): void {
    const { signal } = this.#request;
    const disconnect = () => this.#disconnect();
    if (signal.aborted) return disconnect();
    signal.addEventListener("abort", disconnect);
    this.#unwatch = () => signal.removeEventListener("abort", disconnect);
  }

  /** Watches the client, unless the application answers soon. */
  #watchLater(): void {
    FetchHandler.#unwatched.add(this);
    if (FetchHandler.#timeout !== null) return;
    // One for all, which is never cleared: a timer that is set and cleared for
    // each request takes longer than a short one.
    FetchHandler.#timeout = AbortSignal.timeout(UNWATCHED_TIME);
    FetchHandler.#timeout.onabort = () => {
      FetchHandler.#timeout = null;
      for (const handler of FetchHandler.#unwatched) handler.#watch();
      FetchHandler.#unwatched.clear();
    };
  }

  #reply(body: BodyInit | null, init: ResponseInit): void {
    this.#response = new Response(body, init);
    if (this.#onResponse === null) return;
    // Deno aborts the signal of answered requests too, and other signals outlive
    // their requests.
    FetchHandler.#unwatched.delete(this);
    this.#unwatch?.();
    this.#onResponse(this.#response);
  }

  #openStream(): ReadableStreamDefaultController<Uint8Array> {
    let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        stream = controller;
      },
      pull: () => this.#meetDemand(),
      cancel: () => this.#disconnect(),
    }, { highWaterMark: 0 });
    this.#reply(body, this.#init);
    return stream as ReadableStreamDefaultController<Uint8Array>;
  }

  #disconnect(): void {
    if (this.#ended) return;
    this.#ended = true;
    const reason = new DOMException("The client disconnected", "AbortError");
    this.#disconnected.abort(reason);
    this.connectionLost(reason);
    // Perhaps nobody waits for it.
    this.#demand?.promise.catch(() => {});
    this.#demand?.refuse(reason);
  }

  #meetDemand(): void {
    this.#demand?.meet();
    this.#demand = null;
  }

  /** Gives the value of `wsgi.input`. */
  override getStdin(): InputStream {
    this.#input = new WsgiInput(this.#request);
    return this.#input;
  }

  /** Gives the value of `wsgi.errors`. */
  override getStderr(): ErrorStream {
    return this.#errors;
  }

  /** Adds the variables of the request to `environ`. */
  override addCgiVars(): void {
    this.environ = this.#variables;
    if (this.osEnviron !== null) {
      for (const [name, value] of Object.entries(this.osEnviron)) {
        // The process must not be taken for the client.
        if (!REQUEST_VARIABLE_REGEXP.test(name)) this.environ[name] ??= value;
      }
    }
    this.environ["wsgiref.request"] = this.#request;
    this.environ["wsgiref.signal"] = this.#disconnected.signal;
  }

  /**
   * Begins the response.
   *
   * @param status The status code, a space and the reason phrase.
   * @param headers The headers, in order.
   * @param excInfo The value that was thrown, for an error response.
   * @returns The {@linkcode WriteCallable}.
   * @throws {RangeError} If a `Response` cannot have the status.
   */
  override startResponse(
    status: string,
    headers: WsgiHeaderList,
    excInfo?: unknown,
  ): WriteCallable {
    const write = super.startResponse(status, headers, excInfo);
    if (status < "200" || status >= "600") {
      this.status = null;
      throw new RangeError(
        `Cannot start the response as the status of a Response must be 200 to 599: received ${
          quote(status)
        }`,
      );
    }
    return write;
  }

  /** Sets `Content-Length` if it is known here, and not the platform's to add. */
  override setContentLength(): void {
    // HEAD has no body that the platform could count.
    const isCounted = this.isDenoServe &&
      Array.isArray(this.result) && this.#request.method !== "HEAD";
    if (!isCounted) super.setContentLength();
  }

  /** Keeps the status and the headers for the `Response`. */
  override sendPreamble(): void {
    const status = this.status as string;
    this.#init = {
      status: Number(status.slice(0, 3)),
      statusText: this.isDenoServe ? "" : status.slice(4),
      headers: headersInit(this.headers as WsgiHeaders),
    };
  }

  /** Gives bytes to the stream, or keeps them as long as there is none. */
  override _write(data: Uint8Array): void {
    if (this.#stream === null) {
      this.#blocks.push(data);
    } else {
      // First, as a client that waits asks for more while it is being given.
      this.#demand ??= new Demand();
      this.#stream.enqueue(data);
    }
  }

  /** Opens the stream if there are bytes; waits until more is asked for. */
  override _flush(): void | Promise<void> {
    if (this.#stream === null && this.#blocks.length > 0 && !this.#ended) {
      this.#stream = this.#openStream();
      for (const block of this.#blocks.splice(0)) this._write(block);
    }
    return this.#demand?.promise;
  }

  /** Ends the stream, or answers at once if none was needed. */
  override finishContent(): void {
    super.finishContent();
    this.#ended = true;
    if (this.#stream !== null) {
      this.#stream.close();
      this.#meetDemand();
    } else {
      this.#reply(this.#wholeBody(), this.#init);
    }
  }

  #wholeBody(): BodyInit | null {
    if (this.#blocks.length > 0) {
      return concat(this.#blocks, this.bytesSent) as Uint8Array<ArrayBuffer>;
    }
    // Without a body, Deno would say that what GET sends has no bytes.
    return this.#request.method === "HEAD" &&
        !BODILESS_REGEXP.test(this.status ?? "") &&
        !this.headers?.has("Content-Length")
      ? new ReadableStream({ start: (controller) => controller.close() })
      : null;
  }

  /**
   * Breaks the stream off, so that the client can tell. Without a stream, the
   * response will be an empty one with the status 500.
   *
   * @param _error The value that was thrown, which is in the log.
   */
  override abort(_error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stream?.error(
      new DOMException("The response was cut off by an error", "AbortError"),
    );
  }

  /**
   * Handles an error of the application, or the end of a body that its client
   * did not finish.
   *
   * @param error The value that was thrown.
   * @returns A promise of the end.
   */
  override async handleError(error: unknown): Promise<void> {
    if (error !== undefined && error === this.#input?.error) this.#disconnect();
    else await super.handleError(error);
  }

  /**
   * Logs an error with the request that it belongs to.
   *
   * @param error The value that was thrown.
   */
  override logException(error: unknown): void {
    const { method, url } = this.#request;
    this.getStderr().write(`Cannot answer ${method} ${quote(url)}\n`);
    super.logException(error);
  }

  /** Ends the response, and releases the result. */
  override close(): void | Promise<void> {
    // Nobody is there to be answered, or the error response failed too.
    if (this.#response === null) this.#reply(null, { status: 500 });
    return super.close();
  }
}

/** A record, which is faster to read than pairs, unless a name repeats. */
function headersInit(headers: WsgiHeaders): HeadersInit {
  const record: Record<string, string> = {};
  const items = headers.items();
  for (const [name, value] of items) {
    if (name in record) return items;
    record[name] = value;
  }
  return record;
}

/** Whether `info` is what `Deno.serve` tells, which knows of the completion. */
function isDenoServe(info: unknown): boolean {
  return typeof info === "object" && info !== null && "completed" in info;
}

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
 * `scriptName` 404. It throws nothing but what `options.remoteAddr` throws, and
 * never rejects.
 *
 * @example Usage
 * ```ts
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * const handler = toFetchHandler((environ, startResponse) => {
 *   startResponse("200 OK", [["Content-Type", "text/plain"]]);
 *   return [new TextEncoder().encode(`You asked for ${environ.PATH_INFO}`)];
 * });
 *
 * await using server = Deno.serve({ port: 0, onListen() {} }, handler);
 * const response = await fetch(`http://localhost:${server.addr.port}/spam`);
 *
 * assertEquals(await response.text(), "You asked for /spam");
 * ```
 */
export function toFetchHandler(
  app: WsgiApplication,
  options: ToFetchHandlerOptions = {},
): (request: Request, info?: unknown) => Response | Promise<Response> {
  const { scriptName = "" } = options;
  if (scriptName !== "" && !/^\/.*[^/]$/.test(scriptName)) {
    throw new TypeError(
      `Cannot mount the application as "scriptName" must be a path that begins with a slash and does not end with one: received ${
        quote(scriptName)
      }`,
    );
  }
  return (request, info) => {
    let environ;
    try {
      environ = requestEnviron(request, info, options);
    } catch (error) {
      if (error instanceof RequestError) return error.toResponse();
      throw error;
    }
    const handler = new FetchHandler(request, environ, options);
    handler.isDenoServe = isDenoServe(info);
    return handler.respond(app);
  };
}

/** What {@linkcode fromFetchHandler} tells a handler of the connection. */
export interface FetchInfo {
  /** The address of the client, as far as the gateway tells it. */
  remoteAddr: { transport: "tcp"; hostname: string; port: number };
}

/**
 * Makes an application of a fetch handler, such as a framework's or one written
 * for `Deno.serve`, for any gateway.
 *
 * Headers that are hop-by-hop are left out of the response. A method that a
 * `Request` cannot have (CONNECT, TRACE, TRACK) is answered 501, and the body
 * of a GET or HEAD request, which a `Request` cannot have either, is ignored.
 *
 * @param handler The fetch handler.
 * @returns The application.
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
  return async (environ, startResponse) => {
    let request;
    try {
      request = toRequest(environ);
    } catch {
      // CGI allows more methods, hosts and values than a Request can have.
      const isMethod = /^(?:CONNECT|TRAC[EK])$/i.test(environ.REQUEST_METHOD);
      const status = await statusLine(isMethod ? 501 : 400);
      startResponse(status, [["Content-Type", "text/plain"]]);
      return [encoder.encode(`${status}\n`)];
    }
    const response = await handler(request, {
      remoteAddr: {
        transport: "tcp",
        hostname: String(environ.REMOTE_ADDR ?? ""),
        port: Number(environ.REMOTE_PORT ?? 0),
      },
    });
    if (!(response instanceof Response)) {
      throw new TypeError(
        `Cannot answer the request as the fetch handler must return a Response: received ${
          quote(response)
        }`,
      );
    }
    const { status, statusText, headers, body } = response;
    const line = await statusLine(status, statusText);
    startResponse(line, endToEndHeaders(headers));
    return body ?? [];
  };
}

/** Imported when it is first needed: CGI scripts start faster without. */
let statusTexts: Record<number, string> | undefined;

async function statusLine(status: number, statusText = ""): Promise<string> {
  const reason = statusText.trim();
  if (reason !== "") return `${status} ${reason}`;
  statusTexts ??= (await import("@std/http/status")).STATUS_TEXT;
  return `${status} ${statusTexts[status] ?? "Unknown"}`;
}

/** The headers that are not for the connection: RFC 9110, 7.6.1. */
function endToEndHeaders(headers: Headers): WsgiHeader[] {
  const options = (headers.get("connection") ?? "").toLowerCase().split(
    /[\t ]*,[\t ]*/,
  );
  // Headers that are joined may end in a blank, which `WsgiHeaders` refuses.
  return [...headers]
    .filter(([name]) => !isHopByHop(name) && !options.includes(name))
    .map(([name, value]) => [name, value.replace(/^[\t ]+|[\t ]+$/g, "")]);
}

/** The request that an environ was made of, or could have been. */
function toRequest(environ: WsgiEnviron): Request {
  const {
    REQUEST_METHOD: method,
    CONTENT_TYPE: type,
    CONTENT_LENGTH: length,
    "wsgi.input": input,
    "wsgiref.signal": signal = null,
  } = environ;
  const headers = new Headers();
  for (const [key, value] of Object.entries(environ)) {
    if (key.startsWith("HTTP_")) {
      headers.append(key.slice(5).replaceAll("_", "-"), String(value));
    }
  }
  if (type) headers.set("content-type", type);
  if (length) headers.set("content-length", length);
  const hasBody = !/^(?:GET|HEAD)$/i.test(method) &&
    (length ? length !== "0" : environ["wsgi.input_terminated"] === true);
  return new Request(toUrl(environ), {
    method,
    headers,
    signal,
    ...(hasBody && { body: input.readable, duplex: "half" }),
  });
}

/** The URL, as it was written if `REQUEST_URI` is still what was asked for. */
function toUrl(environ: WsgiEnviron): string {
  const { SCRIPT_NAME = "", PATH_INFO = "", QUERY_STRING = "" } = environ;
  let url = requestUri(environ);
  const target = environ.REQUEST_URI;
  if (typeof target === "string") {
    const query = target.indexOf("?");
    const path = query === -1 ? target : target.slice(0, query);
    if (
      decodePath(path) === SCRIPT_NAME + PATH_INFO &&
      target.slice(path.length + 1) === QUERY_STRING
    ) {
      url = url.slice(0, url.indexOf("/", url.indexOf("://") + 3)) + target;
    }
  }
  return url.replace(
    /[\x80-\xff]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
