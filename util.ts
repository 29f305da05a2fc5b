// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

/**
 * Helpers for both sides of the protocol: URIs and paths of a request, files as
 * results, the request body, and an environ to test with.
 *
 * ```ts
 * import { requestUri, setupTestingDefaults, shiftPathInfo } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const environ = setupTestingDefaults({ PATH_INFO: "/blog/2026" });
 * assertEquals(requestUri(environ), "http://127.0.0.1/blog/2026");
 * assertEquals(shiftPathInfo(environ), "blog");
 * assertEquals(environ.PATH_INFO, "/2026");
 * ```
 *
 * @see {@link https://docs.python.org/3/library/wsgiref.html#module-wsgiref.util | Python: wsgiref.util}
 *
 * @module
 */

import { quote } from "./_escape.ts";
import { encodeLatin1 } from "./_latin1.ts";
import { ConnectionLostError, RequestError } from "./_request_error.ts";
import type {
  ErrorStream,
  FileLike,
  InputStream,
  OpenFile,
  SizedReader,
  WsgiEnviron,
} from "./types.ts";

export { ConnectionLostError } from "./_request_error.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const NON_ASCII_REGEXP = /[\x80-\uffff]/;
const NON_NATIVE_REGEXP = /[\u0100-\uffff]/;

/** PEP 3333: strings must only contain code points U+0000 through U+00FF. */
function checkNative(native: string, name: string): void {
  if (NON_NATIVE_REGEXP.test(native)) {
    throw new TypeError(
      `Cannot convert ${name} to bytes as it has a character beyond U+00FF: received ${
        quote(native)
      }`,
    );
  }
}

/**
 * Decodes a native string, whose characters stand for bytes, as UTF-8.
 *
 * Bytes that are not UTF-8 become U+FFFD.
 *
 * @param native The native string, such as `PATH_INFO`.
 * @returns The text.
 * @throws {TypeError} If a character is beyond U+00FF.
 *
 * @see {@link https://peps.python.org/pep-3333/#unicode-issues | PEP 3333: Unicode Issues}
 *
 * @example Usage
 * ```ts
 * import { decodeNativeString } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(decodeNativeString("/caf\xc3\xa9"), "/café");
 * ```
 */
export function decodeNativeString(native: string): string {
  if (!NON_ASCII_REGEXP.test(native)) return native;
  checkNative(native, "the string");
  return decoder.decode(encodeLatin1(native));
}

/**
 * Encodes text as the native string whose characters stand for its UTF-8 bytes.
 *
 * Lone surrogates become U+FFFD.
 *
 * @param text The text.
 * @returns The native string.
 *
 * @see {@link https://peps.python.org/pep-3333/#unicode-issues | PEP 3333: Unicode Issues}
 *
 * @example Usage
 * ```ts
 * import { encodeNativeString } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(encodeNativeString("/café"), "/caf\xc3\xa9");
 * ```
 */
export function encodeNativeString(text: string): string {
  if (!NON_ASCII_REGEXP.test(text)) return text;
  let native = "";
  for (const byte of encoder.encode(text)) native += String.fromCharCode(byte);
  return native;
}

/**
 * Guesses the scheme of the URL from `HTTPS`, as CGI servers set it.
 *
 * @param environ The request.
 * @returns `"https"` if `HTTPS` is `"yes"`, `"on"` or `"1"`, otherwise `"http"`.
 *
 * @see {@link https://docs.python.org/3/library/wsgiref.html#wsgiref.util.guess_scheme | Python: guess_scheme()}
 *
 * @example Usage
 * ```ts
 * import { guessScheme } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(guessScheme({ HTTPS: "on" }), "https");
 * assertEquals(guessScheme({}), "http");
 * ```
 */
export function guessScheme(environ: Partial<WsgiEnviron>): "http" | "https" {
  const { HTTPS: https } = environ;
  return https === "yes" || https === "on" || https === "1" ? "https" : "http";
}

function getRequired(
  environ: Partial<WsgiEnviron>,
  key: "wsgi.url_scheme" | "SERVER_NAME" | "SERVER_PORT",
): string {
  const value = environ[key];
  if (value === undefined) {
    throw new TypeError(`Cannot build the URI as ${quote(key)} is missing`);
  }
  return value;
}

function getAuthority(environ: Partial<WsgiEnviron>, scheme: string): string {
  // PEP 3333: HTTP_HOST, if present, is preferred to SERVER_NAME.
  if (environ.HTTP_HOST) return environ.HTTP_HOST;
  const name = getRequired(environ, "SERVER_NAME");
  const port = getRequired(environ, "SERVER_PORT");
  // RFC 3986, 3.2.2: an IPv6 address is enclosed in square brackets.
  const host = name.includes(":") && !name.startsWith("[") ? `[${name}]` : name;
  const defaultPort = scheme === "https" ? "443" : "80";
  return port === "" || port === defaultPort ? host : `${host}:${port}`;
}

