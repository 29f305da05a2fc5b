// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import { CONSOLE_ERRORS, formatError } from "./_error_stream.ts";
import { quote } from "./_escape.ts";
import { Framing } from "./_framing.ts";
import { isDigits, isStatus } from "./_grammar.ts";
import { encodeLatin1 } from "./_latin1.ts";
import { isInstance } from "./_is_instance.ts";
import { RequestError } from "./_request_error.ts";
import { BodyResult } from "./_response_result.ts";
import {
  checkResult,
  closeResult,
  isPromise,
  type Iteration,
  ResultReader,
} from "./_result.ts";
import { WsgiHeaders } from "./headers.ts";
import type {
  ErrorStream,
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
import { FileWrapper, guessScheme, isHopByHop, wrapFile } from "./util.ts";

/**
 * How far a response has come. A call with `excInfo` begins again from
 * `"refused"`, until `"headers sent"`, which is final:
 *
 * - `"not started"`: `startResponse()` has not been called.
 * - `"refused"`: it was, and threw: only an error response may follow.
 * - `"started"`: there is a head, which can still be replaced by an error's.
 * - `"headers sent"`: the head is with the client, and only body may follow.
 */
type HandlerState = "not started" | "refused" | "started" | "headers sent";

const encoder = new TextEncoder();
const ERROR_BODY = encoder.encode(
  "A server error occurred.  Please contact the administrator.",
);
const ERROR_HEADERS: WsgiHeader[] = [["Content-Type", "text/plain"]];
const WSGI_VERSION = [1, 0] as const;

// The variables that only a request can have. Their values are native strings,
// those of the process are text.
const REQUEST_VARIABLE_REGEXP =
  /^(?:REDIRECT_)*(?:SCRIPT_NAME|PATH_INFO|QUERY_STRING|REQUEST_METHOD|AUTH_TYPE|CONTENT_TYPE|CONTENT_LENGTH|HTTPS|PATH_TRANSLATED|REQUEST_URI|REMOTE_[A-Z]+|(?:HTTP|SSL)_.*|wsgi.*)$/s;

function checkBlock(block: Uint8Array): Uint8Array {
  if (block instanceof Uint8Array) return block;
  throw new TypeError(
    `Cannot send a block of the body as it must be a Uint8Array: received ${
      quote(block)
    }`,
  );
}

function blocksLength(blocks: Uint8Array[]): number {
  let length = 0;
  for (const block of blocks) length += checkBlock(block).length;
  return length;
}

/** The variables of a process that cannot be taken for those of a request. */
function processVariables(
  osEnviron: Readonly<Partial<WsgiEnviron>>,
): Partial<WsgiEnviron> {
  return Object.fromEntries(
    Object.entries(osEnviron).filter(([name]) =>
      !REQUEST_VARIABLE_REGEXP.test(name) && !(name in Object.prototype)
    ),
  ) as Partial<WsgiEnviron>;
}

/**
 * Formats a time as the `Date` header has it.
 *
 * @param time The seconds since 1970-01-01T00:00:00Z, of which a fraction is
 * cut, or a `Date`.
 * @returns The time, in English and GMT.
 * @throws {RangeError} If `time` is not a time, or is beyond the year 9999, as
 * milliseconds given for seconds are.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7 | RFC 9110, 5.6.7}
 *
 * @example Usage
 * ```ts
 * import { formatDateTime } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatDateTime(0), "Thu, 01 Jan 1970 00:00:00 GMT");
 * assertEquals(formatDateTime(new Date(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
 * ```
 */
export function formatDateTime(time: number | Date): string {
  const date = time instanceof Date ? time : new Date(Math.floor(time) * 1000);
  const year = date.getUTCFullYear();
  // HTTP has four digits for the year.
  if (!(year >= 0 && year <= 9999)) {
    throw new RangeError(
      `Cannot format the time as it must be a number of seconds, not of milliseconds, or a Date, in the years 0 to 9999: received ${time}`,
    );
  }
  return date.toUTCString();
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
 * import { BaseHandler, ConsoleErrorStream } from "@wsgi/wsgiref/handlers";
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
 *     return new ConsoleErrorStream();
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
  wsgiFileWrapper: FileWrapperFactory | null = wrapFile;
  /**
   * Variables that every environ has, such as those of the process; `null` for
   * none. What only a request can have, such as `HTTPS` and `HTTP_*`, is left
   * out, and what the request has is kept.
   */
  osEnviron: Readonly<Partial<WsgiEnviron>> | null = null;
  /** Whether the output is a whole HTTP response, or one for a gateway. */
  originServer = true;
  /** The HTTP version of the response of an origin server. */
  httpVersion = "1.0";
  /**
   * The `Server` header of an origin server, unless the application sets one,
   * and `SERVER_SOFTWARE`; `null` for none.
   */
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

  #hasRun = false;
  #state: HandlerState = "not started";
  #isHead = false;
  /** What may follow the head, once there is one. */
  #framing: Framing | null = null;
  #reader: ResultReader<boolean> | null = null;
  #isClosed = false;
  #released: Promise<void> | undefined;
  /** Aborted when the client's connection is lost: `wsgiref.signal`. */
  #connection = new AbortController();
  /** Why the client has gone, if it has. */
  #loss: { reason: unknown } | null = null;
  /** What an application is given to call. */
  readonly #startResponse: StartResponse = (status, headers, excInfo) =>
    this.startResponse(status, headers, excInfo);

  /**
   * Hands bytes on to {@linkcode BaseHandler._flush}, or to the client.
   *
   * @param data The bytes.
   */
  abstract _write(data: Uint8Array): void;
  /** Sends what was written on its way to the client. */
  abstract _flush(): void | Promise<void>;
  /** Gives the value of `wsgi.input`. */
  abstract getStdin(): InputStream;
  /** Gives the value of `wsgi.errors`. */
  abstract getStderr(): ErrorStream;
  /** Adds the CGI variables of the request to `environ`. */
  abstract addCgiVars(): void;

  /**
   * Whether a body may follow the head. A response to HEAD has none, nor has
   * one with the status 1xx, 204, 205 or 304.
   */
  get hasBody(): boolean {
    return this.#framing?.hasBody ?? true;
  }

  /** Whether all bytes that `Content-Length` declares have been handed on. */
  get isComplete(): boolean {
    return this.#framing !== null && this.#framing.room <= 0;
  }

  /** Whether the head of the response has been sent. */
  get headersSent(): boolean {
    return this.#state === "headers sent";
  }

  /** Whether the response has ended, well or not. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The number of bytes of body that were handed on. */
  get bytesSent(): number {
    return this.#framing?.size ?? 0;
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
      const result = app(this.environ as WsgiEnviron, this.#startResponse);
      pending = isPromise(result)
        ? Promise.resolve(result).then((result) => this.#takeResult(result))
        : this.#takeResult(result);
    } catch (error) {
      return this.#fail(error);
    }
    return pending?.catch((error) => this.#fail(error));
  }

  #takeResult(result: WsgiResult): void | Promise<void> {
    // Whatever it is, it is to be released.
    if (Object(result) === result) this.result = result;
    checkResult(result);
    this.#checkConnection();
    return this.finishResponse();
  }

  #checkConnection(): void {
    if (this.#loss !== null) throw this.#loss.reason;
  }

  /** Makes `environ`: the CGI variables and those of WSGI. */
  setupEnviron(): void {
    this.environ = this.osEnviron === null
      ? {}
      : processVariables(this.osEnviron);
    try {
      this.addCgiVars();
    } finally {
      // Kept, as the application may change environ. Also if the variables are
      // refused: the error response to HEAD has no body either.
      this.#isHead = this.environ.REQUEST_METHOD === "HEAD";
    }
    const environ = this.environ;
    environ["wsgi.version"] = this.wsgiVersion;
    environ["wsgi.url_scheme"] = this.getScheme();
    environ["wsgi.input"] = this.getStdin();
    environ["wsgi.errors"] = this.getStderr();
    environ["wsgi.multithread"] = this.wsgiMultithread;
    environ["wsgi.multiprocess"] = this.wsgiMultiprocess;
    environ["wsgi.run_once"] = this.wsgiRunOnce;
    environ["wsgi.input_terminated"] = this.wsgiInputTerminated;
    environ["wsgiref.signal"] = this.#connection.signal;
    if (this.wsgiFileWrapper !== null) {
      environ["wsgi.file_wrapper"] = this.wsgiFileWrapper;
    }
    if (this.originServer && this.serverSoftware !== null) {
      environ.SERVER_SOFTWARE ??= this.serverSoftware;
    }
  }

  /**
   * Gets the scheme of the URL.
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
      if (this.headersSent || this.#isClosed) throw excInfo;
    } else if (this.#state !== "not started") {
      throw new TypeError(
        "Cannot start the response as startResponse() was called before: an error response passes the error as excInfo",
      );
    }
    this.#state = "refused";
    this.checkStatus(status);
    // The list is the application's, which may use it again.
    this.headers = WsgiHeaders.from(headers);
    this.#framing = new Framing(Number(status.slice(0, 3)), {
      isHead: this.#isHead,
      length: this.#checkHeaders(this.headers),
    });
    this.status = status;
    this.#state = "started";
    return (data) => {
      const flushed = this.write(data);
      // An application that does not wait for its writes must not fall over
      // the client's disconnect.
      flushed?.catch(() => {});
      return flushed ?? Promise.resolve();
    };
  }

  /**
   * Refuses a status that cannot be sent.
   *
   * @param status The status.
   * @throws {TypeError} If it is not three digits, a space and a reason phrase.
   */
  checkStatus(status: string): void {
    if (isStatus(status)) return;
    throw new TypeError(
      `Cannot start the response as its status must be three digits, a space and a reason phrase: received ${
        quote(status)
      }`,
    );
  }

  /** Gives the Content-Length, if there is one. */
  #checkHeaders(headers: WsgiHeaders): number | undefined {
    let length: number | undefined;
    for (const [name, value] of headers) {
      // Hop-by-hop headers are the server's own, and fatal (P088, P089).
      if (isHopByHop(name)) {
        throw new TypeError(
          `Cannot set header "${name}" as it is hop-by-hop, which is the server's to set: received ${
            quote(value)
          }`,
        );
      }
      if (name.length === 14 && name.toLowerCase() === "content-length") {
        if (length !== undefined || !isDigits(value)) {
          throw new TypeError(
            `Cannot set header "${name}" as it must be one number of bytes in decimal digits: received ${
              quote(headers.getAll(name))
            }`,
          );
        }
        length = Number(value);
      }
    }
    return length;
  }

  /**
   * Sends body bytes, after the head if that was not sent. No bytes at all send
   * the head alone.
   *
   * @param data The bytes.
   * @returns Nothing if they have been handed on, or else a promise of it.
   * @throws {TypeError} If `data` is not bytes, if the response was not
   * started, or if `data` is more than the declared `Content-Length`.
   */
  write(data: Uint8Array): void | Promise<void> {
    if (this.#loss !== null) return Promise.reject(this.#loss.reason);
    const { room } = this.#requireFraming();
    // Raise when write() would exceed Content-Length (P106).
    if (checkBlock(data).length > room) {
      throw new TypeError(
        `Cannot write ${data.length} bytes as the Content-Length leaves ${room}`,
      );
    }
    // The head goes "upon the first invocation of write()" (P092).
    if (!this.headersSent) this.sendHeaders(null);
    this.#send(data, null);
    return this._flush();
  }

  #requireFraming(): Framing {
    if (this.#isClosed) {
      throw new TypeError("Cannot send more body as the response has ended");
    }
    if (this.#framing === null || this.#state === "refused") {
      throw new TypeError(
        "Cannot send the body as startResponse() has not been called",
      );
    }
    return this.#framing;
  }

  /**
   * Writes a block, the head before the first that is not empty (P092). What
   * Content-Length leaves no room for is left out (P105).
   */
  #send(block: Uint8Array, length: number | null): void {
    const framing = this.#requireFraming();
    if (block.length === 0) return;
    if (!this.headersSent) this.sendHeaders(length);
    if (!framing.hasBody) return;
    const { room } = framing;
    if (block.length > room) {
      this.#logExcess(framing, block);
      block = block.subarray(0, room);
      if (room === 0) return;
    }
    framing.size += block.length;
    this._write(block);
  }

  /** Logs once that there is more than Content-Length says. */
  #logExcess(framing: Framing, block: Uint8Array): void {
    // A range may end before its file.
    if (framing.isExceeded || this.resultIsFile()) return;
    framing.isExceeded = true;
    const error = new RangeError(
      `Cannot send all of the body as it is longer than its Content-Length: ${
        framing.size + block.length
      } bytes or more, ${framing.length} declared`,
    );
    // The client has a whole response, so this is for the log alone. Where in
    // here it happened tells nobody anything.
    error.stack = "";
    this.#log(error);
  }

  /** Sends what the application returned, then releases it. */
  finishResponse(): void | Promise<void> {
    const { result } = this;
    if (!Array.isArray(result)) return this.#sendResult(result as WsgiResult);
    const length = blocksLength(result);
    for (const block of result) this.#send(block, length);
    this.finishContent();
    const flushed = this._flush();
    return flushed ? flushed.then(() => this.#end()) : this.#end();
  }

  async #sendResult(result: WsgiResult): Promise<void> {
    const isSent = this.resultIsFile() && this.sendfile();
    if (!(isPromise(isSent) ? await isSent : isSent)) {
      await this.#sendBlocks(result, null);
    }
    // The client may have gone as soon as it had the last block.
    this.#checkConnection();
    this.finishContent();
    const flushed = this._flush();
    if (flushed) await flushed;
    await this.#end();
  }

  async #sendBlocks(blocks: WsgiResult, length: number | null): Promise<void> {
    if (this.#isFull()) return;
    const reader = new ResultReader(blocks, (step) => {
      if (step.done) return false;
      this.#send(checkBlock(step.value), length);
      return !this.#isFull();
    }, {
      fail: (error) => {
        if (this.#loss === null) throw error;
        // Nobody may wait for this block any more.
        this.#releaseFailed(error);
        throw this.#loss.reason;
      },
    });
    this.#reader = reader;
    const sendNext = () => {
      this.#checkConnection();
      return reader.read();
    };
    await this.sendEach(sendNext, {
      // What is put into a stream is the stream's.
      isOwned: blocks instanceof ReadableStream || blocks instanceof BodyResult,
    });
  }

  /** Whether enough was sent (P106), or no body is to follow the head. */
  #isFull(): boolean {
    return this.headersSent && (!this.hasBody || this.isComplete);
  }

  /**
   * Sends block after block, each before the next is asked for.
   *
   * @param sendNext Asks for a block and sends it. Gives `false` if there was
   * none, or if it was the last.
   * @param _options Whether nobody else has the memory of the blocks.
   * @returns A promise that settles when all was sent.
   */
  async sendEach(
    sendNext: () => boolean | Promise<boolean>,
    _options: SendEachOptions,
  ): Promise<void> {
    for (;;) {
      const isSent = sendNext();
      if (!(isPromise(isSent) ? await isSent : isSent)) return;
      const flushed = this._flush();
      if (flushed) await flushed;
    }
  }

  /**
   * Checks that the body is as long as declared, and sends the head if there
   * was no body.
   */
  finishContent(): void {
    const { missing, size } = this.#requireFraming();
    // Too few bytes: log it and close the connection (P107).
    if (missing > 0) {
      throw new RangeError(
        `Cannot finish the response as its body is shorter than its Content-Length: ${size} bytes sent, ${missing} missing`,
      );
    }
    if (!this.headersSent) this.sendHeaders(0);
  }

  /**
   * Sends the head, completed with what only the server can know.
   *
   * @param length The number of bytes of the body; `null` if it is not known.
   */
  sendHeaders(length: number | null): void {
    this.cleanupHeaders(length);
    this.#state = "headers sent";
    this.sendPreamble();
  }

  /**
   * Completes the headers: `Content-Length`, where it can be known.
   *
   * @param length The number of bytes of the body; `null` if it is not known.
   */
  cleanupHeaders(length: number | null): void {
    const headers = this.headers as WsgiHeaders;
    const framing = this.#framing as Framing;
    if (headers.has("Content-Length")) {
      if (!framing.hasLength) headers.delete("Content-Length");
    } else if (length !== null && framing.isCountable(length)) {
      this.setContentLength(length);
    }
  }

  /**
   * Sets `Content-Length`.
   *
   * @param length The number of bytes of the body.
   */
  setContentLength(length: number): void {
    this.headers?.set("Content-Length", String(length));
    (this.#framing as Framing).length = length;
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
   * Whether the result comes from {@linkcode BaseHandler.wsgiFileWrapper}, so
   * that {@linkcode BaseHandler.sendfile} may send it. A subclass whose own
   * wrapper makes something other than a {@linkcode FileWrapper} overrides
   * this.
   *
   * @returns Whether it is.
   */
  resultIsFile(): boolean {
    return this.wsgiFileWrapper !== null && this.result instanceof FileWrapper;
  }

  /**
   * Sends a file wrapper: with a `Content-Length`, where the file tells its
   * size, and in larger blocks than those of its iteration. A subclass may know
   * a faster way, at once or later.
   *
   * @returns Whether it was sent. If not, it is iterated like any result.
   */
  sendfile(): boolean | Promise<boolean> {
    const { result } = this;
    return result instanceof FileWrapper && this.#sendFile(result);
  }

  async #sendFile(file: FileWrapper): Promise<true> {
    await this.#sendBlocks(file.readable, await file.size());
    return true;
  }

  /**
   * Handles an error of the application: logs it, and sends the error response
   * if that is still possible, or else cuts the transfer off.
   *
   * @param error The value that was thrown.
   * @returns A promise that settles when all was sent.
   */
  async handleError(error: unknown): Promise<void> {
    this.#log(error);
    const released = this.#release();
    if (released) await released;
    // Nobody waits for an answer any more.
    if (this.#isClosed) return;
    if (this.headersSent) {
      await this._flush();
      this.abort(error);
      return this.#end();
    }
    this.result = checkResult(this.errorOutput(
      this.environ as WsgiEnviron,
      this.#startResponse,
      error ?? new TypeError(`The application threw ${error}`),
    ));
    return this.finishResponse();
  }

  async #fail(error: unknown): Promise<void> {
    try {
      if (!this.#isDisconnect(error)) await this.handleError(error);
    } catch (error) {
      if (this.#isDisconnect(error)) return;
      // The error response has failed too.
      if (this.headersSent && !this.#isClosed) this.abort(error);
      throw error;
    } finally {
      await this.#end();
    }
  }

  /** Ends the response once. A result that came too late is released too. */
  #end(): void | Promise<void> {
    return this.#isClosed ? this.#release() : this.close();
  }

  /** Whether an error is only the end of the client's own connection. */
  #isDisconnect(error: unknown): boolean {
    if (this.#loss === null) return false;
    if (error === this.#loss.reason) return true;
    try {
      return (error as Error)?.name === "AbortError";
    } catch {
      // An error that cannot be read is the application's.
      return false;
    }
  }

  /** Logs an error. That this fails must not matter to the response. */
  #log(error: unknown): void {
    try {
      this.logException(error);
    } catch (failure) {
      CONSOLE_ERRORS.write(formatError(error, null));
      CONSOLE_ERRORS.write(`Cannot log: ${formatError(failure, null)}`);
    }
  }

  /**
   * Logs an error to {@linkcode BaseHandler.getStderr}: a
   * {@linkcode RequestError} on one line, any other with its trace.
   *
   * @param error The value that was thrown.
   */
  logException(error: unknown): void {
    const stderr = this.getStderr();
    stderr.write(formatError(error, this.tracebackLimit));
    stderr.flush();
  }

  /**
   * Answers in place of an application that failed: an application itself,
   * which makes the error response.
   *
   * The client is told nothing about the error, except for the status of a
   * {@linkcode RequestError}.
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
    if (isInstance(error, RequestError)) {
      const { status, reason } = error;
      startResponse(`${status} ${reason}`, ERROR_HEADERS, error);
      return [encoder.encode(`${reason}\n`)];
    }
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
   * Ends the run, as the client has gone: aborts `wsgiref.signal` and releases
   * the result. Nothing is logged.
   *
   * @param reason What pending and later writes are rejected with, and the
   * reason of the signal.
   * @returns Nothing, or a promise that the result is released.
   */
  connectionLost(reason: unknown): void | Promise<void> {
    if (this.#loss !== null || this.#isClosed) return;
    this.#loss = { reason };
    this.#connection.abort(reason);
    // What may be waited for, such as a block, must not hold this up.
    return this.close();
  }

  /**
   * Asks the application to end by aborting `wsgiref.signal`, and does no more.
   * It is for a server that shuts down, and for one whose client has not sent
   * the whole body of its request but still waits for the response.
   *
   * @param reason The reason of the signal.
   */
  abortSignal(reason: unknown): void {
    if (!this.#isClosed) this.#connection.abort(reason);
  }

  /**
   * Ends the response, and releases the result. It is called once.
   *
   * @returns Nothing, or a promise that the result is released. It never
   * rejects.
   */
  close(): void | Promise<void> {
    this.#isClosed = true;
    return this.#release();
  }

  #release(): void | Promise<void> {
    const { result } = this;
    const iteration = this.#reader?.iteration;
    this.result = null;
    this.#reader = null;
    const hasNothing = result === null ||
      Array.isArray(result) && (result as WsgiResult).close === undefined;
    if (!hasNothing) this.#released = this.#giveUp(result, iteration);
    return this.#released;
  }

  async #giveUp(result: WsgiResult, iteration?: Iteration): Promise<void> {
    const onLateError = (error: unknown) => this.#releaseFailed(error);
    try {
      await closeResult(result, iteration && { ...iteration, onLateError });
    } catch (error) {
      this.#releaseFailed(error);
    }
  }

  /** Logs what the iterator and `close()` of a result have thrown. */
  #releaseFailed(error: unknown): void {
    const errors = isInstance(error, AggregateError) ? error.errors : [error];
    for (const each of errors) {
      if (!this.#isDisconnect(each)) this.#log(each);
    }
  }
}

/**
 * Options for {@linkcode BaseHandler.sendEach}.
 *
 * @example Usage
 * ```ts
 * import { FetchHandler, type SendEachOptions } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * let count = 0;
 * class CountingHandler extends FetchHandler {
 *   override sendEach(
 *     sendNext: () => boolean | Promise<boolean>,
 *     options: SendEachOptions,
 *   ): Promise<void> {
 *     return super.sendEach(() => {
 *       count++;
 *       return sendNext();
 *     }, options);
 *   }
 * }
 *
 * const handler = new CountingHandler(new Request("http://localhost/"));
 * const response = await handler.respond(function* (_environ, startResponse) {
 *   startResponse("200 OK", []);
 *   for (const byte of [65, 66]) yield new Uint8Array([byte]);
 * });
 * assertEquals(await response.text(), "AB");
 * assertEquals(count, 3); // two blocks, and the end
 * ```
 */
export interface SendEachOptions {
  /** Whether the memory of a block stays as it is after the block was given. */
  isOwned: boolean;
}
