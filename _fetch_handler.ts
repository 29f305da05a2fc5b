// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import { BaseHandler, type SendEachOptions } from "./_base_handler.ts";
import { ClientWatch } from "./_client_watch.ts";
import { EnvironInfo, RequestInput } from "./_environ_request.ts";
import { CONSOLE_ERRORS, formatError } from "./_error_stream.ts";
import { quote } from "./_escape.ts";
import { isBodiless } from "./_framing.ts";
import { isInstance } from "./_is_instance.ts";
import { ConnectionLostError, RequestError } from "./_request_error.ts";
import {
  requestEnviron,
  type RequestEnvironOptions,
} from "./_request_environ.ts";
import { ResponseBody } from "./_response_body.ts";
import { isPromise } from "./_result.ts";
import type { WsgiHeaders } from "./headers.ts";
import type {
  ErrorStream,
  InputStream,
  WsgiApplication,
  WsgiEnviron,
} from "./types.ts";

/**
 * The milliseconds without a byte after which a request body is no longer read
 * for nobody.
 */
const IDLE_TIME = 100;

/** The most such intervals that it is read in all. */
const IDLE_TIMES = 50;

/** How many blocks may be dropped before the event loop gets a turn. */
const FLUSHES_PER_TURN = 1_000;

/**
 * Options for {@linkcode FetchHandler}.
 *
 * @example Usage
 * ```ts
 * import { FetchHandler, type FetchHandlerOptions } from "@wsgi/wsgiref/handlers";
 * import { demoApp } from "@wsgi/wsgiref/simple-server";
 * import { assertEquals } from "@std/assert";
 *
 * const options: FetchHandlerOptions = { serverSoftware: "spam/1.0" };
 * const request = new Request("http://localhost/");
 * const handler = new FetchHandler(request, null, options);
 *
 * const response = await handler.respond(demoApp);
 * assertEquals(response.headers.get("server"), "spam/1.0");
 * ```
 */
export interface FetchHandlerOptions extends RequestEnvironOptions {
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
  /**
   * The default `Server` header, and `SERVER_SOFTWARE`; `null` for none.
   *
   * @default {null}
   */
  serverSoftware?: string | null;
  /**
   * What the platform tells of the connection, such as the second argument of a
   * handler of `Deno.serve`. With that one, the `Content-Length` of an array
   * and the reason phrase are left to Deno, which is faster.
   */
  info?: unknown;
  /**
   * The most bytes of an array that are answered without a stream. `Deno.serve`
   * can tell when a stream has been sent, but not when bytes have.
   *
   * @default {Infinity}
   */
  wholeSize?: number;
  /**
   * The most bytes that the body of a request may have. A longer one is answered
   * 413: before the application is called, if its length is declared.
   *
   * @default {Infinity}
   */
  maxBodySize?: number;
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

  readonly #request: Request;
  readonly #isDenoServe: boolean;
  readonly #options: FetchHandlerOptions;
  readonly #environ: Readonly<Partial<WsgiEnviron>> | null;
  readonly #input: RequestInput;
  /** The most bytes that the client may send. */
  #inputLength = Infinity;
  readonly #body: ResponseBody;
  #watch: ClientWatch | null = null;
  #init: ResponseInit = {};
  /** The response, once there is one. */
  response: Response | null = null;
  #onResponse: ((response: Response) => void) | null = null;
  /** Whether all of the response was given to the platform. */
  #isEnded = false;
  /** How often a response without a body was flushed. */
  #flushes = 0;