function quotePath(
  environ: Partial<WsgiEnviron>,
  key: "SCRIPT_NAME" | "PATH_INFO",
  unsafe: RegExp,
): string {
  const path = environ[key] ?? "";
  checkNative(path, quote(key));
  return path.replace(unsafe, (character) => {
    const hex = character.charCodeAt(0).toString(16).toUpperCase();
    return `%${hex.padStart(2, "0")}`;
  });
}

/**
 * Builds the URI of the application: scheme, host and `SCRIPT_NAME`, without
 * `PATH_INFO` and the query.
 *
 * The host is `HTTP_HOST` as the client sent it, otherwise `SERVER_NAME` and
 * `SERVER_PORT`.
 *
 * @param environ The request.
 * @returns The URI.
 * @throws {TypeError} If `wsgi.url_scheme` is missing, or `SERVER_NAME` or
 * `SERVER_PORT` without `HTTP_HOST`.
 * @throws {TypeError} If `SCRIPT_NAME` has a character beyond U+00FF.
 *
 * @see {@link https://peps.python.org/pep-3333/#url-reconstruction | PEP 3333: URL Reconstruction}
 *
 * @example Usage
 * ```ts
 * import { applicationUri } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const environ = {
 *   "wsgi.url_scheme": "http",
 *   SERVER_NAME: "::1",
 *   SERVER_PORT: "8000",
 *   SCRIPT_NAME: "/app",
 *   PATH_INFO: "/page",
 * };
 * assertEquals(applicationUri(environ), "http://[::1]:8000/app");
 * ```
 */
export function applicationUri(environ: Partial<WsgiEnviron>): string {
  const scheme = getRequired(environ, "wsgi.url_scheme");
  const authority = getAuthority(environ, scheme);
  const path = quotePath(environ, "SCRIPT_NAME", /[^\w\-./~]/g);
  return `${scheme}://${authority}${path.startsWith("/") ? "" : "/"}${path}`;
}

/** Options for {@linkcode requestUri}. */
export interface RequestUriOptions {
  /**
   * Whether the URI has the query string.
   *
   * @default {true}
   */
  includeQuery?: boolean;
}

/**
 * Builds the URI of the request: that of the application, `PATH_INFO` and the
 * query.
 *
 * @param environ The request.
 * @param options Whether to include the query.
 * @returns The URI.
 * @throws {TypeError} If `wsgi.url_scheme` is missing, or `SERVER_NAME` or
 * `SERVER_PORT` without `HTTP_HOST`.
 * @throws {TypeError} If `SCRIPT_NAME` or `PATH_INFO` has a character beyond
 * U+00FF.
 *
 * @see {@link https://peps.python.org/pep-3333/#url-reconstruction | PEP 3333: URL Reconstruction}
 *
 * @example Usage
 * ```ts
 * import { requestUri } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const environ = {
 *   "wsgi.url_scheme": "https",
 *   HTTP_HOST: "example.com",
 *   PATH_INFO: "/caf\xc3\xa9",
 *   QUERY_STRING: "size=2",
 * };
 * assertEquals(requestUri(environ), "https://example.com/caf%C3%A9?size=2");
 * assertEquals(
 *   requestUri(environ, { includeQuery: false }),
 *   "https://example.com/caf%C3%A9",
 * );
 * ```
 */
export function requestUri(
  environ: Partial<WsgiEnviron>,
  options: RequestUriOptions = {},
): string {
  const { includeQuery = true } = options;
  const application = applicationUri(environ);
  const path = quotePath(environ, "PATH_INFO", /[^\w\-./~;=,]/g);
  // Without SCRIPT_NAME, the URI of the application ends in the path's slash.
  const rest = environ.SCRIPT_NAME ? path : path.replace(/^\//, "");
  const query = includeQuery && environ.QUERY_STRING;
  return application + rest + (query ? `?${query}` : "");
}

/** Resolves empty, `.` and `..` segments as POSIX does. */
function normalizePath(path: string): string {
  // POSIX: two leading slashes may mean something of their own, three are one.
  const [root = ""] = /^\/\/(?!\/)|^\//.exec(path) ?? [];
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") segments.push(segment);
    else if (segments.length > 0 && segments.at(-1) !== "..") segments.pop();
    else if (root === "") segments.push(segment);
  }
  return root + segments.join("/") || ".";
}

