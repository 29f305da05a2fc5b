// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertFalse,
  assertGreater,
  assertInstanceOf,
  assertLess,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import denoConfig from "../deno.json" with { type: "json" };
import { TextErrorStream } from "../handlers.ts";
import {
  demoApp,
  makeServer,
  type ServerAddress,
  ServerHandler,
  WsgiRequestHandler,
  WsgiServer,
  type WsgiServerOptions,
} from "../simple_server.ts";
import type { WsgiApplication, WsgiEnviron, WsgiHeader } from "../types.ts";
import { validator } from "../validate.ts";
import { Client, exchange, hasIpv6, requestsOf } from "./_client.ts";
import { withConsole } from "./_handlers.ts";
import { until } from "./_limit.ts";
import { breaks } from "./_mistakes.ts";

const SOFTWARE = `wsgiref/${denoConfig.version}`;
const TEXT: WsgiHeader[] = [["Content-Type", "text/plain"]];
const GET = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
const CERT = await Deno.readTextFile(
  new URL("tls/cert.pem", import.meta.url),
);
const KEY = await Deno.readTextFile(new URL("tls/key.pem", import.meta.url));

const encoder = new TextEncoder();

/** A server that keeps its log. */
class LoggedServer extends WsgiServer {
  logged = "";
  override readonly log = new TextErrorStream((text) => this.logged += text);
}

function listen(
  app: WsgiApplication,
  options?: WsgiServerOptions,
): LoggedServer {
  const server = new LoggedServer("127.0.0.1", 0, options);
  server.setApp(app);
  return server;
}

/** Listens and serves. */
function serve(
  app: WsgiApplication,
  options?: WsgiServerOptions,
): LoggedServer {
  const server = listen(app, options);
  server.serveForever();
  return server;
}

/** An application that answers with text. */
function text(
  compose: (environ: WsgiEnviron) => string | Promise<string>,
): WsgiApplication {
  return async (environ, startResponse) => {
    const body = await compose(environ);
    startResponse("200 OK", TEXT);
    return [encoder.encode(body)];
  };
}

const hello: WsgiApplication = (_environ, startResponse) => {
  startResponse("200 OK", TEXT);
  return [encoder.encode("Hello")];
};

const helloWorld: WsgiApplication = (_environ, startResponse) => {
  startResponse("200 OK", [
    ...TEXT,
    ["Date", "Mon, 05 Jun 2006 18:49:54 GMT"],
  ]);
  return [encoder.encode("Hello, world!")];
};

/** An application that is stuck, and tells when it has been called. */
function makeStuck(): { app: WsgiApplication; called: Promise<WsgiEnviron> } {
  const { promise: called, resolve } = Promise.withResolvers<WsgiEnviron>();
  const app: WsgiApplication = (environ) => {
    resolve(environ);
    return new Promise(() => {});
  };
  return { app, called };
}

/** An application that answers once it is let. */
function makeGated(): {
  app: WsgiApplication;
  called: Promise<WsgiEnviron>;
  open: () => void;
} {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const { promise: called, resolve } = Promise.withResolvers<WsgiEnviron>();
  const app = text(async (environ) => {
    resolve(environ);
    await gate;
    return "Hello";
  });
  return { app, called, open };
}

/** A request, as bytes. */
function request(line: string, ...headers: string[]): string {
  return [line, "Host: h", "Connection: close", ...headers, "", ""].join(
    "\r\n",
  );
}

/**
 * Has requests wait: by the time that Deno has refused what is none, it has
 * taken those that came before.
 */
async function sendAll(
  port: number,
  ...requests: string[]
): Promise<Client[]> {
  const clients: Client[] = [];
  for (const request of requests) {
    const client = await Client.connect(port);
    await client.send(request);
    clients.push(client);
  }
  await exchange(port, "spam\r\n\r\n");
  return clients;
}

function statusOf(response: string): number {
  return Number(/^HTTP\/1\.[01] (\d{3}) /.exec(response)?.[1]);
}

Deno.test("makeServer() listens at once", async () => {
  await using server = makeServer("127.0.0.1", 0, hello, { quiet: true });
  assertInstanceOf(server, WsgiServer);
  assertEquals(server.serverName, "127.0.0.1");
  assertGreater(server.serverPort, 0);
  assertEquals(server.serverAddress, {
    transport: "tcp",
    hostname: "127.0.0.1",
    port: server.serverPort,
  });
  assertEquals(server.baseEnviron, {
    SERVER_NAME: "127.0.0.1",
    SERVER_PORT: String(server.serverPort),
    SERVER_SOFTWARE: SOFTWARE,
  });
  assertStrictEquals(server.getApp(), hello);
  using client = await Client.connect(server.serverPort);
  await client.send(GET);
  server.serveForever();
  assertEquals(statusOf(await client.readAll()), 200);
});

Deno.test("makeServer() has requests wait until they may be answered", async () => {
  const paths: unknown[] = [];
  await using server = listen(text(({ PATH_INFO: path = "" }) => {
    paths.push(path);
    return path;
  }));
  using client = await Client.connect(server.serverPort);
  await client.send(
    "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
  );
  await server.handleRequest();
  assertEquals(paths, ["/1"]);
  server.serveForever();
  assertStringIncludes(await client.readTo("/2"), "\r\n\r\n/1HTTP/1.1 200 OK");
  assertEquals(paths, ["/1", "/2"]);
});

Deno.test("makeServer() takes an empty host for all interfaces", async () => {
  await using server = makeServer("", 0, hello, { quiet: true });
  server.serveForever();
  assertEquals(server.serverAddress.hostname, "0.0.0.0");
  assertEquals(server.serverName, "localhost");
  assertEquals(statusOf(await exchange(server.serverPort, GET)), 200);
});

Deno.test({
  name: "makeServer() listens at an IPv6 address, if the machine has one",
  ignore: !hasIpv6(),
  async fn() {
    await using server = makeServer("::1", 0, demoApp, { quiet: true });
    server.serveForever();
    const { serverPort: port } = server;
    const response = await fetch(`http://[::1]:${port}/`);
    const body = await response.text();
    assertStringIncludes(body, "\nSERVER_NAME = '::1'\n");
    assertStringIncludes(body, "\nREMOTE_ADDR = '::1'\n");
    assertStringIncludes(body, `\nHTTP_HOST = '[::1]:${port}'\n`);
  },
});

Deno.test("makeServer() tells onListen the address", async () => {
  const addresses: ServerAddress[] = [];
  await using server = makeServer("127.0.0.1", 0, hello, {
    onListen: (address) => addresses.push(address),
  });
  const { hostname, port } = addresses[0] ?? {};
  assertEquals([hostname, port], ["127.0.0.1", server.serverPort]);
});

Deno.test("makeServer() rejects what is not an application, and frees the port", async () => {
  await using server = makeServer("127.0.0.1", 0, hello);
  const { serverPort: port } = server;
  await server.shutdown();
  const table: [app: unknown, received: string][] = [
    [{ fetch: hello }, "[object Object]"],
    [null, "null"],
    ["app", '"app"'],
  ];
  for (const [app, received] of table) {
    assertThrows(
      () => makeServer("127.0.0.1", port, app as WsgiApplication),
      TypeError,
      `Cannot set the application as it must be a function: received ${received}`,
    );
    // Listening fails if the port is still in use.
    Deno.listen({ hostname: "127.0.0.1", port }).close();
  }
});

Deno.test("makeServer() throws if the port is in use", async () => {
  await using server = makeServer("127.0.0.1", 0, hello);
  assertThrows(
    () => makeServer("127.0.0.1", server.serverPort, hello),
    Deno.errors.AddrInUse,
  );
});

Deno.test("makeServer() does not do without a half of the certificate", () => {
  for (const options of [{ cert: CERT }, { key: KEY }]) {
    assertThrows(
      () => makeServer("127.0.0.1", 0, hello, options),
      TypeError,
      "Both 'cert' and 'key' must be provided to enable HTTPS",
    );
  }
});

Deno.test("makeServer() serves HTTPS, over HTTP/1.1 and HTTP/2", async () => {
  await using server = makeServer("", 0, demoApp, {
    cert: CERT,
    key: KEY,
    quiet: true,
  });
  server.serveForever();
  const { serverPort: port } = server;
  for (const http2 of [false, true]) {
    using client = Deno.createHttpClient({
      caCerts: [CERT],
      http1: !http2,
      http2,
    });
    const response = await fetch(`https://localhost:${port}/a?b`, { client });
    const lines = (await response.text()).split("\n");
    for (
      const line of [
        "HTTPS = 'on'",
        "wsgi.url_scheme = 'https'",
        // HTTP/2 has no Host header, but the very same in its `:authority`.
        `HTTP_HOST = 'localhost:${port}'`,
        "SERVER_NAME = 'localhost'",
        `SERVER_PORT = '${port}'`,
        "PATH_INFO = '/a'",
        "QUERY_STRING = 'b'",
      ]
    ) assert(lines.includes(line), `HTTP/2: ${http2}: no ${line} in ${lines}`);
  }
  // What is not TLS harms nobody.
  assertEquals(statusOf(await exchange(port, GET)), NaN);
  using client = Deno.createHttpClient({ caCerts: [CERT] });
  const response = await fetch(`https://localhost:${port}/`, { client });
  assertStringIncludes(await response.text(), "Hello world!");
});

