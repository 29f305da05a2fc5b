// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  type ForwardedOptions,
  requestEnviron,
  type RequestEnvironOptions,
  RequestError,
  TextErrorStream,
  toFetchHandler,
  type ToFetchHandlerOptions,
} from "../handlers.ts";
import type { WsgiEnviron } from "../types.ts";
import { encodeNativeString, FileWrapper } from "../util.ts";
import { exchange } from "./_client.ts";

const LOCAL = new Request("http://localhost/");

/** A request whose URL is as a server may have got it, not normalized. */
function rawRequest(url: string, headers: HeadersInit = {}): Request {
  const request = new Request(LOCAL, { headers });
  return Object.defineProperty(request, "url", { value: url });
}

function assertRefused(
  status: 400 | 404,
  message: string,
  request: Request,
  options?: RequestEnvironOptions,
): void {
  const error = assertThrows(
    () => requestEnviron(request, undefined, options),
    RequestError,
  );
  assertEquals(error.name, "RequestError");
  assertEquals(error.message, `Cannot answer the request as its ${message}`);
  assertEquals(error.status, status);
}

Deno.test("requestEnviron() makes the variables of a request", () => {
  const request = new Request("http://example.com:8000/a%20b/c?d=%20&e", {
    method: "POST",
    body: "spam",
    headers: {
      "Content-Type": "text/plain",
      "Content-Length": "4",
      Host: "example.com:8000",
      "X-Spam": "a\xe9",
    },
  });
  const remoteAddr = { transport: "tcp", hostname: "::1", port: 1234 };
  assertEquals(requestEnviron(request, { remoteAddr }), {
    GATEWAY_INTERFACE: "CGI/1.1",
    REQUEST_METHOD: "POST",
    REQUEST_URI: "/a%20b/c?d=%20&e",
    SCRIPT_NAME: "",
    PATH_INFO: "/a b/c",
    QUERY_STRING: "d=%20&e",
    SERVER_NAME: "example.com",
    SERVER_PORT: "8000",
    SERVER_PROTOCOL: "HTTP/1.1",
    REMOTE_ADDR: "::1",
    REMOTE_PORT: "1234",
    CONTENT_TYPE: "text/plain",
    CONTENT_LENGTH: "4",
    HTTP_HOST: "example.com:8000",
    HTTP_X_SPAM: "a\xe9",
  });
});

Deno.test("requestEnviron() leaves out what the client did not send (D28)", () => {
  assertEquals(requestEnviron(new Request("https://h")), {
    GATEWAY_INTERFACE: "CGI/1.1",
    REQUEST_METHOD: "GET",
    REQUEST_URI: "/",
    SCRIPT_NAME: "",
    PATH_INFO: "/",
    QUERY_STRING: "",
    SERVER_NAME: "h",
    SERVER_PORT: "443",
    SERVER_PROTOCOL: "HTTP/1.1",
    HTTPS: "on",
    HTTP_HOST: "h",
  });
});

Deno.test("requestEnviron() takes the path and the query from the text of the URL", () => {
  for (
    const [text, path, query, target = text] of [
      ["/", "/", ""],
      ["", "/", "", "/"],
      ["?a", "/", "a", "/?a"],
      ["/?", "/", ""],
      ["/??a=/b?", "/", "?a=/b?"],
      ["/a/../b/./c", "/a/../b/./c", ""],
      ["/a/%2e%2E/b", "/a/../b", ""],
      ["//evil/x", "//evil/x", ""],
      ["///", "///", ""],
      ["/a\\b%5cc", "/a\\b\\c", ""],
      ["/a%2Fb%2fc?%2F", "/a/b/c", "%2F"],
      ["/%00%7F%ff", "/\0\x7f\xff", ""],
      ["/%zz%4%", "/%zz%4%", ""],
      ["/%2541", "/%41", ""],
      ["/a+b;c=1,2", "/a+b;c=1,2", ""],
      ["/%E2%82%AC%E9", "/\xe2\x82\xac\xe9", ""],
      ["/é?é", "/\xc3\xa9", "\xc3\xa9", "/\xc3\xa9?\xc3\xa9"],
      ["/a#b?c", "/a", "", "/a"],
      ["/a?b#c?d", "/a", "b", "/a?b"],
      ["/a%23b", "/a#b", ""],
      ["/*", "/*", ""],
      ["/http://a/b:c@d", "/http://a/b:c@d", ""],
      ["/__proto__?constructor", "/__proto__", "constructor"],
    ] as [string, string, string, string?][]
  ) {
    for (const server of ["http://h", "https://[::1]:8000"]) {
      const environ = requestEnviron(rawRequest(server + text));
      assertEquals(environ.REQUEST_URI, target);
      assertEquals(environ.PATH_INFO, path);
      assertEquals(environ.QUERY_STRING, query);
      assertEquals(environ.SCRIPT_NAME, "");
    }
  }
});

