// Copyright 2026 the wsgiref authors. MIT license.

/**
 * The examples of Python's documentation of `wsgiref`, each in TypeScript and
 * asked over a connection.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import showEnviron from "../examples/environ.ts";
import { fileServer } from "../examples/file_server.ts";
import helloWorld from "../examples/hello.ts";
import { TextErrorStream } from "../handlers.ts";
import { WsgiHeaders } from "../headers.ts";
import { demoApp, makeServer, WsgiRequestHandler } from "../simple_server.ts";
import type { WsgiApplication, WsgiResult } from "../types.ts";
import { FileWrapper } from "../util.ts";
import { validator } from "../validate.ts";

/** Serves an application for one request, and reads the whole response. */
async function fetchText(
  app: WsgiApplication,
  path = "/",
): Promise<{ status: number; headers: Headers; text: string }> {
  await using server = makeServer("", 0, app, { quiet: true });
  server.serveForever();
  const url = `http://127.0.0.1:${server.serverPort}${path}`;
  const response = await fetch(url);
  const { status, headers } = response;
  return { status, headers, text: await response.text() };
}

Deno.test("setupTestingDefaults(): an application shows its environ", async () => {
  const { status, headers, text } = await fetchText(showEnviron, "/a%20b?c");
  assertEquals(status, 200);
  assertEquals(headers.get("content-type"), "text/plain; charset=utf-8");
  const lines = text.split("\n");
  for (
    const line of [
      "REQUEST_METHOD: GET",
      "PATH_INFO: /a b",
      "QUERY_STRING: c",
      "SERVER_NAME: localhost",
      "wsgi.version: [ 1, 0 ]",
      "wsgi.url_scheme: http",
    ]
  ) assert(lines.includes(line), `${line} is not in ${text}`);
});

Deno.test("FileWrapper: a file-like object in blocks of five bytes", async () => {
  const text = "This is an example file-like object".repeat(10);
  const lengths: number[] = [];
  for await (const block of new FileWrapper(new Blob([text]), 5)) {
    lengths.push(block.length);
  }
  assertEquals(lengths, Array(70).fill(5));

  const response = await fetchText((_environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", "text/plain"]]);
    return new FileWrapper(new Blob([text]), 5);
  });
  assertEquals(response.text, text);
});

Deno.test("WsgiHeaders.addHeader(): a header with a parameter", async () => {
  const { headers } = await fetchText((_environ, startResponse) => {
    const headers = new WsgiHeaders();
    headers.addHeader("content-disposition", "attachment", {
      filename: "bud.gif",
    });
    startResponse("200 OK", headers.items());
    return [];
  });
  assertEquals(
    headers.get("content-disposition"),
    'attachment; filename="bud.gif"',
  );
});

Deno.test("makeServer(): the demo application, until it is shut down", async () => {
  await using server = makeServer("", 0, demoApp, { quiet: true });
  const url = `http://127.0.0.1:${server.serverPort}/`;
  const served = server.serveForever();
  for (let i = 0; i < 3; i++) {
    const response = await fetch(url);
    assertStringIncludes(await response.text(), "Hello world!\n\n");
  }
  await server.shutdown();
  await served;
});

Deno.test("makeServer(): the demo application, for one request", async () => {
  await using server = makeServer("", 0, demoApp, { quiet: true });
  const url = `http://127.0.0.1:${server.serverPort}/`;
  const [response] = await Promise.all([fetch(url), server.handleRequest()]);
  assertStringIncludes(await response.text(), "Hello world!\n\n");
});

Deno.test("validator(): an application that returns bytes and not a list", async () => {
  let log = "";
  class LoggingHandler extends WsgiRequestHandler {
    override getStderr() {
      return new TextErrorStream((text) => log += text);
    }
  }
  const app = validator((_environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", "text/plain"]]);
    // The very mistake of the example, which types would not allow.
    return new TextEncoder().encode("Hello World") as unknown as WsgiResult;
  });
  await using server = makeServer("", 0, app, { handlerClass: LoggingHandler });
  server.serveForever();
  const response = await fetch(`http://127.0.0.1:${server.serverPort}/`);
  assertEquals(
    await response.text(),
    "A server error occurred.  Please contact the administrator.",
  );
  assertEquals(response.status, 500);
  assertStringIncludes(
    log,
    "WsgiConformanceError: The application must not return bare bytes: received [object Uint8Array]; return [bytes]",
  );
});

Deno.test("makeServer(): hello world", async () => {
  const { status, headers, text } = await fetchText(helloWorld);
  assertEquals([status, text], [200, "Hello World"]);
  assertEquals(headers.get("content-type"), "text/plain; charset=utf-8");
});

Deno.test("FileWrapper: a server of files", async () => {
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(`${directory}/index.html`, "<h1>Hello</h1>");
  const app = fileServer(directory);
  const { headers, text } = await fetchText(app);
  assertEquals(text, "<h1>Hello</h1>");
  assertEquals(headers.get("content-type"), "text/html; charset=UTF-8");
  assertEquals((await fetchText(app, "/missing.html")).status, 404);
  await Deno.remove(directory, { recursive: true });
});