  /**
   * Constructs a new instance.
   *
   * @param request The request.
   * @param environ The CGI variables of the request. By default, those that
   * {@linkcode requestEnviron} makes. A request of which it can make none is
   * answered by its {@linkcode RequestError}.
   * @param options What the platform does not tell.
   */
  constructor(
    request: Request,
    environ: Readonly<Partial<WsgiEnviron>> | null = null,
    options: FetchHandlerOptions = {},
  ) {
    super();
    this.#request = request;
    this.#options = options;
    this.#isDenoServe = isDenoServe(options.info);
    this.#body = new ResponseBody(() => this.#disconnect(), {
      sharesMemory: this.#isDenoServe,
    });
    this.#environ = environ;
    this.#input = new RequestInput(request, {
      maxSize: options.maxBodySize ?? Infinity,
      onConnectionLost: (error) => this.abortSignal(error),
    });
    this.wsgiMultiprocess = options.multiprocess ?? false;
    this.osEnviron = options.osEnviron ?? null;
    this.serverSoftware = options.serverSoftware ?? null;
  }

  /**
   * Runs an application.
   *
   * @param app The application.
   * @returns The response, at once for an array and for a generator whose first
   * block begins a stream, or else a promise of it, which never rejects.
   * @throws {TypeError} If the handler has run an application before.
   */
  respond(app: WsgiApplication): Response | Promise<Response> {
    // Only an error response that fails too comes to here.
    this.run(app)?.catch((error) => this.logException(error)).catch(() => {});
    if (this.response !== null) return this.response;
    this.#watch = new ClientWatch(this.#request, () => this.#disconnect());
    return new Promise((resolve) => {
      this.#onResponse = resolve;
      if (this.#isDenoServe) this.#watch?.startLater();
      else this.#watch?.start();
    });
  }

  #reply(body: BodyInit | null): void {
    this.response = new Response(body, this.#init);
    // From here on, the stream tells of the client.
    this.#watch?.stop();
    this.#onResponse?.(this.response);
  }

  #disconnect(): void | Promise<void> {
    const reason = new DOMException("The client disconnected", "AbortError");
    this.#body.lose(reason);
    return this.connectionLost(reason);
  }

  /** Makes `environ`: the CGI variables and those of WSGI. */
  override setupEnviron(): void {
    super.setupEnviron();
    this.#input.signal = this.environ["wsgiref.signal"];
  }

  /** Gives the value of `wsgi.input`. */
  override getStdin(): InputStream {
    return this.#input;
  }

  /** Gives the value of `wsgi.errors`. */
  override getStderr(): ErrorStream {
    return this.#options.errors ?? CONSOLE_ERRORS;
  }

  /**
   * Makes the CGI variables of the request.
   *
   * @returns The variables, in an object of their own.
   * @throws {RequestError} If the request is not valid.
   */
  getEnviron(): Partial<WsgiEnviron> {
    // What the caller has passed in stays as it is.
    if (this.#environ !== null) return { ...this.#environ };
    return requestEnviron(this.#request, this.#options.info, this.#options);
  }

  /** Adds the variables of the request to `environ`. */
  override addCgiVars(): void {
    // The error response needs it, also if nothing else is valid.
    this.environ.REQUEST_METHOD = this.#request.method;
    const variables = this.getEnviron();
    this.environ = this.osEnviron === null
      ? variables
      : { ...this.environ, ...variables };
    this.environ["wsgiref.request"] = this.#request;
    const { maxBodySize = Infinity } = this.#options;
    const { CONTENT_LENGTH: length = "0" } = variables;
    // A body in chunks may have any length.
    const isChunked = length === "0" && this.#isInputOpen &&
      this.#request.headers.has("Transfer-Encoding");
    if (this.#isDenoServe && !isChunked) this.#inputLength = Number(length);
    if (Number(length) > maxBodySize) {
      throw new RequestError(
        `Cannot answer the request as its body is longer than ${maxBodySize} bytes: received ${length}`,
        413,
      );
    }
  }

  /**
   * Refuses a status that cannot be sent.
   *
   * @param status The status.
   * @throws {TypeError} If it is not three digits, a space and a reason phrase.
   * @throws {RangeError} If a `Response` cannot have it.
   */
  override checkStatus(status: string): void {
    super.checkStatus(status);
    if (status < "200" || status >= "600") {
      throw new RangeError(
        `Cannot start the response as the status of a Response must be 200 to 599: received ${
          quote(status)
        }`,
      );
    }
  }

  /**
   * Sets `Content-Length`, unless the platform will count.
   *
   * @param length The number of bytes of the body.
   */
  override setContentLength(length: number): void {
    // HEAD has no body that the platform could count.
    const isCounted = this.#isDenoServe && length <= this.#wholeSize &&
      Array.isArray(this.result) && this.#request.method !== "HEAD";
    if (!isCounted) super.setContentLength(length);
  }

  /** Keeps the status and the headers for the `Response`. */
  override sendPreamble(): void {
    const status = this.status as string;
    const headers = this.headers as WsgiHeaders;
    if (this.serverSoftware !== null) {
      headers.setDefault("Server", this.serverSoftware);
    }
    this.#init = {
      status: Number(status.slice(0, 3)),
      statusText: this.#isDenoServe ? "" : status.slice(4),
      headers: headersInit(headers),
    };
  }

  /**
   * Gives bytes to the body.
   *
   * @param data The bytes.
   */
  override _write(data: Uint8Array): void {
    // `Deno.serve` takes the last byte that is declared for the end of the
    // response, after which it is too late to give the request body up.
    if (
      this.isComplete && this.#isInputOpen &&
      (this.#body.isStream || !Array.isArray(this.result))
    ) {
      if (this.hasUnreadInput) this.#body.hold();
      else this.#giveUpInput();
    }
    this.#body.write(data);
  }

  /** Answers with a stream, once it is needed; waits until more is asked for. */
  override _flush(): void | Promise<void> {
    if (this.#isEnded || !this.headersSent) return;
    if (this.hasBody) {
      if (!this.#body.isStream) {
        // So that it can be given up in the end.
        if (this.#isInputOpen) this.#input.open();
        this.#reply(this.#body.open());
      }
      return this.#body.demand;
    }
    // Nobody asks for more, and a client that leaves is noticed only when the
    // event loop turns. A timer for each block would take longer than the block.
    if (++this.#flushes % FLUSHES_PER_TURN === 0) {
      return new Promise((resolve) => setTimeout(resolve));
    }
  }

  /**
   * Sends block after block, each when the client asks for it.
   *
   * @param sendNext Asks for a block and sends it. Gives `false` if there was
   * none, or if it was the last.
   * @param options Whether nobody else has the memory of the blocks.
   * @returns A promise that settles when all was sent.
   */
  override async sendEach(
    sendNext: () => boolean | Promise<boolean>,
    options: SendEachOptions,
  ): Promise<void> {
    this.#body.isOwned = options.isOwned;
    // Until then, an error still becomes an error response.
    while (!this.#body.isStream) {
      const isSent = sendNext();
      if (!(isPromise(isSent) ? await isSent : isSent)) return;
      this._flush();
    }
    await this.#body.sendEach(sendNext);
  }

  /**
   * Ends the stream, once the request body has been read as long as it keeps
   * coming. A connection that is closed with something unread is reset, and its
   * client may lose the response.
   */
  async #endStream(): Promise<void> {
    if (this.hasUnreadInput) await this.#skipInput();
    this.#giveUpInput();
    this.#body.close();
  }

  /** Reads and drops the request body until it ends, or nothing comes. */
  async #skipInput(): Promise<void> {
    const input = this.#input;
    let timer;
    const idle = new Promise<void>((resolve) => {
      let received = -1;
      let times = 0;
      timer = setInterval(() => {
        if (received === input.received || ++times > IDLE_TIMES) resolve();
        received = input.received;
      }, IDLE_TIME);
    });
    await Promise.race([idle, input.skip()]);
    clearInterval(timer);
  }

  /** Ends the stream, or answers at once if none was needed. */
  override finishContent(): void {
    super.finishContent();
    this.#isEnded = true;
    if (this.#body.isStream) {
      this.#endStream();
    } else {
      this.#giveUpInput();
      this.#reply(this.#wholeBody());
    }
  }

  /** Whether the client may still be sending a body that nobody reads. */
  get hasUnreadInput(): boolean {
    return this.#isInputOpen && this.#input.received < this.#inputLength;
  }

  /** Whether the platform still has the body of the request, or its end. */
  get #isInputOpen(): boolean {
    const { method } = this.#request;
    return method !== "GET" && method !== "HEAD" && !this.#input.isDone;
  }

  /**
   * Ends the body of the request with the response. A connection whose body was
   * begun and not read to its end would stay open, and never be used again.
   */
  #giveUpInput(): void {
    if (this.#isInputOpen) this.#input.cancel().catch(() => {});
  }

  get #wholeSize(): number {
    return this.#options.wholeSize ?? Infinity;
  }

  #wholeBody(): BodyInit | null {
    if (this.bytesSent > 0) {
      const bytes = this.#body.toBytes();
      const isLarge = bytes.length > this.#wholeSize;
      // A `Response` takes no shared memory.
      const isCopied = isLarge || !(bytes.buffer instanceof ArrayBuffer);
      const body = (isCopied ? bytes.slice() : bytes) as Uint8Array<
        ArrayBuffer
      >;
      return isLarge ? ReadableStream.from([body]) : body;
    }
    // Without a body, Deno would say that what GET sends has no bytes, and so
    // would Bun of a stream that has ended before it is read.
    return this.#request.method === "HEAD" &&
        !isBodiless(Number(this.status?.slice(0, 3))) &&
        !this.headers?.has("Content-Length")
      ? new ReadableStream(
        { pull: (controller) => controller.close() },
        { highWaterMark: 0 },
      )
      : null;
  }

  /**
   * Breaks the stream off, so that the client can tell. Without a stream, the
   * response will be an empty one with the status 500.
   *
   * @param _error The value that was thrown, which is in the log.
   */
  override abort(_error: unknown): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#giveUpInput();
    const reason = new DOMException(
      "The response was cut off by an error",
      "AbortError",
    );
    // `Deno.serve` prints it. The log has the error with its trace.
    Object.defineProperty(reason, "stack", { value: String(reason) });
    this.#body.abort(reason);
  }

  /**
   * Handles an error of the application, or of the client.
   *
   * @param error The value that was thrown.
   * @returns A promise that settles when all was sent.
   */
  override handleError(error: unknown): Promise<void> {
    return super.handleError(
      this.#isInputOpen && isUploadError(error)
        ? new ConnectionLostError(
          "Cannot read the request body as it broke off before its end",
          { cause: error },
        )
        : error,
    );
  }

  /**
   * Logs an error with the request that it belongs to.
   *
   * @param error The value that was thrown.
   */
  override logException(error: unknown): void {
    const { method, url } = this.#request;
    const stderr = this.getStderr();
    // Any client can cause the first kind: so it is one line.
    const separator = isInstance(error, RequestError) ? ": " : "\n";
    stderr.write(
      `Cannot answer ${method} ${quote(url)}${separator}${
        formatError(error, this.tracebackLimit)
      }`,
    );
    stderr.flush();
  }

  /** Ends the response, and releases the result. */
  override close(): void | Promise<void> {
    // Nobody is there to be answered, or the error response failed too.
    if (this.response === null) {
      this.#init = { status: 500 };
      this.#reply(null);
    }
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
  return typeof info === "object" && info !== null && "completed" in info &&
    !(info instanceof EnvironInfo);
}

/** Whether Deno tells by it of a body that its client has not sent whole. */
function isUploadError(error: unknown): boolean {
  try {
    return error instanceof Error && !(error instanceof ConnectionLostError) &&
      /^(?:Cannot read (?:request )?body as underlying|invalid HTTP\/1 request)/
        .test(error.message);
  } catch {
    // Not one of Deno's, whose messages can be read.
    return false;
  }
}
