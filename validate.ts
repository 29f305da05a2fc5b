// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

/**
 * Checks that a server and an application keep the rules of the protocol.
 *
 * {@linkcode validator} wraps an application and stands between it and whoever
 * calls it. Everything is passed on as it is; what breaks a rule is thrown, or
 * collected, as a {@linkcode WsgiConformanceError}.
 *
 * - `"server"` is the side that calls the validator: the environ, the streams,
 *   how the result is iterated and closed.
 * - `"application"` is the side that the validator calls: `startResponse()`,
 *   `write()`, the result, how the streams are used.
 * - `"middleware"` is what stands between two validators. Put one around each
 *   layer: what a middleware gets right on one side and wrong on the other is
 *   its own doing. The innermost validator that complains is next to the fault.
 *
 * An array is checked when it is returned, and passed on. How it is then
 * iterated is not seen, nor the bytes of a file wrapper that the server sends
 * by other means than iteration.
 *
 * A server that forgets `close()` is noticed at its next request, if its calls
 * do not overlap (`wsgi.multithread` is `false`). A middleware that forgets it
 * is noticed at once, when the result that it returned itself is closed.
 *
 * ```ts
 * import { validator } from "@wsgi/wsgiref/validate";
 * import { toFetchHandler } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * const app = validator((_environ, startResponse) => {
 *   startResponse("200 OK", [["Content-Type", "text/plain"]]);
 *   return [new TextEncoder().encode("Hello, world!")];
 * });
 *
 * const response = await toFetchHandler(app)(new Request("http://localhost/"));
 * assertEquals(await response.text(), "Hello, world!");
 * ```
 *
 * @see {@link https://peps.python.org/pep-3333/ | PEP 3333}
 * @see {@link https://docs.python.org/3/library/wsgiref.html#module-wsgiref.validate | Python: wsgiref.validate}
 *
 * @module
 */

import { AssertionError } from "@std/assert/assertion-error";
import { quote } from "./_escape.ts";
import { type BlockIterator, isPromise, iterate } from "./_result.ts";
import { isHeaderName, isHeaderValue, WsgiHeaders } from "./headers.ts";
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
import { FileWrapper, isHopByHop } from "./util.ts";

/** One rule that {@linkcode validator} checks. */
export interface WsgiConformanceCheck {
  /** The statements of PEP 3333 that it enforces, by number, and RFCs. */
  clause: string;
  /** Who breaks it. */
  side: "server" | "application" | "middleware";
  /** Whether breaking it is wrong, or only questionable. */
  severity: "error" | "warning";
  /** What is expected. */
  rule: string;
  /** How to put it right. */
  remedy: string;
}

