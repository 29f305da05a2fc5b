// Copyright 2026 the wsgiref authors. MIT license.

/** The environ tells the truth, and bodies have a limit. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { toFetchHandler } from "../handlers.ts";
import { makeServer } from "../simple_server.ts";
import type { WsgiApplication, WsgiHeader } from "../types.ts";
import { ask, Client } from "./_client.ts";
import { pause, until, within } from "./_limit.ts";
import {
  errorsOf,
  framesOf,
  serve,
  type ServingOptions,
  type Way,
  WAYS,
} from "./_serving.ts";

const TEXT: WsgiHeader[] = [["Content-Type", "text/plain"]];

const encoder = new TextEncoder();

/** An application that answers with the variables of its environ. */
const variables: WsgiApplication = (environ, startResponse) => {
  startResponse("200 OK", TEXT);
  const strings = Object.entries(environ)
    .filter(([, value]) => typeof value === "string");
  return [encoder.encode(JSON.stringify(Object.fromEntries(strings)))];
};

interface EnvironCase {
  name: string;
  /** The request, without Host and Connection. */
  request: string;
  options?: ServingOptions;
  /** Only this way has it. */
  only?: Way;
  /** What is expected of some variables; `undefined` for none. */
  environ: Record<string, string | undefined>;
}