Deno.test("makeServer() uses the classes that it is given", async () => {
  class Handler extends WsgiRequestHandler {}
  class Server extends WsgiServer {
    override handlerClass: typeof WsgiRequestHandler = Handler;
  }
  const options = { serverClass: Server, quiet: true };
  await using server = makeServer("127.0.0.1", 0, hello, options);
  assertInstanceOf(server, Server);
  assertStrictEquals(server.handlerClass, Handler);

  class OtherHandler extends WsgiRequestHandler {}
  await using other = makeServer("127.0.0.1", 0, hello, {
    ...options,
    handlerClass: OtherHandler,
  });
  assertStrictEquals(other.handlerClass, OtherHandler);
  await using plain = makeServer("127.0.0.1", 0, hello);
  assertStrictEquals(plain.handlerClass, WsgiRequestHandler);
});

Deno.test("WsgiServer answers only with an application", async () => {
  await using server = new WsgiServer("127.0.0.1", 0, { quiet: true });
  const message =
    "Cannot answer requests as the server has no application: call setApp()";
  assertThrows(() => server.getApp(), TypeError, message);
  await assertRejects(() => server.handleRequest(), TypeError, message);
  await assertRejects(() => server.serveForever(), TypeError, message);
  assertThrows(
    () => server.setApp(undefined as unknown as WsgiApplication),
    TypeError,
    "Cannot set the application as it must be a function: received undefined",
  );
  // The failed calls have left nothing behind.
  server.setApp(hello);
  const answered = server.handleRequest();
  assertEquals(statusOf(await exchange(server.serverPort, GET)), 200);
  await answered;
});

Deno.test("WsgiServer.setApp() replaces the application for later requests", async () => {
  await using server = serve(text(() => "first"), { quiet: true });
  assertMatch(await exchange(server.serverPort, GET), /first$/);
  server.setApp(text(() => "second"));
  assertMatch(await exchange(server.serverPort, GET), /second$/);
});

Deno.test("WsgiServer.handleRequest() answers exactly one of those that wait", async () => {
  const paths: unknown[] = [];
  await using server = listen(
    text(({ PATH_INFO: path }) => String(paths.push(path))),
  );
  const clients = await sendAll(
    server.serverPort,
    ...[1, 2, 3, 4].map((path) => request(`GET /${path} HTTP/1.1`)),
    // Two of one connection.
    "GET /5 HTTP/1.1\r\nHost: h\r\n\r\n" + request("GET /6 HTTP/1.1"),
  );
  for (let count = 1; count <= 6; count++) {
    await server.handleRequest();
    assertEquals(paths.length, count);
  }
  assertEquals(paths.toSorted(), ["/1", "/2", "/3", "/4", "/5", "/6"]);
  for (const client of clients) {
    assertEquals(statusOf(await client.readAll()), 200);
    client[Symbol.dispose]();
  }
});

Deno.test("WsgiServer.handleRequest() answers one request for each of its calls", async () => {
  let count = 0;
  await using server = listen(text(() => String(++count)));
  const answered = [1, 2, 3].map(() => server.handleRequest());
  using client = await Client.connect(server.serverPort);
  for (let i = 1; i <= 3; i++) {
    await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assertMatch(await client.readTo(`\r\n\r\n${i}`), /^HTTP\/1.1 200 OK/);
  }
  await Promise.all(answered);
  assertEquals(count, 3);
  // The fourth waits, and is told that nobody answers it any more.
  await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  await server.shutdown();
  assertEquals(count, 3);
});

Deno.test("WsgiServer.handleRequest() counts a request whose client has gone", async () => {
  const paths: unknown[] = [];
  await using server = listen(
    text(({ PATH_INFO: path }) => String(paths.push(path))),
  );
  using gone = await Client.connect(server.serverPort);
  await gone.send("GET /gone HTTP/1.1\r\nHost: h\r\n\r\n");
  await gone.end();
  await server.handleRequest();
  assertEquals(paths, ["/gone"]);
  const answered = server.handleRequest();
  await exchange(server.serverPort, GET);
  await answered;
  assertEquals(paths, ["/gone", "/"]);
});

Deno.test("WsgiServer.handleRequest() counts every kind of answer", async () => {
  const table: [name: string, app: WsgiApplication, request?: string][] = [
    ["an error", () => {
      throw new Error("spam");
    }],
    ["a bad request", hello, GET.replace("Host: h", "Host: a/b")],
    ["a stream", function* (_environ, startResponse) {
      startResponse("200 OK", TEXT);
      yield encoder.encode("a");
      yield encoder.encode("b");
    }],
    ["a broken stream", function* (_environ, startResponse) {
      startResponse("200 OK", TEXT);
      yield encoder.encode("a");
      throw new Error("spam");
    }],
  ];
  for (const [, app, request = GET] of table) {
    await using server = listen(app);
    const answered = server.handleRequest();
    assertMatch(await exchange(server.serverPort, request), /^HTTP\/1.1 /);
    await answered;
  }
});

Deno.test("WsgiServer.handleRequest() ends with the server", async () => {
  await using server = listen(hello);
  const answered = server.handleRequest();
  await server.shutdown();
  await answered;
  await server.handleRequest();
  await server.serveForever();

  const { app, called } = makeStuck();
  await using stuck = listen(app);
  const stuckAnswer = stuck.handleRequest();
  using client = await Client.connect(stuck.serverPort);
  await client.send(GET);
  await called;
  await stuck.serverClose();
  await stuckAnswer;
});

Deno.test("WsgiServer.shutdown() lets a request in flight finish", async () => {
  const { app, called, open } = makeGated();
  await using server = serve(app);
  using client = await Client.connect(server.serverPort);
  await client.send(GET);
  await called;
  let isDown = false;
  const down = server.shutdown().then(() => isDown = true);
  // Requests that come now are refused.
  assertEquals(statusOf(await exchange(server.serverPort, GET)), 503);
  assertFalse(isDown);
  open();
  assertMatch(await client.readAll(), /^HTTP\/1.1 200 OK\r\n[^]*Hello$/);
  await down;
  assertEquals(requestsOf(server.logged), [
    '"GET / HTTP/1.1" 503 20',
    '"GET / HTTP/1.1" 200 5',
  ]);
  await assertRejects(
    () => Client.connect(server.serverPort),
    Deno.errors.ConnectionRefused,
  );
});

Deno.test("WsgiServer.shutdown() lets a stream in flight finish", async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  await using server = serve(async function* (_environ, startResponse) {
    startResponse("200 OK", TEXT);
    yield encoder.encode("first,");
    await gate;
    yield encoder.encode("last");
  });
  const response = await fetch(`http://127.0.0.1:${server.serverPort}/`);
  const down = server.shutdown();
  open();
  assertEquals(await response.text(), "first,last");
  await down;
});

Deno.test("WsgiServer.shutdown() sends a large body whole", async () => {
  const size = 20_000_000;
  await using server = serve((_environ, startResponse) => {
    startResponse("200 OK", TEXT);
    return [new Uint8Array(size)];
  });
  const response = await fetch(`http://127.0.0.1:${server.serverPort}/`);
  const down = server.shutdown();
  assertEquals((await response.bytes()).length, size);
  await down;
});

Deno.test("WsgiServer.shutdown() is not held by idle connections", async () => {
  await using server = serve(hello);
  using silent = await Client.connect(server.serverPort);
  using partial = await Client.connect(server.serverPort);
  await partial.send("GET / HTTP/1.1\r\nHo");
  using idle = await Client.connect(server.serverPort);
  await idle.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  await idle.readTo("Hello");
  await server.shutdown();
  for (const client of [silent, partial, idle]) {
    assertEquals(await client.readAll(), "");
  }
});

Deno.test("WsgiServer.shutdown() refuses those that wait, and those that still come", async () => {
  const { app, called, open } = makeGated();
  await using server = listen(app);
  const answered = server.handleRequest();
  const clients = await sendAll(server.serverPort, GET, GET, GET);
  await called;
  const shutdown = server.shutdown();
  clients.push(...await sendAll(server.serverPort, GET));
  open();
  const statuses: number[] = [];
  for (const client of clients) {
    statuses.push(statusOf(await client.readAll()));
    client[Symbol.dispose]();
  }
  assertEquals(statuses.toSorted(), [200, 503, 503, 503]);
  await shutdown;
  await answered;
});

Deno.test("WsgiServer stops once, in whatever way and order", async () => {
  await using server = serve(hello);
  await Promise.all([server.shutdown(), server.shutdown()]);
  await server.serverClose();
  await server.shutdown();
  await server.serverClose();
  await using closed = serve(hello);
  await Promise.all([closed.serverClose(), closed.shutdown()]);
  await closed.shutdown();
});