/**
 * Moves the first segment of `PATH_INFO` to the end of `SCRIPT_NAME`.
 *
 * Empty and `.` segments are skipped, and `..` takes the last segment off
 * `SCRIPT_NAME`. A `PATH_INFO` of `"/"` moves the slash and returns `""`, so that
 * an application can tell `/x` from `/x/`. What comes before the first slash of a
 * `PATH_INFO` that does not begin with one stays where it is.
 *
 * An application can so be made of several, each of which finds its own URI in
 * `SCRIPT_NAME`: the second example.
 *
 * @param environ The request, which is changed.
 * @returns The segment, or `null` if none is left.
 *
 * @see {@link https://docs.python.org/3/library/wsgiref.html#wsgiref.util.shift_path_info | Python: shift_path_info()}
 *
 * @example Usage
 * ```ts
 * import { shiftPathInfo } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const environ = { SCRIPT_NAME: "/app", PATH_INFO: "/blog/2026" };
 * assertEquals(shiftPathInfo(environ), "blog");
 * assertEquals(environ, { SCRIPT_NAME: "/app/blog", PATH_INFO: "/2026" });
 * ```
 *
 * @example Several applications
 * ```ts
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { demoApp } from "@wsgi/wsgiref/simple-server";
 * import type { WsgiApplication } from "@wsgi/wsgiref/types";
 * import { shiftPathInfo } from "@wsgi/wsgiref/util";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const notFound: WsgiApplication = (_environ, startResponse) => {
 *   startResponse("404 Not Found", []);
 *   return [];
 * };
 * const apps = new Map([["demo", demoApp], [null, demoApp]]);
 * const app: WsgiApplication = (environ, startResponse) =>
 *   (apps.get(shiftPathInfo(environ)) ?? notFound)(environ, startResponse);
 *
 * const request = new Request("http://localhost/demo/page");
 * const text = await (await toFetchHandler(app)(request)).text();
 * assertStringIncludes(text, "\nSCRIPT_NAME = '/demo'\n");
 * assertStringIncludes(text, "\nPATH_INFO = '/page'\n");
 * ```
 */
export function shiftPathInfo(environ: Partial<WsgiEnviron>): string | null {
  const [start = "", ...segments] = (environ.PATH_INFO ?? "").split("/");
  if (segments.length === 0) return null;
  // The last segment stays, as what is after a slash tells `/x` from `/x/`.
  const last = segments.length - 1;
  const [name = "", ...rest] = segments.filter((segment, index) =>
    index === last || (segment !== "" && segment !== ".")
  );
  const script = normalizePath(`${environ.SCRIPT_NAME ?? ""}/${name}`)
    .replace(/\/$/, "");
  environ.SCRIPT_NAME = name === "" && !script.endsWith("/")
    ? `${script}/`
    : script;
  environ.PATH_INFO = [start, ...rest].join("/");
  return name === "." ? null : name;
}

/** Keeps what is written, for a test to look at. */
class ErrorBuffer implements ErrorStream {
  #text = "";

  write(text: string): void {
    this.#text += text;
  }

  writelines(list: Iterable<string>): void {
    for (const text of list) this.write(text);
  }

  flush(): void {}

  toString(): string {
    return this.#text;
  }
}

/**
 * Sets the variables that a test needs and that are absent: a `GET` of `/` on
 * 127.0.0.1 with an empty body. It is for tests only: a server must not take
 * made-up values for those of a request.
 *
 * What is written to `wsgi.errors` can be read with its `toString()`. With a
 * `wsgi.url_scheme` other than http and https, `SERVER_PORT` is not set.
 *
 * @param environ The variables that are there, which is changed.
 * @returns The same object.
 *
 * @see {@link https://docs.python.org/3/library/wsgiref.html#wsgiref.util.setup_testing_defaults | Python: setup_testing_defaults()}
 *
 * @example Usage
 * ```ts
 * import { setupTestingDefaults } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const environ = setupTestingDefaults({ HTTPS: "on" });
 * assertEquals(environ["wsgi.url_scheme"], "https");
 * assertEquals(environ.SERVER_PORT, "443");
 * ```
 */
export function setupTestingDefaults(
  environ: Partial<WsgiEnviron>,
): WsgiEnviron {
  const {
    SERVER_NAME: name = "127.0.0.1",
    "wsgi.url_scheme": scheme = guessScheme(environ),
  } = environ;
  const hasPath = environ.SCRIPT_NAME !== undefined ||
    environ.PATH_INFO !== undefined;
  const defaults: Partial<WsgiEnviron> = {
    SERVER_NAME: name,
    SERVER_PROTOCOL: "HTTP/1.0",
    HTTP_HOST: name,
    REQUEST_METHOD: "GET",
    ...(hasPath ? {} : { SCRIPT_NAME: "", PATH_INFO: "/" }),
    "wsgi.version": [1, 0],
    "wsgi.run_once": false,
    "wsgi.multithread": false,
    "wsgi.multiprocess": false,
    "wsgi.input": new WsgiInput(null),
    "wsgi.errors": new ErrorBuffer(),
    "wsgi.url_scheme": scheme,
    ...(scheme === "http" ? { SERVER_PORT: "80" } : {}),
    ...(scheme === "https" ? { SERVER_PORT: "443" } : {}),
  };
  for (const [key, value] of Object.entries(defaults)) {
    if (environ[key] === undefined) environ[key] = value;
  }
  return environ as WsgiEnviron;
}

