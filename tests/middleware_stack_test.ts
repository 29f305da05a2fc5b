// Copyright 2026 the wsgiref authors. MIT license.

/** Eight layers with a validator between each two, over sockets and as CGI. */

import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { TextErrorStream } from "../handlers.ts";
import { makeServer, WsgiRequestHandler } from "../simple_server.ts";
import type { ErrorStream } from "../types.ts";
import { Client } from "./_client.ts";
import { app, counts, reports } from "./_middleware_stack.ts";

const GZIP = "Accept-Encoding: gzip";

/** What the server has logged, the access log of the outermost layer included. */
let log = "";

class Handler extends WsgiRequestHandler {
  override getStderr(): ErrorStream {
    return new TextErrorStream((text) => log += text);
  }
}

function serve() {
  log = "";
  const server = makeServer("127.0.0.1", 0, app, {
    quiet: true,
    handlerClass: Handler,
  });
  server.serveForever();
  return server;
}

/** The requests that the outermost layer has logged: each once, at its end. */
function loggedRequests(): number {
  return log.match(/^127\.0\.0\.1 .* ms$/gm)?.length ?? 0;
}

function sleep(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}

/** Waits until something is so, and gives the milliseconds that it took. */
async function until(isSo: () => boolean, limit = 5_000): Promise<number> {
  const begin = performance.now();
  while (!isSo() && performance.now() - begin < limit) await sleep(1);
  assert(isSo(), `It is not so after ${limit} ms: ${isSo}`);
  return performance.now() - begin;
}

function request(path: string, ...headers: string[]): string {
  const lines = [`GET /site/${path} HTTP/1.1`, "Host: h", ...headers];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Opens a page, and leaves when there is something of its body. */
async function leave(
  port: number,
  path: string,
  ...headers: string[]
): Promise<void> {
  using client = await Client.connect(port);
  await client.send(request(path, ...headers));
  const head = await client.readTo("\r\n\r\n");
  const isCompressed = headers.includes(GZIP) &&
    /^HTTP\/1.1 200 [^]*^content-type: text\//im.test(head);
  assertEquals(/^content-encoding: gzip\r$/im.test(head), isCompressed, head);
  await client.readTo("\n");
}

async function makeFile(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempFile();
  // More than the buffers of a connection hold.
  await Deno.truncate(path, 2 ** 26);
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path),
  };
}

Deno.test("Eight layers do what each of them is for", async () => {
  await using server = serve();
  const url = `http://127.0.0.1:${server.serverPort}/site`;
  const text = await fetch(`${url}/text`, {
    headers: { Origin: "https://example.org" },
  });
  assertEquals(await text.text(), "spam ".repeat(200));
  const { headers } = text;
  assertEquals(headers.get("Content-Encoding"), "gzip");
  assertEquals(headers.get("ETag"), 'W/"1"');
  assertEquals(headers.get("Vary"), "Cookie, Accept-Encoding, Origin");
  assertEquals(
    headers.get("Access-Control-Allow-Origin"),
    "https://example.org",
  );
  assertMatch(headers.get("Set-Cookie") ?? "", /^session=/);
  assertMatch(headers.get("Server-Timing") ?? "", /^app;dur=/);

  const fresh = await fetch(`${url}/text`, {
    headers: { "If-None-Match": 'W/"1"' },
  });
  assertEquals([fresh.status, await fresh.text()], [304, ""]);

  const put = await fetch(`${url}/put`, {
    method: "POST",
    headers: { "X-HTTP-Method-Override": "PUT" },
    body: "spam",
  });
  assertEquals(await put.text(), "PUT spam");

  for (const path of ["throws", "rejects"]) {
    const failed = await fetch(`${url}/${path}`);
    assertEquals(failed.status, 500);
    assertStringIncludes(await failed.text(), "Error: It failed");
  }
  const none = await fetch(`${url}/../none`);
  assertEquals([none.status, await none.text()], [404, "Not Found\n"]);
  await until(() => loggedRequests() === 6);
  assertEquals(counts.closed, counts.opened);
  assertEquals(reports, []);
});