Deno.test("WsgiServer.serverClose() ends what is stuck", async () => {
  const { app, called } = makeStuck();
  await using server = serve(app);
  using client = await Client.connect(server.serverPort);
  await client.send(GET);
  const { "wsgiref.signal": signal } = await called;
  const aborted = new Promise((resolve) => {
    signal?.addEventListener("abort", resolve);
  });
  await server.serverClose();
  assertEquals(await client.readAll(), "");
  await aborted;
});

Deno.test("WsgiServer.serverClose() ends what shutdown() waits for", async () => {
  const stuck = makeStuck();
  await using server = serve((environ, startResponse) => {
    if (environ.PATH_INFO === "/") return stuck.app(environ, startResponse);
    startResponse("200 OK", TEXT);
    return (async function* () {
      yield encoder.encode("first");
      await new Promise(() => {});
    })();
  });
  using silent = await Client.connect(server.serverPort);
  await silent.send(GET);
  await stuck.called;
  using streaming = await Client.connect(server.serverPort);
  await streaming.send(request("GET /stream HTTP/1.1"));
  await streaming.readTo("first");
  const shutdown = server.shutdown();
  await server.serverClose();
  await shutdown;
  assertEquals(await silent.readAll(), "");
  assertFalse((await streaming.readAll()).includes("0\r\n\r\n"));
});

Deno.test("WsgiServer shuts down when its signal is aborted", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  await using server = listen(hello, { signal });
  const served = server.serveForever();
  assertEquals(statusOf(await exchange(server.serverPort, GET)), 200);
  controller.abort();
  await served;

  await using late = listen(hello, { signal });
  await late.serveForever();
});

Deno.test("WsgiServer is an async disposable", async () => {
  let port;
  {
    await using server = serve(hello);
    port = server.serverPort;
  }
  // Listening fails if the port is still in use.
  Deno.listen({ hostname: "127.0.0.1", port }).close();
});

Deno.test("WsgiServer does not see another one of the process", async () => {
  await using a = serve((environ, startResponse) => {
    environ["a.key"] = "a";
    return demoApp(environ, startResponse);
  });
  await using b = serve(demoApp);
  a.baseEnviron.A = "a";
  assertNotEquals(a.serverPort, b.serverPort);
  const fromA = await exchange(a.serverPort, GET);
  assertStringIncludes(fromA, `\nSERVER_PORT = '${a.serverPort}'\n`);
  assertStringIncludes(fromA, "\nA = 'a'\n");
  const fromB = await exchange(b.serverPort, GET);
  assertStringIncludes(fromB, `\nSERVER_PORT = '${b.serverPort}'\n`);
  assertFalse(/^(?:A|a\.key) = /m.test(fromB));
  await a.shutdown();
  assertEquals(statusOf(await exchange(b.serverPort, GET)), 200);
  assertEquals(requestsOf(a.logged).length, 1);
  assertEquals(requestsOf(b.logged).length, 2);
});

Deno.test("WsgiServer has each request start from the same environ", async () => {
  await using server = serve((environ, startResponse) => {
    const response = demoApp(environ, startResponse);
    environ.SERVER_SOFTWARE = "changed";
    environ["my.key"] = "mine";
    return response;
  });
  for (let i = 0; i < 2; i++) {
    const response = await exchange(server.serverPort, GET);
    assertStringIncludes(response, `\nSERVER_SOFTWARE = '${SOFTWARE}'\n`);
    assertFalse(response.includes("my.key"));
  }
});

