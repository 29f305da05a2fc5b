// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import { quote } from "./_escape.ts";
import {
  beforeQuery,
  checkAuthority,
  decodePath,
  variableOf,
} from "./_request_environ.ts";
import type { WsgiEnviron, WsgiResult } from "./types.ts";
import { requestUri, WsgiInput, type WsgiInputOptions } from "./util.ts";

/**
 * The body of a `Request`, as its handler gives it. It remembers the request, to
 * tell whether an environ still says the same.
 */
export class RequestInput extends WsgiInput {
  /** `wsgiref.signal`, as the handler has made it. */
  signal: AbortSignal | undefined;
  readonly #request: Request;
  readonly #hasMaxSize: boolean;

  constructor(request: Request, options: WsgiInputOptions = {}) {
    super(request, options);
    this.#request = request;
    this.#hasMaxSize = (options.maxSize ?? Infinity) !== Infinity;
  }

  /** The request, if an environ still says what it says, body and all. */
  match(environ: WsgiEnviron): Request | null {
    const request = this.#request;
    return environ["wsgiref.request"] === request &&
        environ["wsgiref.signal"] === this.signal &&
        environ.REQUEST_METHOD === request.method &&
        // Proxies, if they are trusted, make another URL.
        request.url === `${originOf(environ)}${environ.REQUEST_URI}` &&
        isTarget(environ) && hasHeaders(environ, request.headers) &&
        !request.bodyUsed && !(this.#hasMaxSize && request.body !== null)
      ? request
      : null;
  }
}

function originOf(environ: WsgiEnviron): string {
  return `${environ["wsgi.url_scheme"]}://${environ.HTTP_HOST}`;
}

/** Whether an environ has the variables of headers, and no more. */
function hasHeaders(environ: WsgiEnviron, headers: Headers): boolean {
  let isSame = true;
  let count = 0;
  headers.forEach((value, name) => {
    const variable = variableOf(name, value);
    // The host is that of the URL, and a length may be none of the body's.
    if (
      variable === null || variable === "HTTP_HOST" ||
      variable === "CONTENT_LENGTH" && environ[variable] === undefined
    ) return;
    if (environ[variable] !== value) isSame = false;
    count++;
  });
  for (const name in environ) {
    if (
      name.startsWith("HTTP_") && name !== "HTTP_HOST" ||
      name.startsWith("CONTENT_")
    ) count--;
  }
  return isSame && count === 0;
}

/** Where the path of a URL begins. */
function pathStart(url: string): number {
  return url.indexOf("/", url.indexOf("://") + 3);
}

/** Whether `REQUEST_URI` is there and says what the path and the query say. */
function isTarget(environ: WsgiEnviron): boolean {
  const { SCRIPT_NAME = "", PATH_INFO = "", QUERY_STRING = "" } = environ;
  const target = environ.REQUEST_URI;
  // Anything else would be a part of the host.
  if (typeof target !== "string" || !target.startsWith("/")) return false;
  const path = beforeQuery(target);
  return decodePath(path) === SCRIPT_NAME + PATH_INFO &&
    target.slice(path.length + 1) === QUERY_STRING;
}

/** The URL, as it was written if `REQUEST_URI` is still what was asked for. */
function toUrl(environ: WsgiEnviron): string {
  if (environ.HTTP_HOST) checkAuthority(environ.HTTP_HOST);
  let url = requestUri(environ);
  if (isTarget(environ)) {
    url = url.slice(0, pathStart(url)) + environ.REQUEST_URI;
  }
  // A parser would drop blanks, and end the query at a "#".
  return url.replace(/[\0- #\x7f-\xff]/g, (byte) => {
    const hex = byte.charCodeAt(0).toString(16).toUpperCase();
    return `%${hex.padStart(2, "0")}`;
  });
}

// What a URL parser may drop or resolve: WHATWG URL, 4.4.
const UNSTABLE_PATH_REGEXP = /[\0- \\]|\/(?:\.|%2e)/i;

/**
 * Refuses a path that a URL parser would make another one of, which middleware
 * has not seen: `/admin` of `/x/../admin`.
 */
function checkPath(environ: WsgiEnviron, url: string): void {
  const written = beforeQuery(url.slice(pathStart(url)));
  if (!UNSTABLE_PATH_REGEXP.test(written)) return;
  const { SCRIPT_NAME = "", PATH_INFO = "" } = environ;
  if (decodePath(new URL(url).pathname) !== SCRIPT_NAME + PATH_INFO) {
    throw new TypeError(
      `Cannot make a request as its URL would have another path: received ${
        quote(url)
      }`,
    );
  }
}

/** Whether the request has a body that a `Request` can have. */
function hasBody(environ: WsgiEnviron): boolean {
  if (/^(?:GET|HEAD)$/i.test(environ.REQUEST_METHOD)) return false;
  const { CONTENT_LENGTH: length } = environ;
  if (length) return length !== "0";
  return environ["wsgi.input_terminated"] === true &&
    environ["wsgiref.request"]?.body !== null;
}

/** A request that says what an environ says, but for the body. */
function createRequest(environ: WsgiEnviron): Request {
  const {
    REQUEST_METHOD: method,
    CONTENT_TYPE: type,
    CONTENT_LENGTH: length,
    "wsgiref.signal": signal = null,
  } = environ;
  const url = toUrl(environ);
  checkPath(environ, url);
  const headers = new Headers();
  for (const [key, value] of Object.entries(environ)) {
    if (key.startsWith("HTTP_") && value !== undefined) {
      headers.append(key.slice(5).replaceAll("_", "-"), String(value));
    }
  }
  if (type) headers.set("content-type", type);
  if (length) headers.set("content-length", length);
  return new Request(url, { method, headers, signal });
}

/**
 * The request that an environ was made of, if it still says the same, or else
 * one that says what the environ says. If there can be none, the status that
 * answers it.
 */
export function toRequest(
  environ: WsgiEnviron,
): Request | "400 Bad Request" | "501 Not Implemented" {
  const {
    REQUEST_METHOD: method,
    HTTP_UPGRADE: protocols = "",
    "wsgi.input": input,
  } = environ;
  // A `Request` cannot have some methods, nor can a result be a WebSocket.
  if (
    /^(?:CONNECT|TRAC[EK])$/i.test(method) ||
    /\bwebsocket\b/i.test(protocols)
  ) return "501 Not Implemented";
  const match = input instanceof RequestInput ? input.match(environ) : null;
  let request;
  try {
    if (match !== null) {
      checkPath(environ, match.url);
      return match;
    }
    request = createRequest(environ);
  } catch {
    // CGI allows more hosts, paths and values.
    return "400 Bad Request";
  }
  // That the body has been read is no fault of the client.
  return hasBody(environ)
    ? new Request(
      request,
      { body: input.readable, duplex: "half" } as RequestInit,
    )
    : request;
}

/**
 * What {@linkcode fromFetchHandler} tells a handler of the connection.
 *
 * @example Usage
 * ```ts
 * import {
 *   type FetchInfo,
 *   fromFetchHandler,
 *   toFetchHandler,
 * } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * const app = fromFetchHandler((_request: Request, info: FetchInfo) =>
 *   new Response(info.remoteAddr.hostname)
 * );
 *
 * const handler = toFetchHandler(app, {
 *   remoteAddr: () => ({ hostname: "192.0.2.1" }),
 * });
 * const response = await handler(new Request("http://localhost/"));
 * assertEquals(await response.text(), "192.0.2.1");
 * ```
 */
export interface FetchInfo {
  /** The address of the client, as far as the gateway tells it. */
  readonly remoteAddr: {
    readonly transport: "tcp";
    readonly hostname: string;
    readonly port: number;
  };
  /** Resolves when the response has been sent, or its client has gone. */
  readonly completed: Promise<void>;
}

/** The `completed` of a response that has been sent, or will be at once. */
const COMPLETED = Promise.resolve();

/** The {@linkcode FetchInfo} of an environ. */
export class EnvironInfo implements FetchInfo {
  readonly remoteAddr: FetchInfo["remoteAddr"];
  #completed: Promise<void> | undefined;
  #resolve: (() => void) | undefined;

  constructor(environ: WsgiEnviron) {
    this.remoteAddr = {
      transport: "tcp",
      hostname: String(environ.REMOTE_ADDR ?? ""),
      port: Number(environ.REMOTE_PORT ?? 0),
    };
  }

  get completed(): Promise<void> {
    return this.#completed ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Resolves `completed`. */
  complete(): void {
    this.#resolve?.();
    this.#completed = COMPLETED;
  }

  /** Has the end of a result resolve `completed`. */
  follow(result: WsgiResult): WsgiResult {
    if (Array.isArray(result) && this.#resolve === undefined) {
      this.complete();
      return result;
    }
    const { close } = result;
    return Object.assign(result, {
      close: () => {
        this.complete();
        return close?.call(result);
      },
    });
  }
}
