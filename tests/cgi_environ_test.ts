// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals, assertThrows } from "@std/assert";
import { cgiEnviron } from "../_cgi_environ.ts";
import { RequestError } from "../handlers.ts";

/** The variables of a request, without those that every request has here. */
function read(...variables: (readonly [name: string, value: string])[]) {
  const { REQUEST_METHOD, ...environ } = cgiEnviron([
    ["REQUEST_METHOD", "GET"],
    ...variables,
  ]);
  assertEquals(REQUEST_METHOD, "GET");
  return environ;
}

Deno.test("cgiEnviron() keeps what it is given", () => {
  const variables = {
    SCRIPT_NAME: "",
    PATH_INFO: "/caf\xc3\xa9",
    QUERY_STRING: "",
    HTTP_ACCEPT: "",
    DOCUMENT_ROOT: "/srv/caf\xc3\xa9",
    "": "",
    constructor: "spam",
  };
  assertEquals(read(...Object.entries(variables)), variables);
  const [name, value] = Object.entries(read(["__proto__", "spam"]))[0] ?? [];
  assertEquals([name, value], ["__proto__", "spam"]);
});

Deno.test("cgiEnviron() leaves out what a client must not set, and what is empty", () => {
  const environ = read(
    ["HTTP_PROXY", "http://evil.example/"],
    ["HTTP_CONTENT_TYPE", "text/plain"],
    ["HTTP_CONTENT_LENGTH", "5"],
    ["CONTENT_TYPE", ""],
    ["CONTENT_LENGTH", ""],
    ["AUTH_TYPE", ""],
    ["REMOTE_ADDR", ""],
    ["REMOTE_HOST", ""],
    ["REMOTE_IDENT", ""],
    ["REMOTE_USER", "spam"],
    ["REMOTE_USER", ""],
  );
  assertEquals(environ, {});
});

Deno.test("cgiEnviron() has one value of a variable that comes several times", () => {
  const cases: [name: string, values: string[], expected: string][] = [
    ["HTTP_ACCEPT", ["a", "b", "c"], "a, b, c"],
    ["HTTP_ACCEPT", ["", "b"], ", b"],
    ["HTTP_COOKIE", ["a=1", "b=2"], "a=1; b=2"],
    ["SCRIPT_NAME", ["/first", "/last"], "/last"],
    ["SCRIPT_NAME", ["/first", ""], ""],
    ["CONTENT_TYPE", ["text/plain", "text/html"], "text/html"],
    ["CONTENT_LENGTH", ["5", "5", "5"], "5"],
    ["CONTENT_LENGTH", ["", "5", ""], "5"],
    ["CONTENT_LENGTH", ["0", ""], "0"],
  ];
  for (const [name, values, expected] of cases) {
    const environ = read(...values.map((value) => [name, value] as const));
    assertEquals(environ, { [name]: expected }, `${name} ${values}`);
  }
});

Deno.test("cgiEnviron() refuses a CONTENT_LENGTH that is not one number", () => {
  const cases: [values: string[], received: string][] = [
    [["5", "6"], '["5", "6"]'],
    [["5", "05"], '["5", "05"]'],
    [["-1"], '"-1"'],
    [["5, 5"], '"5, 5"'],
    [["0x5"], '"0x5"'],
    [["1e3"], '"1e3"'],
    [[" 5"], '" 5"'],
  ];
  for (const [values, received] of cases) {
    assertThrows(
      () => read(...values.map((value) => ["CONTENT_LENGTH", value] as const)),
      RequestError,
      `CONTENT_LENGTH must be one number of bytes: received ${received}`,
    );
  }
});

Deno.test("cgiEnviron() refuses a request without a method", () => {
  for (const variables of [[], [["REQUEST_METHOD", ""]]] as const) {
    const { status } = assertThrows(
      () => cgiEnviron(variables),
      RequestError,
      "Cannot answer the request as it has no REQUEST_METHOD",
    );
    assertEquals(status, 400);
  }
});

Deno.test("cgiEnviron() takes a path that is missing from the URI", () => {
  const cases: [script: string | null, uri: string, path?: string][] = [
    [null, "/", "/"],
    [null, "/a%2Fb?c=%20d", "/a/b"],
    ["", "/%FF/%C3%A9/\xff", "/\xff/\xc3\xa9/\xff"],
    ["", "/%zz%", "/%zz%"],
    ["/app", "/app/%FF?/app", "/\xff"],
    ["/caf\xc3\xa9", "/caf%C3%A9/%FF", "/\xff"],
    // There is nothing behind the script, or the web server has rewritten it.
    ["/app", "/app"],
    ["/app", "/app?/app/"],
    ["/app", "/application/a"],
    ["/app", "/rewritten/a"],
    ["", "*"],
  ];
  for (const [script, uri, path] of cases) {
    const environ = read(
      ...script === null ? [] : [["SCRIPT_NAME", script] as const],
      ["REQUEST_URI", uri],
    );
    assertEquals(environ.PATH_INFO, path, uri);
  }
  const given = read(["REQUEST_URI", "/a"], ["PATH_INFO", ""]);
  assertEquals(given.PATH_INFO, "");
});