// RFC 2616, 13.5.1, which says "Trailers" for the `Trailer` header.
const HOP_BY_HOP_HEADERS = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailers",
  "transfer-encoding",
  "upgrade",
];

/**
 * Tells whether a header is only for the connection, not for the message, so
 * that an application must not set it.
 *
 * @param name The name of the header, in any case.
 * @returns Whether it is a hop-by-hop header of HTTP/1.1.
 *
 * @see {@link https://peps.python.org/pep-3333/#other-http-features | PEP 3333: Other HTTP Features}
 * @see {@link https://www.rfc-editor.org/rfc/rfc2616#section-13.5.1 | RFC 2616, 13.5.1}
 *
 * @example Usage
 * ```ts
 * import { isHopByHop } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(isHopByHop("Connection"), true);
 * assertEquals(isHopByHop("Content-Type"), false);
 * ```
 */
export function isHopByHop(name: string): boolean {
  // Few other names have such a length, and need be put in lower case.
  return HOP_BY_HOP_HEADERS.some((header) =>
    header.length === name.length && header === name.toLowerCase()
  );
}

/** Where a {@linkcode WsgiInput} reads from; a `Request` is such a source. */
export type WsgiInputSource =
  | ReadableStream<Uint8Array>
  | Uint8Array
  | BodySource
  | null;

/** What has a body as a `Request` and a `Response` have one. */
export interface BodySource {
  /** The body, if there is one. */
  readonly body: ReadableStream<Uint8Array> | null;
  /** Whether the body has been read from. */
  readonly bodyUsed?: boolean;
  /** Reads the whole body. */
  arrayBuffer?(): Promise<ArrayBuffer>;
}

/** Options for {@linkcode WsgiInput}. */
export interface WsgiInputOptions {
  /**
   * The number of bytes that the body has. No more are read from the source,
   * and fewer are an error.
   *
   * @default {Infinity}
   */
  limit?: number;
  /**
   * The most bytes that the body may have. More are an error.
   *
   * @default {Infinity}
   */
  maxSize?: number;
  /**
   * Is called, before the reader is told, if the body breaks off. With it,
   * whatever the source fails with becomes a {@linkcode ConnectionLostError}.
   */
  onConnectionLost?: (error: ConnectionLostError) => void;
}

const EMPTY = new Uint8Array(0);

/** The number of bytes from which on a body, or a block of it, is large. */
const LARGE_SIZE = 1_048_576;

/** The number of bytes to read of a large body at a time. */
const CHUNK_SIZE = 65_536;

function isBytes(value: unknown): value is Uint8Array<ArrayBuffer> {
  return value instanceof Uint8Array;
}

/** A promise that may be left alone: a client must not end the process. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

function checkSize(name: string, size: number): void {
  if (size !== Infinity && !(Number.isInteger(size) && size >= 0)) {
    throw new RangeError(
      `Cannot read the body as "${name}" must be an integer >= 0: received ${
        quote(size)
      }`,
    );
  }
}

/**
 * The body of a request: the value of `wsgi.input`.
 *
 * Each read must have ended before the next one begins. The source is first
 * touched when bytes are asked for. The blocks read can share one `buffer`.
 *
 * @see {@link https://peps.python.org/pep-3333/#input-and-error-streams | PEP 3333: Input and Error Streams}
 *
 * @example Usage
 * ```ts
 * import { WsgiInput } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const input = new WsgiInput(new TextEncoder().encode("name=value\nrest"));
 * const decoder = new TextDecoder();
 * assertEquals(decoder.decode(await input.readline()), "name=value\n");
 * assertEquals(decoder.decode(await input.read()), "rest");
 * assertEquals(decoder.decode(await input.read()), "");
 * ```
 */
export class WsgiInput implements InputStream {
  readonly #source: Exclude<WsgiInputSource, Uint8Array>;
  /** Where the body ends: `Infinity` until that is known. */
  #limit: number;
  /** The number of bytes of the body that the source has given. */
  #received = 0;
  /** The last bytes that the source has given, unread from `#offset` on. */
  #chunk: Uint8Array<ArrayBuffer> = EMPTY;
  #offset = 0;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #byobReader: ReadableStreamBYOBReader | undefined;
  /** What the chunks of a large body are read into, one after the other. */
  #buffer: ArrayBuffer | undefined;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #isReading = false;
  readonly #maxSize: number;
  readonly #onConnectionLost:
    | ((error: ConnectionLostError) => void)
    | undefined;
  /** What the source failed with, for every later read too. */
  #failure: { error: unknown } | null = null;
  /** Whether the source has nothing more to give. */
  #isDone = false;
  /** Whether the rest was given up. */
  #isCanceled = false;
  #isLarge = false;

