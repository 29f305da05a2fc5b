// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import { quote } from "./_escape.ts";
import { isDigits } from "./_grammar.ts";
import { RequestError } from "./_request_error.ts";
import type { WsgiEnviron } from "./types.ts";
import { encodeNativeString } from "./util.ts";

/**
 * How many proxies in front of the server to trust, for each header that they
 * set. The value that counts is that many from the right.
 *
 * @example Usage
 * ```ts
 * import { type ForwardedOptions, requestEnviron } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * const forwarded: ForwardedOptions = { for: 1, proto: 1 };
 * const request = new Request("http://localhost/", {
 *   headers: { "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https" },
 * });
 *
 * const environ = requestEnviron(request, undefined, { forwarded });
 * assertEquals(environ.REMOTE_ADDR, "192.0.2.1");
 * assertEquals(environ.HTTPS, "on");
 * ```
 */
export interface ForwardedOptions {
  /**
   * The number of proxies that add to `X-Forwarded-For`, for `REMOTE_ADDR`.
   *
   * @default {0}
   */
  for?: number;
  /**
   * The number of proxies that add to `X-Forwarded-Proto`, for `wsgi.url_scheme`.
   *
   * @default {0}
   */
  proto?: number;
  /**
   * The number of proxies that add to `X-Forwarded-Host`, for `HTTP_HOST`.
   *
   * @default {0}
   */
  host?: number;
  /**
   * The number of proxies that add to `X-Forwarded-Prefix`, for `SCRIPT_NAME`: the part of the
   * path that they take off.
   *
   * @default {0}
   */
  prefix?: number;
}

/**
 * The address of a client.
 *
 * @example Usage
 * ```ts
 * import { type RemoteAddr, requestEnviron } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * function remoteAddr(request: Request): RemoteAddr {
 *   return { hostname: request.headers.get("X-Real-Ip") ?? "127.0.0.1" };
 * }
 *
 * const request = new Request("http://localhost/", {
 *   headers: { "X-Real-Ip": "192.0.2.1" },
 * });
 * const environ = requestEnviron(request, undefined, { remoteAddr });
 * assertEquals(environ.REMOTE_ADDR, "192.0.2.1");
 * ```
 */
export interface RemoteAddr {
  /** The IP address. */
  hostname?: string;
  /** The port. */
  port?: number;
}

/**
 * Options for {@linkcode requestEnviron}.
 *
 * @example Usage
 * ```ts
 * import {
 *   requestEnviron,
 *   type RequestEnvironOptions,
 * } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * const options: RequestEnvironOptions = { scriptName: "/shop" };
 * const request = new Request("http://localhost/shop/spam");
 *
 * const environ = requestEnviron(request, undefined, options);
 * assertEquals([environ.SCRIPT_NAME, environ.PATH_INFO], ["/shop", "/spam"]);
 * ```
 */
