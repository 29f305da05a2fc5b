// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertFalse,
  assertLess,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  FetchHandler,
  type FetchInfo,
  fromFetchHandler,
  TextErrorStream,
  toFetchHandler,
  type ToFetchHandlerOptions,
} from "../handlers.ts";
import type { WsgiApplication, WsgiEnviron } from "../types.ts";
import { setupTestingDefaults, shiftPathInfo, WsgiInput } from "../util.ts";
import { ask, Client } from "./_client.ts";
import { within } from "./_limit.ts";

const encoder = new TextEncoder();

/** The request that a fetch handler is given for an environ. */
async function requestOf(environ: Partial<WsgiEnviron>): Promise<Request> {
  let request: Request | undefined;
  const app = fromFetchHandler((received) => {
    request = received;
    return new Response();
  });
  await app(setupTestingDefaults(environ), () => () => Promise.resolve());
  assert(request, "The fetch handler was not called");
  return request;
}

const URLS: [name: string, environ: Partial<WsgiEnviron>, url: string][] = [
  [
    "the path",
    { SCRIPT_NAME: "/app", PATH_INFO: "/caf\xc3\xa9 100%" },
    "http://127.0.0.1/app/caf%C3%A9%20100%25",
  ],
  [
    "no path",
    { SCRIPT_NAME: "", PATH_INFO: "" },
    "http://127.0.0.1/",
  ],
  [
    "a path that is no host",
    { PATH_INFO: "//example.com/x" },
    "http://127.0.0.1//example.com/x",
  ],
  [
    "a path of what a parser would drop or resolve",
    { PATH_INFO: "/a\tb\\..\n#?" },
    "http://127.0.0.1/a%09b%5C..%0A%23%3F",
  ],
  [
    "the scheme, the host and the query",
    {
      "wsgi.url_scheme": "https",
      HTTP_HOST: "example.com:8443",
      QUERY_STRING: "a=b&%20\xe9",
    },
    "https://example.com:8443/?a=b&%20%E9",
  ],
  [
    "a query of what a parser would drop",
    { QUERY_STRING: "a\tb#c d" },
    "http://127.0.0.1/?a%09b%23c%20d",
  ],
  [
    "REQUEST_URI",
    {
      SCRIPT_NAME: "/app",
      PATH_INFO: "/a/b\xe9",
      QUERY_STRING: "c",
      REQUEST_URI: "/%61pp/a%2Fb\xe9?c",
    },
    "http://127.0.0.1/%61pp/a%2Fb%E9?c",
  ],
  [
    "the path if it was changed after REQUEST_URI",
    { PATH_INFO: "/b", REQUEST_URI: "/%61" },
    "http://127.0.0.1/b",
  ],
  [
    "the query if it was changed after REQUEST_URI",
    { PATH_INFO: "/a", QUERY_STRING: "c", REQUEST_URI: "/%61?b" },
    "http://127.0.0.1/a?c",
  ],
  [
    "the path if REQUEST_URI is another resource",
    { PATH_INFO: "/a", REQUEST_URI: "http://example.com/a" },
    "http://127.0.0.1/a",
  ],
  [
    "a server as a whole, which has no path",
    { REQUEST_METHOD: "OPTIONS", PATH_INFO: "*", REQUEST_URI: "*" },
    "http://127.0.0.1/%2A",
  ],
];

for (const [name, environ, url] of URLS) {
  Deno.test(`fromFetchHandler() makes the URL of ${name}`, async () => {
    assertEquals((await requestOf(environ)).url, url);
  });
}

Deno.test("fromFetchHandler() passes the method and the headers on", async () => {
  const { method, headers } = await requestOf({
    REQUEST_METHOD: "-BLARGH",
    CONTENT_TYPE: "text/plain",
    CONTENT_LENGTH: "3",
    HTTP_X_FOO: "caf\xe9",
    HTTP_COOKIE: "a=1; b=2",
    "wsgi.input": new WsgiInput(encoder.encode("abc")),
  });
  assertEquals(method, "-BLARGH");
  assertEquals([...headers], [
    ["content-length", "3"],
    ["content-type", "text/plain"],
    ["cookie", "a=1; b=2"],
    ["host", "127.0.0.1"],
    ["x-foo", "caf\xe9"],
  ]);
});

