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
 */
export type WriteCallable = (data: Uint8Array) => Promise<void>;

/**
 * Begins the response. Nothing is sent until the first non-empty block of the
 * body is there, or the end of an empty one.
 *
 * @param status The status code, a space and the reason phrase: `"200 OK"`.
 * @param headers The headers, in order. Handlers copy them; middleware may change
 * an array.
 * @param excInfo The value that was thrown, when an error response replaces
 * headers that were already set. If they have been sent, that value is thrown.
 * @returns The {@linkcode WriteCallable} for body bytes that the application
 * cannot return.
 *
 * @see {@link https://peps.python.org/pep-3333/#the-start-response-callable | PEP 3333: The start_response() Callable}
 */
export type StartResponse = (
  status: string,
  headers: WsgiHeaderList,
  excInfo?: unknown,
) => WriteCallable;

/**
 * The body that an application returns: blocks of bytes, each sent before the
 * next is asked for. A `ReadableStream<Uint8Array>` is one, and so is an array.
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

/** The part of an open `Deno.FsFile` that is read from. */
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

/** What a file wrapper can wrap. */
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
 */
export type FileWrapperFactory = (
  filelike: FileLike,
  blksize?: number,
) => WsgiResult;

/**
 * The request, as a plain dictionary that the application may change.
 *
 * Variables that the client or the server did not give are absent.
 *
 * @see {@link https://peps.python.org/pep-3333/#environ-variables | PEP 3333: environ Variables}
 * @see {@link https://www.rfc-editor.org/rfc/rfc3875#section-4.1 | RFC 3875, 4.1}
 */
export interface WsgiEnviron {
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
  /** The headers of the request: upper case, dashes as underscores. */
  [header: `HTTP_${string}`]: string | undefined;
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
  /** Makes a result from a file, which the server may send faster. */
  "wsgi.file_wrapper"?: FileWrapperFactory;
  /** The request as the platform gave it, where there is one. */
  "wsgiref.request"?: Request;
  /** Aborted when the client disconnects before the response has ended. */
  "wsgiref.signal"?: AbortSignal;
  /** Any other CGI, server or application variable. */
  [key: string]: unknown;
}
