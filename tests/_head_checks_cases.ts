// Copyright 2026 the wsgiref authors. MIT license.

import { WsgiHeaders } from "../headers.ts";
import {
  body,
  type Cases,
  encoder,
  head,
  invalid,
  run,
  TEXT,
} from "./_scenarios.ts";

/** What breaks the rules of `_head_checks.ts`, and what is next to that and legal. */
export const CASES = {
  "status-type": {
    bad: {
      "a number": head(invalid(200)),
      "bytes": head(invalid(encoder.encode("200 OK"))),
    },
    good: { "a string": head("200 OK") },
  },
  "response-string-range": {
    bad: {
      "a status beyond U+00FF": head("200 \u0100"),
      "a header beyond U+00FF": head("200 OK", ["X-A", "\u0100"]),
    },
    good: { "U+00FF": head("200 \xff", ["X-A", "\xff"]) },
  },
  "status-control": {
    bad: {
      "a line break at the end": head("200 OK\n"),
      "a header in it": head("200 OK\r\nX-A: b"),
      "a tab": head("200 O\tK"),
    },
    good: { "a space": head("200 O K") },
  },
  "status-form": {
    bad: {
      "no reason": head("200"),
      "an empty reason": head("200 "),
      "two spaces": head("200  OK"),
      "a space before it": head(" 200 OK"),
      "a space after it": head("200 OK "),
      "no code": head("OK"),
      "a code below 100": head("099 Low"),
      "an empty string": head(""),
    },
    good: {
      "a reason of several words": head("404 Not Found"),
      "999": head("999 Whatever"),
      "Latin-1": head("200 Tr\xe8s bien"),
    },
  },
  "headers-type": {
    bad: {
      "a record": run((_environ, startResponse) => {
        startResponse("200 OK", invalid({ "Content-Type": "text/plain" }));
        return [];
      }),
      "a Headers object": run((_environ, startResponse) => {
        startResponse("200 OK", invalid(new Headers()));
        return [];
      }),
    },
    good: {
      "an empty array": head("200 OK"),
      "WsgiHeaders": run((_environ, startResponse) => {
        startResponse("200 OK", new WsgiHeaders([["X-A", "b"]]));
        return [];
      }),
    },
  },
  "header-pair": {
    bad: {
      "a string": head("200 OK", invalid("X-A: b")),
      "three items": head("200 OK", invalid(["X-A", "b", "c"])),
      "null": head("200 OK", invalid(null)),
    },
    good: { "two items": head("200 OK", ["X-A", "b"]) },
  },
  "header-type": {
    bad: {
      "a number as the value": head("200 OK", invalid(["Content-Length", 0])),
      "undefined as the name": head("200 OK", invalid([undefined, ""])),
    },
    good: { "two strings": head("200 OK", ["Content-Length", "0"]) },
  },
  "header-name": {
    bad: {
      "a colon": head("200 OK", ["X-A:", "b"]),
      "a space": head("200 OK", ["X A", "b"]),
      "an empty name": head("200 OK", ["", "b"]),
      "a line break": head("200 OK", ["X-A\n", "b"]),
    },
    good: {
      "a digit first": head("200 OK", ["1a", "b"]),
      "a dot": head("200 OK", ["a.b", "c"]),
    },
  },
  "header-name-end": {
    bad: {
      "a dash": head("200 OK", ["X-", "b"]),
      "an exclamation mark": head("200 OK", ["X!", "b"]),
    },
    good: { "a dash within": head("200 OK", ["X-A", "b"]) },
  },
  "header-value": {
    bad: {
      "a header in it": head("200 OK", ["X-A", "b\r\nX-C: d"]),
      "DEL": head("200 OK", ["X-A", "\x7f"]),
      "a line break at the end": head("200 OK", ["X-A", " b\n"]),
    },
    good: {
      "a tab": head("200 OK", ["X-A", "b\tc"]),
      "an empty value": head("200 OK", ["X-A", ""]),
    },
  },
  "header-value-blanks": {
    bad: {
      "a space before it": head("200 OK", ["Set-Cookie", " a=1"]),
      "a tab after it": head("200 OK", ["X-A", "b\t"]),
      "nothing else": head("200 OK", ["X-A", " "]),
    },
    good: { "a space within": head("200 OK", ["X-A", "b c"]) },
  },
  "header-hop-by-hop": {
    bad: {
      "Connection": head("200 OK", ["connection", "close"]),
      "Transfer-Encoding": head("200 OK", ["Transfer-Encoding", "chunked"]),
    },
    good: { "Content-Encoding": head("200 OK", ["Content-Encoding", "gzip"]) },
  },
  "header-status": {
    bad: { "Status": head("200 OK", ["Status", "200 OK"]) },
    good: { "X-Status": head("200 OK", ["X-Status", "200 OK"]) },
  },
  "content-type-forbidden": {
    bad: {
      "204": head("204 No Content", TEXT),
      "1xx": head("103 Early Hints", TEXT),
    },
    good: { "304": head("304 Not Modified", TEXT) },
  },
  "content-length-form": {
    bad: {
      "a sign": head("200 OK", ["Content-Length", "-1"]),
      "an empty value": head("200 OK", ["Content-Length", ""]),
      "hexadecimal digits": head("200 OK", ["Content-Length", "0x0"]),
    },
    good: { "zero": head("200 OK", ["Content-Length", "0"]) },
  },
  "content-length-forbidden": {
    bad: {
      "204": head("204 No Content", ["Content-Length", "0"]),
      "1xx": head("103 Early Hints", ["Content-Length", "0"]),
      "CONNECT": body(() => [], [["Content-Length", "0"]], {
        method: "CONNECT",
      }),
    },
    good: {
      "304": head("304 Not Modified", ["Content-Length", "5"]),
      "205": head("205 Reset Content", ["Content-Length", "0"]),
      "300 to CONNECT": body(() => [], [["Content-Length", "0"]], {
        method: "CONNECT",
        status: "300 Multiple Choices",
      }),
      "an error response to CONNECT": body(
        () => [],
        [["Content-Length", "0"]],
        {
          method: "CONNECT",
          status: "403 Forbidden",
        },
      ),
    },
  },
  "etag-form": {
    bad: {
      "no quotes": head("200 OK", ["ETag", "abc"]),
      "a lower-case w": head("200 OK", ["ETag", 'w/"abc"']),
      "a quote within": head("200 OK", ["ETag", '"a"b"']),
    },
    good: {
      "a strong tag": head("200 OK", ["ETag", '"abc"']),
      "a weak tag": head("200 OK", ["ETag", 'W/"abc"']),
    },
  },
  "location-form": {
    bad: {
      "a space": head("302 Found", ["Location", "/a b"]),
      "not ASCII": head("302 Found", ["Location", "/caf\xe9"]),
      "an empty value": head("302 Found", ["Location", ""]),
    },
    good: {
      "a path": head("302 Found", ["Location", "/a?b#c"]),
      "a URL": head("302 Found", ["Location", "http://[::1]:80/%20"]),
    },
  },
  "header-repeated": {
    bad: {
      "Content-Type": head("200 OK", TEXT, TEXT),
      "Content-Length": head(
        "200 OK",
        ["Content-Length", "0"],
        ["content-length", "0"],
      ),
    },
    good: {
      "Set-Cookie": head("200 OK", ["Set-Cookie", "a=b"], ["Set-Cookie", "c"]),
      "Content-Length and Content-Type": head(
        "200 OK",
        ["Content-Length", "0"],
        TEXT,
      ),
    },
  },
} satisfies Cases;