/** The rules that {@linkcode validator} checks, by the code of the violation. */
export const CONFORMANCE_CHECKS = {
  // The call of the application
  "application-type": {
    clause: "P004",
    side: "application",
    severity: "error",
    rule: "An application must be a function",
    remedy: "pass a function, such as the bound method of an object",
  },
  "application-arguments": {
    clause: "P010",
    side: "server",
    severity: "error",
    rule: "An application must be called with environ and startResponse only",
    remedy: "call app(environ, startResponse)",
  },

  // The environ
  "environ-type": {
    clause: "P011, P012",
    side: "server",
    severity: "error",
    rule: "The environ must be a plain object that can be changed",
    remedy: "copy the variables into an object literal",
  },
  "environ-missing": {
    clause: "P034, P013, P036, P042, P052",
    side: "server",
    severity: "error",
    rule: "The environ must have all the variables that are always required",
    remedy: "set the variable",
  },
  "environ-value-type": {
    clause: "P050, P002, P137",
    side: "server",
    severity: "error",
    rule: "A CGI variable must be a string",
    remedy: "convert it with String(), or delete it",
  },
  "environ-string-range": {
    clause: "P136, P134, P003",
    side: "server",
    severity: "error",
    rule: "The environ must only have characters U+0000 to U+00FF",
    remedy: "make the text bytes with encodeNativeString()",
  },
  "environ-empty": {
    clause: "P049",
    side: "server",
    severity: "warning",
    rule: "AUTH_TYPE and the REMOTE_ variables should not be empty",
    remedy: "leave out what is not known",
  },
  "request-method": {
    clause: "P036, RFC 9110 9.1",
    side: "server",
    severity: "error",
    rule: "REQUEST_METHOD must be a token",
    remedy: "answer such a request 400",
  },
  "script-name": {
    clause: "P037",
    side: "server",
    severity: "error",
    rule: 'SCRIPT_NAME must be empty or begin with "/", and not be "/"',
    remedy: "let PATH_INFO have the slash of the root",
  },
  "path-info": {
    clause: "P038",
    side: "server",
    severity: "error",
    rule:
      'PATH_INFO must be empty or begin with "/", but for "OPTIONS *" and the host and port of CONNECT',
    remedy: "take the scheme and the host off the target",
  },
  "path-missing": {
    clause: "P037, P038",
    side: "server",
    severity: "warning",
    rule: "SCRIPT_NAME and PATH_INFO should not both be empty",
    remedy: 'set PATH_INFO to "/"',
  },
  "request-content-length": {
    clause: "P041",
    side: "server",
    severity: "error",
    rule: "CONTENT_LENGTH must be decimal digits, or empty, or absent",
    remedy: "answer such a request 400",
  },
  "server-name": {
    clause: "P042",
    side: "server",
    severity: "error",
    rule: "SERVER_NAME must be the name or address of a host",
    remedy: "leave out the port and user information",
  },
  "server-port": {
    clause: "P042",
    side: "server",
    severity: "error",
    rule: "SERVER_PORT must be decimal digits",
    remedy: "set the default port of the scheme",
  },
  "server-protocol": {
    clause: "P043",
    side: "server",
    severity: "error",
    rule: "SERVER_PROTOCOL must be the HTTP version of the request",
    remedy: 'write it like "HTTP/1.1"',
  },
  "http-host": {
    clause: "P044, RFC 9110 7.2",
    side: "server",
    severity: "error",
    rule: "HTTP_HOST must be a host and an optional port",
    remedy: "answer such a request 400",
  },
  "http-content": {
    clause: "P044",
    side: "server",
    severity: "error",
    rule: "HTTP_CONTENT_TYPE and HTTP_CONTENT_LENGTH must not be there",
    remedy: "use the name without HTTP_",
  },
  "http-name": {
    clause: "P044, RFC 3875 4.1.18",
    side: "server",
    severity: "warning",
    rule: "HTTP_ variables should be in upper case, dashes as underscores",
    remedy: 'use name.toUpperCase().replaceAll("-", "_")',
  },
  "http-proxy": {
    clause: "P044",
    side: "server",
    severity: "warning",
    rule: "HTTP_PROXY should not come from a request, as clients obey it",
    remedy: "drop the Proxy header",
  },
  "http-transfer-encoding": {
    clause: "P155",
    side: "server",
    severity: "warning",
    rule:
      "HTTP_TRANSFER_ENCODING should not be there unless wsgi.input ends by itself",
    remedy: "decode the body, and set wsgi.input_terminated",
  },
  "https": {
    clause: "P046",
    side: "server",
    severity: "warning",
    rule: 'HTTPS should not be on if wsgi.url_scheme is "http"',
    remedy: "take both from the connection",
  },
  "wsgi-version": {
    clause: "P053",
    side: "server",
    severity: "error",
    rule: "wsgi.version must be [1, 0]",
    remedy: "set it to that",
  },
  "url-scheme": {
    clause: "P054",
    side: "server",
    severity: "error",
    rule: "wsgi.url_scheme must be the scheme of a URL, without a colon",
    remedy: 'set it to "http" or "https"',
  },
  "url-scheme-unusual": {
    clause: "P054",
    side: "server",
    severity: "warning",
    rule: 'wsgi.url_scheme should be "http" or "https"',
    remedy: "set it to that of the connection",
  },
  "wsgi-flag": {
    clause: "P061, P062, P063",
    side: "server",
    severity: "error",
    rule:
      "wsgi.multithread, multiprocess, run_once and input_terminated must be booleans",
    remedy: "use true or false",
  },
  "wsgi-multithread": {
    clause: "P061",
    side: "server",
    severity: "error",
    rule: "Calls must not overlap if wsgi.multithread is false",
    remedy: "set it to true",
  },
  "extension-name": {
    clause: "P064, P014",
    side: "server",
    severity: "warning",
    rule:
      "Extension variables should be named with lower case, digits, dots and underscores",
    remedy: "choose such a name, with a prefix of its own",
  },
  "input-type": {
    clause: "P065, P055",
    side: "server",
    severity: "error",
    rule:
      "wsgi.input must have read(), readline(), readlines(), iteration and readable",
    remedy: "use a WsgiInput",
  },
  "errors-type": {
    clause: "P065, P056",
    side: "server",
    severity: "error",
    rule: "wsgi.errors must have write(), writelines() and flush()",
    remedy: "use a TextErrorStream",
  },
  "file-wrapper-type": {
    clause: "P183, P181",
    side: "server",
    severity: "error",
    rule: "wsgi.file_wrapper must be a function",
    remedy: "leave it out if there is none",
  },

  // startResponse()
  "start-response-arguments": {
    clause: "P015, P016, P077",
    side: "application",
    severity: "error",
    rule: "startResponse() must be called with two or three arguments",
    remedy: "pass the status, the headers and, after an error, excInfo",
  },
  "start-response-repeated": {
    clause: "P101, P102, P144",
    side: "application",
    severity: "error",
    rule:
      "startResponse() must not be called again without excInfo, even if it threw",
    remedy: "pass the error that made it necessary as excInfo",
  },
  "start-response-missing": {
    clause: "P030, P031, P032",
    side: "application",
    severity: "error",
    rule: "startResponse() must be called before the first block of the body",
    remedy: "call it in the application, or at the top of the generator",
  },
  "start-response-result": {
    clause: "P019",
    side: "server",
    severity: "error",
    rule: "startResponse() must return the function write",
    remedy: "return what the startResponse() further out returned",
  },
  "status-type": {
    clause: "P137, P002",
    side: "application",
    severity: "error",
    rule: "The status must be a string",
    remedy: 'write it like "200 OK"',
  },
  "status-form": {
    clause: "P017, P078",
    side: "application",
    severity: "error",
    rule:
      "The status must be a code from 100 to 999, one space and a reason phrase",
    remedy: 'write it like "200 OK"',
  },
  "status-control": {
    clause: "P079, P080",
    side: "application",
    severity: "error",
    rule: "The status must not contain control characters",
    remedy: "remove them, above all line breaks",
  },
  "response-string-range": {
    clause: "P135, P133, P134, P003",
    side: "application",
    severity: "error",
    rule: "Status and headers must only have characters U+0000 to U+00FF",
    remedy: "encode the text, such as with encodeURIComponent()",
  },
  "headers-type": {
    clause: "P018, P081",
    side: "application",
    severity: "error",
    rule: "The headers must be an array",
    remedy: "write them like [[name, value]], or use items() of WsgiHeaders",
  },
  "header-pair": {
    clause: "P018",
    side: "application",
    severity: "error",
    rule: "Each header must be an array of a name and a value",
    remedy: "write it like [name, value]",
  },
  "header-type": {
    clause: "P137, P002",
    side: "application",
    severity: "error",
    rule: "The name and the value of a header must be strings",
    remedy: "convert them with String()",
  },
  "header-name": {
    clause: "P083",
    side: "application",
    severity: "error",
    rule: "The name of a header must be a token, without a colon",
    remedy: "use letters, digits and dashes",
  },
  "header-name-end": {
    clause: "P083",
    side: "application",
    severity: "warning",
    rule: "The name of a header should end in a letter or a digit",
    remedy: "remove the punctuation",
  },
  "header-value": {
    clause: "P084",
    side: "application",
    severity: "error",
    rule:
      "The value of a header must have no control characters, and no blanks around it",
    remedy: "remove them, above all line breaks",
  },
  "header-status": {
    clause: "P085, RFC 3875 6.3.3",
    side: "application",
    severity: "error",
    rule: "The headers must not contain Status",
    remedy: "pass it as the first argument of startResponse()",
  },
  "header-hop-by-hop": {
    clause: "P088, P112, P153, P160",
    side: "application",
    severity: "error",
    rule: "The headers must not be hop-by-hop",
    remedy: "leave the connection to the server",
  },
  "header-repeated": {
    clause: "P085, RFC 9110 5.3",
    side: "application",
    severity: "error",
    rule: "A header that has a single value must not be repeated",
    remedy: "replace the first, as set() of WsgiHeaders does",
  },
  "content-length-form": {
    clause: "P105, RFC 9110 8.6",
    side: "application",
    severity: "error",
    rule: "Content-Length must be decimal digits",
    remedy: "write the number of bytes, or leave it to the server",
  },
  "content-length-forbidden": {
    clause: "P085, RFC 9110 8.6",
    side: "application",
    severity: "error",
    rule:
      "Content-Length must not be there with 1xx, 204, or success of CONNECT",
    remedy: "leave it out",
  },
  "content-type-forbidden": {
    clause: "P085, RFC 9110 8.3",
    side: "application",
    severity: "error",
    rule: "Content-Type must not be there with 1xx and 204, which have no body",
    remedy: "leave it out",
  },
  "content-type-missing": {
    clause: "P024, RFC 9110 8.3",
    side: "application",
    severity: "warning",
    rule: "A response with a body should have a Content-Type",
    remedy: "set it, or else clients guess",
  },
  "etag-form": {
    clause: "P157, RFC 9110 8.8.3",
    side: "application",
    severity: "warning",
    rule: "An ETag should be quoted, with W/ before it if it is weak",
    remedy: 'write it like "tag" or W/"tag", with the quotes',
  },
  "location-form": {
    clause: "P085, RFC 9110 10.2.2",
    side: "application",
    severity: "warning",
    rule: "Location should be a URI reference",
    remedy: "percent-encode what a URI cannot have",
  },
  "exc-info-type": {
    clause: "P095",
    side: "application",
    severity: "warning",
    rule: "excInfo should be the error that was thrown",
    remedy: "pass an instance of Error",
  },
  "exc-info-ignored": {
    clause: "P098",
    side: "server",
    severity: "warning",
    rule: "startResponse() should throw excInfo once the headers are sent",
    remedy: "throw it, unless nothing has reached the client yet",
  },
  "exc-info-trapped": {
    clause: "P100, P145",
    side: "application",
    severity: "error",
    rule: "What startResponse() throws for excInfo must not be caught",
    remedy: "let it pass, so that the server can end the response",
  },

  // write()
  "write-arguments": {
    clause: "P077, P019",
    side: "application",
    severity: "error",
    rule: "write() must be called with one argument",
    remedy: "call it once for each block",
  },
  "write-type": {
    clause: "P125, P138, P002",
    side: "application",
    severity: "error",
    rule: "write() must be given a Uint8Array",
    remedy: "encode text with new TextEncoder().encode(text)",
  },
  "write-after-return": {
    clause: "P130, P131",
    side: "application",
    severity: "error",
    rule: "write() must not be called after the application returned",
    remedy: "yield the block",
  },
  "write-discouraged": {
    clause: "P124",
    side: "application",
    severity: "warning",
    rule: "write() should not be used by new applications",
    remedy: "return or yield the blocks",
  },
  "write-result": {
    clause: "P126, P019",
    side: "server",
    severity: "error",
    rule: "write() must return a promise",
    remedy: "settle it when the data has been handed on",
  },

  // The result
  "result-type": {
    clause: "P020, P127, P180",
    side: "application",
    severity: "error",
    rule:
      "The application must return an iterable or async iterable, if only []",
    remedy: "return the blocks in an array, a generator or a ReadableStream",
  },
  "result-string": {
    clause: "P020, P132",
    side: "application",
    severity: "error",
    rule: "The application must not return a string",
    remedy: "return [new TextEncoder().encode(text)]",
  },
  "result-bytes": {
    clause: "P020",
    side: "application",
    severity: "error",
    rule: "The application must not return bare bytes",
    remedy: "return [bytes]",
  },
  "result-close": {
    clause: "P027",
    side: "application",
    severity: "error",
    rule: "close of a result must be a function",
    remedy: "make it a method, or leave it out",
  },
  "result-length": {
    clause: "P026",
    side: "application",
    severity: "error",
    rule: "length or size of a result must be the number of its blocks",
    remedy: "correct it, or leave it out",
  },
  "block-type": {
    clause: "P020, P138, P002",
    side: "application",
    severity: "error",
    rule: "Each block of the body must be a Uint8Array",
    remedy: "encode text with new TextEncoder().encode(text)",
  },
  "body-forbidden": {
    clause: "P085, RFC 9110 6.4.1",
    side: "application",
    severity: "error",
    rule: "A response with status 1xx, 204, 205 or 304 must not have a body",
    remedy: "return []",
  },
  "body-to-head": {
    clause: "P085, RFC 9110 9.3.2",
    side: "application",
    severity: "warning",
    rule: "A response to HEAD should not have a body, which is not sent",
    remedy: "return []",
  },
  "content-length-exceeded": {
    clause: "P105, P106",
    side: "application",
    severity: "error",
    rule: "The body must not be longer than its Content-Length",
    remedy: "count bytes, not characters",
  },
  "content-length-unreached": {
    clause: "P107",
    side: "application",
    severity: "error",
    rule: "The body must not be shorter than its Content-Length",
    remedy: "count bytes, not characters",
  },

  // How the result is iterated and closed
  "iterated-twice": {
    clause: "P021",
    side: "server",
    severity: "error",
    rule: "A result must be iterated once",
    remedy: "keep the blocks if they are needed again",
  },
  "iterated-early": {
    clause: "P021",
    side: "server",
    severity: "error",
    rule: "A block must not be asked for before the one before has come",
    remedy: "await next()",
  },
  "iterated-after-end": {
    clause: "P021",
    side: "server",
    severity: "error",
    rule: "A result must not be iterated after its end",
    remedy: "stop when next() is done",
  },
  "iterated-after-close": {
    clause: "P027",
    side: "server",
    severity: "error",
    rule: "A result must not be iterated after close()",
    remedy: "call close() last",
  },
  "close-repeated": {
    clause: "P027",
    side: "server",
    severity: "error",
    rule: "close() of a result must be called once",
    remedy: "call it in one place, where every request ends",
  },
  "close-missing": {
    clause: "P027",
    side: "server",
    severity: "error",
    rule: "close() of a result must be called when the request ends",
    remedy: "call it in a finally block",
  },

  // What stands between two validators
  "middleware-withheld": {
    clause: "P118, P119, P120, P114, P008",
    side: "middleware",
    severity: "error",
    rule: "Middleware must yield a block for each block that it is given",
    remedy: "yield new Uint8Array() while there is nothing to send yet",
  },
  "middleware-delayed": {
    clause: "P121, P008",
    side: "middleware",
    severity: "error",
    rule: "Middleware must return before it iterates the result it is given",
    remedy: "iterate it in a generator, and return that",
  },
  "middleware-write": {
    clause: "P122, P123, P008",
    side: "middleware",
    severity: "error",
    rule: "Middleware must not write() what the application yields",
    remedy: "yield it",
  },

  // wsgi.input
  "input-arguments": {
    clause: "P065, P077",
    side: "application",
    severity: "error",
    rule: "The methods of wsgi.input must be called with one argument or none",
    remedy: "pass the size only",
  },
  "input-size": {
    clause: "P065",
    side: "application",
    severity: "error",
    rule: "The size to read of wsgi.input must be a whole number of bytes",
    remedy: "leave it out to read all",
  },
  "input-past-end": {
    clause: "P068",
    side: "application",
    severity: "warning",
    rule:
      "wsgi.input should not be read beyond CONTENT_LENGTH unless it ends by itself",
    remedy: "ask for no more than what is left",
  },
  "input-closed": {
    clause: "P076, P075",
    side: "application",
    severity: "error",
    rule: "wsgi.input must not be closed",
    remedy: "leave that to the server",
  },
  "input-result": {
    clause: "P055, P138, P002",
    side: "server",
    severity: "error",
    rule:
      "wsgi.input must give Uint8Arrays, and lines that end with their first newline",
    remedy: "use a WsgiInput",
  },
  "input-excess": {
    clause: "P065, P071",
    side: "server",
    severity: "error",
    rule: "wsgi.input must not give more bytes than asked for",
    remedy: "keep the rest for the next read",
  },
  "input-after-end": {
    clause: "P070, P067",
    side: "server",
    severity: "error",
    rule: "wsgi.input must give no bytes after its end, which a short read is",
    remedy: "wait until there are enough",
  },

  // wsgi.errors
  "errors-arguments": {
    clause: "P065, P077",
    side: "application",
    severity: "error",
    rule:
      "write() and writelines() of wsgi.errors must be called with one argument, flush() with none",
    remedy: "join the pieces of a message",
  },
  "errors-text": {
    clause: "P056",
    side: "application",
    severity: "error",
    rule: "wsgi.errors must be given strings, writelines() a list of them",
    remedy: "convert it with String()",
  },
  "errors-line-ending": {
    clause: "P057",
    side: "application",
    severity: "warning",
    rule: 'Lines written to wsgi.errors should end in "\\n"',
    remedy: 'leave out "\\r"',
  },
  "errors-closed": {
    clause: "P076, P075",
    side: "application",
    severity: "error",
    rule: "wsgi.errors must not be closed",
    remedy: "leave that to the server",
  },
  "errors-throws": {
    clause: "P058",
    side: "server",
    severity: "warning",
    rule: "wsgi.errors should take any text without throwing",
    remedy: "replace what cannot be written",
  },

  // wsgi.file_wrapper
  "file-wrapper-arguments": {
    clause: "P183, P077",
    side: "application",
    severity: "error",
    rule:
      "wsgi.file_wrapper must be called with a file and an optional block size",
    remedy: "pass no more than these two",
  },
  "file-wrapper-file": {
    clause: "P186",
    side: "application",
    severity: "error",
    rule: "wsgi.file_wrapper must be given something that can be read",
    remedy: "pass an open file, a stream, a Blob or an object with read()",
  },
  "file-wrapper-result": {
    clause: "P184, P188",
    side: "server",
    severity: "error",
    rule:
      "wsgi.file_wrapper must return an iterable, with close() if the file has it",
    remedy: "return a FileWrapper",
  },
} as const;

