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
import { isBytes, WsgiInput } from "./_wsgi_input.ts";
import type {
  ErrorStream,
  FileLike,
  OpenFile,
  SizedReader,
  WsgiEnviron,
} from "./types.ts";

export { ConnectionLostError } from "./_request_error.ts";
export {
  type BodySource,
  WsgiInput,
  type WsgiInputOptions,
  type WsgiInputSource,
} from "./_wsgi_input.ts";

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

/**
 * Options for {@linkcode requestUri}.
 *
 * @example Usage
 * ```ts
 * import {
 *   requestUri,
 *   type RequestUriOptions,
 *   setupTestingDefaults,
 * } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const options: RequestUriOptions = { includeQuery: false };
 * const environ = setupTestingDefaults({ QUERY_STRING: "a=1" });
 *
 * assertEquals(requestUri(environ, options), "http://127.0.0.1/");
 * ```
 */
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
 * const apps = new Map([["demo", demoApp], ["", demoApp]]);
 * const app: WsgiApplication = (environ, startResponse) =>
 *   (apps.get(shiftPathInfo(environ) ?? "") ?? notFound)(environ, startResponse);
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
  // Comparing the lengths first spares most names the lower case.
  return HOP_BY_HOP_HEADERS.some((header) =>
    header.length === name.length && header === name.toLowerCase()
  );
}

const EMPTY = new Uint8Array(0);

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
 * It reads from the current position of a file to its end, once. So `seek()`
 * before it sends the rest of a file, as from the first byte of a range. The
 * handlers count the bytes of a file or a `Blob` themselves; where the
 * application sets `Content-Length`, they send just as many, so that a range
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
   * The bytes that are left, as a stream in blocks of its own size: the
   * quickest way to send them. Use it instead of iteration, not with it.
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
 * Makes a {@linkcode FileWrapper} without `new`: for where a server has no
 * `wsgi.file_wrapper`, which PEP 3333 has applications look for first.
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
