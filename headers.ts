// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

/**
 * The headers of a response: a list that can be searched and changed like a
 * dictionary, and that holds nothing which could not be sent.
 *
 * ```ts
 * import { WsgiHeaders } from "@wsgi/wsgiref/headers";
 * import { assertEquals } from "@std/assert";
 *
 * const headers = new WsgiHeaders([["Content-Type", "text/plain"]]);
 * headers.addHeader("Content-Disposition", "attachment", {
 *   filename: "spam.txt",
 * });
 *
 * assertEquals(
 *   headers.get("content-disposition"),
 *   'attachment; filename="spam.txt"',
 * );
 * ```
 *
 * @see {@link https://docs.python.org/3/library/wsgiref.html#module-wsgiref.headers | Python: wsgiref.headers}
 *
 * @module
 */

import { quote } from "./_escape.ts";
import { encodeLatin1 } from "./_latin1.ts";

/**
 * One header: its name and its value, both native strings.
 *
 * @example Usage
 * ```ts
 * import { type WsgiHeader, WsgiHeaders } from "@wsgi/wsgiref/headers";
 * import { assertEquals } from "@std/assert";
 *
 * const header: WsgiHeader = ["Content-Type", "text/plain"];
 *
 * assertEquals(new WsgiHeaders([header]).get("content-type"), "text/plain");
 * ```
 */
export type WsgiHeader = [name: string, value: string];

/**
 * The headers that a response begins with. They may be constant.
 *
 * @example Usage
 * ```ts
 * import { type WsgiHeaderList, WsgiHeaders } from "@wsgi/wsgiref/headers";
 * import { assertEquals } from "@std/assert";
 *
 * const list: WsgiHeaderList = [["Vary", "Accept"], ["Vary", "Cookie"]];
 *
 * assertEquals(WsgiHeaders.from(list).getAll("Vary"), ["Accept", "Cookie"]);
 * ```
 */
export type WsgiHeaderList =
  | readonly (readonly [name: string, value: string])[]
  | WsgiHeaders;

// RFC 9110, 5.6.2: token = 1*tchar
const NAME_REGEXP = /^[\w!#$%&'*+.^`|~-]+$/;

// RFC 9110, 5.5: SP, HTAB, VCHAR and obs-text.
const VALUE_REGEXP = /^[\t -~\x80-\xff]*$/;

const CONTROL_REGEXP = /[^\t -~\x80-\uffff]/;
const OUTSIDE_LATIN1_REGEXP = /[^\0-\xff]/;

/**
 * Tells whether a header may have this name: a token, which is one or more
 * ASCII letters, digits and characters of ``!#$%&'*+-.^_`|~``.
 *
 * @param name The name.
 * @returns Whether it is a token.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2 | RFC 9110, 5.6.2}
 *
 * @example Usage
 * ```ts
 * import { isHeaderName } from "@wsgi/wsgiref/headers";
 * import { assert, assertFalse } from "@std/assert";
 *
 * assert(isHeaderName("Content-Type"));
 * assertFalse(isHeaderName("Content Type"));
 * assertFalse(isHeaderName(""));
 * ```
 */
export function isHeaderName(name: string): boolean {
  return typeof name === "string" && NAME_REGEXP.test(name);
}

/**
 * Tells whether a header may have this value: tabs and the characters U+0020
 * to U+007E and U+0080 to U+00FF, or nothing at all. Spaces and tabs around it
 * are not sent.
 *
 * @param value The value.
 * @returns Whether it can be sent.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#section-5.5 | RFC 9110, 5.5}
 *
 * @example Usage
 * ```ts
 * import { isHeaderValue } from "@wsgi/wsgiref/headers";
 * import { assert, assertFalse } from "@std/assert";
 *
 * assert(isHeaderValue("text/plain; charset=utf-8"));
 * assert(isHeaderValue(" text/plain"));
 * assertFalse(isHeaderValue("/\r\nSet-Cookie: id=1"));
 * ```
 */
export function isHeaderValue(value: string): boolean {
  return typeof value === "string" && VALUE_REGEXP.test(value);
}

/** What is wrong with a value that was refused. */
function faultOf(value: unknown): string {
  if (typeof value !== "string") return "is not a string";
  return CONTROL_REGEXP.test(value)
    ? "has a control character"
    : "has a character outside Latin-1";
}

function checkHeader(name: string, value: string): void {
  if (!isHeaderName(name)) {
    throw new TypeError(
      `Cannot set header ${quote(name)} as its name is not a token`,
    );
  }
  if (!isHeaderValue(value)) {
    throw new TypeError(
      `Cannot set header ${quote(name)} as its value ${faultOf(value)}: ` +
        `received ${quote(value)}`,
    );
  }
}

/** The header at a place in a list, checked. */
function checkItem(header: unknown): WsgiHeader {
  if (!Array.isArray(header) || header.length !== 2) {
    throw new TypeError(
      "Cannot create headers as each must be a [name, value] array: " +
        `received ${quote(header)}`,
    );
  }
  const [name, value] = header;
  checkHeader(name, value);
  return [name, value];
}

/** `value` as it is sent. A regular expression could take quadratic time. */
function stripBlanks(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value[start])) start++;
  while (start < end && isBlank(value[end - 1])) end--;
  return value.slice(start, end);
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t";
}