/** What identifies a violation. It never changes its meaning. */
export type WsgiConformanceCode = keyof typeof CONFORMANCE_CHECKS;

// The first statement of each section of PEP 3333.
const PEP_SECTIONS = [
  ["P001", "Specification Overview"],
  ["P010", "Specification Details"],
  ["P034", "environ Variables"],
  ["P065", "Input and Error Streams"],
  ["P077", "The start_response() Callable"],
  ["P105", "Handling the Content-Length Header"],
  ["P118", "Middleware Handling of Block Boundaries"],
  ["P124", "The write() Callable"],
  ["P132", "Unicode Issues"],
  ["P150", "Other HTTP Features"],
  ["P181", "Optional Platform-Specific File Handling"],
] as const;

/** Options for {@linkcode WsgiConformanceError}. */
export interface WsgiConformanceErrorOptions {
  /** What was found. */
  value: unknown;
  /** Who broke the rule. By default, the side of the check. */
  side?: WsgiConformanceCheck["side"];
}

/**
 * What {@linkcode validator} throws, or hands to its options.
 *
 * @example Usage
 * ```ts
 * import { validator, WsgiConformanceError } from "@wsgi/wsgiref/validate";
 * import { setupTestingDefaults } from "@wsgi/wsgiref/util";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const app = validator((_environ, startResponse) => {
 *   startResponse("200 OK\n", []);
 *   return [];
 * });
 * const error = assertThrows(
 *   () => app(setupTestingDefaults({}), () => () => Promise.resolve()),
 *   WsgiConformanceError,
 * );
 *
 * assertEquals(error.code, "status-control");
 * assertEquals(
 *   error.clause,
 *   "P079, P080 (PEP 3333: The start_response() Callable)",
 * );
 * assertEquals(
 *   error.message,
 *   'The status must not contain control characters: received "200 OK\\n"; remove them, above all line breaks',
 * );
 * ```
 */
export class WsgiConformanceError extends AssertionError {
  /** Which rule was broken. */
  readonly code: WsgiConformanceCode;
  /** The statements of PEP 3333, by number, and the section of the first. */
  readonly clause: string;
  /** Who broke it. */
  readonly side: WsgiConformanceCheck["side"];
  /** Whether that is wrong, or only questionable. */
  readonly severity: WsgiConformanceCheck["severity"];
  /** What was found, on one line, with control characters escaped. */
  readonly value: string;

  /**
   * Constructs a new instance.
   *
   * @param code Which rule was broken.
   * @param options What was found.
   */
  constructor(code: WsgiConformanceCode, options: WsgiConformanceErrorOptions) {
    const check = CONFORMANCE_CHECKS[code];
    const value = quote(options.value);
    super(`${check.rule}: received ${value}; ${check.remedy}`);
    this.name = "WsgiConformanceError";
    this.code = code;
    const section = PEP_SECTIONS.findLast(([first]) => first <= check.clause);
    this.clause = check.clause.replace(
      /(?:, RFC .*)?$/,
      (rfc) => ` (PEP 3333: ${section?.[1]})${rfc}`,
    );
    this.side = options.side ?? check.side;
    this.severity = check.severity;
    this.value = value;
  }
}