Deno.test("requestEnviron() takes the server from the URL", () => {
  for (
    const [url, name, port, https] of [
      ["http://example.com/", "example.com", "80"],
      ["http://example.com:/", "example.com", "80"],
      ["https://example.com:/", "example.com", "443", "on"],
      ["HTTPS://Example.COM:8443/", "Example.COM", "8443", "on"],
      ["HTTP://h/", "h", "80"],
      ["http://127.0.0.1:8000/", "127.0.0.1", "8000"],
      ["http://[::1]/", "[::1]", "80"],
      ["https://[::ffff:127.0.0.1]:444/", "[::ffff:127.0.0.1]", "444", "on"],
      ["http://a_b.c-d~e/", "a_b.c-d~e", "80"],
      ["http://%C3%A9/", "%C3%A9", "80"],
      ["http://h:443", "h", "443"],
    ] as [string, string, string, string?][]
  ) {
    const environ = requestEnviron(rawRequest(url));
    assertEquals(environ.SERVER_NAME, name);
    assertEquals(environ.SERVER_PORT, port);
    assertEquals(environ.HTTPS, https);
  }
  const options = { serverName: "example.com", serverPort: 0 };
  const environ = requestEnviron(LOCAL, undefined, options);
  assertEquals(environ.SERVER_NAME, "example.com");
  assertEquals(environ.SERVER_PORT, "0");
});

Deno.test("requestEnviron() refuses a URL without a valid host", () => {
  const urls =
    "http:///a http:// http://:80/ http://a\\b/ http://u@h/ http://u:p@h/ http://h:80a/ http://h:80:80/ http://h:-1/ http://::1/ http://[::1/ http://[::1]a/ http://[]/ http://[h]/ http://é/ http://<h>/ ftp://h/ httpx://h/ file:///a /a";
  for (const url of [...urls.split(" "), "http://a b/", ""]) {
    assertRefused(
      400,
      `URL must have the scheme "http" or "https" and a valid host: received "${
        url.replace("\\", "\\\\")
      }"`,
      rawRequest(url),
    );
  }
});

Deno.test("requestEnviron() refuses a Host that is not one", () => {
  for (
    const [url, host] of [
      // As Deno makes the URL of what the client says.
      ["http://a/b?c/d", "a/b?c"],
      ["http://a?b/c", "a?b"],
      ["http://a#b/c", "a#b"],
      ["http://h/", ""],
      ["http://h/", "a b"],
      ["http://h/", "u@h"],
      ["http://h/", "h:80a"],
      ["http://h/", "h, h"],
      ["http://h/", "\xc3\xa9"],
    ] as [string, string][]
  ) {
    assertRefused(
      400,
      `host must be a name or an address: received "${host}"`,
      rawRequest(url, { Host: host }),
    );
  }
});

Deno.test("requestEnviron() prefers the host of the URL to the header", () => {
  for (
    const [url, host, expected] of [
      ["http://h/", "h", "h"],
      ["http://h:8000/", "h:8000", "h:8000"],
      ["http://other:81/x", "h", "other:81"],
      ["http://[::1]:80/", "[::1]:80", "[::1]:80"],
    ] as [string, string, string][]
  ) {
    const environ = requestEnviron(rawRequest(url, { Host: host }));
    assertEquals(environ.HTTP_HOST, expected);
  }
  // HTTP/2 has no such header.
  assertEquals(requestEnviron(LOCAL).HTTP_HOST, "localhost");
});