Deno.test("fromFetchHandler() makes no headers of what is not there", async () => {
  const { url, headers } = await requestOf({
    HTTP_HOST: "",
    HTTP_COOKIE: undefined,
  });
  assertEquals(url, "http://127.0.0.1/");
  assertEquals([...headers], [["host", ""]]);
});

const BODIES: [
  name: string,
  environ: Partial<WsgiEnviron>,
  body: string | null,
][] = [
  ["a body with a length", { CONTENT_LENGTH: "4" }, "spam"],
  ["a body without a length", { "wsgi.input_terminated": true }, "spam"],
  ["no body if nothing tells its end", {}, null],
  ["no body if it is empty", { CONTENT_LENGTH: "0" }, null],
  ["no body of GET", { REQUEST_METHOD: "GET", CONTENT_LENGTH: "4" }, null],
  ["no body of HEAD", { REQUEST_METHOD: "HEAD", CONTENT_LENGTH: "4" }, null],
  [
    "no body if the server's request has none",
    {
      "wsgi.input_terminated": true,
      "wsgiref.request": new Request("http://localhost/", { method: "POST" }),
    },
    null,
  ],
];

for (const [name, environ, expected] of BODIES) {
  Deno.test(`fromFetchHandler() passes ${name}`, async () => {
    const request = await requestOf({
      REQUEST_METHOD: "POST",
      "wsgi.input": new WsgiInput(encoder.encode("spam")),
      ...environ,
    });
    assertEquals(request.body && await request.text(), expected);
  });
}

Deno.test("fromFetchHandler() throws if the body of the request has been read as a stream", async () => {
  const input = new WsgiInput(encoder.encode("spam"));
  await new Response(input.readable).text();
  await assertRejects(
    () =>
      requestOf({
        REQUEST_METHOD: "POST",
        CONTENT_LENGTH: "4",
        "wsgi.input": input,
      }),
    TypeError,
    "disturbed",
  );
});

Deno.test("fromFetchHandler() aborts the request with wsgiref.signal", async () => {
  const controller = new AbortController();
  const { signal } = await requestOf({ "wsgiref.signal": controller.signal });
  assertFalse(signal.aborted);
  const reason = new Error("gone");
  controller.abort(reason);
  assertStrictEquals(signal.reason, reason);
});

const REFUSED: [environ: Partial<WsgiEnviron>, status: string][] = [
  [{ REQUEST_METHOD: "CONNECT" }, "501 Not Implemented"],
  [{ REQUEST_METHOD: "trace" }, "501 Not Implemented"],
  [{ HTTP_UPGRADE: "WebSocket" }, "501 Not Implemented"],
  [{ REQUEST_METHOD: "SP AM" }, "400 Bad Request"],
  [{ HTTP_HOST: "a b" }, "400 Bad Request"],
  [{ HTTP_HOST: "localhost/admin?" }, "400 Bad Request"],
  [{ HTTP_HOST: "user@localhost" }, "400 Bad Request"],
  [{ HTTP_HOST: "localhost:99999" }, "400 Bad Request"],
  [{ HTTP_X_FOO: "a\nb" }, "400 Bad Request"],
  [
    { PATH_INFO: ".example.com/", REQUEST_URI: ".example.com/" },
    "400 Bad Request",
  ],
  [{ PATH_INFO: "/x/../admin" }, "400 Bad Request"],
  [{ PATH_INFO: "/./admin" }, "400 Bad Request"],
  [{ PATH_INFO: "/x/.." }, "400 Bad Request"],
  [{ PATH_INFO: "/.." }, "400 Bad Request"],
  [{ SCRIPT_NAME: "/x", PATH_INFO: "/../admin" }, "400 Bad Request"],
  [
    { PATH_INFO: "/x/../admin", REQUEST_URI: "/x/%2e%2E/admin" },
    "400 Bad Request",
  ],
  [
    { PATH_INFO: "/x/../admin", REQUEST_URI: "/x/.%2e/admin" },
    "400 Bad Request",
  ],
  [
    { PATH_INFO: "/x\\..\\admin", REQUEST_URI: "/x\\..\\admin" },
    "400 Bad Request",
  ],
];

