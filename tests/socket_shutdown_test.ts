// Copyright 2026 the wsgiref authors. MIT license.

/** Every server ends, and keeps no process alive that it does not serve. */

import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import {
  makeServer,
  WsgiRequestHandler,
  type WsgiServer,
  type WsgiServerOptions,
} from "../simple_server.ts";
import type { WsgiApplication, WsgiHeader } from "../types.ts";
import { ask, Client } from "./_client.ts";
import { pause, until, within } from "./_limit.ts";

const TEXT: WsgiHeader[] = [["Content-Type", "text/plain"]];
const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const LARGE = new Uint8Array(50_000_000);

const encoder = new TextEncoder();

/** An application that sends events as long as its client listens. */
const events: WsgiApplication = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/event-stream"]]);
  const signal = environ["wsgiref.signal"];
  return (async function* () {
    for (let count = 0; !signal?.aborted; count++) {
      yield encoder.encode(`data: ${count}\n\n`);
      // It looks whether it is to end when it has something to say.
      await pause(50);
    }
  })();
};

/** An application that does not care. */
const deaf: WsgiApplication = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/event-stream"]]);
  return (async function* () {
    yield encoder.encode("data: 0\n\n");
    await new Promise(() => {});
  })();
};

/** The ways to stop a server that is not to wait longer than 50 ms. */
const STOPS: Record<
  string,
  [options: WsgiServerOptions, stop: (server: WsgiServer) => Promise<void>]
> = {
  "shutdown({ timeout })": [{}, (server) => server.shutdown({ timeout: 50 })],
  "shutdown() with the option shutdownTimeout": [
    { shutdownTimeout: 50 },
    (server) => server.shutdown(),
  ],
  "await using with the option shutdownTimeout": [
    { shutdownTimeout: 50 },
    (server) => server[Symbol.asyncDispose](),
  ],
};

for (const [name, [options, stop]] of Object.entries(STOPS)) {
  for (const [kind, app] of Object.entries({ obeys: events, ignores: deaf })) {
    Deno.test({
      name:
        `server: ${name} ends an open event stream that ${kind} wsgiref.signal`,
      timeout: 10_000,
      async fn() {
        const server = makeServer("127.0.0.1", 0, app, {
          quiet: true,
          ...options,
        });
        server.serveForever();
        using client = await Client.connect(server.serverPort);
        await client.send(GET);
        await client.readTo("data: 0\n\n");
        const start = performance.now();
        const stopped = stop(server);
        try {
          await within("The server ends", stopped, 2_000);
          assertLess(performance.now() - start, 1_000);
          const rest = await client.readAll();
          // Who obeys comes to an end, who does not is cut.
          assertEquals(rest.endsWith("0\r\n\r\n"), app === events);
        } finally {
          await endServer(server);
        }
      },
    });
  }
}

/** A server, and a client whose request its application has been called with. */
async function begin(
  app: WsgiApplication,
  request = GET,
): Promise<{ server: WsgiServer; client: Client }> {
  let isCalled = false;
  const server = makeServer("127.0.0.1", 0, (...args) => {
    isCalled = true;
    return app(...args);
  }, { quiet: true });
  server.serveForever();
  const client = await Client.connect(server.serverPort);
  await client.send(request);
  await until("The application is called", () => isCalled);
  return { server, client };
}

Deno.test({
  name:
    "server: shutdown() aborts wsgiref.signal of an application that has not answered",
  timeout: 10_000,
  async fn() {
    let isAborted = false;
    const { server, client } = await begin(async (environ, startResponse) => {
      const signal = environ["wsgiref.signal"];
      await new Promise((resolve) =>
        signal?.addEventListener("abort", resolve)
      );
      isAborted = true;
      startResponse("503 Service Unavailable", TEXT);
      return [encoder.encode("bye")];
    });
    using _client = client;
    try {
      await within("The server ends", server.shutdown({ timeout: 50 }), 2_000);
      assert(isAborted);
    } finally {
      await endServer(server);
    }
  },
});

Deno.test({
  name: "server: shutdown({ timeout: Infinity }) waits for who takes its time",
  timeout: 10_000,
  async fn() {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { server, client } = await begin(async (_environ, startResponse) => {
      await promise;
      startResponse("200 OK", TEXT);
      return [encoder.encode("Hello")];
    });
    using _client = client;
    const stopped = server.shutdown({ timeout: Infinity });
    try {
      await pause(300);
      resolve();
      assertEquals((await client.readResponse()).body, "Hello");
      await within("The server ends", stopped, 2_000);
    } finally {
      await endServer(server);
    }
  },
});