Deno.test("requestEnviron() makes variables of headers", () => {
  const post = (headers: HeadersInit) =>
    requestEnviron(new Request(LOCAL, { method: "POST", headers }));
  const without = post({});
  for (
    const [headers, expected] of [
      [[["x-a", "1"]], { HTTP_X_A: "1" }],
      [[["X-A", "1"], ["x-a", "2"]], { HTTP_X_A: "1, 2" }],
      [[["Set-Cookie", "a"], ["Set-Cookie", "b"]], { HTTP_SET_COOKIE: "a, b" }],
      [[["X-A", ""]], { HTTP_X_A: "" }],
      [[["X-A", "\xff\t\x80"]], { HTTP_X_A: "\xff\t\x80" }],
      [[["X.a!", "1"]], { "HTTP_X.A!": "1" }],
      [[["Content-Type", "a/b"]], { CONTENT_TYPE: "a/b" }],
      [[["Accept", "a/b"]], { HTTP_ACCEPT: "a/b" }],
      [[["Connection", "close"]], { HTTP_CONNECTION: "close" }],
      // What could pass for another header or a variable of the process (D21).
      [[["X_A", "1"], ["X-A", "2"]], { HTTP_X_A: "2" }],
      [[["Content_Length", "1"]], {}],
      [[["Proxy", "http://evil/"]], {}],
      [[["Proxy-Authorization", "1"]], { HTTP_PROXY_AUTHORIZATION: "1" }],
      [[["__proto__", "1"]], {}],
      [[["constructor", "1"]], { HTTP_CONSTRUCTOR: "1" }],
      [[["HTTPS", "on"]], { HTTP_HTTPS: "on" }],
      // What the platform has decoded (D17).
      [[["Transfer-Encoding", "chunked"]], {}],
      [[["Transfer-Encoding", "Chunked"]], {}],
      [[["Transfer-Encoding", "a, chunked"]], {
        HTTP_TRANSFER_ENCODING: "a, chunked",
      }],
      [[["Content-Length", "0"]], { CONTENT_LENGTH: "0" }],
      // Chunks override the length (RFC 9112, 6.3).
      [[["Content-Length", "3"], ["Transfer-Encoding", "chunked"]], {}],
      [[["Content-Length", "1,1"]], { CONTENT_LENGTH: "1" }],
      [[["Content-Length", "12, 12, 12"]], { CONTENT_LENGTH: "12" }],
    ] as [[string, string][], Record<string, string>][]
  ) {
    const environ = post(headers);
    assertEquals(environ, { ...without, ...expected });
    assertStrictEquals(Object.getPrototypeOf(environ), Object.prototype);
  }
});

Deno.test("requestEnviron() has no length for GET and HEAD, whose body is not read", () => {
  for (const method of ["GET", "HEAD"]) {
    const request = new Request(LOCAL, {
      method,
      headers: { "Content-Length": "3" },
    });
    assertEquals(requestEnviron(request).CONTENT_LENGTH, undefined);
  }
});

Deno.test("requestEnviron() refuses a Content-Length that is not one number (D25)", () => {
  for (
    const value of ["", "-1", "+1", "1.0", "0x1", "a", "1, 2", "1,", ", 1"]
  ) {
    assertRefused(
      400,
      `Content-Length must be a number of bytes: received "${value}"`,
      rawRequest("http://h/", { "Content-Length": value }),
    );
  }
});

Deno.test("requestEnviron() finds the address of the client", () => {
  const remoteAddr = (_request: Request, info: unknown) =>
    info === null ? undefined : { hostname: `${info}` };
  for (
    const [info, options, address, port] of [
      [undefined, {}],
      [null, {}],
      ["spam", {}],
      [{}, {}],
      [{ remoteAddr: { transport: "unix", path: "/a" } }, {}],
      [{ remoteAddr: { hostname: "1.2.3.4", port: 0 } }, {}, "1.2.3.4", "0"],
      [{ remoteAddr: { hostname: "", port: 0 } }, {}],
      ["a", { remoteAddr }, "a"],
      [null, { remoteAddr }],
    ] as [unknown, RequestEnvironOptions, string?, string?][]
  ) {
    const environ = requestEnviron(LOCAL, info, options);
    assertEquals(environ.REMOTE_ADDR, address);
    assertEquals(environ.REMOTE_PORT, port);
    assertEquals("REMOTE_ADDR" in environ, address !== undefined);
  }
});

Deno.test("requestEnviron() moves the mount point to SCRIPT_NAME", () => {
  for (
    const [scriptName, path, rest] of [
      ["", "/a", "/a"],
      ["/a", "/a", ""],
      ["/a", "/a/", "/"],
      ["/a", "/a/b", "/b"],
      ["/a", "/a//b", "//b"],
      ["/a/b", "/a/b/c", "/c"],
      ["/a b", "/a%20b/c", "/c"],
      ["/café", "/café/x", "/x"],
    ] as [string, string, string][]
  ) {
    const request = rawRequest(`http://h${path}`);
    const environ = requestEnviron(request, undefined, { scriptName });
    assertEquals(environ.SCRIPT_NAME, encodeNativeString(scriptName));
    assertEquals(environ.PATH_INFO, rest);
  }
  for (const path of ["/", "/b", "/ab", "/b/a", "//a", "/A", "/./a"]) {
    assertRefused(
      404,
      `path must begin with "/a": received "${path}"`,
      rawRequest(`http://h${path}`),
      { scriptName: "/a" },
    );
  }
});