function isSameName(name: string, other: string): boolean {
  return name === other ||
    name.length === other.length &&
      name.toLowerCase() === other.toLowerCase() &&
      // U+212A, the Kelvin sign, is a "k" in lower case.
      isHeaderName(other);
}

/** A parameter as RFC 9110, 5.6.6 and RFC 8187 write it. */
function formatParameter(name: string, value: string | null): string {
  if (value === null || value === "") return name;
  const isLatin1 = !OUTSIDE_LATIN1_REGEXP.test(value);
  const text = isLatin1 ? value : value.replace(/[^\0-\x7f]/gu, "?");
  const quoted = `${name}="${text.replace(/["\\]/g, "\\$&")}"`;
  if (isLatin1) return quoted;
  // encodeURIComponent() leaves these four, which are no attr-char.
  const encoded = encodeURIComponent(value.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  // RFC 6266, 4.3: the fallback first, for clients that take the first.
  return `${quoted}; ${name}*=UTF-8''${encoded}`;
}

/**
 * The headers of a response, in order, a name occurring any number of times.
 *
 * An array that it is created with is wrapped: what is changed here shows
 * there, and the other way round. {@linkcode WsgiHeaders.from} makes a copy.
 *
 * A header that {@linkcode isHeaderName} and {@linkcode isHeaderValue} do not
 * allow is refused with a `TypeError` that shows it, and nothing has changed
 * then. What is allowed is kept as it is given. Only what others do to a wrapped
 * array is not checked here; the handlers check all that they are given.
 *
 * Names are looked up without regard to the case of ASCII letters. A name that
 * no header can have may be looked up like any other: it is not there.
 *
 * @see {@link https://docs.python.org/3/library/wsgiref.html#wsgiref.headers.Headers | Python: wsgiref.headers.Headers}
 *
 * @example Usage
 * ```ts
 * import { WsgiHeaders } from "@wsgi/wsgiref/headers";
 * import { assertEquals } from "@std/assert";
 *
 * const headers = new WsgiHeaders([
 *   ["Set-Cookie", "a=1"],
 *   ["Set-Cookie", "b=2"],
 * ]);
 * headers.set("Content-Type", "text/plain");
 *
 * assertEquals(headers.size, 3);
 * assertEquals(headers.get("content-type"), "text/plain");
 * assertEquals(headers.getAll("set-cookie"), ["a=1", "b=2"]);
 * assertEquals([...headers][0], ["Set-Cookie", "a=1"]);
 * ```
 *
 * @example Middleware that adds a header
 * ```ts
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { WsgiHeaders } from "@wsgi/wsgiref/headers";
 * import type { WsgiApplication } from "@wsgi/wsgiref/types";
 * import { assertEquals } from "@std/assert";
 *
 * function noStore(app: WsgiApplication): WsgiApplication {
 *   return (environ, startResponse) =>
 *     app(environ, (status, headers, excInfo) => {
 *       // The application may send this list again.
 *       const copy = WsgiHeaders.from(headers);
 *       copy.set("Cache-Control", "no-store");
 *       return startResponse(status, copy, excInfo);
 *     });
 * }
 *
 * const app = noStore((_environ, startResponse) => {
 *   startResponse("204 No Content", []);
 *   return [];
 * });
 *
 * const response = await toFetchHandler(app)(new Request("http://localhost/"));
 * assertEquals(response.headers.get("Cache-Control"), "no-store");
 * ```
 */
export class WsgiHeaders implements Iterable<WsgiHeader> {
  readonly #headers: WsgiHeader[];

  /**
   * Constructs a new instance.
   *
   * @param headers The array to wrap, or headers whose array to wrap. Without
   * it, there are no headers yet.
   * @throws {TypeError} If `headers` is not an array of arrays of a name and a
   * value, or if one of them may not be sent.
   */
  constructor(headers: WsgiHeaderList = []) {
    this.#headers = WsgiHeaders.#listOf(headers);
    for (const header of this.#headers) checkItem(header);
  }

  /**
   * Copies headers, with their values as they are sent: without the spaces and
   * tabs around them. Handlers do so with what applications give them.
   *
   * @param headers The headers to copy.
   * @returns The copy.
   * @throws {TypeError} If `headers` is not an array of arrays of a name and a
   * value, or if one of them may not be sent.
   *
   * @example Usage
   * ```ts
   * import { WsgiHeaders } from "@wsgi/wsgiref/headers";
   * import { assertEquals } from "@std/assert";
   *
   * const DEFAULTS = [["Content-Type", "text/plain "]] as const;
   * const headers = WsgiHeaders.from(DEFAULTS);
   * headers.set("Vary", "Cookie");
   *
   * assertEquals(headers.get("Content-Type"), "text/plain");
   * assertEquals(DEFAULTS.length, 1);
   * ```
   */
  static from(headers: WsgiHeaderList): WsgiHeaders {
    const copy = new WsgiHeaders();
    for (const header of WsgiHeaders.#listOf(headers)) {
      const [name, value] = checkItem(header);
      copy.#headers.push([name, stripBlanks(value)]);
    }
    return copy;
  }

  static #listOf(headers: WsgiHeaderList): WsgiHeader[] {
    if (headers instanceof WsgiHeaders) return headers.#headers;
    if (Array.isArray(headers)) return headers;
    throw new TypeError(
      "Cannot create headers as they must be an array of [name, value] " +
        `arrays: received ${quote(headers)}`,
    );
  }

  /** The number of headers, each occurrence of a name counted. */
  get size(): number {
    return this.#headers.length;
  }

  /**
   * Gets the first value of a name.
   *
   * @param name The name.
   * @returns The value, or `null` if there is none.
   */
  get(name: string): string | null {
    for (const header of this.#headers) {
      if (isSameName(header[0], name)) return header[1];
    }
    return null;
  }

  /**
   * Gets all values of a name.
   *
   * @param name The name.
   * @returns The values, in order; none if the name is not there.
   */
  getAll(name: string): string[] {
    return this.#headers
      .filter((header) => isSameName(header[0], name))
      .map((header) => header[1]);
  }

  /**
   * Tells whether a name is there.
   *
   * @param name The name.
   * @returns Whether a header has it.
   */
  has(name: string): boolean {
    return this.get(name) !== null;
  }

  /**
   * Replaces all headers of a name by one at the end.
   *
   * @param name The name.
   * @param value The value.
   * @throws {TypeError} If the name or the value is not allowed.
   */
  set(name: string, value: string): void {
    checkHeader(name, value);
    this.delete(name);
    this.#headers.push([name, value]);
  }

  /**
   * Deletes all headers of a name, if there are any.
   *
   * @param name The name.
   */
  delete(name: string): void {
    let size = 0;
    for (const header of this.#headers) {
      if (!isSameName(header[0], name)) this.#headers[size++] = header;
    }
    this.#headers.length = size;
  }

  /**
   * Adds a header at the end unless its name is there already.
   *
   * @param name The name.
   * @param value The value.
   * @returns The first value of the name, which may be the one just added.
   * @throws {TypeError} If the name or the value is not allowed, whether or not
   * it is needed.
   *
   * @example Usage
   * ```ts
   * import { WsgiHeaders } from "@wsgi/wsgiref/headers";
   * import { assertEquals } from "@std/assert";
   *
   * const headers = new WsgiHeaders();
   *
   * assertEquals(headers.setDefault("Vary", "Accept"), "Accept");
   * assertEquals(headers.setDefault("vary", "Cookie"), "Accept");
   * assertEquals(headers.items(), [["Vary", "Accept"]]);
   * ```
   */
  setDefault(name: string, value: string): string {
    checkHeader(name, value);
    const existing = this.get(name);
    if (existing !== null) return existing;
    this.#headers.push([name, value]);
    return value;
  }

  /**
   * Adds a header at the end, whether or not its name is there already.
   *
   * Parameters have their values in quotes, as in Python. Browsers take none in
   * `Set-Cookie`, as of `{ Path: "/" }`: give that header its whole value, such
   * as `"a=1; Path=/"`, or use `setCookie()` of `@std/http/cookie`.
   *
   * @param name The name.
   * @param value What stands before the parameters, or `null` for nothing.
   * @param params The parameters, in order. An underscore in a name stands for
   * a dash. A value of `null` or `""` leaves the bare name. A value outside
   * Latin-1 is sent in UTF-8, together with a copy for older clients in which
   * `?` replaces the characters outside ASCII.
   * @throws {TypeError} If the name, the value or the name of a parameter is not
   * allowed, or if the value of a parameter has a control character.
   *
   * @see {@link https://www.rfc-editor.org/rfc/rfc8187#section-3.2 | RFC 8187, 3.2}
   *
   * @example Usage
   * ```ts
   * import { WsgiHeaders } from "@wsgi/wsgiref/headers";
   * import { assertEquals } from "@std/assert";
   *
   * const headers = new WsgiHeaders();
   * headers.addHeader("Content-Disposition", "attachment", {
   *   filename: "€.txt",
   * });
   *
   * assertEquals(
   *   headers.get("Content-Disposition"),
   *   "attachment; filename=\"?.txt\"; filename*=UTF-8''%E2%82%AC.txt",
   * );
   * ```
   */
  addHeader(
    name: string,
    value: string | null,
    params: Record<string, string | null> = {},
  ): void {
    checkHeader(name, value === null ? "" : value);
    const parts = value === null ? [] : [value];
    for (const [key, text] of Object.entries(params)) {
      const parameter = key.replaceAll("_", "-");
      if (!isHeaderName(parameter)) {
        throw new TypeError(
          `Cannot set header ${quote(name)} as its parameter ${quote(key)} ` +
            "has a name that is not a token",
        );
      }
      if (
        text !== null && (typeof text !== "string" || CONTROL_REGEXP.test(text))
      ) {
        throw new TypeError(
          `Cannot set header ${quote(name)} as its parameter ${quote(key)} ` +
            `${faultOf(text)}: received ${quote(text)}`,
        );
      }
      parts.push(formatParameter(parameter, text));
    }
    this.#headers.push([name, parts.join("; ")]);
  }

  /**
   * Lists the names.
   *
   * @returns The name of each header, in order.
   */
  keys(): string[] {
    return this.#headers.map((header) => header[0]);
  }

  /**
   * Lists the values.
   *
   * @returns The value of each header, in order.
   */
  values(): string[] {
    return this.#headers.map((header) => header[1]);
  }

  /**
   * Lists the headers.
   *
   * @returns A copy of each header, in order.
   */
  items(): WsgiHeader[] {
    return this.#headers.map(([name, value]) => [name, value]);
  }

  /**
   * Iterates over the headers as they are now.
   *
   * @returns An iterator over a copy of each header, in order.
   */
  [Symbol.iterator](): IterableIterator<WsgiHeader> {
    return this.items().values();
  }

  /**
   * Writes the headers as they are sent: a line for each, then an empty line.
   *
   * @returns The lines, each ending in `"\r\n"`.
   *
   * @example Usage
   * ```ts
   * import { WsgiHeaders } from "@wsgi/wsgiref/headers";
   * import { assertEquals } from "@std/assert";
   *
   * const headers = new WsgiHeaders([["Content-Length", "2"]]);
   *
   * assertEquals(`${headers}`, "Content-Length: 2\r\n\r\n");
   * ```
   */
  toString(): string {
    let lines = "";
    for (const [name, value] of this.#headers) {
      lines += `${name}: ${stripBlanks(value)}\r\n`;
    }
    return `${lines}\r\n`;
  }

  /**
   * Writes the headers as {@linkcode WsgiHeaders.toString} does, in Latin-1.
   *
   * @returns The bytes.
   */
  toBytes(): Uint8Array<ArrayBuffer> {
    return encodeLatin1(this.toString());
  }
}