Deno.test("demoApp() shows the environ as the reference does", async () => {
  await using server = serve(demoApp, { quiet: true });
  const { serverPort: port } = server;
  const response = await exchange(
    port,
    `GET /xyz?abc HTTP/1.1\r\nHost: h:${port}\r\nUser-Agent: spam/1\r\nX-Y: \xe9"\\\r\nConnection: close\r\n\r\n`,
  );
  const [head, body = ""] = response.split("\r\n\r\n", 2);
  assertMatch(head ?? "", /^content-type: text\/plain; charset=utf-8\r$/im);
  const [greeting, empty, ...lines] = body.split("\n");
  assertEquals([greeting, empty, lines.pop()], ["Hello world!", "", ""]);
  assertEquals(
    lines.map((line) => line.replace(/(REMOTE_PORT = ')\d+/, "$1N")),
    [
      "GATEWAY_INTERFACE = 'CGI/1.1'",
      "HTTP_CONNECTION = 'close'",
      `HTTP_HOST = 'h:${port}'`,
      "HTTP_USER_AGENT = 'spam/1'",
      "HTTP_X_Y = '\xc3\xa9\\\"\\\\'",
      "PATH_INFO = '/xyz'",
      "QUERY_STRING = 'abc'",
      "REMOTE_ADDR = '127.0.0.1'",
      "REMOTE_PORT = 'N'",
      "REQUEST_METHOD = 'GET'",
      "REQUEST_URI = '/xyz?abc'",
      "SCRIPT_NAME = ''",
      "SERVER_NAME = '127.0.0.1'",
      `SERVER_PORT = '${port}'`,
      "SERVER_PROTOCOL = 'HTTP/1.1'",
      `SERVER_SOFTWARE = '${SOFTWARE}'`,
      "wsgi.errors = [object Object]",
      "wsgi.file_wrapper = [object Function]",
      "wsgi.input = [object Object]",
      "wsgi.input_terminated = true",
      "wsgi.multiprocess = false",
      "wsgi.multithread = true",
      "wsgi.run_once = false",
      "wsgi.url_scheme = 'http'",
      "wsgi.version = [1,0]",
      "wsgiref.request = [object Request]",
      "wsgiref.signal = [object AbortSignal]",
    ],
  );
});

/** What comes of bytes: a status, or variables, `undefined` ones absent. */
type Outcome = number | Record<string, string | undefined>;

const MANY = Array.from({ length: 150 }, (_, index) => `X-${index}: ${index}`);

const REQUESTS: Record<string, [bytes: string, outcome: Outcome]> = {
  "nothing but what is needed": [
    request("GET / HTTP/1.1"),
    {
      REQUEST_METHOD: "GET",
      SCRIPT_NAME: "",
      PATH_INFO: "/",
      QUERY_STRING: "",
      REQUEST_URI: "/",
      HTTP_HOST: "h",
      SERVER_NAME: "127.0.0.1",
      SERVER_PROTOCOL: "HTTP/1.1",
      REMOTE_ADDR: "127.0.0.1",
      CONTENT_TYPE: undefined,
      CONTENT_LENGTH: undefined,
      REMOTE_HOST: undefined,
      HTTPS: undefined,
      HOME: undefined,
      PATH: undefined,
      body: "",
    },
  ],
  "a query": [
    request("GET /foo/?a=%20+b&c?d HTTP/1.1"),
    { PATH_INFO: "/foo/", QUERY_STRING: "a=%20+b&c?d" },
  ],
  "an empty query": [
    request("GET /? HTTP/1.1"),
    { PATH_INFO: "/", QUERY_STRING: "", REQUEST_URI: "/?" },
  ],
  "percent-encoded characters": [
    request("GET /foo/bar%2cbaz%2Fspam?x=%2c HTTP/1.1"),
    {
      PATH_INFO: "/foo/bar,baz/spam",
      QUERY_STRING: "x=%2c",
      REQUEST_URI: "/foo/bar%2cbaz%2Fspam?x=%2c",
    },
  ],
  "doubly encoded characters": [
    request("GET /foo/bar%252cbaz HTTP/1.1"),
    { PATH_INFO: "/foo/bar%2cbaz" },
  ],
  "UTF-8 and other bytes": [
    request("GET /%E3%81%82%ff%00 HTTP/1.1"),
    { PATH_INFO: "/\xe3\x81\x82\xff\0" },
  ],
  "broken percent-encoding": [
    request("GET /%zz%4%/% HTTP/1.1"),
    { PATH_INFO: "/%zz%4%/%" },
  ],
  "raw UTF-8": [
    request("GET /\xc3\xa0?\xc3\xa0 HTTP/1.1"),
    { PATH_INFO: "/\xc3\xa0", QUERY_STRING: "\xc3\xa0" },
  ],
  "raw bytes that are not UTF-8": [request("GET /\x80 HTTP/1.1"), 400],
  "dots": [
    request("GET /a/../b/./c HTTP/1.1"),
    { PATH_INFO: "/a/../b/./c" },
  ],
  "encoded dots": [
    request("GET /a/%2e%2E/b HTTP/1.1"),
    { PATH_INFO: "/a/../b", REQUEST_URI: "/a/%2e%2E/b" },
  ],
  "a backslash": [request("GET /a\\b HTTP/1.1"), { PATH_INFO: "/a\\b" }],
  "a fragment": [request("GET /a#b HTTP/1.1"), { PATH_INFO: "/a" }],
  "two slashes, which are no host": [
    request("GET //evil.com///x HTTP/1.1"),
    { PATH_INFO: "//evil.com///x", HTTP_HOST: "h" },
  ],
  "a parameter": [
    request("GET /a;b=c,d HTTP/1.1"),
    { PATH_INFO: "/a;b=c,d" },
  ],
  "an absolute target, which overrides Host": [
    request("GET http://other:81/x?y HTTP/1.1"),
    {
      PATH_INFO: "/x",
      QUERY_STRING: "y",
      REQUEST_URI: "/x?y",
      HTTP_HOST: "other:81",
      SERVER_NAME: "127.0.0.1",
    },
  ],
  "a target without a slash": [request("GET foo/bar HTTP/1.1"), 400],
  "GET *": [request("GET * HTTP/1.1"), 400],
  // Deno does not tell an asterisk from a path.
  "OPTIONS *": [
    request("OPTIONS * HTTP/1.1"),
    { REQUEST_METHOD: "OPTIONS", PATH_INFO: "/*" },
  ],
  "CONNECT": [
    request("CONNECT other:443 HTTP/1.1"),
    { REQUEST_METHOD: "CONNECT", PATH_INFO: "/", HTTP_HOST: "other:443" },
  ],
  "TRACE": [request("TRACE / HTTP/1.1"), { REQUEST_METHOD: "TRACE" }],
  "a method in lower case": [
    request("get / HTTP/1.1"),
    { REQUEST_METHOD: "get" },
  ],
  "a method of its own": [
    request("-BLARGH / HTTP/1.1"),
    { REQUEST_METHOD: "-BLARGH" },
  ],
  "a method that is no token": [request("B@D / HTTP/1.1"), 400],
  "a header": [
    request("GET / HTTP/1.1", "X-Foo:  bar \t"),
    { HTTP_X_FOO: "bar" },
  ],
  "an empty header": [request("GET / HTTP/1.1", "X-Foo:"), { HTTP_X_FOO: "" }],
  "a large header": [
    request("GET / HTTP/1.1", `X-Foo: ${"abcdefgh".repeat(16)}`),
    { HTTP_X_FOO: "abcdefgh".repeat(16) },
  ],
  "a header with bytes": [
    request("GET / HTTP/1.1", "X-Foo: \xc3\xa9\xff"),
    { HTTP_X_FOO: "\xc3\xa9\xff" },
  ],
  "a header several times": [
    request("GET / HTTP/1.1", "X-Foo: bar", "x-foo: baz", "X-Foo:"),
    { HTTP_X_FOO: "bar, baz, " },
  ],
  "cookies": [
    request("GET / HTTP/1.1", "Cookie: a=1", "Cookie: b=2"),
    { HTTP_COOKIE: "a=1; b=2", COOKIE: undefined },
  ],
  "a name that could pass for another": [
    request("GET / HTTP/1.1", "X_Auth_User: bob", "X-Auth-User: al"),
    { HTTP_X_AUTH_USER: "al" },
  ],
  "a name that could pass for another, alone": [
    request("GET / HTTP/1.1", "X_Auth_User: bob", "Content_Length: 9"),
    { HTTP_X_AUTH_USER: undefined, HTTP_CONTENT_LENGTH: undefined },
  ],
  "Proxy, which could pass for a setting": [
    request("GET / HTTP/1.1", "Proxy: http://evil"),
    { HTTP_PROXY: undefined },
  ],
  "names of variables": [
    request("GET / HTTP/1.1", "Remote-Addr: x", "Script-Name: y", "HTTPS: on"),
    {
      REMOTE_ADDR: "127.0.0.1",
      HTTP_REMOTE_ADDR: "x",
      SCRIPT_NAME: "",
      HTTPS: undefined,
      "wsgi.url_scheme": "http",
    },
  ],
  "names of the prototype": [
    request("GET / HTTP/1.1", "__proto__: x", "constructor: y", "toString: z"),
    { HTTP_CONSTRUCTOR: "y", HTTP_TOSTRING: "z", HTTP___PROTO__: undefined },
  ],
  "Authorization": [
    request("GET / HTTP/1.1", "Authorization: Basic XXXX"),
    { HTTP_AUTHORIZATION: "Basic XXXX" },
  ],
  "lines that end in LF": [
    "GET /lf HTTP/1.1\nHost: h\nConnection: close\nX-A: b\n\n",
    { PATH_INFO: "/lf", HTTP_X_A: "b" },
  ],
  "a bare LF in a value": [
    request("GET / HTTP/1.1", "X-A: a\nX-B: b"),
    { HTTP_X_A: "a", HTTP_X_B: "b" },
  ],
  "a folded value": [request("GET / HTTP/1.1", "X-A: a\r\n b"), 400],
  "a blank before the colon": [request("GET / HTTP/1.1", "X-A : a"), 400],
  "a line without a colon": [request("GET / HTTP/1.1", "X-A"), 400],
  "a bell in a value": [request("GET / HTTP/1.1", "X-A: a\x07"), 400],
  "DEL in a value": [request("GET / HTTP/1.1", "X-A: a\x7f"), 400],
  "NUL in a value": [request("GET / HTTP/1.1", "X-A: a\0"), 400],
  "a large head": [
    request("GET / HTTP/1.1", `X-A: ${"a".repeat(70_000)}`),
    400,
  ],
  "a large target": [request(`GET /${"x".repeat(70_000)} HTTP/1.1`), 400],
  "many headers": [request("GET / HTTP/1.1", ...MANY), 400],
  "no Host, in HTTP/1.0": [
    "GET / HTTP/1.0\r\n\r\n",
    // Deno does not tell the version.
    { SERVER_PROTOCOL: "HTTP/1.1", PATH_INFO: "/" },
  ],
  "two Hosts": [request("GET / HTTP/1.1", "Host: i"), 400],
  "an empty Host": [
    "GET / HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n",
    400,
  ],
  "a path in Host": [GET.replace("Host: h", "Host: a/b?c"), 400],
  "a name in Host": [GET.replace("Host: h", "Host: user@h"), 400],
  "a port in Host": [
    GET.replace("Host: h", "Host: h:81"),
    { HTTP_HOST: "h:81" },
  ],
  "an IPv6 address in Host": [
    GET.replace("Host: h", "Host: [::1]:81"),
    { HTTP_HOST: "[::1]:81" },
  ],
  "HTTP/2.0 in a request line": [request("GET / HTTP/2.0"), 400],
  "no version": ["GET /\r\n\r\n", 400],
  "garbage": ["\x16\x03\x01\x02\r\n\r\n", 400],
  "a body with its length": [
    request("POST / HTTP/1.1", "Content-Type: a/b", "Content-Length: 3") +
    "abc",
    {
      CONTENT_TYPE: "a/b",
      CONTENT_LENGTH: "3",
      HTTP_CONTENT_TYPE: undefined,
      HTTP_CONTENT_LENGTH: undefined,
      body: "abc",
    },
  ],
  "a body in chunks": [
    request("POST / HTTP/1.1", "Transfer-Encoding: chunked") +
    "3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nX-Trailer: z\r\n\r\n",
    {
      CONTENT_LENGTH: undefined,
      HTTP_TRANSFER_ENCODING: undefined,
      HTTP_X_TRAILER: undefined,
      body: "abcd",
    },
  ],
  "the same Content-Length twice": [
    request("POST / HTTP/1.1", "Content-Length: 1", "Content-Length: 1") + "a",
    { CONTENT_LENGTH: "1", body: "a" },
  ],
  "different Content-Lengths": [
    request("POST / HTTP/1.1", "Content-Length: 1", "Content-Length: 2") +
    "ab",
    400,
  ],
  "a list of Content-Lengths": [
    request("POST / HTTP/1.1", "Content-Length: 1, 1") + "a",
    400,
  ],
  "a negative Content-Length": [
    request("POST / HTTP/1.1", "Content-Length: -1"),
    400,
  ],
  "a Content-Length with a sign": [
    request("POST / HTTP/1.1", "Content-Length: +1") + "a",
    400,
  ],
  "Content-Length and chunks": [
    request(
      "POST / HTTP/1.1",
      "Content-Length: 3",
      "Transfer-Encoding: chunked",
    ) + "0\r\n\r\n",
    400,
  ],
  "chunks in HTTP/1.0": [
    request("POST / HTTP/1.0", "Transfer-Encoding: chunked") + "0\r\n\r\n",
    400,
  ],
  "another transfer encoding": [
    request("POST / HTTP/1.1", "Transfer-Encoding: gzip"),
    400,
  ],
  "two types": [
    request("POST / HTTP/1.1", "Content-Type: a/b", "Content-Type: c/d"),
    { CONTENT_TYPE: "a/b, c/d" },
  ],
  // Deno gives no body of GET to anyone.
  "a body of GET": [
    request("GET / HTTP/1.1", "Content-Length: 3") + "abc",
    { CONTENT_LENGTH: undefined, body: "" },
  ],
};

/** Answers with the variables and the body, as JSON in ASCII. */
const echo: WsgiApplication = async (environ, startResponse) => {
  const body = new TextDecoder("latin1").decode(
    await environ["wsgi.input"].read(),
  );
  startResponse("200 OK", TEXT);
  const json = JSON.stringify(
    { ...environ, body },
    (_key, value) =>
      typeof value === "object" && value["wsgiref.request"] === undefined
        ? undefined
        : value,
  );
  return [encoder.encode(json.replace(
    /[\x80-\xff]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  ))];
};

for (const [name, [bytes, outcome]] of Object.entries(REQUESTS)) {
  Deno.test(`WsgiRequestHandler.getEnviron(): ${name}`, async () => {
    await using server = serve(echo);
    const response = await exchange(server.serverPort, bytes);
    if (typeof outcome === "number") {
      assertEquals(statusOf(response), outcome);
      return;
    }
    assertEquals(statusOf(response), 200, server.logged);
    const environ = JSON.parse(response.slice(response.indexOf("\r\n\r\n")));
    assertEquals(
      Object.fromEntries(
        Object.keys(outcome).map((key) => [key, environ[key]]),
      ),
      outcome,
    );
  });
}

Deno.test("WsgiServer answers several requests of one connection", async () => {
  await using server = serve(
    text(({ PATH_INFO: path }) => `<${path}>`),
    { quiet: true },
  );
  using client = await Client.connect(server.serverPort);
  await client.send([
    "GET /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nGET /",
    "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nGET /",
    "HEAD /3 HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /4 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
  ].join(""));
  const response = await client.readAll();
  assertEquals(response.match(/<.*?>/g), ["</1>", "</2>", "</4>"]);
  assertEquals(response.match(/HTTP\/1.1 200 OK/g)?.length, 4);
});

Deno.test("WsgiServer keeps an HTTP/1.0 connection that is asked to", async () => {
  await using server = serve(text(({ PATH_INFO: path = "" }) => path));
  const response = await exchange(
    server.serverPort,
    "GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n",
  );
  assertMatch(response, /\r\n\r\n\/1HTTP\/1.0 200 OK\r\n[^]*\r\n\r\n\/2$/);
});

Deno.test("WsgiServer sends 100 Continue", async () => {
  await using server = serve(echo);
  using client = await Client.connect(server.serverPort);
  await client.send(
    request("POST / HTTP/1.1", "Expect: 100-continue", "Content-Length: 3"),
  );
  assertEquals(
    await client.readTo("\r\n\r\n"),
    "HTTP/1.1 100 Continue\r\n\r\n",
  );
  await client.send("abc");
  assertStringIncludes(await client.readAll(), '"body":"abc"');
});

Deno.test("WsgiServer tells the application of a body that breaks off", async () => {
  const tails = [
    "Content-Length: 9\r\n\r\nabc",
    [
      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ].join(""),
  ];
  for (const tail of tails) {
    const { promise: failed, resolve } = Promise.withResolvers<unknown>();
    await using server = serve(async (environ, startResponse) => {
      await environ["wsgi.input"].read().catch((error) => {
        resolve(error);
        throw error;
      });
      return hello(environ, startResponse);
    });
    using client = await Client.connect(server.serverPort);
    await client.send(`POST / HTTP/1.1\r\nHost: h\r\n${tail}`);
    await client.end();
    assertInstanceOf(await failed, Error);
    assertFalse((await client.readAll()).includes("Hello"));
  }
});

Deno.test("WsgiServer sends the bytes of a response as they should be", async () => {
  breaks("header-value");
  const table: Record<string, [app: WsgiApplication, response: RegExp]> = {
    "an array": [
      hello,
      /^HTTP\/1.1 200 OK\r\ncontent-type: text\/plain\r\ncontent-length: 5\r\ndate: [^\r]+ GMT\r\nconnection: close\r\n\r\nHello$/i,
    ],
    "a generator": [
      function* (_environ, startResponse) {
        startResponse("200 OK", [...TEXT, ["Set-Cookie", "a=1"], [
          "Set-Cookie",
          "b=2",
        ]]);
        yield encoder.encode("Hel");
        yield encoder.encode("lo");
      },
      /^HTTP\/1.1 200 OK\r\ncontent-type: text\/plain\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ntransfer-encoding: chunked\r\ndate: [^\r]+ GMT\r\nconnection: close\r\n\r\n(?:3\r\nHel\r\n2\r\nlo|5\r\nHello)\r\n0\r\n\r\n$/i,
    ],
    "write()": [
      async (_environ, startResponse) => {
        const write = startResponse("200 OK", TEXT);
        await write(encoder.encode("Hel"));
        return [encoder.encode("lo")];
      },
      /\r\n\r\n(?:3\r\nHel\r\n2\r\nlo|5\r\nHello)\r\n0\r\n\r\n$/,
    ],
    "no content": [
      (_environ, startResponse) => {
        startResponse("204 No Content", []);
        return [];
      },
      /^HTTP\/1.1 204 No Content\r\ndate: [^\r]+ GMT\r\nconnection: close\r\n\r\n$/i,
    ],
    "not modified": [
      (_environ, startResponse) => {
        startResponse("304 Not Modified", [["ETag", '"a"']]);
        return [];
      },
      /^HTTP\/1.1 304 Not Modified\r\netag: "a"\r\ndate: [^\r]+ GMT\r\nconnection: close\r\n\r\n$/i,
    ],
    "an error": [
      () => {
        throw new Error("spam");
      },
      /^HTTP\/1.1 500 Internal Server Error\r\n[^]*\r\n\r\nA server error occurred\. {2}Please contact the administrator\.$/,
    ],
    "an error in the body": [
      function* (_environ, startResponse) {
        startResponse("200 OK", TEXT);
        yield encoder.encode("Hel");
        throw new Error("spam");
      },
      // There is no last chunk, so that the client can tell.
      /\r\n\r\n3\r\nHel\r\n$/,
    ],
    "a body that looks like a head": [
      text(() => "Foo: Bar\r\n\r\nHello World"),
      /\r\ncontent-length: 23\r\n[^]*\r\n\r\nFoo: Bar\r\n\r\nHello World$/i,
    ],
    "a header that would crash Deno": [
      (_environ, startResponse) => {
        startResponse("200 OK", [["X-A", "a\x01"]]);
        return [];
      },
      /^HTTP\/1.1 500 Internal Server Error\r\n/,
    ],
  };
  for (const [name, [app, response]] of Object.entries(table)) {
    await using server = serve(app);
    assertMatch(await exchange(server.serverPort, GET), response, name);
  }
});

Deno.test("WsgiServer logs requests in the common log format", async () => {
  await using server = serve(hello);
  const date = () => {
    const [, month, day, year, time] =
      /^\w+ (\w+) (\d+) (\d+) (\S+)/.exec(new Date().toString()) ?? [];
    return `${day}/${month}/${year} ${time}`;
  };
  const before = date();
  await exchange(server.serverPort, request("GET /a%20b?c=d HTTP/1.1"));
  const [, time = "", line] =
    /^127\.0\.0\.1 - - \[(.*?)\] (.*)\n$/.exec(server.logged) ?? [];
  assert([before, date()].includes(time), `${time} is not ${before}`);
  assertEquals(line, '"GET /a%20b?c=d HTTP/1.1" 200 5');
});

Deno.test("WsgiServer logs every kind of request and answer", async () => {
  breaks("content-length-unreached");
  const app: WsgiApplication = (environ, startResponse) => {
    switch (environ.PATH_INFO) {
      case "/error":
        throw new Error("spam");
      case "/stream":
        startResponse("200 OK", TEXT);
        return (function* () {
          yield encoder.encode("Hel");
          yield encoder.encode("lo");
        })();
      case "/broken":
        startResponse("200 OK", [...TEXT, ["Content-Length", "5"]]);
        return (function* () {
          yield encoder.encode("Hel");
          throw new Error("ham");
        })();
      case "/short":
        startResponse("200 OK", [...TEXT, ["Content-Length", "5"]]);
        return (function* () {
          yield encoder.encode("Hel");
        })();
      case "/404":
        startResponse("404 Not Found", TEXT);
        return [];
      default:
        return hello(environ, startResponse);
    }
  };
  const table: [bytes: string, line: string][] = [
    [request("GET /error HTTP/1.1"), '"GET /error HTTP/1.1" 500 59'],
    [request("GET /stream HTTP/1.1"), '"GET /stream HTTP/1.1" 200 5'],
    [request("GET /broken HTTP/1.1"), '"GET /broken HTTP/1.1" 200 3'],
    [request("GET /short HTTP/1.1"), '"GET /short HTTP/1.1" 200 3'],
    [request("GET /404 HTTP/1.1"), '"GET /404 HTTP/1.1" 404 0'],
    [request("HEAD / HTTP/1.1"), '"HEAD / HTTP/1.1" 200 0'],
    [request("CONNECT h:443 HTTP/1.1"), '"CONNECT h:443 HTTP/1.1" 200 5'],
    [request("GET http://i/x?y HTTP/1.1"), '"GET /x?y HTTP/1.1" 200 5'],
    [request("GET //a//b?c/d HTTP/1.1"), '"GET //a//b?c/d HTTP/1.1" 200 5'],
    [request('GET /"\\x HTTP/1.1'), '"GET /\\"\\\\x HTTP/1.1" 200 5'],
    [
      request("GET /\xc2\x85\xe2\x80\xa8%0a HTTP/1.1"),
      '"GET /\\x85\\u2028%0a HTTP/1.1" 200 5',
    ],
  ];
  for (const [bytes, line] of table) {
    await using server = serve(app);
    await exchange(server.serverPort, bytes);
    await server.shutdown();
    assertEquals(requestsOf(server.logged), [line]);
  }
});

Deno.test("WsgiServer logs why it refuses a request", async () => {
  await using server = serve(hello);
  await exchange(server.serverPort, GET.replace("Host: h", 'Host: a"b'));
  assertEquals(requestsOf(server.logged), [
    'code 400, message Cannot answer the request as its URL must have the scheme "http" or "https" and a valid host: received "http://a\\"b/"',
    '"GET / HTTP/1.1" 400 12',
  ]);
});

Deno.test("WsgiServer logs an error with its request, before the request", async () => {
  await using server = serve((environ) => {
    environ["wsgi.errors"].write("from the application\n");
    throw new Error(`spam ${environ.PATH_INFO}`);
  });
  await exchange(server.serverPort, request("GET /a?b HTTP/1.1"));
  const lines = server.logged.split("\n");
  assertEquals(lines.slice(0, 3), [
    "from the application",
    'Cannot answer GET "http://h/a?b"',
    "Error: spam /a",
  ]);
  assertMatch(lines.at(-2) ?? "", /"GET \/a\?b HTTP\/1\.1" 500 59$/);
  assertEquals(requestsOf(server.logged).length, 1);
});

Deno.test("WsgiServer logs errors but no requests if it is to be quiet", async () => {
  await using server = serve(
    (environ, startResponse) => {
      if (environ.PATH_INFO === "/error") throw new Error("spam");
      return hello(environ, startResponse);
    },
    { quiet: true },
  );
  assert(server.quiet);
  await exchange(server.serverPort, GET);
  await exchange(server.serverPort, GET.replace("Host: h", "Host: a/b"));
  assertEquals(server.logged, "");
  await exchange(server.serverPort, request("GET /error HTTP/1.1"));
  assertStringIncludes(server.logged, "Error: spam");
  assertEquals(requestsOf(server.logged), []);
});

Deno.test("WsgiRequestHandler can be overridden", async () => {
  const calls: string[] = [];
  class Handler extends WsgiRequestHandler {
    override getEnviron() {
      return { ...super.getEnviron(), MY_KEY: "mine", REMOTE_USER: "al" };
    }
    override getStderr() {
      return new TextErrorStream((text) => calls.push(text));
    }
    override handle() {
      calls.push(`handle ${this.request.method}`);
      return super.handle();
    }
    override logRequest(code: number | string, size: number | string) {
      calls.push(`logRequest ${code} ${size}`);
      super.logRequest(code, size);
    }
    override logMessage(message: string) {
      super.logMessage(message.replace("HTTP/1.1", "spam"));
    }
  }
  const app = text((environ) => {
    environ["wsgi.errors"].write("errors\n");
    return `${environ.MY_KEY} ${environ.REMOTE_USER}`;
  });
  await using server = makeServer("127.0.0.1", 0, app, {
    handlerClass: Handler,
  });
  server.serveForever();
  assertMatch(await exchange(server.serverPort, GET), /\r\n\r\nmine al$/);
  const line = calls.pop() ?? "";
  assertEquals(calls, ["handle GET", "errors\n", "logRequest 200 7"]);
  assertMatch(line, /^127.0.0.1 - - \[.*\] "GET \/ spam" 200 7\n$/);
});

Deno.test("WsgiRequestHandler.handle() may answer by itself", async () => {
  class Handler extends WsgiRequestHandler {
    override handle() {
      return this.request.url.endsWith("/app")
        ? super.handle()
        : new Response("by itself");
    }
  }
  await using server = makeServer("127.0.0.1", 0, hello, {
    handlerClass: Handler,
    quiet: true,
  });
  const answered = server.handleRequest();
  assertMatch(await exchange(server.serverPort, GET), /by itself$/);
  await answered;
  server.serveForever();
  assertMatch(
    await exchange(server.serverPort, request("GET /app HTTP/1.1")),
    /Hello$/,
  );
});

Deno.test("WsgiServer answers 500 and logs if a handler class throws", async () => {
  class SyncHandler extends WsgiRequestHandler {
    override getEnviron(): never {
      throw new TypeError("spam");
    }
  }
  class AsyncHandler extends WsgiRequestHandler {
    override handle() {
      return Promise.reject("ham");
    }
  }
  for (
    const [handlerClass, message] of [
      [SyncHandler, "TypeError: spam"],
      [AsyncHandler, "ham"],
    ] as const
  ) {
    await using server = listen(hello);
    server.handlerClass = handlerClass;
    const answered = server.handleRequest();
    assertEquals(statusOf(await exchange(server.serverPort, GET)), 500);
    await answered;
    assertStringIncludes(server.logged, message);
    const [client] = await sendAll(server.serverPort, GET);
    await server.handleRequest();
    assertEquals(statusOf(await client?.readAll() ?? ""), 500);
    client?.[Symbol.dispose]();
  }
});

Deno.test("WsgiServer.setupEnviron() can be overridden", async () => {
  class Server extends WsgiServer {
    override setupEnviron() {
      super.setupEnviron();
      this.baseEnviron.SERVER_NAME = "spam.example";
      this.baseEnviron["my.list"] = [1];
    }
  }
  await using server = makeServer("127.0.0.1", 0, demoApp, {
    serverClass: Server,
    quiet: true,
  });
  server.serveForever();
  const response = await exchange(server.serverPort, GET);
  assertStringIncludes(response, "\nSERVER_NAME = 'spam.example'\n");
  assertStringIncludes(response, "\nmy.list = [1]\n");
});

Deno.test("ServerHandler logs a request once, and releases its result", async () => {
  const calls: string[] = [];
  class Handler extends WsgiRequestHandler {
    override logRequest(): never {
      calls.push("logRequest");
      throw new Error("spam");
    }
  }
  await using server = listen((_environ, startResponse) => {
    startResponse("200 OK", TEXT);
    return Object.assign([encoder.encode("Hello")], {
      close: () => void calls.push("close"),
    });
  });
  server.handlerClass = Handler;
  server.serveForever();
  assertMatch(await exchange(server.serverPort, GET), /Hello$/);
  assertEquals(calls.filter((call) => call === "close").length, 1);
});

Deno.test("WsgiServer answers a hundred requests at the same time", async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let inside = 0;
  await using server = serve(async function* (environ, startResponse) {
    const { PATH_INFO: path = "" } = environ;
    if (++inside === 100) open();
    await gate;
    startResponse("200 OK", TEXT);
    for (const character of path) {
      yield encoder.encode(character);
      await Promise.resolve();
    }
  }, { quiet: true });
  const paths = Array.from({ length: 100 }, (_, index) => `/request-${index}`);
  const bodies = await Promise.all(paths.map(async (path) => {
    const response = await fetch(
      `http://127.0.0.1:${server.serverPort}${path}`,
    );
    return await response.text();
  }));
  assertEquals(bodies, paths);
  assertEquals(inside, 100);
});

Deno.test("WsgiServer makes a fast application wait for a slow client", async () => {
  const block = new Uint8Array(65_536);
  const blocks = 4096;
  let sent = 0;
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  await using server = serve(
    (environ, startResponse) => {
      if (environ.PATH_INFO === "/") return hello(environ, startResponse);
      startResponse("200 OK", TEXT);
      return (function* () {
        try {
          for (; sent < blocks; sent++) yield block;
        } finally {
          resolve();
        }
      })();
    },
  );
  const client = await Client.connect(server.serverPort);
  await client.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  await client.readTo("\r\n\r\n");
  // Others are answered while it is slow.
  for (let i = 0; i < 100; i++) {
    assertEquals(statusOf(await exchange(server.serverPort, GET)), 200);
  }
  assertGreater(sent, 0);
  assertLess(sent, blocks / 2);
  // The application is released when the client leaves.
  client[Symbol.dispose]();
  await closed;
  await server.shutdown();
  const line = requestsOf(server.logged).at(-1) ?? "";
  const [, size] = /^"GET \/slow HTTP\/1.1" 200 (\d+)$/.exec(line) ?? [];
  assertEquals(Number(size), (sent + 1) * block.length);
});

Deno.test("WsgiServer is not blocked by idle connections", async () => {
  await using server = serve(hello, { quiet: true });
  const clients: Client[] = [];
  for (let i = 0; i < 50; i++) {
    const client = await Client.connect(server.serverPort);
    clients.push(client);
    if (i % 2) await client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Le");
  }
  assertEquals(statusOf(await exchange(server.serverPort, GET)), 200);
  for (const client of clients) client[Symbol.dispose]();
});

/** Random numbers that are the same each time (xorshift32). */
function makeRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

Deno.test("WsgiServer survives whatever a client sends", async () => {
  await using server = serve(async (environ, startResponse) => {
    const { "wsgi.input": input, HTTP_X_A: value = "" } = environ;
    await input.read();
    startResponse("200 OK", [["X-A", value]]);
    return demoApp(environ, () => () => Promise.resolve());
  });
  const random = makeRandom(20_261_121);
  const pick = (list: string[]) => list[random(list.length)] ?? "";
  const parts = [
    "GET ",
    "POST / HTTP/1.1\r\n",
    "HEAD //a/../%00%zz?%ff HTTP/1.0\r\n",
    "OPTIONS * HTTP/1.1\r\n",
    "CONNECT a:1 HTTP/1.1\r\n",
    "GET http://[::1]:9/\\ HTTP/1.1\r\n",
    "Host: h\r\n",
    "Host: a/b?c#d@e\r\n",
    "Host: [\r\n",
    "X-A: \xff\xfe\r\n",
    "X-A: a\tb\r\n",
    "X_A: 1\r\n",
    "__proto__: x\r\n",
    "Content-Length: 4\r\n",
    "Content-Length: 99999999999999999999\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Expect: 100-continue\r\n",
    "Upgrade: websocket\r\nConnection: upgrade\r\n",
    "\r\n",
    "\r\n\r\n",
    "4\r\nabcd\r\n",
    "ffffffffffffffff\r\n",
    "0\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  ];
  const randomBytes = () =>
    String.fromCharCode(
      ...Array.from({ length: random(20) }, () => random(256)),
    );
  const makeBytes = () => {
    let bytes = random(4) === 0 ? "" : pick(parts.slice(1, 6)) + "Host: h\r\n";
    for (let count = random(12); count > 0; count--) {
      bytes += random(8) === 0 ? randomBytes() : pick(parts);
    }
    return random(3) === 0 ? bytes : `${bytes}\r\n\r\n`;
  };
  const statuses = new Set<number>();
  for (let round = 0; round < 60; round++) {
    await Promise.all(Array.from({ length: 50 }, async () => {
      using client = await Client.connect(server.serverPort);
      await client.send(makeBytes()).catch(() => {});
      await client.end().catch(() => {});
      statuses.add(statusOf(await client.readAll()));
    }));
  }
  // The bytes were such that they came through, and not.
  assert(statuses.has(200) && statuses.has(400), [...statuses].join());
  assertEquals(statusOf(await exchange(server.serverPort, GET)), 200);
});

/** The tests of CPython's `test_wsgiref.IntegrationTests`, and what is not the same. */
const INTEGRATION_TESTS: Record<string, {
  app: WsgiApplication;
  request: string;
  response: RegExp;
  log?: RegExp;
  departure?: string;
}> = {
  "test_plain_hello": {
    app: helloWorld,
    request: "GET / HTTP/1.0\r\n\r\n",
    response:
      /^HTTP\/1.0 200 OK\r\ncontent-type: text\/plain\r\ncontent-length: 13\r\ndate: [^\r]+ GMT\r\n\r\nHello, world!$/i,
    departure: "Deno writes its own Date, and no Server",
  },
  "test_environ": {
    app: text((environ) =>
      [environ.HTTP_X_TEST_HEADER, environ.QUERY_STRING, environ.PATH_INFO]
        .join(";")
    ),
    request:
      "GET /p%61th/?query=test HTTP/1.0\nX-Test-Header: Python test \nX-Test-Header: Python test 2\nContent-Length: 0\n\n",
    response: /\r\n\r\nPython test, Python test 2;query=test;\/path\/$/,
    departure: "repeated headers are joined with a blank after the comma",
  },
  "test_request_length": {
    app: helloWorld,
    request: `GET ${"x".repeat(65_537)} HTTP/1.0\r\n\r\n`,
    response: /^HTTP\/1.1 400 Bad Request\r\n/,
    departure: "Deno answers 400, not 414",
  },
  "test_validated_hello": {
    app: validator(helloWorld),
    request: "GET / HTTP/1.0\r\n\r\n",
    response: /^HTTP\/1.0 200 OK\r\n[^]*\r\n\r\nHello, world!$/,
  },
  "test_simple_validation_error": {
    app: validator((_environ, startResponse) => {
      startResponse("200 OK", ["Content-Type"] as unknown as WsgiHeader[]);
      return [];
    }),
    request: "GET / HTTP/1.0\r\n\r\n",
    response:
      /\r\n\r\nA server error occurred\. {2}Please contact the administrator\.$/,
    log:
      /^WsgiConformanceError: Each header must be an array of a name and a value: received "Content-Type"; /m,
  },
  ...Object.fromEntries(
    ["200", "20X OK", "200OK"].map((status) => [
      `test_status_validation_errors ${status}`,
      {
        app: (_environ, startResponse) => {
          breaks("status-form");
          startResponse(status, TEXT);
          return [];
        },
        request: "GET / HTTP/1.0\r\n\r\n",
        response: /^HTTP\/1.0 500 Internal Server Error\r\n/,
        log: new RegExp(
          `^TypeError: Cannot start the response as its status must be three digits, a space and a reason phrase: received "${status}"$`,
          "m",
        ),
      },
    ]),
  ),
  "test_wsgi_input": {
    app: validator(async (environ, startResponse) => {
      await environ["wsgi.input"].read();
      startResponse("200 OK", TEXT);
      return [encoder.encode("data")];
    }),
    request: "GET / HTTP/1.0\r\n\r\n",
    response: /^HTTP\/1.0 200 OK\r\n[^]*\r\n\r\ndata$/,
    departure: "read() without a size is right, as PEP 3333 says",
  },
  "test_bytes_validation": {
    app: validator((_environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
      return [encoder.encode("data")];
    }),
    request: "GET / HTTP/1.0\r\n\r\n",
    response:
      /\r\ncontent-type: text\/plain; charset=utf-8\r\n[^]*\r\n\r\ndata$/i,
    log: /\] "GET \/ HTTP\/1.1" 200 4\n$/,
    departure: "Deno does not tell the version, so it is always HTTP/1.1",
  },
  "test_cp1252_url": {
    app: validator((environ, startResponse) => {
      startResponse("200 OK", TEXT);
      return [Uint8Array.from(environ.PATH_INFO ?? "", (c) => c.charCodeAt(0))];
    }),
    request: "GET /%80%80 HTTP/1.0\r\n\r\n",
    response: /\r\n\r\n\/\x80\x80$/,
    departure: "Deno refuses bytes that are neither UTF-8 nor percent-encoded",
  },
};

for (
  const [name, { app, request, response, log, departure }] of Object.entries(
    INTEGRATION_TESTS,
  )
) {
  const suffix = departure === undefined ? "" : `, but ${departure}`;
  Deno.test(`IntegrationTests.${name}${suffix}`, async () => {
    await using server = serve(app);
    assertMatch(await exchange(server.serverPort, request), response);
    if (log) assertMatch(server.logged, log);
  });
}

Deno.test("IntegrationTests.test_interrupted_write, but no signal interrupts a write of JavaScript", async () => {
  const size = 16_777_216;
  await using server = serve((_environ, startResponse) => {
    startResponse("200 OK", []);
    return [new Uint8Array(size)];
  });
  const response = await fetch(`http://127.0.0.1:${server.serverPort}/`);
  let received = 0;
  for await (const chunk of response.body ?? []) received += chunk.length;
  assertEquals(received, size);
});

Deno.test("WsgiRequestHandler.getEnviron() has the scheme of the connection, not of the target", async () => {
  await using server = makeServer("127.0.0.1", 0, (environ, startResponse) => {
    startResponse("200 OK", []);
    return [new TextEncoder().encode(environ["wsgi.url_scheme"])];
  }, { quiet: true });
  server.serveForever();
  const request =
    "GET https://h/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  assertMatch(await exchange(server.serverPort, request), /\r\n\r\nhttp$/);
});

for (const serverSoftware of ["spam/1", undefined]) {
  const name = serverSoftware ? "one name" : "a name for applications only";
  Deno.test(`WsgiServer has ${name}, whatever it answers (D35)`, async () => {
    await using server = serve((environ, startResponse) => {
      if (environ.PATH_INFO === "/error") throw new Error("spam");
      startResponse("200 OK", TEXT);
      return [encoder.encode(`${environ.SERVER_SOFTWARE}`)];
    }, { scriptName: "/app", ...serverSoftware && { serverSoftware } });
    for (
      const [path, status] of [["/app/", 200], ["/app/error", 500], ["/", 404]]
    ) {
      const response = await exchange(
        server.serverPort,
        request(`GET ${path} HTTP/1.1`),
      );
      assertEquals(statusOf(response), status);
      assertEquals(/^server: (.*)\r$/im.exec(response)?.[1], serverSoftware);
      if (status !== 200) continue;
      const name = /\r\n\r\n(.*)$/.exec(response)?.[1] ?? "";
      assertEquals(name, server.baseEnviron.SERVER_SOFTWARE);
      assertMatch(name, serverSoftware ? /^spam\/1$/ : /^wsgiref\/\d/);
    }
  });
}

Deno.test({
  name:
    "WsgiServer.shutdown() waits for all requests in flight, until serverClose()",
  timeout: 20_000,
  async fn() {
    let called = 0;
    const gates: (() => void)[] = [];
    const server = serve(
      text(async () => {
        called++;
        await new Promise<void>((resolve) => gates.push(resolve));
        return "Hello";
      }),
      { shutdownTimeout: 10_000 },
    );
    const clients = await sendAll(server.serverPort, GET, GET, GET);
    assertEquals(called, 3);
    let isStopped = false;
    const stopped = server.shutdown().then(() => isStopped = true);
    gates[0]?.();
    // The first to be answered does not end it.
    const [first] = await Promise.race(
      clients.map((client) => client.readAll().then((response) => [response])),
    );
    assertEquals(statusOf(first ?? ""), 200);
    assertEquals(isStopped, false);
    await server.serverClose();
    await stopped;
    for (const open of gates) open();
    for (const client of clients) client[Symbol.dispose]();
  },
});

Deno.test({
  name: "WsgiServer.handleRequest() ends at once after serverClose()",
  timeout: 20_000,
  async fn() {
    const server = serve(hello);
    await server.serverClose();
    await server.handleRequest();
    await server.serveForever();
    await server.shutdown();
  },
});

Deno.test({
  name: "WsgiServer.handleRequest() ends with the lines of its log written",
  timeout: 30_000,
  async fn() {
    const module = new URL("../simple_server.ts", import.meta.url).href;
    const source = `
      import { demoApp, makeServer } from ${JSON.stringify(module)};
      const server = makeServer("127.0.0.1", 0, demoApp);
      const handled = server.handleRequest();
      const response = await fetch("http://127.0.0.1:" + server.serverPort);
      await response.text();
      await handled;
      Deno.exit();
    `;
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", source],
      env: { NO_COLOR: "1" },
      signal: AbortSignal.timeout(20_000),
    }).output();
    assertMatch(
      new TextDecoder().decode(stderr),
      /^127\.0\.0\.1 - - \[.*\] "GET \/ HTTP\/1\.1" 200 \d+\n$/,
    );
  },
});