Deno.test("requestEnviron() believes as many proxies as it is told to, from the right", () => {
  const request = rawRequest("http://h/", {
    Host: "h",
    "X-Forwarded-For": "9.9.9.9, 1.1.1.1 ,2.2.2.2",
    "X-Forwarded-Proto": "ftp, https",
    "X-Forwarded-Host": "evil/, example.com:8443",
  });
  const info = { remoteAddr: { hostname: "3.3.3.3", port: 1234 } };
  const direct = {
    REMOTE_ADDR: "3.3.3.3",
    REMOTE_PORT: "1234",
    HTTP_HOST: "h",
    HTTPS: undefined,
  };
  for (
    const [forwarded, expected] of [
      [{}, {}],
      [{ for: 0, proto: 0, host: 0 }, {}],
      [{ for: 1 }, { REMOTE_ADDR: "2.2.2.2", REMOTE_PORT: undefined }],
      [{ for: 2 }, { REMOTE_ADDR: "1.1.1.1", REMOTE_PORT: undefined }],
      [{ for: 4, proto: 4, host: 4 }, {}],
      [{ proto: 1 }, { HTTPS: "on" }],
      [{ proto: 2 }, {}],
      [{ host: 1 }, { HTTP_HOST: "example.com:8443" }],
    ] as [ForwardedOptions, Partial<WsgiEnviron>][]
  ) {
    const { REMOTE_ADDR, REMOTE_PORT, HTTP_HOST, HTTPS } = requestEnviron(
      request,
      info,
      { forwarded },
    );
    assertEquals(
      { REMOTE_ADDR, REMOTE_PORT, HTTP_HOST, HTTPS },
      { ...direct, ...expected },
    );
  }
  assertRefused(
    400,
    'host must be a name or an address: received "evil/"',
    request,
    { forwarded: { host: 2 } },
  );
  // Between the proxy and the server is TLS, but not before the proxy.
  const plain = rawRequest("https://h/", { "X-Forwarded-Proto": "http" });
  const options = { forwarded: { proto: 1 } };
  assertFalse("HTTPS" in requestEnviron(plain, undefined, options));
});

/** What an application is given. */
async function giveEnviron(
  request: Request,
  options: ToFetchHandlerOptions = {},
): Promise<WsgiEnviron> {
  let environ: WsgiEnviron | undefined;
  const response = await toFetchHandler((given, startResponse) => {
    environ = given;
    startResponse("200 OK", []);
    return [];
  }, options)(request);
  assertEquals(response.status, 200);
  assert(environ);
  return environ;
}

Deno.test("toFetchHandler() gives an application the variables of WSGI", async () => {
  let environ: Partial<WsgiEnviron> = {};
  let body: Uint8Array | undefined;
  let log = "";
  const request = new Request("https://h/", { method: "POST", body: "spam" });
  await toFetchHandler(async (given, startResponse) => {
    environ = given;
    body = await given["wsgi.input"].read();
    given["wsgi.errors"].write("eggs");
    startResponse("200 OK", []);
    return [];
  }, { errors: new TextErrorStream((text) => log += text) })(request);
  assertStrictEquals(Object.getPrototypeOf(environ), Object.prototype);
  assertEquals(environ["wsgi.version"], [1, 0]);
  assertEquals(environ["wsgi.url_scheme"], "https");
  assertEquals(body, new TextEncoder().encode("spam"));
  assertEquals(log, "eggs");
  assertEquals(environ["wsgi.multithread"], true);
  assertEquals(environ["wsgi.multiprocess"], false);
  assertEquals(environ["wsgi.run_once"], false);
  assertEquals(environ["wsgi.input_terminated"], true);
  assertInstanceOf(environ["wsgi.file_wrapper"]?.(new Blob([])), FileWrapper);
  assertStrictEquals(environ["wsgiref.request"], request);
  assertInstanceOf(environ["wsgiref.signal"], AbortSignal);
  assertFalse("SERVER_SOFTWARE" in environ);
  const parallel = await giveEnviron(LOCAL, { multiprocess: true });
  assertEquals(parallel["wsgi.multiprocess"], true);
});