  /**
   * Constructs a new instance.
   *
   * @param source The stream or the bytes to read, a `Request` or `Response`
   * whose body to read, or `null` for an empty body.
   * @param options Where the body ends.
   * @throws {TypeError} If `source` is nothing of that kind.
   * @throws {RangeError} If `limit` or `maxSize` is negative or not an integer.
   */
  constructor(source: WsgiInputSource, options: WsgiInputOptions = {}) {
    const { limit = Infinity, maxSize = Infinity, onConnectionLost } = options;
    checkSize("limit", limit);
    checkSize("maxSize", maxSize);
    this.#limit = limit;
    this.#maxSize = maxSize;
    this.#onConnectionLost = onConnectionLost;
    if (isBytes(source)) {
      this.#source = null;
      this.#chunk = source.subarray(0, limit);
      this.#received = this.#chunk.length;
    } else if (
      // Deno loads its streams when they are first named: last, as that is slow.
      source === null || (typeof source === "object" && "body" in source) ||
      source instanceof ReadableStream
    ) {
      this.#source = source;
    } else {
      throw new TypeError(
        `Cannot read the body as its source must be a stream, bytes, an object with a "body", or null: received ${
          quote(source)
        }`,
      );
    }
  }

  /**
   * Reads `size` bytes, fewer only at the end of the body.
   *
   * @param size The number of bytes. Without it, all that is left.
   * @returns The bytes.
   * @throws {RangeError} If `size` is negative or not an integer.
   * @throws {TypeError} If another read has not ended, or `readable` has been
   * taken.
   * @throws {ConnectionLostError} If the client has gone before the body ended.
   */
  read(size: number = Infinity): Promise<Uint8Array<ArrayBuffer>> {
    return handled(this.#readBlock(size, false));
  }

  /**
   * Reads one line with its newline, which only the last line may lack.
   *
   * @param size The most bytes to read. Without it, the whole line.
   * @returns The line.
   * @throws {RangeError} If `size` is negative or not an integer.
   * @throws {TypeError} If another read has not ended, or `readable` has been
   * taken.
   * @throws {ConnectionLostError} If the client has gone before the body ended.
   */
  readline(size: number = Infinity): Promise<Uint8Array<ArrayBuffer>> {
    return handled(this.#readBlock(size, true));
  }

  /**
   * Reads the lines that are left.
   *
   * @param hint The number of bytes after which no further line is begun.
   * Without it, or with 0, all lines are read.
   * @returns The lines.
   * @throws {RangeError} If `hint` is negative or not an integer.
   * @throws {TypeError} If another read has not ended, or `readable` has been
   * taken.
   * @throws {ConnectionLostError} If the client has gone before the body ended.
   */
  async readlines(hint: number = 0): Promise<Uint8Array<ArrayBuffer>[]> {
    checkSize("hint", hint);
    const lines: Uint8Array<ArrayBuffer>[] = [];
    let length = 0;
    for await (const line of this) {
      lines.push(line);
      length += line.length;
      if (hint > 0 && length >= hint) break;
    }
    return lines;
  }

  /**
   * Reads line by line.
   *
   * @returns An iterator of the lines that are left.
   *
   * @example Usage
   * ```ts
   * import { WsgiInput } from "@wsgi/wsgiref/util";
   * import { assertEquals } from "@std/assert";
   *
   * const lengths: number[] = [];
   * for await (const line of new WsgiInput(new Uint8Array([65, 10, 66]))) {
   *   lengths.push(line.length);
   * }
   * assertEquals(lengths, [2, 1]);
   * ```
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<
    Uint8Array<ArrayBuffer>,
    void
  > {
    let line = await this.readline();
    while (line.length > 0) {
      yield line;
      line = await this.readline();
    }
  }

  /**
   * What is left of the body, as a stream of bytes. Nothing else can be read
   * once it has been taken.
   *
   * @returns The stream: the source itself if it is one, nothing has been read
   * and no option is set.
   * @throws {TypeError} If a read has not ended.
   *
   * @example Usage
   * ```ts
   * import { WsgiInput } from "@wsgi/wsgiref/util";
   * import { assertEquals } from "@std/assert";
   *
   * const input = new WsgiInput(new TextEncoder().encode('{"a": 1}'));
   * assertEquals(await new Response(input.readable).json(), { a: 1 });
   * ```
   */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#checkIdle();
    return this.#readable ??= this.#toStream();
  }

  /**
   * Gives up the rest of the body, which ends here for who still reads it. This
   * is for the server, not for the application.
   *
   * @param reason Why, for the source.
   * @returns A promise that settles when the source has been canceled.
   */
  async cancel(reason?: unknown): Promise<void> {
    if (this.#isDone) return;
    this.#isCanceled = true;
    const reader = this.#byobReader ?? this.#reader;
    if (reader) return await reader.cancel(reason);
    // A stream that someone else reads is for them to cancel.
    const stream = this.#getStream();
    if (!stream?.locked) await stream?.cancel(reason);
  }

  #getStream(): ReadableStream<Uint8Array> | null {
    const source = this.#source;
    return source instanceof ReadableStream ? source : source?.body ?? null;
  }

  #toStream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const isUntouched = this.#limit === Infinity &&
      this.#maxSize === Infinity && !this.#onConnectionLost &&
      !this.#reader && !this.#failure;
    const stream = isUntouched ? this.#getStream() : null;
    if (stream) return stream as ReadableStream<Uint8Array<ArrayBuffer>>;
    // Its chunks are the reader's, so no memory is used again from here on.
    this.#isLarge = true;
    return new ReadableStream({
      pull: async (controller) => {
        if (await this.#fill()) {
          controller.enqueue(
            this.#byobReader
              ? this.#chunk.slice(this.#offset)
              : this.#chunk.subarray(this.#offset),
          );
          this.#offset = this.#chunk.length;
        } else {
          controller.close();
        }
      },
      cancel: (reason) => this.cancel(reason),
    }, { highWaterMark: 0 });
  }