/** Options for {@linkcode validator}. */
export interface ValidatorOptions {
  /**
   * Takes what is legal but questionable, each code once for an application.
   * By default, it is written with `console.warn`.
   */
  onWarning?: (warning: WsgiConformanceError) => void;
  /**
   * Takes every violation, each once in a request, and the response goes on.
   * By default, the first one is thrown.
   */
  onViolation?: (violation: WsgiConformanceError) => void;
}

function warn(warning: WsgiConformanceError): void {
  // deno-lint-ignore no-console
  console.warn(`${warning.code}: ${warning.message}`);
}

const REQUIRED_VARIABLES = [
  "REQUEST_METHOD",
  "SERVER_NAME",
  "SERVER_PORT",
  "SERVER_PROTOCOL",
  "wsgi.version",
  "wsgi.url_scheme",
  "wsgi.input",
  "wsgi.errors",
  "wsgi.multithread",
  "wsgi.multiprocess",
  "wsgi.run_once",
];
const FLAGS = [
  "wsgi.multithread",
  "wsgi.multiprocess",
  "wsgi.run_once",
  "wsgi.input_terminated",
];
const OPTIONAL_VARIABLES = [
  "AUTH_TYPE",
  "REMOTE_ADDR",
  "REMOTE_HOST",
  "REMOTE_IDENT",
  "REMOTE_USER",
];
const UNPREFIXED_HEADERS = ["HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"];
const INPUT_METHODS = [
  "read",
  "readline",
  "readlines",
  Symbol.asyncIterator,
];
const ERRORS_METHODS = ["write", "writelines", "flush"];
// RFC 9110, 5.3: the headers that are not lists.
const SINGLE_HEADERS = new Set([
  "age",
  "content-length",
  "content-range",
  "content-type",
  "date",
  "etag",
  "expires",
  "last-modified",
  "location",
  "retry-after",
]);

// RFC 9110, 6.4.1, and 15.3.6 for 205.
const BODILESS_STATUSES = new Set([204, 205, 304]);

const CGI_NAME_REGEXP = /^[A-Z\d_]+$/;
const EXTENSION_NAME_REGEXP = /^[a-z\d._]+$/;
const NON_NATIVE_REGEXP = /[^\0-\xff]/;
const NON_CGI_NAME_REGEXP = /[a-z-]/;
// deno-lint-ignore no-control-regex
const CONTROL_REGEXP = /[\0-\x1f\x7f]/;
const DIGITS_REGEXP = /^\d+$/;
const BLANK_END_REGEXP = /^[\t ]|[\t ]$/;
const PROTOCOL_REGEXP = /^HTTP\/\d(?:\.\d)?$/;
const SCHEME_REGEXP = /^[a-z][a-z\d+.-]*$/i;
const STATUS_REGEXP =
  /^[1-9]\d\d [!-~\x80-\xff](?:[ -~\x80-\xff]*[!-~\x80-\xff])?$/;