export interface RequestEnvironOptions {
  /**
   * The path at which the application is mounted, as text: `SCRIPT_NAME`. It is
   * empty, or begins with a slash and does not end with one.
   *
   * @default {""}
   */
  scriptName?: string;
  /**
   * The scheme of the connection. By default, that of the URL, which a client
   * that sends an absolute target chooses.
   */
  scheme?: "http" | "https";
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

// RFC 3986, 3.2: host [ ":" port ], without user information.
const AUTHORITY_REGEXP = /^(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::\d*)?$/i;

// Scheme, authority as above, target, path and query. The fragment is the
// client's. The scheme of a Unix socket is that of Deno.
const URL_REGEXP =
  /^(https?)(?:\+unix)?:\/\/((\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::(\d*))?)(?![^/?#])(([^?#]*)\??([^#]*))/i;

/** The most names of headers that are known, and the most characters of one. */
const MAX_KNOWN_HEADERS = 256;
const MAX_KNOWN_LENGTH = 64;

/**
 * The variables of request headers by name: the common ones and the two without
 * `HTTP_` from the start, others once they have come.
 */
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

/** The variable of a header; `null` if it is left out. */
export function variableOf(name: string, value: string): string | null {
  const known = HEADER_VARIABLES.get(name);
  if (known !== undefined) return known;
  // An underscore could pass for a dash. `Proxy` would become HTTP_PROXY, which
  // HTTP clients take for a setting. The platform has decoded the chunks.
  if (
    name.includes("_") || name === "proxy" ||
    (name === "transfer-encoding" && value.toLowerCase() === "chunked")
  ) return null;
  const variable = headerVariable(name);
  // Whether Transfer-Encoding is left out depends on its value.
  if (
    name !== "transfer-encoding" && name.length <= MAX_KNOWN_LENGTH &&
    HEADER_VARIABLES.size < MAX_KNOWN_HEADERS
  ) {
    HEADER_VARIABLES.set(name, variable);
  }
  return variable;
}

/** What comes before the query. */
export function beforeQuery(target: string): string {
  const query = target.indexOf("?");
  return query === -1 ? target : target.slice(0, query);
}

/** Decodes percent-encoded bytes to a native string, once. */
export function decodePath(path: string): string {
  return path.includes("%")
    ? path.replace(
      /%([\da-f]{2})/gi,
      (_, hex) => String.fromCharCode(parseInt(hex, 16)),
    )
    : path;
}

/** Refuses what is no host, or a host and more. */
export function checkAuthority(authority: string): void {
  if (AUTHORITY_REGEXP.test(authority)) return;
  throw new RequestError(
    `Cannot answer the request as its host must be a name or an address: received ${
      quote(authority)
    }`,
    400,
  );
}

/**
 * The value that is `count` from the right: the one that the first trusted proxy
 * has added; `undefined` if none is trusted, or if it is empty.
 */
function getForwarded(
  environ: Partial<WsgiEnviron>,
  name: "FOR" | "PROTO" | "HOST" | "PREFIX",
  count = 0,
): string | undefined {
  if (!(count > 0)) return;
  const values = environ[`HTTP_X_FORWARDED_${name}`]?.split(",");
  return values?.at(-count)?.trim() || undefined;
}

/** Overrides what the connection says by what trusted proxies say. */
function applyForwarded(
  environ: Partial<WsgiEnviron>,
  counts: ForwardedOptions,
): void {
  const address = getForwarded(environ, "FOR", counts.for);
  if (address !== undefined) {
    // Some proxies add the port.
    const [, host, port] = /^(\d+(?:\.\d+){3}|\[[\da-f:.]+\])(?::(\d+))?$/i
      .exec(address) ?? [];
    environ.REMOTE_ADDR = host?.replace(/^\[|\]$/g, "") ?? address;
    delete environ.REMOTE_PORT;
    if (port !== undefined) environ.REMOTE_PORT = port;
  }
  const scheme = getForwarded(environ, "PROTO", counts.proto)?.toLowerCase();
  if (scheme === "https") environ.HTTPS = "on";
  else if (scheme !== undefined) delete environ.HTTPS;
  const host = getForwarded(environ, "HOST", counts.host);
  if (host !== undefined) {
    checkAuthority(host);
    environ.HTTP_HOST = host;
  }
  const prefix = getForwarded(environ, "PREFIX", counts.prefix);
  if (prefix !== undefined) {
    const path = decodePath(prefix).replace(/^(?!\/)/, "/").replace(/\/$/, "");
    environ.SCRIPT_NAME = path + environ.SCRIPT_NAME;
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
  const isHttps = (options.scheme ?? scheme.toLowerCase()) === "https";
  const method = request.method;
  // An absolute target may have no path: RFC 9110, 4.2.3.
  const root = path === "" ? "/" : "";
  const environ: Partial<WsgiEnviron> = {
    GATEWAY_INTERFACE: "CGI/1.1",
    REQUEST_METHOD: method,
    REQUEST_URI: root + target,
    SCRIPT_NAME: "",
    PATH_INFO: root + decodePath(path),
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
  // It is empty if nobody knows it, as in what the bridge tells.
  if (hostname) {
    environ.REMOTE_ADDR = hostname;
    if (port !== undefined) environ.REMOTE_PORT = String(port);
  }
  // An iterator would make an array of each header, and take twice as long.
  request.headers.forEach((value, name) => {
    const variable = variableOf(name, value);
    if (variable === null) return;
    const existing = name === "set-cookie" ? environ[variable] : undefined;
    environ[variable] = existing === undefined
      ? value
      : `${existing}, ${value}`;
  });
  const { HTTP_HOST: host, CONTENT_LENGTH: length } = environ;
  if (host !== authority) {
    if (host !== undefined) checkAuthority(host);
    // An absolute target overrides the header, and HTTP/2 has none: RFC 9112,
    // 3.2.2, and RFC 9113, 8.3.1.
    environ.HTTP_HOST = authority;
  }
  if (length !== undefined && !isDigits(length)) {
    // The same length several times is one: RFC 9110, 8.6.
    const [first = "", ...rest] = length.split(/, */);
    if (!isDigits(first) || rest.some((other) => other !== first)) {
      throw new RequestError(
        `Cannot answer the request as its Content-Length must be a number of bytes: received ${
          quote(length)
        }`,
        400,
      );
    }
    environ.CONTENT_LENGTH = first;
  }
  if (
    length !== undefined &&
    // Their body is not for the application: RFC 9110, 9.3.1 and 9.3.2. Chunks
    // override the length: RFC 9112, 6.3.
    (method === "GET" || method === "HEAD" ||
      request.headers.has("transfer-encoding"))
  ) {
    delete environ.CONTENT_LENGTH;
  }
  if (options.scriptName) {
    mount(environ, encodeNativeString(options.scriptName));
  }
  if (options.forwarded) applyForwarded(environ, options.forwarded);
  return environ;
}

/** Checks the options once, for all requests. */
export function checkRequestOptions(
  options: RequestEnvironOptions & { maxBodySize?: number },
): void {
  const { scriptName = "", maxBodySize = Infinity } = options;
  if (!/^(?:\/[^]*[^/])?$/.test(scriptName)) {
    throw new TypeError(
      `Cannot mount the application as "scriptName" must be a path that begins with a slash and does not end with one: received ${
        quote(scriptName)
      }`,
    );
  }
  if (
    maxBodySize !== Infinity &&
    !(Number.isInteger(maxBodySize) && maxBodySize >= 0)
  ) {
    throw new RangeError(
      `Cannot limit the body as "maxBodySize" must be a number of bytes: received ${
        quote(maxBodySize)
      }`,
    );
  }
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
