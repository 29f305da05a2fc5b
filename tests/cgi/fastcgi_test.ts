// Copyright 2026 the wsgiref authors. MIT license.

/** `examples/fastcgi_server.ts`, as a web server sees it that writes records. */

import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { fastCgiServer } from "../../examples/fastcgi_server.ts";
import { TextErrorStream } from "../../handlers.ts";
import type { WsgiApplication } from "../../types.ts";
import { Client } from "../_client.ts";
import { application } from "./app.ts";

// FastCGI Specification, 8.
const BEGIN = 1;
const ABORT = 2;
const END = 3;
const PARAMS = 4;
const STDIN = 5;
const STDOUT = 6;
const STDERR = 7;
const GET_VALUES = 9;
const GET_VALUES_RESULT = 10;
const UNKNOWN_TYPE = 11;

/** A record whose content is a native string. */
interface FastCgiRecord {
  type: number;
  id: number;
  content: string;
}

const chars = (...codes: number[]) => String.fromCharCode(...codes);

function record(type: number, content = "", { id = 1, padding = 0 } = {}) {
  const { length } = content;
  const head = [1, type, id >> 8, id & 255, length >> 8, length & 255];
  return chars(...head, padding, 0) + content + "x".repeat(padding);
}

function begin({ role = 1, keep = true, id = 1 } = {}): string {
  return record(BEGIN, chars(0, role, keep ? 1 : 0, 0, 0, 0, 0, 0), { id });
}

function pair(name: string, value: string): string {
  const size = ({ length }: string) =>
    length < 128
      ? chars(length)
      : chars(128, length >> 16, length >> 8 & 255, length & 255);
  return size(name) + size(value) + name + value;
}

function pairs(variables: Record<string, string>): string {
  return Object.entries(variables).map(([name, value]) => pair(name, value))
    .join("");
}

const VARIABLES = {
  REQUEST_METHOD: "POST",
  SCRIPT_NAME: "",
  PATH_INFO: "/echo",
  SERVER_NAME: "localhost",
  SERVER_PORT: "80",
  SERVER_PROTOCOL: "HTTP/1.1",
};

/** A whole request. */
function request(
  variables: Record<string, string> = {},
  { body = "", keep = true, id = 1 } = {},
): string {
  const stdin = body === "" ? "" : record(STDIN, body, { id });
  return begin({ keep, id }) +
    record(PARAMS, pairs({ ...VARIABLES, ...variables }), { id }) +
    record(PARAMS, "", { id }) + stdin + record(STDIN, "", { id });
}

const ended = (status = 0, id = 1): FastCgiRecord => ({
  type: END,
  id,
  content: chars(0, 0, 0, 0, status, 0, 0, 0),
});

/** Reads one record; `null` at the end of the connection. */
async function readRecord(client: Client): Promise<FastCgiRecord | null> {
  const head = await client.read(8);
  if (head === "") return null;
  const at = (index: number) => head.charCodeAt(index);
  const content = await client.read(at(4) * 256 + at(5));
  await client.read(at(6));
  assertEquals([at(0), at(7)], [1, 0]);
  return { type: at(1), id: at(2) * 256 + at(3), content };
}

/** Reads the response to one request: its streams, and what comes then. */
async function readResponse(client: Client) {
  let stdout = "";
  let stderr = "";
  for (;;) {
    const next = await readRecord(client);
    if (next?.type === STDOUT) stdout += next.content;
    else if (next?.type === STDERR) stderr += next.content;
    else return { stdout, stderr, end: next };
  }
}

/** A server that listens on a free port, or on the socket file `path`. */
class Server implements AsyncDisposable {
  log = "";
  readonly #server;

  constructor(app: WsgiApplication = application) {
    const errors = new TextErrorStream((text) => this.log += text);
    this.#server = fastCgiServer(app, errors);
  }

