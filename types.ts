// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

/**
 * The types of the protocol: what an application is called with, what it
 * returns, and the streams in between.
 *
 * Strings are PEP 3333 _native strings_: each character stands for one byte,
 * U+0000 to U+00FF. {@linkcode decodeNativeString} and
 * {@linkcode encodeNativeString} of `@wsgi/wsgiref/util` convert from and to
 * text.
 *
 * ```ts
 * import type { WsgiApplication } from "@wsgi/wsgiref/types";
 *
 * const app: WsgiApplication = (_environ, startResponse) => {
 *   startResponse("200 OK", [["Content-Type", "text/plain"]]);
 *   return [new TextEncoder().encode("Hello, world!")];
 * };
 * ```
 *
 * @see {@link https://peps.python.org/pep-3333/ | PEP 3333}
 *
 * @module
 */

import type { WsgiHeaderList } from "./headers.ts";

export type { WsgiHeader, WsgiHeaderList } from "./headers.ts";

/**
 * Hands body bytes to the server ahead of the result, for applications that
 * cannot return them.
 *
 * @param data The bytes to send.
 * @returns A promise that settles when the data has been handed on. Awaiting it
 * keeps a fast application from outrunning a slow client.
 *
 * @see {@link https://peps.python.org/pep-3333/#the-write-callable | PEP 3333: The write() Callable}
 *
 * @example Usage
 * ```ts
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import type { WriteCallable } from "@wsgi/wsgiref/types";
 * import { assertEquals } from "@std/assert";
 *
 * const handler = toFetchHandler(async (_environ, startResponse) => {
 *   const write: WriteCallable = startResponse("200 OK", []);
 *   await write(new TextEncoder().encode("Hello, "));
 *   return [new TextEncoder().encode("world!")];
 * });
 *
 * const response = await handler(new Request("http://localhost/"));
 * assertEquals(await response.text(), "Hello, world!");
 * ```
 */
export type WriteCallable = (data: Uint8Array) => Promise<void>;

/**
 * Begins the response. The head is sent with the first block that is not empty,
 * with the first `write()`, or at the end of an empty body.
 *
 * @param status The status code, a space and the reason phrase: `"200 OK"`.
 * @param headers The headers, in order. Handlers and middleware copy them.
 * @param excInfo The value that was thrown, when an error response replaces
 * headers that were already set. If they have been sent, that value is thrown.
 * @returns The {@linkcode WriteCallable} for body bytes that the application
 * cannot return.
 *
 * @see {@link https://peps.python.org/pep-3333/#the-start-response-callable | PEP 3333: The start_response() Callable}
 *
 * @example Usage
 * ```ts
 * import type { StartResponse } from "@wsgi/wsgiref/types";
 * import { assertEquals } from "@std/assert";
 *
 * function redirect(startResponse: StartResponse, location: string) {
 *   startResponse("303 See Other", [["Location", location]]);
 *   return [];
 * }
 *
 * let answer: unknown;
 * redirect((status, headers) => {
 *   answer = [status, headers];
 *   return () => Promise.resolve();
 * }, "/spam");
 * assertEquals(answer, ["303 See Other", [["Location", "/spam"]]]);
 * ```
 */
export type StartResponse = (
  status: string,
  headers: WsgiHeaderList,
  excInfo?: unknown,
) => WriteCallable;

/**
 * The body that an application returns: blocks of bytes, each sent before the
 * next is asked for. A `ReadableStream<Uint8Array>` is one, and so is an array.
 * A generator may use one buffer for all its blocks.
 *
 * @example Usage
 * ```ts
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import type { WsgiResult } from "@wsgi/wsgiref/types";
 * import { assertEquals } from "@std/assert";
 *
 * function* countdown(): WsgiResult & Generator<Uint8Array> {
 *   for (const text of ["3 ", "2 ", "1"]) yield new TextEncoder().encode(text);
 * }
 *
 * const handler = toFetchHandler((_environ, startResponse) => {
 *   startResponse("200 OK", [["Content-Type", "text/plain"]]);
 *   return countdown();
 * });
 *
 * const response = await handler(new Request("http://localhost/"));
 * assertEquals(await response.text(), "3 2 1");
 * ```
 */