Deno.test({
  name: "importing simple_server.ts starts nothing, and asks for nothing",
  timeout: 30_000,
  async fn() {
    const module = new URL("../simple_server.ts", import.meta.url).href;
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-prompt", "--no-check", "--ext=ts"],
        `data:text/typescript,${
          encodeURIComponent(`import ${JSON.stringify(module)};`)
        }`,
      ],
      signal: AbortSignal.timeout(20_000),
    }).output();
    const output = new TextDecoder().decode(stdout) +
      new TextDecoder().decode(stderr);
    assertEquals({ code, output }, { code: 0, output: "" });
  },
});

Deno.test("makeServer() takes the name and the port of the server from its options", async () => {
  await using server = makeServer("127.0.0.1", 0, demoApp, {
    quiet: true,
    serverName: "shop.example",
    serverPort: 443,
  });
  server.serveForever();
  const text = await exchange(server.serverPort, GET);
  assertStringIncludes(text, "\nSERVER_NAME = 'shop.example'\n");
  assertStringIncludes(text, "\nSERVER_PORT = '443'\n");
});

Deno.test("makeServer() and shutdown() refuse a time that is none", async () => {
  const message =
    "Cannot wait for requests as the time must be a number >= 0 of milliseconds: received ";
  for (const timeout of [NaN, -1]) {
    assertThrows(
      () => makeServer("127.0.0.1", 0, demoApp, { shutdownTimeout: timeout }),
      RangeError,
      `${message}${timeout}`,
    );
    await using server = makeServer("127.0.0.1", 0, demoApp);
    assertThrows(() => server.shutdown({ timeout }), RangeError, message);
  }
  const server = makeServer("127.0.0.1", 0, demoApp, { shutdownTimeout: 0 });
  await server.shutdown({ timeout: 0 });
});