Deno.test("toFetchHandler() takes from osEnviron what is not the request's (D29)", async () => {
  const kept = { HOME: "/home/spam", SERVER_ADMIN: "me", SERVER_SOFTWARE: "a" };
  const names =
    "AUTH_TYPE CONTENT_LENGTH CONTENT_TYPE HTTPS HTTP_HOST HTTP_PROXY PATH_INFO PATH_TRANSLATED QUERY_STRING REDIRECT_HTTPS REMOTE_ADDR REMOTE_HOST REMOTE_PORT REMOTE_USER REQUEST_METHOD REQUEST_URI SCRIPT_NAME SERVER_NAME SSL_CLIENT_S_DN constructor wsgi.input wsgi.url_scheme wsgiref.signal";
  const osEnviron = Object.freeze({
    ...kept,
    ...Object.fromEntries(names.split(" ").map((name) => [name, "fake"])),
    ...JSON.parse('{ "__proto__": { "spam": "fake" } }'),
  });
  const environ = await giveEnviron(LOCAL, { osEnviron });
  for (const [name, value] of Object.entries(kept)) {
    assertEquals(environ[name], value);
  }
  assertEquals(Object.values(environ).filter((value) => value === "fake"), []);
  assertFalse("spam" in environ);
});

Deno.test("toFetchHandler() gives each request an environ of its own", async () => {
  const handler = toFetchHandler((environ, startResponse) => {
    startResponse(environ.HOME === "/" ? "200 OK" : "599 Changed", []);
    environ.HOME = "changed";
    return [];
  }, { osEnviron: { HOME: "/" } });
  for (let i = 0; i < 2; i++) {
    assertEquals((await handler(LOCAL)).status, 200);
  }
});

Deno.test("toFetchHandler() does not touch a body that is not read", async () => {
  let pulls = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: () => void pulls++,
  }, { highWaterMark: 0 });
  await giveEnviron(new Request(LOCAL, { method: "POST", body }));
  assertEquals(pulls, 0);
  assertFalse(body.locked);
});

Deno.test("toFetchHandler() answers by itself what is not a valid request", async () => {
  for (
    const [url, status, text] of [
      ["http://a b/", 400, "Bad Request\n"],
      ["http://h/b", 404, "Not Found\n"],
    ] as [string, number, string][]
  ) {
    const handler = toFetchHandler(() => {
      throw new Error("It was called");
    }, { scriptName: "/a" });
    const response = handler(rawRequest(url));
    assertInstanceOf(response, Response);
    assertEquals(response.status, status);
    assertEquals(
      response.headers.get("content-type"),
      "text/plain",
    );
    assertEquals(await response.text(), text);
  }
});

Deno.test("toFetchHandler() answers 500 if options.remoteAddr() throws", async () => {
  let log = "";
  const handler = toFetchHandler(() => [], {
    remoteAddr() {
      throw new Error("spam");
    },
    errors: new TextErrorStream((text) => log += text),
  });
  assertEquals((await handler(LOCAL)).status, 500);
  assertStringIncludes(log, "Error: spam\n");
});