export type WsgiResult =
  & (Iterable<Uint8Array> | AsyncIterable<Uint8Array>)
  & {
    /** Releases what the body holds: called once, however the request ends. */
    close?(): unknown;
  };

/**
 * An application: called once for each request.
 *
 * @param environ The request. The application may change it.
 * @param startResponse Begins the response.
 * @returns The body, or a promise of it.
 *
 * @see {@link https://peps.python.org/pep-3333/#the-application-framework-side | PEP 3333: The Application/Framework Side}
 *
 * @example Usage
 * ```ts
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import type { WsgiApplication } from "@wsgi/wsgiref/types";
 * import { decodeNativeString } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const app: WsgiApplication = (environ, startResponse) => {
 *   const path = decodeNativeString(environ.PATH_INFO ?? "");
 *   startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
 *   return [new TextEncoder().encode(`This is ${path}`)];
 * };
 *
 * const handler = toFetchHandler(app);
 * const response = await handler(new Request("http://localhost/späm"));
 * assertEquals(await response.text(), "This is /späm");
 * ```
 */
export type WsgiApplication = (
  environ: WsgiEnviron,
  startResponse: StartResponse,
) => WsgiResult | Promise<WsgiResult>;

/**
 * The body of the request. At its end every method gives empty bytes or an
 * empty list, however often it is called.
 *
 * @see {@link https://peps.python.org/pep-3333/#input-and-error-streams | PEP 3333: Input and Error Streams}
 *
 * @example Usage
 * ```ts
 * import type { InputStream } from "@wsgi/wsgiref/types";
 * import { WsgiInput } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * async function readJson(input: InputStream): Promise<unknown> {
 *   return JSON.parse(new TextDecoder().decode(await input.read()));
 * }
 *
 * const input = new WsgiInput(new TextEncoder().encode('{"spam": 1}'));
 * assertEquals(await readJson(input), { spam: 1 });
 * ```
 */