for (const [environ, expected] of REFUSED) {
  Deno.test(`fromFetchHandler() answers ${expected} for ${Deno.inspect(environ)}`, async () => {
    const app = fromFetchHandler(() => new Response());
    const heads: unknown[] = [];
    const result = await app(
      setupTestingDefaults(environ),
      (status, headers) => {
        heads.push([status, headers]);
        return () => Promise.resolve();
      },
    );
    assertEquals(heads, [[expected, [["Content-Type", "text/plain"]]]]);
    assertEquals(result, [encoder.encode(`${expected}\n`)]);
  });
}

Deno.test("fromFetchHandler() refuses what is no function", () => {
  assertThrows(
    () => fromFetchHandler(3 as unknown as () => Response),
    TypeError,
    "Cannot make an application of the fetch handler as it must be a function: received 3",
  );
});

Deno.test("fromFetchHandler() passes the body of a method that only begins like GET", async () => {
  for (const method of ["GETALL", "HEADER", "TARGET", "AHEAD"]) {
    const request = await requestOf({
      REQUEST_METHOD: method,
      CONTENT_LENGTH: "4",
      "wsgi.input": new WsgiInput(encoder.encode("spam")),
    });
    assertEquals(request.method, method);
    assertEquals(await request.text(), "spam");
  }
});

/** The request of the server, and what a fetch handler is given of it. */
async function handOn(
  init: RequestInit,
  change: (environ: WsgiEnviron) => WsgiEnviron | void | Promise<void>,
  options: ToFetchHandlerOptions = {},
): Promise<{ original: Request; request: Request; body: string }> {
  const original = new Request("http://localhost/a/b?c=d", {
    method: "POST",
    ...init,
  });
  let request: Request | undefined;
  let body = "";
  const app = fromFetchHandler(async (received) => {
    request = received;
    body = await received.text();
    return new Response();
  });
  const middleware: WsgiApplication = async (environ, startResponse) =>
    await app(await change(environ) ?? environ, startResponse);
  await toFetchHandler(middleware, options)(original);
  assert(request, "The fetch handler was not called");
  return { original, request, body };
}

const INIT: RequestInit = {
  headers: { "X-A": "a", "Content-Type": "text/plain", "Cookie": "a=b" },
  body: "spam",
};

const UNCHANGED: [
  name: string,
  change: (environ: WsgiEnviron) => WsgiEnviron | void,
  init?: RequestInit,
][] = [
  ["nobody has changed the environ", () => {}],
  ["the environ was copied", (environ) => ({ ...environ })],
  ["the path was divided anew", (environ) => void shiftPathInfo(environ)],
  [
    "something else was added",
    (environ) => void Object.assign(environ, { REMOTE_USER: "a", "x.y": 1 }),
  ],
  ["the body was not begun", (environ) => void environ["wsgi.input"].readable],
  ["there is no body", () => {}, { method: "GET" }],
  [
    "its host and its length are told",
    () => {},
    { headers: { "Host": "localhost", "Content-Length": "4" }, body: "spam" },
  ],
  [
    "its method has no body, and a length is told",
    () => {},
    { method: "GET", headers: { "Content-Length": "4" } },
  ],
  [
    "there are headers that the environ has not",
    () => {},
    { headers: { "X_A": "a", "Proxy": "a", "Transfer-Encoding": "chunked" } },
  ],
];

for (const [name, change, init = INIT] of UNCHANGED) {
  Deno.test(`fromFetchHandler() hands wsgiref.request itself on if ${name}`, async () => {
    const { original, request } = await handOn(init, change);
    assertStrictEquals(request, original);
  });
}

