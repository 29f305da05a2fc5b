// Copyright 2026 the wsgiref authors. MIT license.

/** `examples/scgi_server.ts`, as a web server sees it that speaks SCGI. */

import {
  assertEquals,
  assertInstanceOf,
  assertLessOrEqual,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { scgiServer } from "../../examples/scgi_server.ts";
import { TextErrorStream } from "../../handlers.ts";
import type { WsgiApplication } from "../../types.ts";
import { ConnectionLostError } from "../../util.ts";
import { Client } from "../_client.ts";
import { GATEWAYS } from "./_gateways.ts";
import { application } from "./app.ts";

function netstring(text: string): string {
  return `${text.length}:${text},`;
}

function headers(...pairs: string[]): string {
  return netstring(pairs.map((text) => `${text}\0`).join(""));
}

const METHOD = ["REQUEST_METHOD", "POST"];
const REQUEST = [
  "CONTENT_LENGTH",
  "5",
  "SCGI",
  "1",
  ...METHOD,
  "PATH_INFO",
  "/echo",
  "SERVER_NAME",
  "localhost",
  "SERVER_PORT",
  "80",
  "SERVER_PROTOCOL",
  "HTTP/1.1",
];

/** A server on a free port, and what it has logged. */
async function start(app: WsgiApplication = application) {
  const log: string[] = [];
  const server = scgiServer(app, new TextErrorStream((text) => log.push(text)));
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    log,
    connect: () => Client.connect(port),
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

const ECHOED = "Status: 200 OK\r\nContent-Type: application/octet-stream\r\n" +
  "Content-Length: 5\r\n\r\nHello";

Deno.test("scgiServer() refuses what is no request, and goes on", async () => {
  const cases: [request: string, message: string][] = [
    [":", "no valid length"],
    ["abc:", "no valid length"],
    ["-1:,", "no valid length"],
    ["0:,", "no valid length"],
    ["012:", "no valid length"],
    ["999999:", "no valid length"],
    ["65537:", "no valid length"],
    [headers(...REQUEST).replace(/,$/, ";"), "no comma"],
    [headers(...REQUEST).replace(/^\d+/, "30"), "no comma"],
    [netstring("x".repeat(65_536)), "a header has no value"],
    [netstring("CONTENT_LENGTH"), "a header has no value"],
    [headers("CONTENT_LENGTH", "0", "SCGI"), "a header has no value"],
    [netstring("CONTENT_LENGTH\x000\x00SCGI"), "a header has no value"],
    [headers("SCGI", "1", ...METHOD), "no CONTENT_LENGTH"],
    [
      headers("SCGI", "1", ...METHOD, "CONTENT_LENGTH", "0"),
      "no CONTENT_LENGTH",
    ],
    [headers("CONTENT_LENGTH", "", ...METHOD), "no CONTENT_LENGTH"],
    [headers("CONTENT_LENGTH", "-1", ...METHOD), "CONTENT_LENGTH must be"],
    [headers(...REQUEST, "CONTENT_LENGTH", "9"), "CONTENT_LENGTH must be"],
    [headers("CONTENT_LENGTH", "0", ...METHOD), "no SCGI"],
    [headers("CONTENT_LENGTH", "0", "SCGI", "1"), "no REQUEST_METHOD"],
  ];
  await using server = await start();
  for (const [request, message] of cases) {
    server.log.length = 0;
    using client = await server.connect();
    await client.send(request);
    assertEquals(await client.readAll(), "");
    assertMatch(
      server.log.join(""),
      new RegExp(`^\\w+Error: Cannot .*${message}.*\n$`),
    );
  }
  using client = await server.connect();
  await client.send(`${headers(...REQUEST)}Hello, world!`);
  assertEquals(await client.readAll(), ECHOED);
});

Deno.test("scgiServer() takes headers that web servers repeat", async () => {
  await using server = await start((environ, startResponse) => {
    startResponse("200 OK", []);
    const { HTTP_ACCEPT: accept, CONTENT_LENGTH: length } = environ;
    return [new TextEncoder().encode(`${accept} ${length}`)];
  });
  using client = await server.connect();
  const accept = ["HTTP_ACCEPT", "a", "HTTP_ACCEPT", "b"];
  await client.send(headers(...REQUEST, ...accept, "CONTENT_LENGTH", "5"));
  assertMatch(await client.readAll(), /\r\n\r\na, b 5$/);
});

Deno.test("scgiServer() reads a request however it arrives", async () => {
  await using server = await start();
  for (const size of [1, 10, 100]) {
    using client = await server.connect();
    const request = `${headers(...REQUEST)}Hello`;
    for (let start = 0; start < request.length; start += size) {
      await client.send(request.slice(start, start + size));
      await new Promise((resolve) => setTimeout(resolve));
    }
    assertEquals(await client.readAll(), ECHOED);
  }
});

Deno.test("scgiServer() takes a client that leaves for no error", async () => {
  const errors: unknown[] = [];
  const over = Promise.withResolvers<void>();
  await using server = await start(async (environ, startResponse) => {
    startResponse("200 OK", []);
    const reading = environ["wsgi.input"].read();
    await reading.catch((error) => errors.push(error)).finally(over.resolve);
    await reading;
    return [];
  });
  const request = `${headers(...REQUEST)}Hel`;
  for (const part of ["", "2", headers(...REQUEST).slice(0, -5), request]) {
    using client = await server.connect();
    await client.send(part);
  }
  await over.promise;
  assertInstanceOf(errors[0], ConnectionLostError);
  assertEquals([errors.length, server.log], [1, []]);
});

Deno.test("scgiServer() breaks off if the application fails halfway", async () => {
  await using server = await start();
  using connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: server.port,
  });
  await connection.write(
    new TextEncoder().encode(
      headers(...REQUEST, "PATH_INFO", "/throw-late") + "Hello",
    ),
  );
  // The end of the connection would be the end of the response.
  await assertRejects(
    () => new Response(connection.readable).text(),
    Deno.errors.ConnectionReset,
  );
  assertMatch(
    server.log.join(""),
    /^RangeError: thrown after the first block\n/,
  );
});

const kind = GATEWAYS.find(({ name }) => name === "nginx with scgi_server.ts");

Deno.test({
  name: `scgiServer() answers many kept-alive clients of nginx${kind?.skipped}`,
  ignore: kind?.skipped !== "",
  async fn() {
    await using gateway = await kind?.start();
    const ports = new Set<string>();
    for (let round = 0; round < 4; round++) {
      await Promise.all(Array.from({ length: 50 }, async (_, index) => {
        const path = `/${round}/${index}`;
        const response = await fetch(`${gateway?.url}${path}`);
        const { PATH_INFO, REMOTE_PORT } = await response.json();
        assertEquals(PATH_INFO, path);
        ports.add(REMOTE_PORT);
      }));
    }
    // Each connection has served several requests.
    assertLessOrEqual(ports.size, 100);

    const body = new Uint8Array(10_485_760);
    const init = { method: "POST", body };
    const response = await fetch(`${gateway?.url}/cookies`, init);
    assertEquals(await response.text(), "cookies");
  },
});
