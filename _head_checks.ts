// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import { type Check, type Checks, predicatesOf } from "./_conformance.ts";
import type { Exchange } from "./_exchange.ts";
import { isLengthless } from "./_framing.ts";
import { isDigits, isStatus } from "./_grammar.ts";
import { isLatin1 } from "./_latin1.ts";
import { isHeaderName, isHeaderValue, WsgiHeaders } from "./headers.ts";
import type { WsgiHeader, WsgiHeaderList } from "./types.ts";
import { isHopByHop } from "./util.ts";

/** A rule that the status or the headers keep, or break. */
interface HeadCheck extends Check {
  isBadStatus?(status: string): boolean;
  isBadList?(headers: unknown): boolean;
  /** Tells whether an item of the list is no header at all. */
  isBadItem?(item: WsgiHeader): boolean;
  isBadName?(name: string): boolean;
  isBadValue?(header: WsgiHeader): boolean;
  /** Tells whether a header is bad after such a head. */
  isBadHeader?(header: WsgiHeader, head: Head): boolean;
  /** The headers that this is for, in lower case. Left out, it is for each. */
  headers?: string[];
}

// RFC 9110, 5.3: the headers that are not lists.
const SINGLE_HEADERS = (
  "age content-length content-range content-type date etag expires " +
  "last-modified location retry-after"
).split(" ");