const SCRIPT_NAME_REGEXP = /^(?:\/[^]+)?$/;
const PATH_REGEXP = /^(?:\/|$)/;
const SERVER_NAME_REGEXP =
  /^(?:\[[\w.~!$&'()*+,;=:%-]+\]|[\da-f:.]+|[\w.~!$&'()*+,;=%-]+)$/i;
const NAME_END_REGEXP = /[a-z\d]$/i;
const ETAG_REGEXP = /^(?:W\/)?"[!#-~\x80-\xff]*"$/;
const URI_REFERENCE_REGEXP = /^[\w.~:/?#[\]@!$&'()*+,;=%-]+$/;
const HOST_REGEXP =
  /^(?:\[[\w.~!$&'()*+,;=:%-]+\]|[\w.~!$&'()*+,;=%-]+)(?<port>:\d*)?$/;

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function hasMethods(value: unknown, names: PropertyKey[]): boolean {
  return isObject(value) &&
    names.every((name) =>
      typeof (value as Record<PropertyKey, unknown>)[name] === "function"
    );
}

function isIterable(value: unknown): value is WsgiResult {
  return hasMethods(value, [Symbol.iterator]) ||
    hasMethods(value, [Symbol.asyncIterator]);
}

/** Whether `value` is a string of another form. Other types have their check. */
function isMalformed(value: unknown, form: RegExp): value is string {
  return typeof value === "string" && !form.test(value);
}

function isPlainObject(value: unknown): boolean {
  if (!isObject(value) || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What a validator remembers between requests. */
interface ValidatorState {
  readonly onWarning: (warning: WsgiConformanceError) => void;
  readonly onViolation: ((violation: WsgiConformanceError) => void) | undefined;
  /** The warnings that were given. */
  readonly warned: Set<WsgiConformanceCode>;
  /** How many calls of the application have not returned. */
  calls: number;
  /** How many results are at their end, but not closed. */
  unclosed: number;
}

/**
 * How far a request has come, as its validator sees it:
 *
 * - `"calling"`: the application has not returned.
 * - `"returned"`: the server has the result, and may ask for a block.
 * - `"iterating"`: the server has asked for a block.
 * - `"ended"`: the iteration is over.
 * - `"closed"`: `close()` was called.
 */
type ExchangePhase = "calling" | "returned" | "iterating" | "ended" | "closed";

/** One request as it passes one validator: what its guards share. */
class Exchange {
  readonly state: ValidatorState;
  /** That of the validator around the middleware that made this call. */
  readonly outer: Exchange | undefined;
  /** That of the validator within the application, if that is middleware. */
  inner: Exchange | undefined;
  /** The results within, which the middleware has to close. */
  readonly innerResults: ResultGuard[] = [];
  phase: ExchangePhase = "calling";
  method = "";
  /** Whether `write()` was called. */
  hasWritten = false;
  /** The number of blocks that the result has yielded. */
  blocks = 0;
  #reported: Set<string> | undefined;

  constructor(state: ValidatorState, environ: unknown) {
    this.state = state;
    let outer = ErrorsGuard.exchangeOf(environ);
    // One that is not running did not make this call: it was called before,
    // with the same environ.
    while (outer && outer.phase !== "calling" && outer.phase !== "iterating") {
      outer = outer.outer;
    }
    this.outer = outer;
    if (outer) outer.inner = this;
  }

  /** What the validators of this request have reported. */
  get reported(): Set<string> {
    return this.outer?.reported ?? (this.#reported ??= new Set());
  }

  /** Checks that what is to be closed with the result has been. */
  checkInner(): void {
    for (const { exchange, result } of this.innerResults) {
      if (exchange.phase !== "closed") {
        // P027: called by whoever was given the result.
        exchange.report("close-missing", result);
      }
    }
  }

  /** Throws a violation, or hands it to the options. */
  report(code: WsgiConformanceCode, value: unknown): void {
    const { side, severity } = CONFORMANCE_CHECKS[code];
    const { onWarning, onViolation, warned } = this.state;
    if (severity === "warning" && warned.has(code)) return;
    const isBetween = side === "server" ? this.outer : this.inner;
    const error = new WsgiConformanceError(code, {
      value,
      side: isBetween ? "middleware" : side,
    });
    if (severity === "error" && onViolation === undefined) throw error;
    if (severity === "warning") warned.add(code);
    // What comes to the next validator too is the doing of who had it first.
    const key = `${code} ${error.value}`;
    if (this.reported.has(key)) return;
    this.reported.add(key);
    if (severity === "warning") onWarning(error);
    else onViolation?.(error);
  }
}

/** Checks the environ. */
function checkEnviron(exchange: Exchange, environ: WsgiEnviron): void {
  for (const key in environ) {
    // These have checks of their own.
    if (!key.startsWith("wsgi.")) checkVariable(exchange, key, environ[key]);
  }
  for (const key of REQUIRED_VARIABLES) {
    // P034, P013, P036, P042, P052: what is always required.
    if (environ[key] === undefined) {
      exchange.report("environ-missing", [key, undefined]);
    }
  }
  checkRequest(exchange, environ);
  checkWsgiVariables(exchange, environ);
}

function checkVariable(exchange: Exchange, key: string, value: unknown): void {
  if (!CGI_NAME_REGEXP.test(key)) {
    const isHeader = key.startsWith("HTTP_");
    // P136, P134, P003: characters that stand for bytes.
    if (NON_NATIVE_REGEXP.test(key)) {
      exchange.report("environ-string-range", key);
    }
    // P044: named as CGI names headers.
    if (isHeader && NON_CGI_NAME_REGEXP.test(key)) {
      exchange.report("http-name", key);
    }
    if (!isHeader && key.includes(".")) {
      // P064, P014: named in lower case, with digits, dots and underscores.
      if (!EXTENSION_NAME_REGEXP.test(key)) {
        exchange.report("extension-name", key);
      }
      return;
    }
  }
  if (typeof value !== "string") {
    // P050, P002, P137: a string.
    if (value !== undefined || !REQUIRED_VARIABLES.includes(key)) {
      exchange.report("environ-value-type", [key, value]);
    }
    return;
  }
  // P136, P134, P003: characters that stand for bytes.
  if (NON_NATIVE_REGEXP.test(value)) {
    exchange.report("environ-string-range", [key, value]);
  }
}

function checkRequest(exchange: Exchange, environ: WsgiEnviron): void {
  const {
    REQUEST_METHOD: method,
    SCRIPT_NAME: script = "",
    PATH_INFO: path = "",
    CONTENT_LENGTH: length = "",
    SERVER_NAME: name,
    SERVER_PORT: port,
    SERVER_PROTOCOL: protocol,
    HTTP_HOST: host = "",
  } = environ;
  exchange.method = method;
  // P036: a token.
  if (typeof method === "string" && !isHeaderName(method)) {
    exchange.report("request-method", method);
  }
  // P037: empty, or a path that is not only the slash.
  if (isMalformed(script, SCRIPT_NAME_REGEXP)) {
    exchange.report("script-name", script);
  }
  // P038: empty, or a path, or a target that has none.
  if (
    isMalformed(path, PATH_REGEXP) &&
    !(path === "*" && method === "OPTIONS") &&
    !(method === "CONNECT" && HOST_REGEXP.exec(path)?.groups?.port)
  ) {
    exchange.report("path-info", path);
  }
  // P037, P038: one of them has the path.
  if (
    script === "" && path === "" && method !== "OPTIONS" && method !== "CONNECT"
  ) {
    exchange.report("path-missing", [script, path]);
  }
  // P041: digits, or empty.
  if (length !== "" && isMalformed(length, DIGITS_REGEXP)) {
    exchange.report("request-content-length", length);
  }
  // P042: never empty, and fit for a URL.
  if (isMalformed(name, SERVER_NAME_REGEXP)) {
    exchange.report("server-name", name);
  }
  // P042: never empty, and fit for a URL.
  if (isMalformed(port, DIGITS_REGEXP)) exchange.report("server-port", port);
  // P043: the protocol of the request.
  if (isMalformed(protocol, PROTOCOL_REGEXP)) {
    exchange.report("server-protocol", protocol);
  }
  // P044: what the Host header may be, empty included.
  if (host !== "" && isMalformed(host, HOST_REGEXP)) {
    exchange.report("http-host", host);
  }
  for (const key of UNPREFIXED_HEADERS) {
    // P044: these have variables of their own.
    if (key in environ) exchange.report("http-content", [key, environ[key]]);
  }
  // P044: no setting of an HTTP client comes from a request.
  if ("HTTP_PROXY" in environ) {
    exchange.report("http-proxy", environ.HTTP_PROXY);
  }
  for (const key of OPTIONAL_VARIABLES) {
    // P049: absent, if there is nothing to say.
    if (environ[key] === "") exchange.report("environ-empty", [key, ""]);
  }
  // P155: decoded by the server.
  if (
    "HTTP_TRANSFER_ENCODING" in environ && !environ["wsgi.input_terminated"]
  ) {
    exchange.report("http-transfer-encoding", environ.HTTP_TRANSFER_ENCODING);
  }
  // P046: on with TLS only.
  if (environ.HTTPS === "on" && environ["wsgi.url_scheme"] === "http") {
    exchange.report("https", environ.HTTPS);
  }
}

function checkWsgiVariables(exchange: Exchange, environ: WsgiEnviron): void {
  const {
    "wsgi.version": version = [1, 0],
    "wsgi.url_scheme": scheme = "http",
    "wsgi.input": input,
    "wsgi.errors": errors,
  } = environ;
  // P053: the pair [1, 0].
  if (
    !Array.isArray(version) || version.length !== 2 || version[0] !== 1 ||
    version[1] !== 0
  ) {
    exchange.report("wsgi-version", version);
  }
  if (scheme !== "http" && scheme !== "https") {
    // P054: the scheme of a URL.
    if (typeof scheme !== "string" || !SCHEME_REGEXP.test(scheme)) {
      exchange.report("url-scheme", scheme);
    } else {
      // P054: normally one of these two.
      exchange.report("url-scheme-unusual", scheme);
    }
  }
  for (const key of FLAGS) {
    const value = environ[key];
    // P061, P062, P063: true or false.
    if (value !== undefined && typeof value !== "boolean") {
      exchange.report("wsgi-flag", [key, value]);
    }
  }
  // P065, P055: the methods that applications may use.
  if (
    input !== undefined &&
    !(hasMethods(input, INPUT_METHODS) && "readable" in input)
  ) {
    exchange.report("input-type", input);
  }
  // P065, P056: the methods that applications may use.
  if (errors !== undefined && !hasMethods(errors, ERRORS_METHODS)) {
    exchange.report("errors-type", errors);
  }
  // P183, P181: a function, if it is there.
  if (
    "wsgi.file_wrapper" in environ &&
    typeof environ["wsgi.file_wrapper"] !== "function"
  ) {
    exchange.report("file-wrapper-type", environ["wsgi.file_wrapper"]);
  }
}

/** Checks that nothing of another request is left, as calls do not overlap. */
function checkPrevious(exchange: Exchange): void {
  const { state } = exchange;
  const { calls, unclosed } = state;
  // P061: true if calls overlap.
  if (calls > 0) exchange.report("wsgi-multithread", `${calls} not returned`);
  state.unclosed = 0;
  // P027: called on completion.
  if (unclosed > 0) exchange.report("close-missing", `${unclosed} not closed`);
}

/** Puts guards in the place of what the application uses. */
function guardEnviron(exchange: Exchange, environ: WsgiEnviron): void {
  const input = environ["wsgi.input"];
  const errors = environ["wsgi.errors"];
  const wrapper = environ["wsgi.file_wrapper"];
  if (isObject(input)) {
    const length = environ["wsgi.input_terminated"]
      ? Infinity
      : Number(environ.CONTENT_LENGTH ?? 0);
    environ["wsgi.input"] = new InputGuard(exchange, input, length);
  }
  if (isObject(errors)) {
    environ["wsgi.errors"] = new ErrorsGuard(exchange, errors);
  }
  if (typeof wrapper === "function") {
    environ["wsgi.file_wrapper"] = guardFileWrapper(exchange, wrapper);
  }
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Guards `wsgi.input`, which has no more methods than these (P075). */
class InputGuard implements InputStream {
  readonly #exchange: Exchange;
  readonly #input: InputStream;
  /** The bytes that are left of CONTENT_LENGTH. */
  #left: number;
  #isAtEnd = false;

  constructor(exchange: Exchange, input: InputStream, length: number) {
    this.#exchange = exchange;
    this.#input = input;
    this.#left = length;
  }

  async read(size?: number, ...rest: unknown[]): Promise<Bytes> {
    this.#checkArguments(size, rest);
    // P068: no more than CONTENT_LENGTH.
    if (size !== undefined && size > this.#left) {
      this.#exchange.report("input-past-end", size);
    }
    const bytes = await this.#input.read(size);
    this.#checkBytes(bytes, size);
    if (size === undefined || bytes?.length < size) this.#isAtEnd = true;
    return bytes;
  }

  async readline(size?: number, ...rest: unknown[]): Promise<Bytes> {
    this.#checkArguments(size, rest);
    const line = await this.#input.readline(size);
    this.#checkLine(line, size);
    return line;
  }

  async readlines(hint?: number, ...rest: unknown[]): Promise<Bytes[]> {
    this.#checkArguments(hint, rest);
    const lines = await this.#input.readlines(hint);
    // P055, P138, P002: bytes, here a list of them.
    if (!Array.isArray(lines)) this.#exchange.report("input-result", lines);
    else for (const line of lines) this.#checkLine(line);
    return lines;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Bytes, void> {
    for await (const line of this.#input) {
      this.#checkLine(line);
      yield line;
    }
  }

  get readable(): ReadableStream<Bytes> {
    const { readable } = this.#input;
    // P055, P138, P002: bytes, here a stream of them.
    if (!(readable instanceof ReadableStream)) {
      this.#exchange.report("input-result", readable);
    }
    return readable;
  }

  close(): void {
    // P076, P075: the stream is the server's.
    this.#exchange.report("input-closed", this.#input);
  }

  #checkArguments(size: number | undefined, rest: unknown[]): void {
    // P065, P077: at most one.
    if (rest.length > 0) {
      this.#exchange.report("input-arguments", [size, ...rest]);
    }
    // P065: a number of bytes, or none for all.
    if (size !== undefined && !(Number.isInteger(size) && size >= 0)) {
      this.#exchange.report("input-size", size);
    }
  }

  #checkBytes(bytes: Uint8Array, size = Infinity): void {
    // P055, P138, P002: bytes.
    if (!(bytes instanceof Uint8Array)) {
      this.#exchange.report("input-result", bytes);
      return;
    }
    // P065, P071: as many as asked for.
    if (bytes.length > size) {
      this.#exchange.report("input-excess", `${bytes.length} of ${size} bytes`);
    }
    // P070, P067: nothing, for ever.
    if (this.#isAtEnd && bytes.length > 0) {
      this.#exchange.report("input-after-end", bytes);
    }
    this.#left -= bytes.length;
  }

  #checkLine(line: Uint8Array, size = Infinity): void {
    this.#checkBytes(line, size);
    if (!(line instanceof Uint8Array)) return;
    const newline = line.indexOf(10);
    // P055, P138, P002: one line, and not more.
    if (newline >= 0 && newline < line.length - 1) {
      this.#exchange.report("input-result", line);
    }
    if (newline < 0 && line.length < size) this.#isAtEnd = true;
  }
}

/** Guards `wsgi.errors`, which has no more methods than these (P075). */
class ErrorsGuard implements ErrorStream {
  readonly #exchange: Exchange;
  readonly #errors: ErrorStream;

  constructor(exchange: Exchange, errors: ErrorStream) {
    this.#exchange = exchange;
    this.#errors = errors;
  }

  /** The exchange that an environ has come through last. */
  static exchangeOf(environ: unknown): Exchange | undefined {
    const errors = (environ as Partial<WsgiEnviron> | null | undefined)
      ?.["wsgi.errors"];
    return errors instanceof ErrorsGuard ? errors.#exchange : undefined;
  }

  write(text: string, ...rest: unknown[]): void {
    this.#checkRest(rest);
    // P056: text.
    if (typeof text !== "string") this.#exchange.report("errors-text", text);
    // P057: "\n" ends a line.
    else if (text.includes("\r")) {
      this.#exchange.report("errors-line-ending", text);
    }
    try {
      this.#errors.write(text);
    } catch (error) {
      // P058: any text.
      if (typeof text === "string") {
        this.#exchange.report("errors-throws", text);
      }
      throw error;
    }
  }

  writelines(list: Iterable<string>, ...rest: unknown[]): void {
    this.#checkRest(rest);
    // P056: text, here a list of it.
    if (!hasMethods(list, [Symbol.iterator])) {
      this.#exchange.report("errors-text", list);
      this.#errors.writelines(list);
    } else {
      for (const text of list) this.write(text);
    }
  }

  flush(...rest: unknown[]): void {
    this.#checkRest(rest);
    this.#errors.flush();
  }

  close(): void {
    // P076, P075: the stream is the server's.
    this.#exchange.report("errors-closed", this.#errors);
  }

  #checkRest(rest: unknown[]): void {
    // P065, P077: no more than PEP 3333 lists.
    if (rest.length > 0) this.#exchange.report("errors-arguments", rest);
  }
}

/** Guards `wsgi.file_wrapper`. */
function guardFileWrapper(
  exchange: Exchange,
  wrapper: FileWrapperFactory,
): FileWrapperFactory {
  return (filelike, blksize, ...rest: unknown[]) => {
    // P183, P077: one or two.
    if (rest.length > 0) {
      exchange.report("file-wrapper-arguments", [filelike, blksize, ...rest]);
    }
    // P186: read() at least, or what it can be made of.
    if (
      !hasMethods(filelike, ["read"]) &&
      !(filelike instanceof ReadableStream) && !(filelike instanceof Blob)
    ) {
      exchange.report("file-wrapper-file", filelike);
    }
    const result = wrapper(filelike, blksize);
    // P184, P188: an iterable, which closes the file.
    if (
      !isIterable(result) ||
      (hasMethods(filelike, ["close"]) && !hasMethods(result, ["close"]))
    ) {
      exchange.report("file-wrapper-result", result);
    }
    return result;
  };
}

/** Guards `startResponse()` and `write()`, and measures the body. */
class ResponseGuard {
  readonly #exchange: Exchange;
  readonly #startResponse: StartResponse;
  #isStarted = false;
  /** Whether there was a block before that. */
  #isMissed = false;
  /** What `startResponse()` threw when it was given an error. */
  #fatal: unknown;
  /** The status code; 200 until there is one. */
  #code = 200;
  #hasContentType = false;
  /** The Content-Length, if there is one. */
  #length: number | undefined;
  /** The number of bytes of body. */
  #sent = 0;
  /** Whether the server has asked for more after a block that has bytes. */
  #isCommitted = false;

  constructor(exchange: Exchange, startResponse: StartResponse) {
    this.#exchange = exchange;
    this.#startResponse = startResponse;
  }

  start(
    status: string,
    headers: WsgiHeaderList,
    excInfo: unknown,
    rest: unknown[],
  ): WriteCallable {
    const exchange = this.#exchange;
    const hasError = excInfo !== undefined && excInfo !== null;
    // P015, P016, P077: two or three.
    if (headers === undefined || rest.length > 0) {
      exchange.report("start-response-arguments", [
        status,
        headers,
        excInfo,
        ...rest,
      ]);
    }
    // P101, P102, P144: again only with excInfo, even if it threw.
    if (this.#isStarted && !hasError) {
      exchange.report("start-response-repeated", status);
    }
    this.#isStarted = true;
    // P095: what was thrown.
    if (hasError && !(excInfo instanceof Error)) {
      exchange.report("exc-info-type", excInfo);
    }
    this.#checkStatus(status);
    if (headers !== undefined) this.#checkHeaders(headers);
    let write;
    try {
      write = this.#startResponse(status, headers, excInfo);
    } catch (error) {
      if (hasError) this.#fatal = error;
      throw error;
    }
    // P098: thrown, if the headers have been sent.
    if (hasError && this.#isCommitted) {
      exchange.report("exc-info-ignored", excInfo);
    }
    // P019: the function write().
    if (typeof write !== "function") {
      exchange.report("start-response-result", write);
      return write;
    }
    return (data, ...rest: unknown[]) => this.#write(write, data, rest);
  }

  #checkStatus(status: string): void {
    this.#code = 200;
    // P137, P002: a string.
    if (typeof status !== "string") {
      this.#exchange.report("status-type", status);
    } else if (STATUS_REGEXP.test(status)) {
      this.#code = Number(status.slice(0, 3));
    } else if (NON_NATIVE_REGEXP.test(status)) {
      // P135, P133, P134, P003: characters that stand for bytes.
      this.#exchange.report("response-string-range", status);
    } else if (CONTROL_REGEXP.test(status)) {
      // P079, P080: no control characters, above all at the end.
      this.#exchange.report("status-control", status);
    } else {
      // P017, P078: code, space, reason, and nothing around them.
      this.#exchange.report("status-form", status);
    }
  }

  #checkHeaders(list: WsgiHeaderList): void {
    const headers = list instanceof WsgiHeaders
      ? list.items()
      : list as WsgiHeader[];
    this.#hasContentType = false;
    this.#length = undefined;
    // P018, P081: a list.
    if (!Array.isArray(headers)) {
      this.#exchange.report("headers-type", headers);
      return;
    }
    const singles: string[] = [];
    for (const header of headers) {
      // P018: of pairs.
      if (!Array.isArray(header) || header.length !== 2) {
        this.#exchange.report("header-pair", header);
        continue;
      }
      const [name, value] = header;
      // P137, P002: of strings.
      if (typeof name !== "string" || typeof value !== "string") {
        this.#exchange.report("header-type", header);
        continue;
      }
      const lowerName = name.toLowerCase();
      this.#checkHeader(header, lowerName);
      if (!SINGLE_HEADERS.has(lowerName)) continue;
      // P085: not twice what is not a list.
      if (singles.includes(lowerName)) {
        this.#exchange.report("header-repeated", header);
      }
      singles.push(lowerName);
    }
  }

  #checkHeader(header: WsgiHeader, lowerName: string): void {
    const exchange = this.#exchange;
    const [name, value] = header;
    // P083: a token.
    if (!isHeaderName(name)) {
      exchange.report("header-name", name);
    } else if (!NAME_END_REGEXP.test(name)) {
      // P083: without punctuation at its end.
      exchange.report("header-name-end", name);
    }
    if (!isHeaderValue(value) || BLANK_END_REGEXP.test(value)) {
      if (NON_NATIVE_REGEXP.test(value)) {
        // P135, P133, P134, P003: characters that stand for bytes.
        exchange.report("response-string-range", header);
      } else {
        // P084: no control characters, above all no line breaks.
        exchange.report("header-value", header);
      }
    }
    // P088, P112, P153, P160: the connection is the server's.
    if (isHopByHop(name)) exchange.report("header-hop-by-hop", header);
    const isEmpty = this.#code < 200 || this.#code === 204;
    switch (lowerName) {
      case "status":
        // P085: the status is an argument.
        exchange.report("header-status", header);
        break;
      case "content-type":
        this.#hasContentType = true;
        // P085: none without a body.
        if (isEmpty) exchange.report("content-type-forbidden", header);
        break;
      case "content-length":
        // P105: digits.
        if (DIGITS_REGEXP.test(value)) this.#length = Number(value);
        else exchange.report("content-length-form", header);
        // P085: none without a body.
        if (
          isEmpty || (exchange.method === "CONNECT" && this.#code < 300)
        ) {
          exchange.report("content-length-forbidden", header);
        }
        break;
      case "etag":
        // P157: quoted.
        if (!ETAG_REGEXP.test(value)) exchange.report("etag-form", header);
        break;
      case "location":
        // P085: absolute or relative.
        if (!URI_REFERENCE_REGEXP.test(value)) {
          exchange.report("location-form", header);
        }
        break;
    }
  }

  #write(
    write: WriteCallable,
    data: Uint8Array,
    rest: unknown[],
  ): Promise<void> {
    const exchange = this.#exchange;
    // P077, P019: one.
    if (rest.length > 0) exchange.report("write-arguments", [data, ...rest]);
    // P130, P131: before what is yielded.
    if (exchange.phase !== "calling") {
      exchange.report("write-after-return", data);
    }
    exchange.hasWritten = true;
    if (exchange.inner === undefined) {
      // P124: for what was written before WSGI only.
      exchange.report("write-discouraged", data);
    } else if (!exchange.inner.hasWritten) {
      // P122, P123, P008: only what came by write().
      exchange.report("middleware-write", data);
    }
    // P125, P138, P002: bytes.
    if (!(data instanceof Uint8Array)) exchange.report("write-type", data);
    else this.#measure(data);
    const written = write(data);
    // P126, P019: a promise of it.
    if (!isPromise(written)) exchange.report("write-result", written);
    return written;
  }

  /** Takes account of a block of the result. */
  take(block: Uint8Array): void {
    // P020, P138, P002: bytes.
    if (!(block instanceof Uint8Array)) {
      this.#exchange.report("block-type", block);
    } else {
      this.#measure(block);
    }
  }

  #measure(block: Uint8Array): void {
    const exchange = this.#exchange;
    // P030, P031, P032: before the first block.
    if (!this.#isStarted && !this.#isMissed) {
      this.#isMissed = true;
      exchange.report("start-response-missing", block);
    }
    if (block.length === 0) return;
    this.#sent += block.length;
    if (BODILESS_STATUSES.has(this.#code) || this.#code < 200) {
      // P085: these have none.
      exchange.report("body-forbidden", block);
    } else if (exchange.method === "HEAD") {
      // P085: headers only.
      exchange.report("body-to-head", block);
    } else {
      // P105, P106: no more than declared.
      if (this.#length !== undefined && this.#sent > this.#length) {
        const value = `${this.#sent} of ${this.#length} bytes`;
        this.#length = undefined;
        exchange.report("content-length-exceeded", value);
      }
      // P024: in a format that the client is told.
      if (this.#isStarted && !this.#hasContentType) {
        exchange.report("content-type-missing", block);
      }
    }
  }

  /** Takes note that the server has asked for the next block. */
  commit(): void {
    this.#isCommitted = this.#sent > 0 && this.#exchange.method !== "HEAD";
  }

  /** Takes note that the application has gone on after `startResponse()`. */
  checkFatal(): void {
    if (this.#fatal === undefined) return;
    const error = this.#fatal;
    this.#fatal = undefined;
    // P100, P145: ended by what startResponse() threw.
    this.#exchange.report("exc-info-trapped", error);
  }

  /** Takes note that the body is complete. */
  finish(): void {
    // P030, P031, P032: called, even without a block.
    if (!this.#isStarted && !this.#isMissed) {
      this.#exchange.report("start-response-missing", undefined);
    }
    const isBodiless = this.#exchange.method === "HEAD" ||
      this.#code < 200 || this.#code === 204 || this.#code === 304;
    // P107: no less than declared.
    if (
      this.#length !== undefined && this.#sent < this.#length && !isBodiless
    ) {
      this.#exchange.report(
        "content-length-unreached",
        `${this.#sent} of ${this.#length} bytes`,
      );
    }
  }
}

type Step = IteratorResult<Uint8Array>;

/** Guards a result: how it is iterated and closed, and what it yields. */
class ResultGuard {
  readonly exchange: Exchange;
  readonly result: WsgiResult;
  readonly #response: ResponseGuard;
  readonly #hasClose: boolean;
  #iterator: BlockIterator | undefined;
  /** Whether a violation has kept the server from the rest of the blocks. */
  #isCut = false;

  constructor(exchange: Exchange, response: ResponseGuard, result: WsgiResult) {
    this.exchange = exchange;
    this.result = result;
    this.#response = response;
    this.#hasClose = typeof result.close === "function";
    // P027: what is there is called.
    if (!this.#hasClose && result.close !== undefined) {
      exchange.report("result-close", result.close);
    }
    if (this.#hasClose) exchange.outer?.innerResults.push(this);
  }

  begin(): void {
    // P021: each block is sent, once.
    if (this.#iterator) this.exchange.report("iterated-twice", this.result);
    this.#iterator = iterate(this.result);
    if (!hasMethods(this.#iterator, ["next"])) {
      // P020, P127, P180: iterable, which takes an iterator.
      this.exchange.report("result-type", this.#iterator);
    }
  }

  /** Asks for a block: a promise if the iterator gives one. */
  next(): Step | Promise<Step> {
    const { exchange } = this;
    if (exchange.phase === "iterating") {
      // P021: the block before is sent first.
      exchange.report("iterated-early", this.result);
    } else if (exchange.phase === "ended") {
      // P021: there are no more.
      exchange.report("iterated-after-end", this.result);
    } else if (exchange.phase === "closed") {
      // P027: closed on completion.
      exchange.report("iterated-after-close", this.result);
    } else {
      exchange.phase = "iterating";
    }
    this.#response.commit();
    if (!this.#iterator) this.begin();
    let step;
    try {
      step = (this.#iterator as BlockIterator).next();
    } catch (error) {
      this.#fail(error);
    }
    return isPromise(step)
      ? step.then(
        (step) => this.#check(step, false),
        (error) => this.#fail(error),
      )
      : this.#check(step, true);
  }

  return(): Step | Promise<Step> {
    this.end();
    return this.#iterator?.return?.() ?? { done: true, value: undefined };
  }

  /** Takes note that the server will not ask for another block. */
  end(): void {
    const { exchange } = this;
    if (exchange.phase === "closed" || exchange.phase === "ended") return;
    exchange.phase = "ended";
    if (this.#hasClose && !exchange.outer) exchange.state.unclosed += 1;
  }

  close(): void | Promise<void> {
    const { exchange } = this;
    // P027: once.
    if (exchange.phase === "closed") {
      exchange.report("close-repeated", this.result);
    } else {
      this.end();
      // It is less if a later request was told of this one.
      if (this.#hasClose && !exchange.outer) {
        exchange.state.unclosed = Math.max(0, exchange.state.unclosed - 1);
      }
    }
    exchange.phase = "closed";
    const closing = this.#release();
    return isPromise(closing)
      ? closing.then(() => exchange.checkInner())
      : exchange.checkInner();
  }

  #release(): void | Promise<void> {
    const returned = this.#isCut ? this.#iterator?.return?.() : undefined;
    const close = () => this.#hasClose ? this.result.close?.() : undefined;
    const closed = isPromise(returned) ? returned.then(close) : close();
    return isPromise(closed) ? closed.then(() => {}) : undefined;
  }

  #fail(error: unknown): never {
    this.end();
    throw error;
  }

  #check(step: Step, isSync: boolean): Step {
    const { exchange } = this;
    // The client may be gone since the block was asked for.
    if (exchange.phase !== "iterating") return step;
    exchange.phase = "returned";
    try {
      this.#response.checkFatal();
      if (!isObject(step)) {
        // P020, P127, P180: iterable, as iterators are.
        exchange.report("result-type", step);
      } else if (step.done) {
        this.#finish();
      } else {
        exchange.blocks += 1;
        this.#response.take(step.value);
        if (isSync) this.#checkBlocks();
      }
    } catch (error) {
      this.#isCut = exchange.phase === "returned";
      this.#fail(error);
    }
    return step;
  }

  #finish(): void {
    this.end();
    this.#response.finish();
    this.#checkBlocks();
    const { blocks } = this.exchange;
    const { length, size } = this.result as {
      length?: unknown;
      size?: unknown;
    };
    const count = typeof length === "number" ? length : size;
    // P026: accurate.
    if (typeof count === "number" && count !== blocks) {
      this.exchange.report("result-length", count);
    }
  }

  /** Compares the blocks with those within. Async iteration may read ahead. */
  #checkBlocks(): void {
    const { inner, blocks } = this.exchange;
    // P118, P119, P120, P114, P008: a block for each, if only an empty one.
    if (inner && inner.blocks > blocks) {
      this.exchange.report("middleware-withheld", `${inner.blocks} blocks`);
      inner.blocks = blocks;
    }
  }
}

class SyncResultGuard extends ResultGuard implements Iterable<Uint8Array> {
  [Symbol.iterator](): Iterator<Uint8Array> {
    this.begin();
    return this as Iterator<Uint8Array>;
  }
}

class AsyncResultGuard extends ResultGuard
  implements AsyncIterable<Uint8Array> {
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    this.begin();
    return this as AsyncIterator<Uint8Array>;
  }
}

/** An array stays what it is, so that it is answered at once. */
function guardArray(
  exchange: Exchange,
  response: ResponseGuard,
  result: Uint8Array[] & WsgiResult,
): WsgiResult {
  for (const block of result) response.take(block);
  response.finish();
  if (result.close === undefined) {
    exchange.phase = "ended";
    exchange.checkInner();
    return result;
  }
  const guard = new ResultGuard(exchange, response, result);
  guard.end();
  return Object.assign([...result], { close: () => guard.close() });
}

/** A file wrapper stays what it is, so that the server can tell. */
function guardFile(
  exchange: Exchange,
  response: ResponseGuard,
  result: FileWrapper,
): WsgiResult {
  const { next, close } = result;
  const guard = new ResultGuard(exchange, response, {
    [Symbol.asyncIterator]: () => ({ next: () => next.call(result) }),
    ...(close && { close: () => close.call(result) }),
  });
  return Object.assign(result, {
    next: () => guard.next(),
    close: () => guard.close(),
  });
}

/** Guards a result, or closes it: one that is refused nobody else gets. */
function takeResult(
  exchange: Exchange,
  response: ResponseGuard,
  result: WsgiResult,
  isSync: boolean,
): WsgiResult {
  try {
    return guardResult(exchange, response, result, isSync);
  } catch (error) {
    closeRefused(result);
    throw error;
  }
}

async function closeRefused(result: WsgiResult | undefined): Promise<void> {
  try {
    await result?.close?.();
  } catch {
    // The violation is what is thrown.
  }
}

function guardResult(
  exchange: Exchange,
  response: ResponseGuard,
  result: WsgiResult,
  isSync: boolean,
): WsgiResult {
  exchange.phase = "returned";
  const { inner } = exchange;
  const isOver = inner?.phase === "ended" || inner?.phase === "closed";
  // P121, P008: as soon as the application within has.
  if (inner && inner.blocks > 0 && (isSync || isOver)) {
    exchange.report("middleware-delayed", `${inner.blocks} blocks`);
  }
  response.checkFatal();
  if (typeof result === "string") {
    // P020, P132: blocks of bytes, which the application makes of its text.
    exchange.report("result-string", result);
  } else if (result instanceof ArrayBuffer || ArrayBuffer.isView(result)) {
    // P020: blocks of bytes, not bytes.
    exchange.report("result-bytes", result);
  } else if (
    !isIterable(result) || (result instanceof ReadableStream && result.locked)
  ) {
    // P020, P127, P180: an iterable, whatever else the application has done.
    exchange.report("result-type", result);
  } else if (Array.isArray(result)) {
    return guardArray(exchange, response, result);
  } else if (result instanceof FileWrapper) {
    return guardFile(exchange, response, result);
  } else {
    return Symbol.asyncIterator in result
      ? new AsyncResultGuard(exchange, response, result)
      : new SyncResultGuard(exchange, response, result);
  }
  exchange.phase = "ended";
  return result;
}

/**
 * Wraps an application in a validator, which is an application too.
 *
 * The application is called with the same environ, whose `wsgi.input`,
 * `wsgi.errors` and `wsgi.file_wrapper` are replaced. A sync application stays
 * sync. An array that it returns, or a {@linkcode FileWrapper}, is passed on as
 * such; any other result is iterated as the server asks for blocks.
 *
 * @param app The application.
 * @param options Where violations and warnings go.
 * @returns The application that checks.
 * @throws {WsgiConformanceError} If `app` is not a function. What it returns
 * throws one for each rule that is broken, unless `onViolation` takes it.
 *
 * @see {@link https://docs.python.org/3/library/wsgiref.html#wsgiref.validate.validator | Python: wsgiref.validate.validator()}
 *
 * @example Usage
 * ```ts
 * import { validator } from "@wsgi/wsgiref/validate";
 * import { setupTestingDefaults } from "@wsgi/wsgiref/util";
 * import { assertThrows } from "@std/assert";
 *
 * const app = validator((_environ, startResponse) => {
 *   startResponse("200 OK", [["Connection", "close"]]);
 *   return [];
 * });
 *
 * assertThrows(
 *   () => app(setupTestingDefaults({}), () => () => Promise.resolve()),
 *   Error,
 *   "The headers must not be hop-by-hop",
 * );
 * ```
 *
 * @example Everything that is wrong with a response
 * ```ts
 * import { validator } from "@wsgi/wsgiref/validate";
 * import { setupTestingDefaults } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const codes: string[] = [];
 * const app = validator((_environ, startResponse) => {
 *   startResponse("200", [["Status", "200"], ["Content-Length", "5"]]);
 *   return [new TextEncoder().encode("Hello!")];
 * }, {
 *   onViolation: ({ code }) => codes.push(code),
 *   onWarning: ({ code }) => codes.push(code),
 * });
 * app(setupTestingDefaults({}), () => () => Promise.resolve());
 *
 * assertEquals(codes, [
 *   "status-form",
 *   "header-status",
 *   "content-length-exceeded",
 *   "content-type-missing",
 * ]);
 * ```
 */
export function validator(
  app: WsgiApplication,
  options: ValidatorOptions = {},
): WsgiApplication {
  const { onWarning = warn, onViolation } = options;
  const state: ValidatorState = {
    onWarning,
    onViolation,
    warned: new Set(),
    calls: 0,
    unclosed: 0,
  };
  if (typeof app !== "function") {
    // P004: what can be called.
    new Exchange(state, undefined).report("application-type", app);
  }
  return (environ, startResponse, ...rest: unknown[]) => {
    const exchange = new Exchange(state, environ);
    // It is one request that comes with an environ that came before.
    if (
      environ?.["wsgi.multithread"] === false &&
      ErrorsGuard.exchangeOf(environ) === undefined
    ) {
      checkPrevious(exchange);
    }
    // P010: two, the second of them startResponse().
    if (typeof startResponse !== "function" || rest.length > 0) {
      exchange.report("application-arguments", [
        environ,
        startResponse,
        ...rest,
      ]);
    }
    // P011, P012: a plain object, which may be changed.
    if (!isPlainObject(environ) || Object.isFrozen(environ)) {
      exchange.report("environ-type", environ);
    } else {
      checkEnviron(exchange, environ);
      guardEnviron(exchange, environ);
    }
    const response = new ResponseGuard(exchange, startResponse);
    const result = app(
      environ,
      (status, headers, excInfo, ...rest: unknown[]) =>
        response.start(status, headers, excInfo, rest),
    );
    if (!isPromise(result)) {
      return takeResult(exchange, response, result, true);
    }
    state.calls += 1;
    return result.then((result) => {
      state.calls -= 1;
      return takeResult(exchange, response, result, false);
    }, (error) => {
      state.calls -= 1;
      throw error;
    });
  };
}