  #checkIdle(): void {
    if (this.#isReading) {
      throw new TypeError("Cannot read the body while it is being read");
    }
  }

  /** Makes sure that there are unread bytes: `false` at the end of the body. */
  async #fill(isAllWanted = false): Promise<boolean> {
    while (this.#offset === this.#chunk.length) {
      if (this.#received === this.#limit) return false;
      if (this.#failure) throw this.#failure.error;
      // What is thrown at once is no error of the source.
      const reading = isAllWanted && this.#readAll() || this.#readChunk();
      let result;
      try {
        result = await reading;
      } catch (cause) {
        if (this.#isCanceled) return false;
        throw this.#onConnectionLost
          ? this.#lose({ cause })
          : this.#fail(cause);
      }
      if (!result || result.done) {
        this.#isDone = true;
        if (this.#isCanceled) return false;
        if (this.#limit !== Infinity) {
          throw this.#lose();
        }
        this.#limit = this.#received;
      } else if (isBytes(result.value)) {
        this.#take(result.value);
      } else {
        throw new TypeError(
          `Cannot read the body as its stream must give bytes: received ${
            quote(result.value)
          }`,
        );
      }
    }
    return true;
  }

  #take(bytes: Uint8Array<ArrayBuffer>): void {
    const end = Math.min(this.#limit, this.#maxSize) - this.#received;
    this.#chunk = bytes.subarray(0, end);
    this.#offset = 0;
    this.#received += this.#chunk.length;
    if (bytes.length <= end || this.#limit <= this.#maxSize) return;
    // What is allowed can be read; whoever wants more is told.
    this.#fail(
      new RequestError(
        `Cannot read the request body as it is longer than ${this.#maxSize} bytes`,
        413,
      ),
    );
  }

  #lose(options?: ErrorOptions): ConnectionLostError {
    const place = this.#limit === Infinity
      ? "before its end"
      : `after ${this.#received} of ${this.#limit} bytes`;
    const error = this.#fail(
      new ConnectionLostError(
        `Cannot read the request body as it broke off ${place}`,
        options,
      ),
    );
    this.#onConnectionLost?.(error);
    return error;
  }

  /** Keeps an error for every later read. */
  #fail<T>(error: T): T {
    this.#failure = { error };
    return error;
  }

  /** Reads the whole body at once, if that can be: it saves time. */
  #readAll(): Promise<{ done: false; value: Uint8Array }> | undefined {
    const source = this.#source;
    if (
      source === null || !("arrayBuffer" in source) || source.bodyUsed ||
      this.#reader || this.#limit !== Infinity || this.#maxSize !== Infinity
    ) return;
    return source.arrayBuffer?.().then((buffer) => {
      this.#limit = buffer.byteLength;
      this.#isDone = true;
      return { done: false, value: new Uint8Array(buffer) };
    });
  }

  /** Reads a chunk, of a large body into memory that is used again. */
  #readChunk():
    | Promise<ReadableStreamReadResult<Uint8Array>>
    | undefined {
    this.#reader ??= this.#getStream()?.getReader();
    if (this.#received >= LARGE_SIZE && !this.#isLarge) this.#setLarge();
    if (!this.#byobReader) return this.#reader?.read();
    // The stream takes the buffer away, and with it the chunk.
    const buffer = this.#buffer ?? new ArrayBuffer(CHUNK_SIZE);
    this.#buffer = undefined;
    this.#chunk = EMPTY;
    this.#offset = 0;
    return this.#byobReader.read(new Uint8Array(buffer)).then((result) => {
      this.#buffer = result.value?.buffer;
      return result;
    });
  }

  /** Changes to a reader that fills a given buffer, if the stream has one. */
  #setLarge(): void {
    this.#isLarge = true;
    this.#reader?.releaseLock();
    const stream = this.#getStream();
    try {
      this.#byobReader = stream?.getReader({ mode: "byob" });
    } catch {
      this.#reader = stream?.getReader();
    }
  }

  async #readBlock(
    size: number,
    isLine: boolean,
  ): Promise<Uint8Array<ArrayBuffer>> {
    checkSize("size", size);
    this.#checkIdle();
    if (this.#readable) {
      throw new TypeError(
        'Cannot read the body as its "readable" has been taken',
      );
    }
    this.#isReading = true;
    const isAllWanted = size === Infinity && !isLine;
    try {
      let block = EMPTY;
      let length = 0;
      let isWhole = false;
      while (length < size && !isWhole && await this.#fill(isAllWanted)) {
        const end = this.#offset + size - length;
        let part = this.#chunk.subarray(this.#offset, end);
        const newline = isLine ? part.indexOf(10) : -1;
        if (newline >= 0) {
          part = part.subarray(0, newline + 1);
          isWhole = true;
        }
        this.#offset += part.length;
        if (length === 0 && !this.#byobReader) {
          block = part;
        } else {
          if (length + part.length > block.length) {
            // Doubling keeps the cost of many small chunks linear.
            const capacity = isLine || size > LARGE_SIZE
              ? Math.max(length + part.length, 2 * length)
              : size;
            const larger = new Uint8Array(Math.min(size, capacity));
            larger.set(block);
            block = larger;
          }
          block.set(part, length);
        }
        length += part.length;
      }
      // `EMPTY` is not for callers, who could transfer its buffer.
      return length > 0 ? block.subarray(0, length) : new Uint8Array(0);
    } finally {
      this.#isReading = false;
    }
  }
}