Deno.test("makeServer() lets no client choose the scheme, also if none is given", async () => {
  await using server = makeServer("127.0.0.1", 0, demoApp, {
    quiet: true,
    scheme: undefined,
  } as unknown as WsgiServerOptions);
  server.serveForever();
  const text = await exchange(
    server.serverPort,
    "GET https://h/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
  );
  assertStringIncludes(text, "\nwsgi.url_scheme = 'http'\n");
});

Deno.test("makeServer() logs why Deno refuses a response, and answers 500", async () => {
  const cached = new Response("cached");
  class RequestHandler extends WsgiRequestHandler {
    override handle() {
      return cached;
    }
  }
  let log = "";
  await using server = makeServer("127.0.0.1", 0, demoApp, {
    errors: new TextErrorStream((text) => log += text),
    handlerClass: RequestHandler,
    quiet: true,
  });
  server.serveForever();
  assertEquals(statusOf(await exchange(server.serverPort, GET)), 200);
  assertEquals(log, "");
  assertEquals(statusOf(await exchange(server.serverPort, GET)), 500);
  assertMatch(log, /^Cannot send a response: TypeError: /);
});

Deno.test("makeServer() leaves no port taken if onListen throws", async () => {
  const failure = new Error("onListen");
  let port = 0;
  const error = assertThrows(() =>
    makeServer("127.0.0.1", 0, demoApp, {
      onListen(address) {
        port = address.port ?? 0;
        throw failure;
      },
    })
  );
  assertStrictEquals(error, failure);
  await until("The port is free", () => {
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return true;
    } catch {
      return false;
    }
  });
});