const CHANGES: [
  name: string,
  change: (environ: WsgiEnviron) => void | Promise<void>,
  expected: Record<string, string | null>,
][] = [
  [
    "method",
    (environ) => void (environ.REQUEST_METHOD = "PUT"),
    { method: "PUT" },
  ],
  [
    "path",
    (environ) => void (environ.PATH_INFO = "/e"),
    { url: "http://localhost/e?c=d" },
  ],
  [
    "script name",
    (environ) => void (environ.SCRIPT_NAME = "/e"),
    { url: "http://localhost/e/a/b?c=d" },
  ],
  [
    "query",
    (environ) => void (environ.QUERY_STRING = "e"),
    { url: "http://localhost/a/b?e" },
  ],
  [
    "host",
    (environ) => void (environ.HTTP_HOST = "example.com"),
    { url: "http://example.com/a/b?c=d" },
  ],
  [
    "scheme",
    (environ) => void (environ["wsgi.url_scheme"] = "https"),
    { url: "https://localhost/a/b?c=d" },
  ],
  [
    "value of a header",
    (environ) => void (environ.HTTP_X_A = "e"),
    { "x-a": "e" },
  ],
  [
    "list of headers, by one more",
    (environ) => void (environ.HTTP_X_B = "b"),
    { "x-b": "b" },
  ],
  [
    "list of headers, by one less",
    (environ) => void (delete environ.HTTP_X_A),
    { "x-a": null },
  ],
  [
    "name of a header",
    (environ) => {
      delete environ.HTTP_X_A;
      environ.HTTP_X_B = "b";
    },
    { "x-a": null, "x-b": "b" },
  ],
  [
    "type of the body",
    (environ) => void (environ.CONTENT_TYPE = "text/html"),
    { "content-type": "text/html" },
  ],
  [
    "body",
    (environ) =>
      void (environ["wsgi.input"] = new WsgiInput(new Uint8Array([101]))),
    { body: "e" },
  ],
  [
    "position in the body",
    async (environ) => void await environ["wsgi.input"].read(2),
    { body: "am" },
  ],
];

for (const [name, change, expected] of CHANGES) {
  Deno.test(`fromFetchHandler() makes a request anew of which the ${name} has changed, and the rest has not`, async () => {
    const { original, request, body } = await handOn(INIT, change);
    assert(request !== original);
    assertEquals(
      {
        method: request.method,
        url: request.url,
        "content-type": request.headers.get("content-type"),
        "cookie": request.headers.get("cookie"),
        "x-a": request.headers.get("x-a"),
        "x-b": request.headers.get("x-b"),
        body,
      },
      {
        method: "POST",
        url: "http://localhost/a/b?c=d",
        "content-type": "text/plain",
        "cookie": "a=b",
        "x-a": "a",
        "x-b": null,
        body: "spam",
        ...expected,
      },
    );
  });
}

Deno.test("fromFetchHandler() aborts the request with a signal that was changed", async () => {
  const controller = new AbortController();
  const { request } = await handOn(INIT, (environ) => {
    environ["wsgiref.signal"] = controller.signal;
  });
  assertFalse(request.signal.aborted);
  controller.abort();
  assert(request.signal.aborted);
});

Deno.test("fromFetchHandler() adds a type to a body that had none", async () => {
  const { request } = await handOn(
    { body: encoder.encode("spam") },
    (environ) => void (environ.CONTENT_TYPE = "text/plain"),
  );
  assertEquals(request.headers.get("content-type"), "text/plain");
});

Deno.test("fromFetchHandler() believes what a server says of a request", async () => {
  const original = new Request("http://localhost/", {
    headers: { "X-A": "a" },
  });
  let request: Request | undefined;
  await new FetchHandler(
    original,
    { ...setupTestingDefaults({}), HTTP_X_A: "b" },
  ).respond(fromFetchHandler((received) => {
    request = received;
    return new Response();
  }));
  assertEquals(request?.headers.get("x-a"), "b");
});

const FORWARDED = {
  "X-Forwarded-Proto": "https",
  "X-Forwarded-Host": "example.com",
};

Deno.test("fromFetchHandler() makes the URL of what trusted proxies say", async () => {
  const init = { ...INIT, headers: FORWARDED };
  const change = () => {};
  const { request } = await handOn(init, change, {
    forwarded: { proto: 1, host: 1 },
  });
  assertEquals(request.url, "https://example.com/a/b?c=d");
  const { request: other } = await handOn(init, change);
  assertEquals(other.url, "http://localhost/a/b?c=d");
});

for (const length of [null, "1"]) {
  Deno.test(`fromFetchHandler() gives no more than maxBodySize of a body whose length is said to be ${length}`, async () => {
    let log = "";
    const handler = toFetchHandler(
      fromFetchHandler(async (request) => new Response(await request.text())),
      {
        maxBodySize: 3,
        errors: new TextErrorStream((text) => log += text),
      },
    );
    const response = await handler(
      new Request("http://localhost/", {
        method: "POST",
        headers: length === null ? {} : { "Content-Length": length },
        body: new Blob(["spam"]).stream(),
      }),
    );
    assertEquals([response.status, await response.text()], [
      413,
      "Content Too Large\n",
    ]);
  });
}

const MEBIBYTE = 1_048_576;

