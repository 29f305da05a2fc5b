// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals, assertLessOrEqual, assertMatch } from "@std/assert";
import { serveScgi } from "../../examples/scgi_server.ts";
import { TextErrorStream } from "../../handlers.ts";
import { GATEWAYS } from "./_gateways.ts";
import { application } from "./app.ts";

function netstring(text: string): string {
  return `${text.length}:${text},`;
}

function headers(...pairs: string[]): string {
  return netstring(pairs.map((text) => `${text}\0`).join(""));
}

const REQUEST = [
  "CONTENT_LENGTH",
  "5",
  "SCGI",
  "1",
  "REQUEST_METHOD",
  "POST",
  "PATH_INFO",
  "/echo",
  "SERVER_NAME",
  "localhost",
  "SERVER_PORT",
  "80",
  "SERVER_PROTOCOL",
  "HTTP/1.1",
];

/** Sends a request, and reads the response to its end. */
async function send(port: number, request: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(request));
  await connection.closeWrite();
  return await new Response(connection.readable).text();
}

Deno.test("serveScgi() refuses what is no request, and goes on", async () => {
  const cases: [request: string, message: string][] = [
    ["", "no valid length"],
    [":", "no valid length"],
    ["abc:", "no valid length"],
    ["-1:,", "no valid length"],
    ["0:,", "no valid length"],
    ["012:", "no valid length"],
    ["999999:", "no valid length"],
    ["65537:", "no valid length"],
    ["24", "no valid length"],
    ["24:CONTENT_LENGTH", "no comma"],
    [netstring("x".repeat(65_536)), "no CONTENT_LENGTH"],
    [headers(...REQUEST).replace(/,$/, ";"), "no comma"],
    [headers(...REQUEST).replace(/^\d+/, "30"), "no comma"],
    [netstring("CONTENT_LENGTH"), "no CONTENT_LENGTH"],
    [headers("SCGI", "1"), "no CONTENT_LENGTH"],
    [headers("SCGI", "1", "CONTENT_LENGTH", "0"), "no CONTENT_LENGTH"],
    [headers("CONTENT_LENGTH", ""), "no CONTENT_LENGTH"],
    [headers("CONTENT_LENGTH", "-1"), "no CONTENT_LENGTH"],
    [headers("CONTENT_LENGTH", "0"), "no SCGI"],
    [headers("CONTENT_LENGTH", "0", "SCGI"), "a header has no value"],
    [netstring("CONTENT_LENGTH\x000\x00SCGI"), "a header has no value"],
    [headers(...REQUEST, "SCGI", "1"), "two SCGI"],
    [headers(...REQUEST, "CONTENT_LENGTH", "9"), "two CONTENT_LENGTH"],
  ];
  let log = "";
  const errors = new TextErrorStream((text) => log += text);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const served = serveScgi(listener, application, errors);
  for (const [request, message] of cases) {
    log = "";
    assertEquals(await send(port, request), "");
    assertMatch(log, new RegExp(`^\\w+Error: Cannot read .*${message}.*\n$`));
  }
  assertEquals(
    await send(port, `${headers(...REQUEST)}Hello, world!`),
    "Status: 200 OK\r\nContent-Type: application/octet-stream\r\n" +
      "Content-Length: 5\r\n\r\nHello",
  );
  listener.close();
  await served;
});

const kind = GATEWAYS.find(({ name }) => name === "nginx with scgi_server.ts");

Deno.test({
  name: `serveScgi() answers many kept-alive clients of nginx${kind?.skipped}`,
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