Deno.test("makeServer() stays with no signal once it has stopped", async () => {
  const { signal } = new AbortController();
  let count = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    count++;
    addEventListener.apply(signal, args as never);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    count--;
    removeEventListener.apply(signal, args as never);
  };
  const server = makeServer("127.0.0.1", 0, demoApp, { signal });
  assertEquals(count, 1);
  await server.shutdown();
  assertEquals(count, 0);
});

Deno.test("WsgiServer logs the status of an error response that fails too", async () => {
  class Broken extends ServerHandler {
    override errorStatus = "no status";
  }
  class Handler extends WsgiRequestHandler {
    override handle() {
      return new Broken(this).respond(() => {
        throw new Error("spam");
      });
    }
  }
  await using server = listen(demoApp, { handlerClass: Handler });
  server.serveForever();
  assertEquals(statusOf(await exchange(server.serverPort, GET)), 500);
  assertEquals(requestsOf(server.logged), ['"GET / HTTP/1.1" 500 0']);
});

Deno.test("WsgiServer.baseEnviron is for what a request does not say", async () => {
  await using server = makeServer("127.0.0.1", 0, demoApp, { quiet: true });
  server.baseEnviron.HTTP_USER_AGENT = "default";
  server.baseEnviron.HTTP_ACCEPT = "default";
  server.baseEnviron.SERVER_PROTOCOL = "HTTP/0.9";
  server.serveForever();
  const text = await exchange(
    server.serverPort,
    "GET / HTTP/1.1\r\nHost: h\r\nAccept: spam\r\nConnection: close\r\n\r\n",
  );
  assertStringIncludes(text, "\nHTTP_ACCEPT = 'spam'\n");
  assertStringIncludes(text, "\nHTTP_USER_AGENT = 'default'\n");
  assertStringIncludes(text, "\nSERVER_PROTOCOL = 'HTTP/1.1'\n");
});