const CASES: EnvironCase[] = [
  {
    name: "a target without a path has the path /",
    request: "GET http://h?q HTTP/1.1",
    environ: {
      SCRIPT_NAME: "",
      PATH_INFO: "/",
      QUERY_STRING: "q",
    },
  },
  {
    name: "a target of a host alone has the path /",
    request: "GET http://h HTTP/1.1",
    environ: { SCRIPT_NAME: "", PATH_INFO: "/", QUERY_STRING: "" },
  },
  {
    name: "the target of CONNECT has the path /",
    request: "CONNECT h:443 HTTP/1.1",
    environ: { SCRIPT_NAME: "", PATH_INFO: "/" },
  },
  {
    name: "OPTIONS * has the path /*",
    request: "OPTIONS * HTTP/1.1",
    environ: { SCRIPT_NAME: "", PATH_INFO: "/*" },
  },
  ...["GET", "HEAD"].map((method) => ({
    name: `${method} has no CONTENT_LENGTH, as Deno drops its body`,
    request: `${method} / HTTP/1.1\r\nContent-Length: 5`,
    environ: { REQUEST_METHOD: method, CONTENT_LENGTH: undefined },
  })),
  {
    name: "DELETE has the CONTENT_LENGTH of its body",
    request: "DELETE / HTTP/1.1\r\nContent-Length: 5",
    environ: { CONTENT_LENGTH: "5" },
  },
  {
    name: "a body in chunks has no CONTENT_LENGTH",
    request: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked",
    environ: {
      CONTENT_LENGTH: undefined,
      HTTP_TRANSFER_ENCODING: undefined,
    },
  },
  {
    name: "a server knows the scheme, whatever the target says",
    only: "server",
    request: "GET https://h/x HTTP/1.1",
    environ: {
      "wsgi.url_scheme": "http",
      HTTPS: undefined,
      PATH_INFO: "/x",
    },
  },
  {
    name: "a handler is told the scheme, whatever the target says",
    only: "handler",
    options: { scheme: "http" },
    request: "GET https://h/x HTTP/1.1",
    environ: {
      "wsgi.url_scheme": "http",
      HTTPS: undefined,
      SERVER_PORT: "80",
      PATH_INFO: "/x",
    },
  },
  {
    name: "a handler is told that a proxy speaks HTTPS",
    only: "handler",
    options: { scheme: "https" },
    request: "GET /x HTTP/1.1",
    environ: {
      "wsgi.url_scheme": "https",
      HTTPS: "on",
      PATH_INFO: "/x",
      SERVER_PORT: "443",
    },
  },
  ...([
    ["https", "https"],
    ["HTTPS", "https"],
    ["HtTpS ", "https"],
    ["http", "http"],
    ["HTTP", "http"],
    ["spam", "http"],
    ["", "http"],
    ["http, HTTPS", "https"],
  ] as const).map(([value, scheme]) => ({
    name: `X-Forwarded-Proto ${JSON.stringify(value)} means ${scheme}`,
    request: `GET / HTTP/1.1\r\nX-Forwarded-Proto: ${value}`,
    options: { forwarded: { proto: 1 } },
    environ: { "wsgi.url_scheme": scheme },
  })),
  ...([
    ["192.0.2.1", "192.0.2.1"],
    ["192.0.2.1:5678", "192.0.2.1"],
    ["spam, 192.0.2.1:5678", "192.0.2.1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["[2001:db8::1]:5678", "2001:db8::1"],
    ["2001:db8::1", "2001:db8::1"],
    ["", "127.0.0.1"],
    ["192.0.2.1, ", "127.0.0.1"],
  ] as const).map(([value, address]) => ({
    name: `X-Forwarded-For ${JSON.stringify(value)} means ${address}`,
    request: `GET / HTTP/1.1\r\nX-Forwarded-For: ${value}`,
    options: { forwarded: { for: 1 } },
    environ: { REMOTE_ADDR: address },
  })),
  ...([
    ["example.org", "example.org"],
    ["spam, example.org:8080", "example.org:8080"],
    ["", "h"],
  ] as const).map(([value, host]) => ({
    name: `X-Forwarded-Host ${JSON.stringify(value)} means ${host}`,
    request: `GET / HTTP/1.1\r\nX-Forwarded-Host: ${value}`,
    options: { forwarded: { host: 1 } },
    environ: { HTTP_HOST: host },
  })),
  {
    name: "headers of proxies mean nothing if none is trusted",
    request: "GET / HTTP/1.1\r\nX-Forwarded-Proto: https\r\n" +
      "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: example.org",
    environ: {
      "wsgi.url_scheme": "http",
      REMOTE_ADDR: "127.0.0.1",
      HTTP_HOST: "h",
    },
  },
  ...([
    ["/caf%C3%A9", ""],
    ["/caf%C3%A9/x", "/x"],
    ["/caf\xc3\xa9/x", "/x"],
    ["/%63af%c3%a9//x", "//x"],
  ] as const).map(([path, info]) => ({
    name: `scriptName is text: ${path} is below "/café"`,
    options: { scriptName: "/café" },
    request: `GET ${path} HTTP/1.1`,
    environ: { SCRIPT_NAME: "/caf\xc3\xa9", PATH_INFO: info },
  })),
  {
    name: "an empty scriptName is the root",
    options: { scriptName: "" },
    request: "GET /x HTTP/1.1",
    environ: { SCRIPT_NAME: "", PATH_INFO: "/x" },
  },
  {
    name: "two raw bytes of the target are two characters",
    request: "GET /\xc3\xa9\xc3\xa0?\xc3\xa9 HTTP/1.1",
    environ: { PATH_INFO: "/\xc3\xa9\xc3\xa0", QUERY_STRING: "\xc3\xa9" },
  },
];

for (const way of WAYS) {
  for (const { name, request, options, only, environ } of CASES) {
    if (only !== undefined && only !== way) continue;
    Deno.test({
      name: `${way}: ${name}`,
      timeout: 10_000,
      async fn() {
        await using serving = serve(way, recordEnviron, options);
        using client = await Client.connect(serving.port);
        await client.send(
          request.replace("\r\n", "\r\nHost: h\r\n") +
            (request.includes("\r\n") ? "" : "\r\nHost: h") + "\r\n\r\n" +
            (request.includes("chunked") ? "0\r\n\r\n" : "spam!"),
        );
        const { status } = await client.readResponse(request.split(" ", 1)[0]);
        assertEquals(status, 200);
        const actual = Object.fromEntries(
          Object.keys(environ).map((key) => [key, recorded[key]]),
        );
        assertEquals(actual, environ);
        assertEquals(errorsOf(serving.log), []);
      },
    });
  }

  Deno.test({
    name: `${way}: a path outside of scriptName "/café" is answered 404`,
    timeout: 10_000,
    async fn() {
      await using serving = serve(way, variables, { scriptName: "/café" });
      for (const path of ["/", "/cafe", "/caf%C3%A9x", "/caf%E9"]) {
        const request = `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
        assertEquals((await ask(serving.port, request)).status, 404, path);
      }
    },
  });
}

/** The last environ of {@linkcode recordEnviron}. */
let recorded: Record<string, unknown> = {};

/** An application that keeps its environ. */
const recordEnviron: WsgiApplication = (environ, startResponse) => {
  recorded = { ...environ };
  startResponse("200 OK", TEXT);
  return [];
};

Deno.test({
  name: "handler: a Unix socket is served",
  timeout: 10_000,
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/socket`;
    try {
      await using _server = Deno.serve(
        { path, onListen() {} },
        toFetchHandler(variables),
      );
      await checkUnixSocket(path);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "server: a Unix socket is served",
  timeout: 10_000,
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/socket`;
    const server = makeServer("", 0, variables, { quiet: true, path });
    try {
      assertEquals([server.serverName, server.serverPort], ["localhost", 0]);
      server.serveForever();
      await checkUnixSocket(path);
    } finally {
      await within("The server ends", server.serverClose());
      await Deno.remove(folder, { recursive: true });
    }
  },
});

async function checkUnixSocket(path: string): Promise<void> {
  for (
    const [head, expected] of [
      ["GET /a%20b?c HTTP/1.1\r\nHost: h:81", {
        PATH_INFO: "/a b",
        QUERY_STRING: "c",
        REQUEST_URI: "/a%20b?c",
        HTTP_HOST: "h:81",
        // A Unix socket has none of its own.
        SERVER_PORT: "81",
        "wsgi.url_scheme": "http",
        REMOTE_PORT: undefined,
      }],
      ["GET / HTTP/1.0", {
        PATH_INFO: "/",
        "wsgi.url_scheme": "http",
        REMOTE_PORT: undefined,
      }],
      ["GET http://example.org/x HTTP/1.1\r\nHost: h", {
        PATH_INFO: "/x",
        HTTP_HOST: "example.org",
      }],
    ] as [string, Record<string, string | undefined>][]
  ) {
    using client = await Client.connectToPath(path);
    await client.send(`${head}\r\n\r\n`);
    const { status, body } = await client.readResponse();
    assertEquals(status, 200, head);
    const environ = JSON.parse(body);
    const actual = Object.fromEntries(
      Object.keys(expected).map((key) => [key, environ[key]]),
    );
    assertEquals(actual, expected, head);
    // PEP 3333 requires both.
    assertNotEquals(environ.SERVER_NAME ?? "", "");
    assertNotEquals(environ.SERVER_PORT ?? "", "");
  }
}

for (const transport of ["unix", "tcp"]) {
  Deno.test({
    name: `server: makeServer() serves at DENO_SERVE_ADDRESS=${transport}:…`,
    timeout: 30_000,
    async fn() {
      const folder = await Deno.makeTempDir();
      const address = transport === "unix"
        ? `unix:${folder}/socket`
        : "tcp:127.0.0.1:0";
      const module = new URL("../simple_server.ts", import.meta.url).href;
      const source = `
        import { demoApp, makeServer } from ${JSON.stringify(module)};
        const server = makeServer("127.0.0.1", 0, demoApp, { quiet: true });
        console.log(String(server.serverPort));
        await server.serveForever();
      `;
      await using process = new Deno.Command(Deno.execPath(), {
        args: ["run", "--quiet", "--no-check", "-A", "--ext=ts", "-"],
        cwd: new URL("..", import.meta.url),
        env: { DENO_SERVE_ADDRESS: address, NO_COLOR: "1" },
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const errors = new Response(process.stderr).text();
      try {
        const writer = process.stdin.getWriter();
        await writer.write(encoder.encode(source));
        await writer.close();
        const reader = process.stdout.pipeThrough(new TextDecoderStream())
          .getReader();
        const { value } = await within("It listens", reader.read(), 10_000);
        if (value === undefined) throw new Error(await errors);
        using client = transport === "unix"
          ? await Client.connectToPath(`${folder}/socket`)
          : await Client.connect(Number(value));
        await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        const { status, body } = await client.readResponse();
        assertEquals(status, 200);
        assertStringIncludes(body, "Hello world!");
        process.kill();
        await reader.cancel();
      } finally {
        await errors.catch(() => {});
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

const MAX = 10_000;

/** An application that tells how much it has read. */
const counter: WsgiApplication = async (environ, startResponse) => {
  const { length } = await environ["wsgi.input"].read();
  startResponse("200 OK", TEXT);
  return [encoder.encode(String(length))];
};

for (const way of WAYS) {
  Deno.test({
    name: `${way}: a body of maxBodySize bytes is read`,
    timeout: 10_000,
    async fn() {
      await using serving = serve(way, counter, { maxBodySize: MAX });
      for (const size of [0, 1, MAX - 1, MAX]) {
        using client = await Client.connect(serving.port);
        await client.send(
          `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`,
        );
        await client.upload(size);
        const { status, body } = await client.readResponse();
        assertEquals([status, body], [200, String(size)]);
      }
      const chunk = `${MAX.toString(16)}\r\n${"x".repeat(MAX)}\r\n0\r\n\r\n`;
      const { status, body } = await ask(
        serving.port,
        `POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`,
      );
      assertEquals([status, body], [200, String(MAX)]);
      assertEquals(errorsOf(serving.log), []);
    },
  });

  Deno.test({
    name:
      `${way}: a declared length above maxBodySize is answered 413, without the application`,
    timeout: 20_000,
    async fn() {
      let called = 0;
      const app: WsgiApplication = (environ, startResponse) => {
        called++;
        return counter(environ, startResponse);
      };
      await using serving = serve(way, app, { maxBodySize: MAX });
      for (const size of [MAX + 1, 50_000_000, 2 ** 60]) {
        using client = await Client.connect(serving.port);
        await client.send(
          `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`,
        );
        const { status, isWhole } = await client.readResponse();
        assertEquals([status, isWhole], [413, true], `${size}`);
      }
      assertEquals(called, 0);
      assertEquals(framesOf(serving.log), []);
    },
  });

  Deno.test({
    name:
      `${way}: a client that waits for 100 Continue learns of maxBodySize by 413`,
    timeout: 10_000,
    async fn() {
      await using serving = serve(way, counter, { maxBodySize: MAX });
      const { status } = await ask(
        serving.port,
        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n" +
          `Content-Length: ${MAX + 1}\r\n\r\n`,
      );
      assertEquals(status, 413);
    },
  });

  Deno.test({
    name:
      `${way}: a body in chunks above maxBodySize is answered 413 if nothing has been`,
    timeout: 20_000,
    async fn() {
      for (
        const app of [
          counter,
          readingBy(({ readable }) => new Response(readable).text()),
          readingBy((input) => input.readline()),
        ]
      ) {
        await using serving = serve(way, app, { maxBodySize: MAX });
        using client = await Client.connect(serving.port);
        await client.send(
          "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
            `${(MAX + 1).toString(16)}\r\n`,
        );
        await client.upload(MAX + 1);
        const { status, isWhole } = await client.readResponse();
        assertEquals([status, isWhole], [413, true]);
        assertEquals(framesOf(serving.log), []);
        assert(errorsOf(serving.log).length <= 1, serving.log);
      }
    },
  });

  Deno.test({
    name: `${way}: a body in chunks above maxBodySize cuts what has begun`,
    timeout: 10_000,
    async fn() {
      let size = 0;
      await using serving = serve(
        way,
        async function* (environ, startResponse) {
          startResponse("200 OK", TEXT);
          for (;;) {
            const block = await environ["wsgi.input"].read(1_000);
            if (block.length === 0) break;
            size += block.length;
            yield block;
          }
        },
        { maxBodySize: MAX },
      );
      using client = await Client.connect(serving.port);
      await client.send(
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
          "3e8\r\n",
      );
      await client.upload(1_000);
      assertMatch(await client.readTo("\0\r\n"), /^HTTP\/1\.1 200 /);
      await client.send(`\r\n${(10 * MAX).toString(16)}\r\n`);
      const uploaded = client.upload(10 * MAX);
      const rest = await client.readAll();
      assert(!rest.includes("0\r\n\r\n"), rest.slice(-20));
      assert(size <= MAX, `${size} bytes`);
      await uploaded;
      await pause(10);
      assertEquals(framesOf(serving.log), []);
      assert(errorsOf(serving.log).length <= 1, serving.log);
    },
  });

  Deno.test({
    name: `${way}: what is above maxBodySize harms the next request of nobody`,
    timeout: 10_000,
    async fn() {
      await using serving = serve(way, counter, { maxBodySize: MAX });
      using client = await Client.connect(serving.port);
      const head = `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: `;
      await client.send(`${head}${MAX + 1}\r\n\r\n`);
      await client.upload(MAX + 1);
      assertEquals((await client.readResponse()).status, 413);
      // The connection may have been closed.
      await client.send(`${head}4\r\n\r\nspam`).catch(() => {});
      const { status, body } = await client.readResponse();
      if (!Number.isNaN(status)) assertEquals([status, body], [200, "4"]);
      assertEquals((await ask(serving.port, `${head}4\r\n\r\nspam`)).body, "4");
    },
  });

  Deno.test({
    name: `${way}: a maxBodySize that is no number of bytes is refused`,
    async fn() {
      for (const maxBodySize of [-1, 0.5, NaN, "9" as unknown as number]) {
        let serving;
        try {
          serving = serve(way, counter, { maxBodySize });
        } catch (error) {
          assertStringIncludes((error as Error).message, '"maxBodySize" must');
          continue;
        }
        await serving[Symbol.asyncDispose]();
        throw new Error(`${maxBodySize} was taken`);
      }
      await using serving = serve(way, counter, { maxBodySize: 0 });
      const request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
      assertEquals((await ask(serving.port, request)).status, 200);
    },
  });
}

/** An application that reads in some way before it answers. */
function readingBy(
  read: (
    input: Parameters<WsgiApplication>[0]["wsgi.input"],
  ) => Promise<unknown>,
): WsgiApplication {
  return async (environ, startResponse) => {
    await read(environ["wsgi.input"]);
    startResponse("200 OK", TEXT);
    return [encoder.encode("read")];
  };
}

Deno.test({
  name: "server: --max-body-size limits what the program takes",
  timeout: 30_000,
  async fn() {
    await using process = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-check", "-N", "simple_server.ts"],
        ...["--port=0", "--quiet", "--max-body-size=4"],
      ],
      cwd: new URL("..", import.meta.url),
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let output = "";
    const read = (async () => {
      for await (
        const text of process.stdout.pipeThrough(new TextDecoderStream())
      ) output += text;
    })();
    const errors = new Response(process.stderr).text();
    try {
      await until("It listens", () => /:\d+\/\n/.test(output), 10_000);
      const port = Number(/:(\d+)\/\n/.exec(output)?.[1]);
      const head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ";
      assertEquals((await ask(port, `${head}4\r\n\r\nspam`)).status, 200);
      assertEquals((await ask(port, `${head}5\r\n\r\nspam!`)).status, 413);
    } finally {
      try {
        process.kill();
      } catch {
        // It has ended, as its arguments were wrong.
      }
      await Promise.all([read, errors]);
    }
  },
});