/** The number of bytes that {@linkcode FileWrapper.readable} reads at a time. */
const READABLE_BLOCK_SIZE = 262_144;

function isOpenFile(filelike: FileLike): filelike is OpenFile {
  return "seek" in filelike && "stat" in filelike;
}

async function readBlock(
  file: OpenFile,
  size: number,
): Promise<Uint8Array | null> {
  const buffer = new Uint8Array(size);
  const length = await file.read(buffer);
  return length === null ? null : buffer.subarray(0, length);
}

/**
 * A result made from something that can be read.
 *
 * It reads from where a file stands to its end, and is over for good then. So
 * `seek()` before it sends the rest of a file, as from the first byte of a
 * range. The handlers count the bytes of a file or a `Blob` themselves; where
 * the application sets `Content-Length`, they send just as many, so that a range
 * may end early.
 *
 * @see {@link https://peps.python.org/pep-3333/#optional-platform-specific-file-handling | PEP 3333: Optional Platform-Specific File Handling}
 *
 * @example Usage
 * ```ts
 * import { FileWrapper } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const lengths: number[] = [];
 * for await (const block of new FileWrapper(new Blob(["0123456789"]), 4)) {
 *   lengths.push(block.length);
 * }
 * assertEquals(lengths, [4, 4, 2]);
 * ```
 *
 * @example A range of a file
 * ```ts
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { FileWrapper } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, "0123456789");
 *
 * const handler = toFetchHandler(async (_environ, startResponse) => {
 *   const file = await Deno.open(path);
 *   await file.seek(3, Deno.SeekMode.Start);
 *   startResponse("206 Partial Content", [
 *     ["Content-Type", "text/plain"],
 *     ["Content-Range", "bytes 3-6/10"],
 *     ["Content-Length", "4"],
 *   ]);
 *   return new FileWrapper(file);
 * });
 *
 * const response = await handler(new Request("http://localhost/"));
 * assertEquals(await response.text(), "3456");
 * await Deno.remove(path);
 * ```
 */
export class FileWrapper {
  /** What is read. */
  readonly filelike: FileLike;
  /** The number of bytes to read at a time. */
  readonly blksize: number;
  // A field that is only declared is absent until it is assigned.
  /** Closes the file or cancels the stream. Absent if there is no such thing. */
  declare readonly close?: () => unknown;
  readonly #reader: SizedReader | WsgiInput;
  readonly #blocks: AsyncGenerator<Uint8Array<ArrayBuffer>, undefined>;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;