Deno.test("WsgiServer prints why it cannot log", async () => {
  const printed = await withConsole(async () => {
    class Handler extends WsgiRequestHandler {
      override logRequest(): never {
        throw new Error("The disk is full");
      }
    }
    const errors = {
      write() {},
      writelines() {},
      flush(): never {
        throw new Error("The log is closed");
      },
    };
    const server = makeServer("127.0.0.1", 0, demoApp, {
      errors,
      handlerClass: Handler,
    });
    server.serveForever();
    assertEquals(statusOf(await exchange(server.serverPort, GET)), 200);
    await server.shutdown();

    class Cached extends WsgiRequestHandler {
      static readonly response = new Response("cached");

      override handle() {
        return Cached.response;
      }
    }
    await using other = makeServer("127.0.0.1", 0, demoApp, {
      errors: { ...errors, write: () => assert(false, "No write") },
      handlerClass: Cached,
    });
    other.serveForever();
    await exchange(other.serverPort, GET);
    assertEquals(statusOf(await exchange(other.serverPort, GET)), 500);
  });
  assert(printed.some((text) => text.includes("Cannot log: Error: The disk")));
  assert(printed.some((text) => text.includes("Cannot log: Error: The log")));
  assert(printed.some((text) => text.includes("Cannot log: AssertionError")));
});

Deno.test("makeServer() names the path of a Unix socket at which it cannot listen", async () => {
  const path = await Deno.makeTempFile();
  assertThrows(
    () => makeServer("", 0, demoApp, { path }),
    Error,
    `Cannot listen on ${JSON.stringify(path)}: `,
  );
  await Deno.remove(path);
});

Deno.test("makeServer() sends the length of an array, small or large", async () => {
  for (const size of [65_535, 65_536, 65_537]) {
    await using server = makeServer(
      "127.0.0.1",
      0,
      (_environ, startResponse) => {
        startResponse("200 OK", TEXT);
        return [new Uint8Array(size)];
      },
      { quiet: true },
    );
    server.serveForever();
    const url = `http://127.0.0.1:${server.serverPort}/`;
    const response = await fetch(url);
    assertEquals(response.headers.get("content-length"), String(size));
    assertEquals((await response.bytes()).length, size);
  }
});