Deno.test({
  name: "server: shutdown() lets who ends within its grace period end",
  timeout: 10_000,
  async fn() {
    let isAborted = false;
    const { server, client } = await begin(async (environ, startResponse) => {
      environ["wsgiref.signal"]?.addEventListener("abort", () => {
        isAborted = true;
      });
      await pause(50);
      startResponse("200 OK", TEXT);
      return [encoder.encode("Hello")];
    });
    using _client = client;
    try {
      await within("The server ends", server.shutdown({ timeout: 2_000 }));
      const { body, isWhole } = await client.readResponse();
      assertEquals([body, isWhole, isAborted], ["Hello", true, false]);
    } finally {
      await endServer(server);
    }
  },
});

Deno.test({
  name: "server: shutdown() waits for the last of several, and then no longer",
  timeout: 10_000,
  async fn() {
    let calls = 0;
    class RequestHandler extends WsgiRequestHandler {
      // Its own answer is waited for too.
      override async handle() {
        calls++;
        if (!this.request.url.endsWith("/own")) return await super.handle();
        await pause(500);
        return new Response("own");
      }
    }
    const server = makeServer(
      "127.0.0.1",
      0,
      async (environ, startResponse) => {
        await pause(Number(environ.QUERY_STRING));
        startResponse("200 OK", TEXT);
        return [encoder.encode("Hello")];
      },
      { quiet: true, handlerClass: RequestHandler },
    );
    server.serveForever();
    using stack = new DisposableStack();
    const targets = ["/?20", "/?200", "/own"];
    const clients: Client[] = [];
    for (const target of targets) {
      const client = stack.use(await Client.connect(server.serverPort));
      await client.send(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`);
      clients.push(client);
    }
    await until("All requests are there", () => calls === 3);
    const start = performance.now();
    try {
      const stopped = server.shutdown({ timeout: 5_000 });
      const bodies = await Promise.all(
        clients.map(async (client) => (await client.readResponse()).body),
      );
      assertEquals(bodies, ["Hello", "Hello", "own"]);
      await within("The server ends", stopped, 4_000);
      assertLess(performance.now() - start, 3_000);
    } finally {
      await endServer(server);
    }
  },
});

for (const isShuttingDown of [false, true]) {
  Deno.test({
    name:
      `server: serverClose() tells an application whose client Deno does not watch${
        isShuttingDown ? ", and ends shutdown()" : ""
      }`,
    timeout: 10_000,
    async fn() {
      let isAborted = false;
      const { server, client } = await begin(async (environ) => {
        const signal = environ["wsgiref.signal"];
        await new Promise((resolve) =>
          signal?.addEventListener("abort", resolve)
        );
        isAborted = true;
        return [];
      }, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n");
      using _client = client;
      const stopped = isShuttingDown
        ? server.shutdown({ timeout: Infinity })
        : undefined;
      await within("serverClose() ends", server.serverClose(), 2_000);
      if (stopped) await within("shutdown() ends", stopped, 2_000);
      await until("The application ends", () => isAborted);
    },
  });
}

/** Ends a server that a failed test may have left in any state. */
async function endServer(server: {
  serverClose(): Promise<void>;
}): Promise<void> {
  await within("serverClose() ends", server.serverClose()).catch(() => {});
}

/** Clients that hold a server up which shuts down. */
const HOLDERS: Record<string, [app: WsgiApplication, request: string]> = {
  "who reads a large array slowly": [(_environ, startResponse) => {
    startResponse("200 OK", TEXT);
    return [LARGE];
  }, GET],
  "who reads a generator slowly": [function* (_environ, startResponse) {
    startResponse("200 OK", TEXT);
    for (;;) yield LARGE.subarray(0, 1_000_000);
  }, GET],
  "who has sent half of a body that is read": [
    async (environ, startResponse) => {
      await environ["wsgi.input"].read();
      startResponse("200 OK", TEXT);
      return [];
    },
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nspam",
  ],
  "who has sent half of a body that is not read": [
    (_environ, startResponse) => {
      startResponse("200 OK", TEXT);
      return [encoder.encode("Hello")];
    },
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\nspam",
  ],
  "who has sent half of a body that is read in part": [
    async (environ, startResponse) => {
      await environ["wsgi.input"].read(1);
      startResponse("200 OK", TEXT);
      return [encoder.encode("Hello")];
    },
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\nspam",
  ],
  "who has sent half of a head": [deaf, "GET / HTTP/1.1\r\nHo"],
  "who waits for an application": [() => new Promise(() => {}), GET],
  "who waits for an event": [deaf, GET],
};

for (const [kind, [app, request]] of Object.entries(HOLDERS)) {
  Deno.test({
    name: `server: serverClose() after shutdown() ends for a client ${kind}`,
    timeout: 10_000,
    async fn() {
      const server = makeServer("127.0.0.1", 0, app, { quiet: true });
      const served = server.serveForever();
      using client = await Client.connect(server.serverPort);
      await client.send(request);
      await pause(50);
      const stopped = server.shutdown();
      await pause(20);
      const start = performance.now();
      await within("serverClose() ends", server.serverClose(), 1_000);
      await within("shutdown() ends", stopped, 1_000);
      await within("serveForever() ends", served, 1_000);
      // 100 ms, on a machine that has something else to do.
      assertLess(performance.now() - start, 500);
    },
  });

  Deno.test({
    name: `server: shutdown({ timeout: 50 }) ends for a client ${kind}`,
    timeout: 10_000,
    async fn() {
      const server = makeServer("127.0.0.1", 0, app, { quiet: true });
      server.serveForever();
      using client = await Client.connect(server.serverPort);
      await client.send(request);
      await pause(50);
      const start = performance.now();
      try {
        await within(
          "shutdown() ends",
          server.shutdown({ timeout: 50 }),
          2_000,
        );
        assertLess(performance.now() - start, 1_000);
      } finally {
        await endServer(server);
      }
    },
  });
}

/** Runs a program that is to end by itself, and gives what it has printed. */
async function runToEnd(
  body: string,
  use: (port: number) => Promise<void> = async () => {},
): Promise<{ code: number; output: string }> {
  const module = new URL("../simple_server.ts", import.meta.url);
  const source = `
    import { demoApp, makeServer } from ${JSON.stringify(module.href)};
    const server = makeServer("127.0.0.1", 0, demoApp, { quiet: true });
    console.log(server.serverPort);
    ${body}
    console.log("end");
  `;
  await using process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "-N", "--ext=ts", "-"],
    cwd: new URL("..", import.meta.url),
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(encoder.encode(source));
  await writer.close();
  let output = "";
  const read = (async () => {
    for await (
      const text of process.stdout.pipeThrough(new TextDecoderStream())
    ) output += text;
  })();
  try {
    await until("The program listens", () => output.includes("\n"), 10_000);
    await use(Number(output.split("\n", 1)[0]));
    const { code } = await within("The program ends", process.status);
    await read;
    return { code, output: output.replace(/^\d+\n/, "") };
  } catch (error) {
    process.kill("SIGKILL");
    await read;
    throw error;
  }
}

Deno.test({
  name: "server: a server that nobody has told to serve keeps no process alive",
  timeout: 30_000,
  async fn() {
    assertEquals(await runToEnd(""), { code: 0, output: "end\n" });
  },
});

Deno.test({
  name: "server: a process waits for each of several handleRequest()",
  timeout: 30_000,
  async fn() {
    const statuses: number[] = [];
    const ended = await runToEnd(
      "await Promise.all([server.handleRequest(), server.handleRequest()]);",
      async (port) => {
        statuses.push((await ask(port, GET)).status);
        await pause(50);
        statuses.push((await ask(port, GET)).status);
      },
    );
    assertEquals(ended, { code: 0, output: "end\n" });
    assertEquals(statuses, [200, 200]);
  },
});

Deno.test({
  name: "server: a process ends after its last handleRequest()",
  timeout: 30_000,
  async fn() {
    let status = 0;
    const ended = await runToEnd(
      "await server.handleRequest();",
      async (port) => {
        ({ status } = await ask(port, GET));
      },
    );
    assertEquals(ended, { code: 0, output: "end\n" });
    assertEquals(status, 200);
  },
});

Deno.test({
  name: "server: a process waits for serveForever() that is not awaited",
  timeout: 30_000,
  async fn() {
    await runToEnd(
      "server.serveForever(); setTimeout(() => server.shutdown(), 500);",
      async (port) => {
        await pause(100);
        assertMatch((await ask(port, GET)).body, /^Hello world!/);
      },
    );
  },
});