  static async start(app?: WsgiApplication, path?: string): Promise<Server> {
    const server = new Server(app);
    server.#server.listen(
      path === undefined ? { host: "127.0.0.1", port: 0 } : { path },
    );
    await once(server.#server, "listening");
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  connect(): Promise<Client> {
    return Client.connect(this.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, "close");
  }
}

const HEAD = "Status: 200 OK\r\n";

/** The response of `/echo`. */
function echoed(body: string): string {
  return `${HEAD}Content-Type: application/octet-stream\r\n` +
    `Content-Length: ${body.length}\r\n\r\n${body}`;
}

Deno.test("fastCgiServer() answers one request after the other", async () => {
  await using server = await Server.start();
  using client = await server.connect();
  for (const id of [1, 2, 300, 65_535]) {
    for (const body of ["", "spam", "x".repeat(60_000)]) {
      await client.send(request({}, { body, id }));
      assertEquals(await readResponse(client), {
        stdout: echoed(body),
        stderr: "",
        end: ended(0, id),
      });
    }
  }
  assertEquals(server.log, "");
});

Deno.test("fastCgiServer() closes a connection that is not to be kept", async () => {
  await using server = await Server.start();
  using client = await server.connect();
  await client.send(request({}, { keep: false, body: "spam" }));
  const { stdout, end } = await readResponse(client);
  assertEquals([stdout, end], [echoed("spam"), ended()]);
  assertEquals(await readRecord(client), null);
});

Deno.test("fastCgiServer() reads records however they arrive", async () => {
  await using server = await Server.start();
  const body = "a".repeat(300);
  const long = "b".repeat(200);
  const variables = pairs({
    ...VARIABLES,
    CONTENT_LENGTH: "300",
    [`HTTP_${long}`]: long,
    HTTP_EMPTY: "",
  });
  const padded = [
    record(BEGIN, chars(0, 1, 1, 0, 0, 0, 0, 0), { padding: 1 }),
    ...Array.from(variables).map((char, index) =>
      record(PARAMS, char, { padding: index % 256 })
    ),
    record(PARAMS, "", { padding: 255 }),
    record(STDIN, body.slice(0, 100), { padding: 7 }),
    record(STDIN, body.slice(100)),
    record(STDIN, "", { padding: 8 }),
  ].join("");
  using client = await server.connect();
  await client.send(padded);
  assertEquals((await readResponse(client)).stdout, echoed(body));

  const whole = request({ CONTENT_LENGTH: "300" }, { body });
  for (const size of [1, 7, 8, 9, 100]) {
    for (let start = 0; start < whole.length; start += size) {
      await client.send(whole.slice(start, start + size));
      // So that it is sent, and not joined with the next.
      if (size > 1) await new Promise((resolve) => setTimeout(resolve));
    }
    assertEquals((await readResponse(client)).stdout, echoed(body));
  }
  // Several requests at once can only be for a server that ends each at once.
  assertEquals(server.log, "");
});

Deno.test("fastCgiServer() passes variables as they are", async () => {
  await using server = await Server.start();
  using client = await server.connect();
  const long = "\xe9".repeat(200);
  const many = Object.fromEntries(
    Array.from({ length: 2000 }, (_, index) => [`HTTP_X_${index}`, long]),
  );
  const variables = { ...VARIABLES, ...many, PATH_INFO: "/caf\xc3\xa9" };
  const params = pairs(variables) + pair("HTTP_X_0", "again") +
    pair("HTTP_PROXY", "evil") + pair("REMOTE_USER", "");
  const records = params.match(/[^]{1,65535}/g) ?? [];
  await client.send(
    begin() + records.map((part) => record(PARAMS, part)).join("") +
      record(PARAMS) + record(STDIN),
  );
  const { stdout } = await readResponse(client);
  const environ = JSON.parse(
    decodeURIComponent(escape(stdout.slice(stdout.indexOf("{")))),
  );
  assertEquals(environ, {
    ...variables,
    HTTP_X_0: `${long}, again`,
    "wsgi.url_scheme": "http",
  });
});

Deno.test("fastCgiServer() streams both bodies", async () => {
  const app: WsgiApplication = async function* (environ, startResponse) {
    startResponse("200 OK", []);
    for await (const chunk of environ["wsgi.input"].readable) yield chunk;
  };
  await using server = await Server.start(app);
  using client = await server.connect();
  await client.send(
    begin() + record(PARAMS, pairs(VARIABLES)) + record(PARAMS),
  );
  let stdout = "";
  for (const body of ["first", "second"]) {
    await client.send(record(STDIN, body));
    while (!stdout.endsWith(body)) {
      stdout += (await readRecord(client))?.content;
    }
  }
  await client.send(record(STDIN));
  assertEquals(stdout, `${HEAD}\r\nfirstsecond`);
  assertEquals((await readResponse(client)).end, ended());
});

Deno.test("fastCgiServer() sends large blocks in several records", async () => {
  const body = new Uint8Array(1_000_000).map((_, index) => index * index >> 3);
  await using server = await Server.start((_environ, startResponse) => {
    startResponse("200 OK", []);
    return [body];
  });
  using client = await server.connect();
  await client.send(request());
  const { stdout, end } = await readResponse(client);
  assert(stdout.endsWith(String.fromCharCode(...body.subarray(-1000))));
  assertEquals(stdout.length, stdout.indexOf("\r\n\r\n") + 4 + body.length);
  assertEquals(end, ended());
});

Deno.test("fastCgiServer() makes a client wait whose body nobody reads", async () => {
  const held = Promise.withResolvers<void>();
  await using server = await Server.start(async (_environ, startResponse) => {
    await held.promise;
    startResponse("204 No Content", []);
    return [];
  });
  using client = await server.connect();
  await client.send(
    begin() + record(PARAMS, pairs(VARIABLES)) + record(PARAMS),
  );
  const part = record(STDIN, "x".repeat(65_000));
  let sent = 0;
  const sending = (async () => {
    for (; sent < 400; sent++) await client.send(part);
    await client.send(record(STDIN));
  })();
  // The sockets hold some of 26 MB: the rest waits until nobody will read it.
  await new Promise((resolve) => setTimeout(resolve, 300));
  assertLess(sent, 350);
  held.resolve();
  assertEquals((await readResponse(client)).end, ended());
  await sending;
  await client.send(request());
  assertEquals((await readResponse(client)).end, ended());
});

Deno.test("fastCgiServer() does not wait with small records", async () => {
  await using server = await Server.start();
  using client = await server.connect();
  const start = performance.now();
  for (let i = 0; i < 50; i++) {
    await client.send(request());
    await readResponse(client);
  }
  // Nagle's algorithm would take 40 ms for each.
  assertLess(performance.now() - start, 1500);
});

Deno.test("fastCgiServer() has wsgi.errors in records of their own", async () => {
  const app: WsgiApplication = (environ, startResponse) => {
    environ["wsgi.errors"].write("first line\n");
    environ["wsgi.errors"].write("€".repeat(30_000));
    startResponse("200 OK", []);
    return Object.assign([], {
      close() {
        throw new RangeError("thrown by close()");
      },
    });
  };
  await using server = await Server.start(app);
  using client = await server.connect();
  await client.send(request());
  const { stdout, stderr, end } = await readResponse(client);
  assertEquals(stdout, `${HEAD}Content-Length: 0\r\n\r\n`);
  assertEquals(stderr, `first line\n${"\xe2\x82\xac".repeat(30_000)}`);
  assertEquals(end, ended());
  // What comes after the end of the request is for the server's own log.
  await client.send(request());
  await readResponse(client);
  assertMatch(server.log, /^RangeError: thrown by close\(\)\n/);
});

Deno.test("fastCgiServer() sends what was flushed while the application waits", async () => {
  const held = Promise.withResolvers<void>();
  await using server = await Server.start(async (environ, startResponse) => {
    environ["wsgi.errors"].write("a note");
    environ["wsgi.errors"].flush();
    await held.promise;
    startResponse("204 No Content", []);
    return [];
  });
  using client = await server.connect();
  await client.send(request());
  assertEquals(await readRecord(client), {
    type: STDERR,
    id: 1,
    content: "a note",
  });
  held.resolve();
  await readResponse(client);
});

Deno.test("fastCgiServer() answers 500, or breaks off, if the application throws", async () => {
  await using server = await Server.start();
  using client = await server.connect();
  await client.send(request({ PATH_INFO: "/throw" }));
  const { stdout, stderr, end } = await readResponse(client);
  assertStringIncludes(stdout, "Status: 500 Internal Server Error\r\n");
  assertMatch(stderr, /^RangeError: thrown before the first block\n {4}at /);
  assertEquals(end, ended());

  await client.send(request({ PATH_INFO: "/throw-late" }));
  const late = await readResponse(client);
  assertStringIncludes(late.stdout, "\r\n\r\nfirst block\n");
  assertMatch(late.stderr, /^RangeError: thrown after the first block\n/);
  assertEquals(late.end, null);
});

Deno.test("fastCgiServer() answers records that are for no request", async () => {
  await using server = await Server.start();
  using client = await server.connect();
  const cases: [record: string, type: number, content: string][] = [
    [
      record(
        GET_VALUES,
        pairs({ FCGI_MAX_CONNS: "", FCGI_MPXS_CONNS: "", FCGI_SPAM: "" }),
        { id: 0 },
      ),
      GET_VALUES_RESULT,
      pairs({ FCGI_MPXS_CONNS: "0" }),
    ],
    [record(GET_VALUES, "", { id: 0 }), GET_VALUES_RESULT, ""],
    [
      record(99, "spam", { id: 0, padding: 3 }),
      UNKNOWN_TYPE,
      chars(99, 0, 0, 0, 0, 0, 0, 0),
    ],
  ];
  for (const [text, type, content] of cases) {
    await client.send(text);
    assertEquals(await readRecord(client), { type, id: 0, content });
  }
  // A record of a type that nobody knows, and others of no request.
  await client.send(record(99, "spam") + record(STDIN, "spam") + record(ABORT));
  await client.send(request({}, { body: "spam" }));
  assertEquals((await readResponse(client)).stdout, echoed("spam"));
  assertEquals(server.log, "");
});

Deno.test("fastCgiServer() refuses other roles, and a second request meanwhile", async () => {
  await using server = await Server.start();
  using client = await server.connect();
  for (const role of [0, 2, 3]) {
    await client.send(begin({ role, id: 7 }));
    assertEquals(await readRecord(client), ended(3, 7));
  }
  await client.send(begin() + begin({ id: 2 }));
  assertEquals(await readRecord(client), ended(1, 2));
  await client.send(record(PARAMS, "spam", { id: 2 }));
  await client.send(request({}, { body: "spam" }).slice(begin().length));
  assertEquals((await readResponse(client)).stdout, echoed("spam"));

  await client.send(begin({ role: 2, keep: false }));
  assertEquals(await readRecord(client), ended(3));
  assertEquals(await readRecord(client), null);
  assertEquals(server.log, "");
});

/** An application whose result never ends by itself. */
function endless() {
  const events: string[] = [];
  const over = Promise.withResolvers<void>();
  const app: WsgiApplication = (environ, startResponse) => {
    startResponse("200 OK", []);
    const blocks: Record<string, () => Promise<Uint8Array>> = {
      "/endless": () => Promise.resolve(new Uint8Array(65_536)),
      "/quiet": () => new Promise(() => {}),
      "/upload": () => environ["wsgi.input"].read(),
    };
    const makeBlock = blocks[environ.PATH_INFO ?? ""];
    return {
      [Symbol.asyncIterator]: () => ({
        async next() {
          return { done: false, value: await makeBlock?.() };
        },
      }),
      close() {
        events.push("close");
        over.resolve();
      },
    } as AsyncIterable<Uint8Array>;
  };
  return { app, events, over: over.promise };
}

Deno.test("fastCgiServer() ends a request that is aborted, or whose web server has gone", async (t) => {
  const silently =
    (path: string, leave: (client: Client) => unknown) => async () => {
      const { app, events, over } = endless();
      await using server = await Server.start(app);
      using client = await server.connect();
      const whole = request({ PATH_INFO: path });
      await client.send(path === "/upload" ? whole.slice(0, -8) : whole);
      if (path === "/endless") await readRecord(client);
      await leave(client);
      await over;
      assertEquals(events, ["close"]);
      assertEquals(server.log, "");
    };
  for (const path of ["/endless", "/quiet", "/upload"]) {
    await t.step(
      `ABORT_REQUEST during ${path}`,
      silently(path, async (client) => {
        await client.send(record(ABORT));
        assertEquals((await readResponse(client)).end, ended());
        await client.send(begin({ role: 2 }));
        assertEquals(await readRecord(client), ended(3));
      }),
    );
    await t.step(
      `the end of the connection during ${path}`,
      silently(path, (client) => client.end()),
    );
  }
  await t.step("ABORT_REQUEST before there is an application", async () => {
    await using server = await Server.start();
    using client = await server.connect();
    await client.send(begin() + record(PARAMS, "spam") + record(ABORT));
    assertEquals(await readRecord(client), ended());
    await client.send(request({}, { body: "spam" }));
    assertEquals((await readResponse(client)).stdout, echoed("spam"));
  });
});

Deno.test("fastCgiServer() refuses what is not FastCGI, and goes on", async () => {
  await using server = await Server.start();
  using other = await server.connect();
  await other.send(begin());
  const params = (text: string) =>
    begin() + record(PARAMS, text) + record(PARAMS);
  const cases: [text: string, message: string][] = [
    ["GET / HTTP/1.1\r\n\r\n", "it is not FastCGI 1"],
    [
      chars(2, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0),
      "it is not FastCGI 1",
    ],
    [record(BEGIN, "spam"), "it begins with no role"],
    [record(BEGIN), "it begins with no role"],
    [params("\x05"), "a variable is cut off"],
    [params("\x05\x05spam"), "a variable is cut off"],
    [params("\x80\0"), "a variable is cut off"],
    [params("\xff\xff\xff\xff\x01spam"), "a variable is cut off"],
    [params(pairs({ PATH_INFO: "/" })), "it has no REQUEST_METHOD"],
    [params(""), "it has no REQUEST_METHOD"],
    [params(pairs({ ...VARIABLES, CONTENT_LENGTH: "-1" })), "CONTENT_LENGTH"],
    [begin() + record(PARAMS, "x".repeat(65_535)).repeat(17), "more variables"],
    [request().slice(0, -8) + record(PARAMS), "more variables"],
    [record(GET_VALUES, "\x05", { id: 0 }), "a variable is cut off"],
  ];
  for (const [text, message] of cases) {
    server.log = "";
    using client = await server.connect();
    await client.send(text);
    await client.readAll();
    assertMatch(server.log, /^\w+Error: Cannot .*\n$/);
    assertStringIncludes(server.log, message);
  }
  server.log = "";
  await other.send(request({}, { body: "spam" }).slice(begin().length));
  assertEquals((await readResponse(other)).stdout, echoed("spam"));
  assertEquals(server.log, "");
});

Deno.test("fastCgiServer() survives clients that come and go", async () => {
  await using server = await Server.start();
  const { port } = server;
  // They reset their connections, many before they are accepted.
  const script = `
    import socket, struct
    for _ in range(500):
        client = socket.create_connection(("127.0.0.1", ${port}))
        linger = struct.pack("ii", 1, 0)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        client.close()
  `.replaceAll(/^ {4}/gm, "");
  const { success } = await new Deno.Command("/usr/bin/python3", {
    args: ["-c", script],
  }).output();
  assert(success);
  for (const text of ["", "\x01", begin(), begin() + record(PARAMS, "spam")]) {
    using client = await server.connect();
    await client.send(text);
  }
  using client = await server.connect();
  await client.send(request({}, { body: "spam" }));
  assertEquals((await readResponse(client)).stdout, echoed("spam"));
  assertEquals(server.log, "");
});

Deno.test("fastCgiServer() listens on a socket file", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/app.sock`;
  {
    await using _server = await Server.start(application, path);
    using client = await Client.connectToPath(path);
    await client.send(request({}, { body: "spam", keep: false }));
    assertEquals((await readResponse(client)).stdout, echoed("spam"));
  }
  await Deno.remove(folder, { recursive: true });
});