  /**
   * Constructs a new instance.
   *
   * @param filelike What to read: an open file, a stream, a `Blob` or an object
   * with `read(size)`.
   * @param blksize The number of bytes to read at a time.
   * @throws {TypeError} If `filelike` cannot be read.
   * @throws {RangeError} If `blksize` is not a positive integer.
   */
  constructor(filelike: FileLike, blksize: number = 8192) {
    if (!Number.isInteger(blksize) || blksize < 1) {
      throw new RangeError(
        `Cannot wrap the file as "blksize" must be a positive integer: received ${
          quote(blksize)
        }`,
      );
    }
    this.filelike = filelike;
    this.blksize = blksize;
    this.#blocks = this.#readBlocks();
    if (filelike instanceof ReadableStream) {
      const input = new WsgiInput(filelike);
      this.#reader = input;
      this.close = () => input.cancel();
    } else if (filelike instanceof Blob) {
      this.#reader = new WsgiInput(filelike.stream());
    } else if (typeof filelike?.read === "function") {
      this.#reader = isOpenFile(filelike)
        ? { read: (size: number) => readBlock(filelike, size) }
        : filelike;
      if (filelike.close) this.close = () => filelike.close?.();
    } else {
      throw new TypeError(
        `Cannot wrap the file as it must be an open file, a stream, a Blob or have a read(): received ${
          quote(filelike)
        }`,
      );
    }
  }

  /**
   * Reads the next block.
   *
   * @returns The block, of `blksize` bytes unless the source gives fewer.
   * @throws {TypeError} If `read()` gives something other than bytes.
   */
  next(): Promise<IteratorResult<Uint8Array<ArrayBuffer>, undefined>> {
    return this.#blocks.next();
  }

  /**
   * Iterates over the blocks that are left.
   *
   * @returns This very object.
   */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * Tells how many bytes there are, from where an open file stands.
   *
   * @returns The number of bytes, or `null` if only reading can tell.
   */
  async size(): Promise<number | null> {
    const { filelike } = this;
    if (filelike instanceof Blob) return filelike.size;
    if (!isOpenFile(filelike)) return null;
    const { size, isFile } = await filelike.stat();
    // Files that are made up as they are read, as in /proc, have a size of 0.
    if (!isFile || size === 0) return null;
    return Math.max(0, size - await filelike.seek(0, 1));
  }

  /**
   * The bytes that are left, as a stream in blocks of its own size: the quickest
   * way to send them. It is to be used instead of iteration.
   *
   * @returns The stream: what is wrapped itself if it is one.
   */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= this.#reader instanceof WsgiInput
      ? this.#reader.readable
      : new ReadableStream({
        pull: async (controller) => {
          const block = await this.#read(READABLE_BLOCK_SIZE);
          // Whoever has a read() of his own may use its memory again.
          const isForeign = this.#reader === this.filelike;
          if (block.length === 0) controller.close();
          else controller.enqueue(isForeign ? new Uint8Array(block) : block);
        },
      }, { highWaterMark: 0 });
  }

  async #read(size: number): Promise<Uint8Array<ArrayBuffer>> {
    const block = await this.#reader.read(size) ?? EMPTY;
    if (isBytes(block)) return block;
    throw new TypeError(
      `Cannot read the file as its read() must give bytes: received ${
        quote(block)
      }`,
    );
  }

  // A generator queues calls that overlap, and never goes on after its end.
  async *#readBlocks(): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined> {
    let block = await this.#read(this.blksize);
    while (block.length > 0) {
      yield block;
      block = await this.#read(this.blksize);
    }
    return undefined;
  }
}

/**
 * Makes a {@linkcode FileWrapper}, without `new`: for applications that PEP 3333
 * has look for `wsgi.file_wrapper` first.
 *
 * @param filelike What to read: an open file, a stream, a `Blob` or an object
 * with `read(size)`.
 * @param blksize The number of bytes to read at a time.
 * @returns The result.
 * @throws {TypeError} If `filelike` cannot be read.
 * @throws {RangeError} If `blksize` is not a positive integer.
 *
 * @see {@link https://peps.python.org/pep-3333/#optional-platform-specific-file-handling | PEP 3333: Optional Platform-Specific File Handling}
 *
 * @example Usage
 * ```ts
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { wrapFile } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const handler = toFetchHandler((environ, startResponse) => {
 *   startResponse("200 OK", [["Content-Type", "text/plain"]]);
 *   return (environ["wsgi.file_wrapper"] ?? wrapFile)(new Blob(["spam"]));
 * });
 *
 * const response = await handler(new Request("http://localhost/"));
 * assertEquals(await response.text(), "spam");
 * ```
 */
export function wrapFile(filelike: FileLike, blksize?: number): FileWrapper {
  return new FileWrapper(filelike, blksize);
}