Deno.test("toFetchHandler() sees what a client writes over a socket", async () => {
  const refused = "400 Bad Request\n";
  const handler = toFetchHandler((environ, startResponse) => {
    startResponse("200 OK", []);
    const { PATH_INFO: path, QUERY_STRING: query } = environ;
    const headers = Object.entries(environ).filter(([name]) =>
      name.startsWith("HTTP_") && !/^HTTP_(?:HOST|CONNECTION)$/.test(name)
    ).map((header) => header.join("="));
    const text = `${path} ${query} ${headers}`;
    return [Uint8Array.from(text, (character) => character.charCodeAt(0))];
  });
  await using server = Deno.serve({ port: 0, onListen() {} }, handler);
  for (
    const [target, expected, ...headers] of [
      ["/a/../b/./c", "200 /a/../b/./c  "],
      ["/a/%2e%2e/b", "200 /a/../b  "],
      ["//evil.com/x", "200 //evil.com/x  "],
      ["/a\\b", "200 /a\\b  "],
      ["/%00%2F%zz", "200 /\0/%zz  "],
      ["/\xc3\xa0?\xc3\xa0", "200 /\xc3\xa0 \xc3\xa0 "],
      ["/a?b?c", "200 /a b?c "],
      ["/a#b?c", "200 /a  "],
      ["http://other:81/x?y", "200 /x y "],
      ["ftp://other/x", refused],
      ["http://u:p@other/x", refused],
      ["/x", refused, "Host: a/b?c"],
      ["/x", refused, "Host: a?b"],
      ["/x", refused, "Host: a#b"],
      ["/x", refused, "Host: u@h"],
      ["/x", refused, "Host: \xc3\xa9"],
      ["/x", refused, "Host: "],
      ["/x", "200 /x  ", "Host: h:"],
      ["/x", "200 /x  ", "X_A: 1", "Proxy: 2", "__proto__: 3"],
      ["/x", "200 /x  HTTP_X_A=1, 2", "X-A: 1", "x-a: 2"],
      ["/x", "200 /x  HTTP_COOKIE=a; b", "Cookie: a", "Cookie: b"],
    ] as [string, string, ...string[]][]
  ) {
    const host = headers.some((header) => /^Host/.test(header))
      ? []
      : ["Host: h"];
    const text = await exchange(
      server.addr.port,
      [
        `GET ${target} HTTP/1.1`,
        ...host,
        ...headers,
        "Connection: close",
        "\r\n",
      ].join("\r\n"),
    );
    const [head = "", body] = text.split("\r\n\r\n");
    assertEquals(`${head.slice(9, 12)} ${body}`, expected);
  }
});

Deno.test("toFetchHandler() refuses a scriptName that is no mount point", () => {
  for (const scriptName of ["/", "app", "/app/"]) {
    const error = assertThrows(
      () => toFetchHandler(() => [], { scriptName }),
      TypeError,
    );
    assertEquals(
      error.message,
      `Cannot mount the application as "scriptName" must be a path that begins with a slash and does not end with one: received "${scriptName}"`,
    );
  }
});

Deno.test("requestEnviron() takes every raw character of a URL for its bytes", () => {
  const environ = requestEnviron(
    {
      method: "GET",
      headers: new Headers(),
      url: "http://localhost/\xe9\u20ac?\xe9\xe9",
    } as Request,
  );
  assertEquals(environ.PATH_INFO, "/\xc3\xa9\xe2\x82\xac");
  assertEquals(environ.QUERY_STRING, "\xc3\xa9\xc3\xa9");
});

Deno.test("requestEnviron() takes the port and the mount point that a proxy tells", () => {
  const info = { remoteAddr: { hostname: "3.3.3.3", port: 1234 } };
  const cases: [
    header: [name: string, value: string],
    forwarded: ForwardedOptions,
    expected: Record<string, string | undefined>,
  ][] = [
    [["X-Forwarded-For", "1.1.1.1:56"], { for: 1 }, { REMOTE_PORT: "56" }],
    [["X-Forwarded-For", "[::1]:56"], { for: 1 }, { REMOTE_PORT: "56" }],
    [["X-Forwarded-For", "1.1.1.1"], { for: 1 }, { REMOTE_PORT: undefined }],
    [["X-Forwarded-Prefix", "/a%20b"], { prefix: 1 }, { SCRIPT_NAME: "/a b" }],
    [["X-Forwarded-Prefix", "/a/"], { prefix: 1 }, { SCRIPT_NAME: "/a" }],
    [["X-Forwarded-Prefix", "a"], { prefix: 1 }, { SCRIPT_NAME: "/a" }],
    [["X-Forwarded-Prefix", "/a"], {}, { SCRIPT_NAME: "" }],
  ];
  for (const [[name, value], forwarded, expected] of cases) {
    const request = rawRequest("http://h/x", { [name]: value });
    const environ = requestEnviron(request, info, { forwarded });
    for (const [key, value] of Object.entries(expected)) {
      assertEquals(environ[key], value, `${name}: ${value}`);
      if (value === undefined) assertFalse(key in environ);
    }
    assertEquals(environ.PATH_INFO, "/x");
  }
  const mounted = requestEnviron(
    rawRequest("http://h/b/x", { "X-Forwarded-Prefix": "/a" }),
    info,
    { forwarded: { prefix: 1 }, scriptName: "/b" },
  );
  assertEquals(mounted.SCRIPT_NAME, "/a/b");
});

Deno.test("requestEnviron() keeps the scheme of the URL if no proxy tells another", () => {
  const environ = requestEnviron(
    rawRequest("https://h/", {}),
    undefined,
    { forwarded: { proto: 1 } },
  );
  assertEquals(environ.HTTPS, "on");
});