export interface InputStream extends AsyncIterable<Uint8Array<ArrayBuffer>> {
  /**
   * Reads `size` bytes, fewer only at the end of the body.
   *
   * @param size The number of bytes. Without it, all that is left.
   * @returns The bytes.
   */
  read(size?: number): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Reads one line with its newline, which only the last line may lack.
   *
   * @param size The most bytes to read. Without it, the whole line.
   * @returns The line.
   */
  readline(size?: number): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Reads the lines that are left.
   *
   * @param hint The number of bytes after which no further line is begun.
   * Without it, all lines are read.
   * @returns The lines.
   */
  readlines(hint?: number): Promise<Uint8Array<ArrayBuffer>[]>;
  /** What is left of the body, as a stream of bytes. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/**
 * The stream for the messages of the application to whoever runs the server.
 *
 * @see {@link https://peps.python.org/pep-3333/#input-and-error-streams | PEP 3333: Input and Error Streams}
 *
 * @example Usage
 * ```ts
 * import { TextErrorStream } from "@wsgi/wsgiref/handlers";
 * import type { ErrorStream } from "@wsgi/wsgiref/types";
 * import { assertEquals } from "@std/assert";
 *
 * let log = "";
 * const errors: ErrorStream = new TextErrorStream((text) => log += text);
 *
 * errors.write("No spam is left\n");
 * errors.flush();
 * assertEquals(log, "No spam is left\n");
 * ```
 */
export interface ErrorStream {
  /**
   * Writes text.
   *
   * @param text Any text. Lines end in `"\n"`.
   */
  write(text: string): void;
  /**
   * Writes several pieces of text. No newlines are added.
   *
   * @param list The pieces.
   */
  writelines(list: Iterable<string>): void;
  /** Makes sure that what was written has been handed on. */
  flush(): void;
}

/**
 * A source of bytes that reads up to `size` of them and gives empty bytes, or
 * `null`, at the end.
 *
 * @example Usage
 * ```ts
 * import type { SizedReader } from "@wsgi/wsgiref/types";
 * import { wrapFile } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * let left = 5;
 * const zeros: SizedReader = {
 *   read(size) {
 *     const length = Math.min(size, left);
 *     left -= length;
 *     return new Uint8Array(length);
 *   },
 * };
 *
 * const lengths: number[] = [];
 * for await (const block of wrapFile(zeros, 2)) lengths.push(block.length);
 * assertEquals(lengths, [2, 2, 1]);
 * ```
 */
export interface SizedReader {
  /**
   * Reads up to `size` bytes.
   *
   * @param size The most bytes to read.
   * @returns The bytes. Empty ones, or `null`, mean the end.
   */
  read(size: number): Uint8Array | null | Promise<Uint8Array | null>;
  /** Releases the source. */
  close?(): unknown;
}

/**
 * The part of an open `Deno.FsFile` that is read from.
 *
 * @example Usage
 * ```ts
 * import type { OpenFile } from "@wsgi/wsgiref/types";
 * import { wrapFile } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, "spam");
 * const file: OpenFile = await Deno.open(path);
 *
 * const result = wrapFile(file);
 * const bytes = await new Response(ReadableStream.from(result)).bytes();
 * assertEquals(new TextDecoder().decode(bytes), "spam");
 * await result.close?.();
 * await Deno.remove(path);
 * ```
 */
export interface OpenFile {
  /**
   * Reads into `buffer` from where the file stands.
   *
   * @param buffer The bytes to fill.
   * @returns The number of bytes read, or `null` at the end of the file.
   */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Describes the file. */
  stat(): Promise<{ size: number; isFile: boolean }>;
  /**
   * Moves the position, or tells it.
   *
   * @param offset The number of bytes to move by.
   * @param whence Where to count from: 0 start, 1 current position, 2 end.
   * @returns The new position, in bytes from the start.
   */
  seek(offset: number, whence: 0 | 1 | 2): Promise<number>;
  /** Closes the file. */
  close(): void;
}

/**
 * What a file wrapper can wrap.
 *
 * @example Usage
 * ```ts
 * import type { FileLike } from "@wsgi/wsgiref/types";
 * import { wrapFile } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const file: FileLike = new Blob(["spam"]);
 *
 * const lengths: number[] = [];
 * for await (const block of wrapFile(file, 3)) lengths.push(block.length);
 * assertEquals(lengths, [3, 1]);
 * ```
 */
export type FileLike =
  | OpenFile
  | ReadableStream<Uint8Array>
  | Blob
  | SizedReader;

/**
 * The value of `wsgi.file_wrapper`: makes a result from something that can be
 * read.
 *
 * @param filelike What to read.
 * @param blksize The number of bytes to read at a time, a hint.
 * @returns The result. Its `close` closes `filelike`.
 *
 * @see {@link https://peps.python.org/pep-3333/#optional-platform-specific-file-handling | PEP 3333: Optional Platform-Specific File Handling}
 *
 * @example Usage
 * ```ts
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import type { FileWrapperFactory } from "@wsgi/wsgiref/types";
 * import { wrapFile } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const handler = toFetchHandler((environ, startResponse) => {
 *   const wrap: FileWrapperFactory = environ["wsgi.file_wrapper"] ?? wrapFile;
 *   startResponse("200 OK", [["Content-Type", "text/plain"]]);
 *   return wrap(new Blob(["spam"]));
 * });
 *
 * const response = await handler(new Request("http://localhost/"));
 * assertEquals(await response.text(), "spam");
 * ```
 */
export type FileWrapperFactory = (
  filelike: FileLike,
  blksize?: number,
) => WsgiResult;

/**
 * The variables of common request headers.
 *
 * @example Usage
 * ```ts
 * import type { HttpVariable } from "@wsgi/wsgiref/types";
 * import { setupTestingDefaults } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const name: HttpVariable = "HTTP_ACCEPT_LANGUAGE";
 * const environ = setupTestingDefaults({ [name]: "de" });
 *
 * assertEquals(environ[name]?.toUpperCase(), "DE");
 * ```
 */
export type HttpVariable =
  | "HTTP_ACCEPT"
  | "HTTP_ACCEPT_CHARSET"
  | "HTTP_ACCEPT_ENCODING"
  | "HTTP_ACCEPT_LANGUAGE"
  | "HTTP_ACCESS_CONTROL_REQUEST_HEADERS"
  | "HTTP_ACCESS_CONTROL_REQUEST_METHOD"
  | "HTTP_AUTHORIZATION"
  | "HTTP_CACHE_CONTROL"
  | "HTTP_CONNECTION"
  | "HTTP_CONTENT_DISPOSITION"
  | "HTTP_CONTENT_ENCODING"
  | "HTTP_CONTENT_LANGUAGE"
  | "HTTP_CONTENT_LOCATION"
  | "HTTP_CONTENT_RANGE"
  | "HTTP_COOKIE"
  | "HTTP_DATE"
  | "HTTP_DNT"
  | "HTTP_EARLY_DATA"
  | "HTTP_EXPECT"
  | "HTTP_FORWARDED"
  | "HTTP_FROM"
  | "HTTP_HOST"
  | "HTTP_IDEMPOTENCY_KEY"
  | "HTTP_IF_MATCH"
  | "HTTP_IF_MODIFIED_SINCE"
  | "HTTP_IF_NONE_MATCH"
  | "HTTP_IF_RANGE"
  | "HTTP_IF_UNMODIFIED_SINCE"
  | "HTTP_KEEP_ALIVE"
  | "HTTP_LAST_EVENT_ID"
  | "HTTP_MAX_FORWARDS"
  | "HTTP_ORIGIN"
  | "HTTP_PRAGMA"
  | "HTTP_PREFER"
  | "HTTP_PRIORITY"
  | "HTTP_RANGE"
  | "HTTP_REFERER"
  | "HTTP_SAVE_DATA"
  | "HTTP_SEC_CH_UA"
  | "HTTP_SEC_CH_UA_MOBILE"
  | "HTTP_SEC_CH_UA_PLATFORM"
  | "HTTP_SEC_FETCH_DEST"
  | "HTTP_SEC_FETCH_MODE"
  | "HTTP_SEC_FETCH_SITE"
  | "HTTP_SEC_FETCH_USER"
  | "HTTP_SEC_GPC"
  | "HTTP_SEC_WEBSOCKET_EXTENSIONS"
  | "HTTP_SEC_WEBSOCKET_KEY"
  | "HTTP_SEC_WEBSOCKET_PROTOCOL"
  | "HTTP_SEC_WEBSOCKET_VERSION"
  | "HTTP_TE"
  | "HTTP_TRACEPARENT"
  | "HTTP_TRACESTATE"
  | "HTTP_TRAILER"
  | "HTTP_TRANSFER_ENCODING"
  | "HTTP_UPGRADE"
  | "HTTP_UPGRADE_INSECURE_REQUESTS"
  | "HTTP_USER_AGENT"
  | "HTTP_VIA";

/**
 * The request, as a plain dictionary that the application may change.
 *
 * Variables that the client or the server did not give are absent. Those of
 * request headers have a type if their header is common or begins with `X-`.
 * Others are `unknown`, so that a misspelled one does not pass for a string;
 * an application can declare its own, as the second example does.
 *
 * @see {@link https://peps.python.org/pep-3333/#environ-variables | PEP 3333: environ Variables}
 * @see {@link https://www.rfc-editor.org/rfc/rfc3875#section-4.1 | RFC 3875, 4.1}
 *
 * @example Usage
 * ```ts
 * import type { WsgiEnviron } from "@wsgi/wsgiref/types";
 * import { setupTestingDefaults } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const environ: WsgiEnviron = setupTestingDefaults({ HTTP_COOKIE: "a=1" });
 *
 * assertEquals(environ.HTTP_COOKIE?.split("="), ["a", "1"]);
 * assertEquals(environ.HTTP_X_REQUEST_ID, undefined);
 * ```
 *
 * @example Variables of an application's own
 * ```ts ignore
 * import { setupTestingDefaults } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * declare module "@wsgi/wsgiref/types" {
 *   interface WsgiEnviron {
 *     "shop.user"?: { name: string };
 *     HTTP_DEVICE_MEMORY?: string;
 *   }
 * }
 *
 * const environ = setupTestingDefaults({ "shop.user": { name: "Eric" } });
 *
 * assertEquals(environ["shop.user"]?.name.length, 4);
 * ```
 */
export interface WsgiEnviron
  extends Partial<Record<HttpVariable, string | undefined>> {
  /** The request method, such as `"GET"`. */
  REQUEST_METHOD: string;
  /** The part of the path that leads to the application; empty at the root. */
  SCRIPT_NAME?: string;
  /** The rest of the path, percent-decoded once. */
  PATH_INFO?: string;
  /** What follows the `?` of the URL, not decoded. */
  QUERY_STRING?: string;
  /** The `Content-Type` of the request. */
  CONTENT_TYPE?: string;
  /** The `Content-Length` of the request, in bytes, as decimal digits. */
  CONTENT_LENGTH?: string;
  /** The name or address of the server. */
  SERVER_NAME: string;
  /** The port of the server, as decimal digits. */
  SERVER_PORT: string;
  /** The protocol of the request, such as `"HTTP/1.1"`. */
  SERVER_PROTOCOL: string;
  /** The version of CGI that the gateway speaks, such as `"CGI/1.1"`. */
  GATEWAY_INTERFACE?: string;
  /** The name and version of the server. */
  SERVER_SOFTWARE?: string;
  /** `"on"` for a secure connection, as CGI servers have it. */
  HTTPS?: string;
  /** The address of the client, or of the last proxy. */
  REMOTE_ADDR?: string;
  /** The port of the client, as decimal digits. */
  REMOTE_PORT?: string;
  /** The domain name of the client. */
  REMOTE_HOST?: string;
  /** The name of the user that the server has authenticated. */
  REMOTE_USER?: string;
  /** The scheme that the server has authenticated the user by: `"Basic"`. */
  AUTH_TYPE?: string;
  /** The target of the request as the client sent it, not decoded. */
  REQUEST_URI?: string;
  /** The path in the file system that the server maps `PATH_INFO` to. */
  PATH_TRANSLATED?: string;
  /** Other headers of the request: upper case, dashes as underscores. */
  [header: `HTTP_X_${string}`]: string | undefined;
  /** The version of the protocol: 1.0. */
  "wsgi.version": readonly [major: number, minor: number];
  /** The scheme of the URL: `"http"` or `"https"`. */
  "wsgi.url_scheme": string;
  /** The body of the request. */
  "wsgi.input": InputStream;
  /** The stream for messages to whoever runs the server. */
  "wsgi.errors": ErrorStream;
  /** Whether calls of the application may overlap in this process. */
  "wsgi.multithread": boolean;
  /** Whether another process may call an equivalent application. */
  "wsgi.multiprocess": boolean;
  /** Whether the server expects to call the application only once. */
  "wsgi.run_once": boolean;
  /** Whether `wsgi.input` ends by itself, with or without `CONTENT_LENGTH`. */
  "wsgi.input_terminated"?: boolean;
  /**
   * Makes a result from a file, which the server may send faster. Where it can
   * be absent, `wrapFile()` of `@wsgi/wsgiref/util` stands in for it:
   * `(environ["wsgi.file_wrapper"] ?? wrapFile)(file)`.
   */
  "wsgi.file_wrapper"?: FileWrapperFactory;
  /** The request as the platform gave it, where there is one. */
  "wsgiref.request"?: Request;
  /**
   * Aborted when the client disconnects before the response has ended, and when
   * the server shuts down and waits no longer. `Deno.serve` does not tell of a
   * client that leaves before its body was read, if nothing was sent yet.
   */
  "wsgiref.signal"?: AbortSignal;
  /** Any other CGI, server or application variable. */
  [key: string]: unknown;
}