const LONG_ENVIRONS: Record<string, Partial<WsgiEnviron>> = {
  "a path of slashes": { PATH_INFO: "/".repeat(MEBIBYTE) },
  "a path of hidden files": { PATH_INFO: "/.a".repeat(MEBIBYTE / 4) },
  "a path of dots": { PATH_INFO: "/..".repeat(MEBIBYTE / 4) },
  "a path of percent signs": {
    PATH_INFO: "/" + "%".repeat(MEBIBYTE),
    REQUEST_URI: "/" + "%".repeat(MEBIBYTE),
  },
  "a query of blanks": { QUERY_STRING: " ".repeat(MEBIBYTE) },
  "a host": { HTTP_HOST: "a".repeat(MEBIBYTE) + "/" },
  "a port": { HTTP_HOST: "a:" + "1".repeat(MEBIBYTE) },
  "a header of blanks": { HTTP_X_A: `a${" ".repeat(MEBIBYTE)}a` },
  "the name of a header": { [`HTTP_${"_".repeat(MEBIBYTE)}`]: "a" },
  "a method": { REQUEST_METHOD: "A".repeat(MEBIBYTE) },
};

for (const [name, environ] of Object.entries(LONG_ENVIRONS)) {
  Deno.test(`fromFetchHandler() takes no longer than its length asks for ${name} of 1 MB`, async () => {
    const app = fromFetchHandler(() => new Response());
    const start = performance.now();
    await app(setupTestingDefaults(environ), () => () => Promise.resolve());
    assertLess(performance.now() - start, 10_000);
  });
}

const LONG_HEADERS: Record<string, [name: string, value: string]> = {
  "lengths": ["Content-Length", "1, ".repeat(MEBIBYTE / 4) + "1"],
  "blanks between lengths": ["Content-Length", `1${" ".repeat(MEBIBYTE)}1`],
  "addresses": ["X-Forwarded-For", "1.1.1.1, ".repeat(MEBIBYTE / 8)],
  "digits of an address": ["X-Forwarded-For", "1".repeat(MEBIBYTE)],
  "hosts": ["X-Forwarded-Host", "a".repeat(MEBIBYTE)],
  "slashes of a prefix": ["X-Forwarded-Prefix", "/".repeat(MEBIBYTE)],
  "cookies": ["Cookie", "a=b; ".repeat(MEBIBYTE / 4)],
};

for (const [name, header] of Object.entries(LONG_HEADERS)) {
  Deno.test(`toFetchHandler() takes no longer than their length asks for ${name} of 1 MB`, async () => {
    const handler = toFetchHandler(fromFetchHandler(() => new Response()), {
      forwarded: { for: 1, proto: 1, host: 1, prefix: 1 },
      errors: new TextErrorStream(() => {}),
    });
    const request = new Request("http://localhost/", { headers: [header] });
    const start = performance.now();
    await handler(request);
    assertLess(performance.now() - start, 10_000);
  });
}

/** Paths that a URL parser would make others of, as they are sent. */
const UNSTABLE_PATHS = [
  "/x/../admin",
  "/x/%2e%2e/admin",
  "/x/%2E./admin",
  "/./admin",
  "/%2e/admin",
  "/x\\..\\admin",
  "/x\\admin",
  "/admin/.",
  "/admin/..",
];

const STABLE_PATHS = [
  "/.well-known/a",
  "/..a/b..",
  "/a/...",
  "/a%5C..%5Cb",
  "/a%2F..%2Fb",
  "/a%09b",
];

Deno.test("A path that a URL parser would make another of is answered 400", async (t) => {
  const handler = toFetchHandler(
    fromFetchHandler(({ url }) => new Response(new URL(url).pathname)),
  );
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    handler,
  );
  for (const method of ["GET", "POST"]) {
    for (const path of UNSTABLE_PATHS) {
      await t.step(`${method} ${path}`, async () => {
        const { status, body } = await ask(
          server.addr.port,
          `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
        );
        assertEquals([status, body], [400, "400 Bad Request\n"]);
      });
    }
    for (const path of STABLE_PATHS) {
      await t.step(`but not ${method} ${path}`, async () => {
        const { status, body } = await ask(
          server.addr.port,
          `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
        );
        assertEquals([status, body], [200, path]);
      });
    }
  }
});