// deno-lint-ignore no-control-regex
const CONTROL_REGEXP = /[\0-\x1f\x7f]/;
const BLANK_END_REGEXP = /^[\t ]|[\t ]$/;
const NAME_END_REGEXP = /[a-z\d]$/i;
const ETAG_REGEXP = /^(?:W\/)?"[!#-~\x80-\xff]*"$/;
const URI_REFERENCE_REGEXP = /^[\w.~:/?#[\]@!$&'()*+,;=%-]+$/;

/** What an application must give `startResponse()` as status and headers. */
export const HEAD_CHECKS = {
  // The status: only the first rule that it breaks is told
  "status-type": {
    clause: ["P137", "P002"],
    rule: "The status must be a string",
    remedy: 'write it like "200 OK"',
    isBadStatus: (status) => typeof status !== "string",
  },
  "response-string-range": {
    clause: ["P135", "P133", "P134", "P003"],
    rule: "Status and headers must only have characters U+0000 to U+00FF",
    remedy: "encode the text, such as with encodeURIComponent()",
    isBadStatus: (status) => !isLatin1(status),
    isBadValue: ([, value]) => !isLatin1(value),
  },
  "status-control": {
    clause: ["P079", "P080"],
    rule: "The status must not contain control characters",
    remedy: "remove them, above all line breaks",
    isBadStatus: (status) => CONTROL_REGEXP.test(status),
  },
  "status-form": {
    clause: ["P017", "P078"],
    rule:
      "The status must be a code from 100 to 999, one space and a reason phrase",
    remedy: 'write it like "200 OK"',
    // Middleware passes what it has not been told yet.
    remedyIn: ({ inner }, status) =>
      status === "" && !inner?.hasStarted
        ? "wait for the application within to call startResponse(), which may be as late as its first block"
        : undefined,
    isBadStatus: (status) => !isStatus(status),
  },

  // The list, and what is in it
  "headers-type": {
    clause: ["P018", "P081"],
    rule: "The headers must be an array",
    remedy: "write them like [[name, value]], or use items() of WsgiHeaders",
    isBadList: (headers) => !Array.isArray(headers),
  },
  "header-pair": {
    clause: ["P018"],
    rule: "Each header must be an array of a name and a value",
    remedy: "write it like [name, value]",
    isBadItem: (item) => !Array.isArray(item) || item.length !== 2,
  },
  "header-type": {
    clause: ["P137", "P002"],
    rule: "The name and the value of a header must be strings",
    remedy: "convert them with String()",
    isBadItem: ([name, value]) =>
      typeof name !== "string" || typeof value !== "string",
  },

  // Each header: of its name and of its value, only the first is told
  "header-name": {
    clause: ["P083"],
    rule: "The name of a header must be a token, without a colon",
    remedy: "use letters, digits and dashes",
    isBadName: (name) => !isHeaderName(name),
  },
  "header-name-end": {
    clause: ["P083"],
    severity: "warning",
    rule: "The name of a header should end in a letter or a digit",
    remedy: "remove the punctuation",
    isBadName: (name) => !NAME_END_REGEXP.test(name),
  },
  "header-value": {
    clause: ["P084"],
    rule: "The value of a header must have no control characters",
    remedy: "remove them, above all line breaks",
    isBadValue: ([, value]) => !isHeaderValue(value),
  },
  "header-value-blanks": {
    clause: ["P085", "RFC 9110, 5.5"],
    severity: "warning",
    rule:
      "The value of a header should have no blanks around it, which are not sent",
    remedy: "remove them",
    isBadValue: ([, value]) => BLANK_END_REGEXP.test(value),
  },
  "header-hop-by-hop": {
    clause: ["P088", "P112", "P153", "P160"],
    rule: "The headers must not be hop-by-hop",
    remedy: "leave the connection to the server",
    isBadHeader: ([name]) => isHopByHop(name),
  },
  "header-status": {
    clause: ["P085", "RFC 3875, 6.3.3"],
    rule: "The headers must not contain Status",
    remedy: "pass it as the first argument of startResponse()",
    headers: ["status"],
    isBadHeader: () => true,
  },
  "content-type-forbidden": {
    clause: ["P085", "RFC 9110, 8.3"],
    rule: "Content-Type must not be there with 1xx and 204, which have no body",
    remedy: "leave it out",
    headers: ["content-type"],
    isBadHeader: (_header, { code }) => code < 200 || code === 204,
  },
  "content-length-form": {
    clause: ["P105", "RFC 9110, 8.6"],
    rule: "Content-Length must be decimal digits",
    remedy: "write the number of bytes, or leave it to the server",
    headers: ["content-length"],
    isBadHeader: ([, value]) => !isDigits(value),
  },
  "content-length-forbidden": {
    clause: ["P085", "RFC 9110, 8.6"],
    rule:
      "Content-Length must not be there with 1xx, 204, or success of CONNECT",
    remedy: "leave it out",
    headers: ["content-length"],
    isBadHeader: (_header, { method, code }) =>
      isLengthless(code) || method === "CONNECT" && code < 300,
  },
  "etag-form": {
    clause: ["P157", "RFC 9110, 8.8.3"],
    severity: "warning",
    rule: "An ETag should be quoted, with W/ before it if it is weak",
    remedy: 'write it like "tag" or W/"tag", with the quotes',
    headers: ["etag"],
    isBadHeader: ([, value]) => !ETAG_REGEXP.test(value),
  },
  "location-form": {
    clause: ["P085", "RFC 9110, 10.2.2"],
    severity: "warning",
    rule: "Location should be a URI reference",
    remedy: "percent-encode what a URI cannot have",
    headers: ["location"],
    isBadHeader: ([, value]) => !URI_REFERENCE_REGEXP.test(value),
  },
  "header-repeated": {
    clause: ["P085", "RFC 9110, 5.3"],
    rule: "A header that has a single value must not be repeated",
    remedy: "replace the first, as set() of WsgiHeaders does",
    headers: SINGLE_HEADERS,
    isBadHeader: ([name], { names }) => names.includes(name.toLowerCase()),
  },
} satisfies Checks<HeadCheck>;

const predicates = predicatesOf<HeadCheck>(HEAD_CHECKS);
const STATUS_PREDICATES = predicates("isBadStatus");
const LIST_PREDICATES = predicates("isBadList");
const ITEM_PREDICATES = predicates("isBadItem");
const NAME_PREDICATES = predicates("isBadName");
const VALUE_PREDICATES = predicates("isBadValue");
const OTHER_HEADER_PREDICATES = predicatesFor("");
const HEADER_PREDICATES = new Map(
  ["status", ...SINGLE_HEADERS].map((name) => [name, predicatesFor(name)]),
);

/** The predicates for a header, its name in lower case. */
function predicatesFor(name: string) {
  const checks: Checks<HeadCheck> = HEAD_CHECKS;
  return predicates("isBadHeader").filter(({ code }) =>
    checks[code]?.headers?.includes(name) ?? true
  );
}

/** The head of a response, as far as it has been checked. */
export class Head {
  readonly #exchange: Exchange;
  readonly method: string;
  /** The status code; 200 if there is none. */
  code = 200;
  /** The Content-Length, if there is one. */
  length: number | undefined;
  /** The names of the headers, in lower case. */
  readonly names: string[] = [];

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    this.method = exchange.method;
  }

  /** Checks the status and the headers, if there are any. */
  check(status: string, list: WsgiHeaderList | undefined): void {
    const exchange = this.#exchange;
    const headers = list instanceof WsgiHeaders
      ? list.items()
      : list as WsgiHeader[] | undefined;
    if (isStatus(status)) this.code = Number(status.slice(0, 3));
    else exchange.reportFirst(STATUS_PREDICATES, status);
    if (
      headers === undefined || exchange.reportFirst(LIST_PREDICATES, headers)
    ) return;
    for (const header of headers) {
      if (!exchange.reportFirst(ITEM_PREDICATES, header)) this.#check(header);
    }
  }

  #check(header: WsgiHeader): void {
    const exchange = this.#exchange;
    const [name, value] = header;
    const lowerName = name.toLowerCase();
    exchange.reportFirst(NAME_PREDICATES, name);
    exchange.reportFirst(VALUE_PREDICATES, header);
    for (
      const { code, isBad } of HEADER_PREDICATES.get(lowerName) ??
        OTHER_HEADER_PREDICATES
    ) {
      if (isBad(header, this)) exchange.report(code, header);
    }
    this.names.push(lowerName);
    if (lowerName === "content-length" && isDigits(value)) {
      this.length = Number(value);
    }
  }
}