for (const path of ["events", "ticks", "stream"]) {
  for (const headers of [[], [GZIP]]) {
    const name = headers.length > 0 ? `compressed ${path}` : path;
    Deno.test(`Eight layers release ${name} as soon as the client leaves`, async () => {
      await using server = serve();
      const times: number[] = [];
      for (let count = 1; count <= 5; count++) {
        const { closed } = counts;
        await leave(server.serverPort, path, ...headers);
        times.push(await until(() => counts.closed > closed));
        await until(() => loggedRequests() === count);
      }
      // It is a few milliseconds on a machine with nothing else to do.
      assertLess(Math.min(...times), 50);
      assertEquals(counts.closed, counts.opened);
      assertEquals(reports, []);
    });
  }
}

Deno.test("Eight layers close a file, whatever becomes of it", async () => {
  await using server = serve();
  await using file = await makeFile();
  const header = `X-File: ${file.path}`;
  await leave(server.serverPort, "file", header, GZIP);
  const url = `http://127.0.0.1:${server.serverPort}/site`;
  const headers = { "X-File": file.path };
  const whole = await fetch(`${url}/file`, { headers });
  assertEquals((await whole.bytes()).length, 2 ** 26);
  // Of this one nothing is read.
  const fresh = await fetch(`${url}/readable`, {
    headers: { ...headers, "If-None-Match": "*" },
  });
  assertEquals([fresh.status, await fresh.text()], [304, ""]);
  await until(() => loggedRequests() === 3);
  assertEquals(counts.closed, counts.opened);
  assertEquals(reports, []);
});

Deno.test("Eight layers keep nothing of a thousand clients that fail or leave", async () => {
  await using server = serve();
  await using file = await makeFile();
  const header = `X-File: ${file.path}`;
  const { serverPort: port } = server;
  const visits: (() => Promise<void>)[] = [
    () => leave(port, "events"),
    () => leave(port, "ticks", GZIP),
    () => leave(port, "stream"),
    () => leave(port, "file", header),
    () => leave(port, "throws"),
    () => leave(port, "rejects", GZIP),
    () => leave(port, "fails"),
    () => leave(port, "text", GZIP),
  ];
  const total = 1_000;
  let next = 0;
  const visit = async () => {
    while (next < total) await visits[next++ % visits.length]!();
  };
  await Promise.all(Array.from({ length: 16 }, visit));
  await until(() => loggedRequests() === total, 20_000);
  assertEquals(counts.closed, counts.opened);
  assertEquals(reports, []);
});

/** Runs the site as a CGI script. */
function spawn(path: string, variables: Record<string, string> = {}) {
  const script = new URL("_middleware_stack.ts", import.meta.url);
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--quiet", "-A", script.href],
    env: {
      GATEWAY_INTERFACE: "CGI/1.1",
      NO_COLOR: "1",
      PATH_INFO: `/site/${path}`,
      REQUEST_METHOD: "GET",
      SCRIPT_NAME: "/app",
      SERVER_NAME: "localhost",
      SERVER_PORT: "80",
      SERVER_PROTOCOL: "HTTP/1.1",
      ...variables,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("Eight layers answer as a CGI script", async () => {
  const { stdout, stderr } = await spawn("text", {
    HTTP_ORIGIN: "https://example.org",
  }).output();
  const [head = "", body = ""] = new TextDecoder().decode(stdout)
    .split("\r\n\r\n");
  assertMatch(head, /^Status: 200 OK\r\n/);
  assertMatch(head, /^Set-Cookie: session=/m);
  assertMatch(head, /^Server-Timing: app;dur=/m);
  assertEquals(body, "spam ".repeat(200));
  assertMatch(
    new TextDecoder().decode(stderr),
    /^- GET \/site\/text 200 [\d.]+ ms\nopened 1, closed 1\n$/,
  );
});

Deno.test("Eight layers end as a CGI script when the client leaves", async () => {
  for (const path of ["events", "ticks", "stream"]) {
    const process = spawn(path);
    await using _process = process;
    const reader = process.stdout.getReader();
    let text = "";
    while (!text.includes("data: 1")) {
      const { value, done } = await reader.read();
      assert(!done, text);
      text += new TextDecoder().decode(value);
    }
    // As Apache and lighttpd do.
    process.kill("SIGTERM");
    const begin = performance.now();
    await reader.cancel();
    let log = "";
    let time = Infinity;
    for await (const chunk of process.stderr) {
      log += new TextDecoder().decode(chunk);
      // The outermost layer is the last to be closed.
      if (/ ms$/m.test(log)) time = Math.min(time, performance.now() - begin);
    }
    await process.status;
    assertLess(time, 1_000);
    assertMatch(log, /^- GET .* ms\nopened 1, closed 1\n$/);
  }
});