Deno.test("A WebSocket is answered 501, and nothing is logged", async () => {
  let log = "";
  const handler = toFetchHandler(
    fromFetchHandler((request) => Deno.upgradeWebSocket(request).response),
    { errors: new TextErrorStream((text) => log += text) },
  );
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    handler,
  );
  const { status } = await ask(
    server.addr.port,
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  assertEquals([status, log], [501, ""]);
});

Deno.test("fromFetchHandler() aborts the request of a client that leaves a server", async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: aborted, resolve: abort } = Promise.withResolvers<Event>();
  const handler = toFetchHandler(
    fromFetchHandler(async ({ signal }) => {
      signal.addEventListener("abort", abort);
      begin();
      await aborted;
      return new Response();
    }),
  );
  await using server = Deno.serve({ port: 0, onListen() {} }, handler);
  using client = await Client.connect(server.addr.port);
  await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  await within("The request comes", begun);
  client[Symbol.dispose]();
  await within("The request is aborted", aborted);
});

Deno.test("fromFetchHandler() tells the address of the client", async () => {
  const addresses: unknown[] = [];
  const app = fromFetchHandler((_request, info) => {
    addresses.push(info.remoteAddr);
    return new Response();
  });
  for (const environ of [{ REMOTE_ADDR: "::1", REMOTE_PORT: "1234" }, {}]) {
    await app(setupTestingDefaults(environ), () => () => Promise.resolve());
  }
  assertEquals(addresses, [
    { transport: "tcp", hostname: "::1", port: 1234 },
    { transport: "tcp", hostname: "", port: 0 },
  ]);
});

const ENDS: [
  name: string,
  end: (response: Response) => Promise<unknown>,
  isAskedLater?: boolean,
][] = [
  ["was read", (response) => response.text()],
  ["was read, if asked later", (response) => response.text(), true],
  [
    "was given up",
    async (response) => await response.body?.cancel(),
  ],
];

for (const [name, end, isAskedLater] of ENDS) {
  Deno.test(`fromFetchHandler() tells when a stream ${name}`, async () => {
    let info: FetchInfo | undefined;
    const handler = toFetchHandler(fromFetchHandler((_request, received) => {
      info = received;
      if (!isAskedLater) info.completed;
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await new Promise((resolve) => setTimeout(resolve, 1));
            controller.enqueue(new Uint8Array(1));
            controller.close();
          },
        }),
      );
    }));
    const response = await handler(new Request("http://localhost/"));
    // The head is there before the application has returned.
    if (isAskedLater) await new Promise((resolve) => setTimeout(resolve));
    const completed = info?.completed;
    const early = await Promise.race([
      completed?.then(() => "completed"),
      new Promise((resolve) => setTimeout(resolve, 20)),
    ]);
    assertEquals(early, undefined);
    await end(response);
    await within("The response completes", completed ?? Promise.reject());
  });
}

for (const body of ["spam", null]) {
  Deno.test(`fromFetchHandler() tells when a response of ${body} was sent`, async () => {
    let info: FetchInfo | undefined;
    const handler = toFetchHandler(fromFetchHandler((_request, received) => {
      info = received;
      // Some ask for it in the handler, some later.
      if (body !== null) info.completed;
      return new Response(body);
    }));
    const response = await handler(new Request("http://localhost/"));
    assertEquals(response.headers.get("content-length"), body ? "4" : "0");
    await within("It completes", info?.completed ?? Promise.reject());
  });
}

Deno.test("fromFetchHandler() tells that a handler which throws has ended", async () => {
  let info: FetchInfo | undefined;
  const app = fromFetchHandler((_request, received) => {
    info = received;
    info.completed;
    throw new Error("failed");
  });
  const errors = new TextErrorStream(() => {});
  await toFetchHandler(app, { errors })(new Request("http://localhost/"));
  await within("It completes", info?.completed ?? Promise.reject());
});

Deno.test("fromFetchHandler() takes a handler that is written for Deno.serve()", async () => {
  const handler: Deno.ServeHandler = (_request, { remoteAddr }) =>
    new Response(remoteAddr.transport);
  const tcpHandler: Deno.ServeHandler<Deno.NetAddr> = (_request, info) =>
    new Response(info.remoteAddr.hostname);
  for (const app of [fromFetchHandler(handler), fromFetchHandler(tcpHandler)]) {
    const response = await toFetchHandler(app)(
      new Request("http://localhost/"),
      { remoteAddr: { hostname: "tcp", port: 1 } },
    );
    assertEquals(await response.text(), "tcp");
  }
});
