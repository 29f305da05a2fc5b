// Copyright 2026 the wsgiref authors. MIT license.

/** Every connection ends or takes the next request, and so does every server. */

import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { fromFetchHandler } from "../handlers.ts";
import { makeServer } from "../simple_server.ts";
import type {
  WsgiApplication,
  WsgiEnviron,
  WsgiHeader,
  WsgiResult,
} from "../types.ts";
import { ask, Client, requestsOf } from "./_client.ts";
import { pause, until, within } from "./_limit.ts";
import { errorsOf, serve, type Serving, WAYS } from "./_serving.ts";

const TEXT: WsgiHeader[] = [["Content-Type", "text/plain"]];
const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const LARGE = new Uint8Array(50_000_000);

const encoder = new TextEncoder();

function requestOf(environ: WsgiEnviron): Request {
  const request = environ["wsgiref.request"];
  assert(request instanceof Request);
  return request;
}

/** What applications do with a body before they answer. */
const READS: Record<string, (environ: WsgiEnviron) => unknown> = {
  "nothing": () => {},
  "exactly CONTENT_LENGTH bytes": async (environ) => {
    const { length } = await environ["wsgi.input"].read(
      Number(environ.CONTENT_LENGTH),
    );
    assertEquals(length, Number(environ.CONTENT_LENGTH));
  },
  "one byte": (environ) => environ["wsgi.input"].read(1),
  "a line": (environ) => environ["wsgi.input"].readline(10),
  "no bytes": (environ) => environ["wsgi.input"].read(0),
  "the first of some lines": async (environ) => {
    for await (const _line of environ["wsgi.input"]) break;
  },
  "readable, which it does not read": (environ) =>
    void environ["wsgi.input"].readable,
  "a chunk of readable": (environ) =>
    environ["wsgi.input"].readable.getReader().read(),
  "readable after one byte": async (environ) => {
    await environ["wsgi.input"].read(1);
    await environ["wsgi.input"].readable.getReader().read();
  },
  "readable, which it cancels": (environ) =>
    environ["wsgi.input"].readable.cancel(),
  "all of wsgiref.request": (environ) => requestOf(environ).bytes(),
  "a chunk of a branch of readable": (environ) =>
    environ["wsgi.input"].readable.tee()[0].getReader().read(),
  "a chunk that went through a pipe": (environ) =>
    environ["wsgi.input"].readable.pipeThrough(new TransformStream())
      .getReader().read(),
  "all": (environ) => environ["wsgi.input"].read(),
};

/** How applications answer. What is named "sized" declares its length. */
const ANSWERS: Record<string, () => WsgiResult> = {
  "an array": () => [encoder.encode("Hello")],
  "a generator": function* () {
    yield encoder.encode("Hello");
  },
  // Found by tests/fuzz.ts.
  "a sized generator": function* () {
    yield encoder.encode("Hel");
    yield encoder.encode("lo");
  },
  "an asynchronous generator": async function* () {
    yield encoder.encode("Hel");
    await pause(1);
    yield encoder.encode("lo");
  },
};

/** What clients say of their connection. */
const CONNECTIONS: Record<string, [version: string, header: string]> = {
  "HTTP/1.0": ["1.0", ""],
  "HTTP/1.0, keep-alive": ["1.0", "Connection: keep-alive\r\n"],
  "HTTP/1.1, close": ["1.1", "Connection: close\r\n"],
  "HTTP/1.1": ["1.1", ""],
};

const SIZES = {
  "50 B": 50,
  "5 kB": 5_000,
  "200 kB": 200_000,
  "50 MB": LARGE.length,
};

/** Applications that read one byte, and answer with some blocks. */
const STREAMING: Record<
  string,
  (count: number, size: number, headers: WsgiHeader[]) => WsgiApplication
> = {
  "a generator": (count, size, headers) =>
    async function* (environ, startResponse) {
      await environ["wsgi.input"].read(1);
      startResponse("200 OK", headers);
      for (let index = 0; index < count; index++) yield LARGE.slice(0, size);
    },
  "write()": (count, size, headers) => async (environ, startResponse) => {
    await environ["wsgi.input"].read(1);
    const write = startResponse("200 OK", headers);
    for (let index = 0; index < count; index++) {
      await write(LARGE.slice(0, size));
    }
    return [];
  },
  "write() that nobody waits for":
    (count, size, headers) => async (environ, startResponse) => {
      await environ["wsgi.input"].read(1);
      const write = startResponse("200 OK", headers);
      for (let index = 1; index < count; index++) write(LARGE.slice(0, size));
      return [LARGE.slice(0, size)];
    },
};

/** How many blocks of how many bytes they answer with, and whether they say so. */
const SHAPES = [
  [20, 7_000, false],
  // A client loses of a large last block what is on its way.
  [2, 70_000, true],
] as const;

/** Sends a body, reads the response, and sees that the connection goes on. */
async function checkConnection(
  { port }: Serving,
  size: number,
  version: string,
  header: string,
): Promise<void> {
  using client = await Client.connect(port);
  await client.send(
    `POST / HTTP/${version}\r\nHost: h\r\n${header}Content-Length: ${size}\r\n\r\n`,
  );
  const uploaded = client.upload(size);
  const { status, body, isWhole } = await client.readResponse();
  assertEquals([status, body, isWhole], [200, "Hello", true]);
  const sent = await uploaded;
  const isKept = version === "1.1" ? header === "" : header !== "";
  if (isKept && sent === size) {
    // The server may have closed it, which the client then learns.
    await client.send(GET).catch(() => {});
    const next = await client.readResponse();
    if (!Number.isNaN(next.status)) {
      assertEquals([next.status, next.body], [200, "Hello"]);
    }
  } else {
    assertEquals(await client.readAll(), "");
  }
}

for (const way of WAYS) {
  for (const [what, read] of Object.entries(READS)) {
    Deno.test({
      name:
        `${way}: a connection goes on or ends if the application reads ${what}`,
      timeout: 30_000,
      async fn() {
        for (const [answer, makeResult] of Object.entries(ANSWERS)) {
          await using serving = serve(way, async (environ, startResponse) => {
            if (environ.REQUEST_METHOD === "POST") await read(environ);
            startResponse("200 OK", [
              ...TEXT,
              ...(answer.includes("sized")
                ? [["Content-Length", "5"] as WsgiHeader]
                : []),
            ]);
            return makeResult();
          });
          for (const [sizeName, size] of Object.entries(SIZES)) {
            for (const [name, connection] of Object.entries(CONNECTIONS)) {
              // It takes some time.
              if (size > 1_000_000 && !/[01]$/.test(name)) continue;
              try {
                await checkConnection(serving, size, ...connection);
              } catch (cause) {
                throw new Error(`${answer}, ${sizeName}, ${name}`, { cause });
              }
            }
          }
          assertEquals(errorsOf(serving.log), []);
        }
      },
    });
  }

  Deno.test({
    name:
      `${way}: a connection stays open for the next request if 5 kB of its body are not read to the end`,
    timeout: 10_000,
    async fn() {
      await using serving = serve(way, async (environ, startResponse) => {
        await environ["wsgi.input"].read(Number(environ.CONTENT_LENGTH ?? 0));
        startResponse("200 OK", TEXT);
        return [encoder.encode("Hello")];
      });
      using client = await Client.connect(serving.port);
      for (let count = 0; count < 3; count++) {
        await client.send(
          `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n${
            "x".repeat(5_000)
          }`,
        );
        assertEquals((await client.readResponse()).body, "Hello");
      }
    },
  });

  // Found by tests/fuzz.ts.
  for (const [how, makeApp] of Object.entries(STREAMING)) {
    for (const [count, size, isSized] of SHAPES) {
      const kind = isSized ? "sized response" : "response";
      Deno.test({
        name:
          `${way}: a ${kind} by ${how} comes to its end though its upload is not read`,
        timeout: 20_000,
        async fn() {
          const length = count * size;
          const sized: WsgiHeader = ["Content-Length", String(length)];
          const headers = isSized ? [...TEXT, sized] : TEXT;
          await using serving = serve(way, makeApp(count, size, headers));
          for (let count = 0; count < 20; count++) {
            using client = await Client.connect(serving.port);
            await client.send(
              "POST / HTTP/1.0\r\nContent-Length: 200000\r\n\r\n",
            );
            const uploaded = client.upload(200_000);
            const { body } = await client.readResponse();
            assertEquals(body.length, length);
            await uploaded;
          }
        },
      });
    }
  }

  Deno.test({
    name:
      `${way}: an upload can be read after all of a sized response was written`,
    timeout: 10_000,
    async fn() {
      const read = Promise.withResolvers<number>();
      await using serving = serve(way, async (environ, startResponse) => {
        const write = startResponse("200 OK", [
          ...TEXT,
          ["Content-Length", "6"],
        ]);
        const block = encoder.encode("Hel");
        await write(block);
        // Used again, as it may be.
        block.set(encoder.encode("lo!"));
        await write(block);
        block.fill(0);
        read.resolve((await environ["wsgi.input"].read()).length);
        return [];
      });
      using client = await Client.connect(serving.port);
      await client.send(
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n",
      );
      const uploaded = client.upload(200_000);
      assertEquals((await client.readResponse()).body, "Hello!");
      assertEquals(await read.promise, 200_000);
      await uploaded;
    },
  });

  Deno.test({
    name:
      `${way}: a connection ends whose sized response write() begins and an array ends, though 50 MB are not read`,
    timeout: 20_000,
    async fn() {
      await using serving = serve(way, async (_environ, startResponse) => {
        const headers: WsgiHeader[] = [...TEXT, ["Content-Length", "5"]];
        await startResponse("200 OK", headers)(encoder.encode("Hel"));
        return [encoder.encode("lo")];
      });
      await checkConnection(serving, LARGE.length, "1.1", "");
    },
  });

  const WITHOUT_UPLOAD = {
    "has no bytes": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
    "is not there": "DELETE / HTTP/1.1\r\nHost: h\r\n\r\n",
    "has been read":
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nspam",
  };
  for (const [kind, request] of Object.entries(WITHOUT_UPLOAD)) {
    Deno.test({
      name:
        `${way}: all that write() sends comes before the application returns, if the upload ${kind}`,
      timeout: 10_000,
      async fn() {
        const { promise, resolve } = Promise.withResolvers<void>();
        await using serving = serve(way, async (environ, startResponse) => {
          await environ["wsgi.input"].read(Number(environ.CONTENT_LENGTH ?? 0));
          const headers: WsgiHeader[] = [...TEXT, ["Content-Length", "5"]];
          await startResponse("200 OK", headers)(encoder.encode("Hello"));
          await promise;
          return [];
        });
        using client = await Client.connect(serving.port);
        await client.send(request);
        await within("The body comes", client.readTo("Hello"), 5_000);
        resolve();
        // The connection goes on.
        await client.send(GET);
        assertEquals((await client.readResponse()).body, "Hello");
      },
    });
  }

  Deno.test({
    name:
      `${way}: an application that writes to HEAD for ever ends with its client`,
    timeout: 10_000,
    async fn() {
      let isOver = false;
      await using serving = serve(way, async (_environ, startResponse) => {
        const write = startResponse("200 OK", TEXT);
        try {
          for (;;) await write(new Uint8Array(1_000));
        } finally {
          isOver = true;
        }
      });
      {
        using client = await Client.connect(serving.port);
        await client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
        await pause(50);
      }
      await until("The application ends", () => isOver);
    },
  });

  Deno.test({
    name:
      `${way}: an error of a result is logged once, also if the client has left before`,
    timeout: 10_000,
    async fn() {
      await using serving = serve(
        way,
        async function* (environ, startResponse) {
          startResponse("200 OK", TEXT);
          yield encoder.encode("first");
          await clientLeft(environ);
          throw new Error("The database is broken");
        },
      );
      {
        using client = await Client.connect(serving.port);
        await client.send(GET);
        await client.readTo("first");
      }
      await until("It is logged", () => errorsOf(serving.log).length > 0);
      await pause(20);
      const [entry = "", ...others] = errorsOf(serving.log);
      assertMatch(entry, /The database is broken/);
      assertEquals(others, []);
    },
  });

  Deno.test({
    name: `${way}: a body in chunks that is not read is given up too`,
    timeout: 10_000,
    async fn() {
      await using serving = serve(way, async (environ, startResponse) => {
        await environ["wsgi.input"].read(1);
        startResponse("200 OK", TEXT);
        return [encoder.encode("Hello")];
      });
      const chunk = `1388\r\n${"x".repeat(5_000)}\r\n`;
      using client = await Client.connect(serving.port);
      await client.send(
        "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" +
          `Transfer-Encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`,
      );
      assertEquals((await client.readResponse()).body, "Hello");
      assertEquals(await client.readAll(), "");
    },
  });

  Deno.test({
    name:
      `${way}: a client that waits for 100 Continue is answered before it sends its body`,
    timeout: 10_000,
    async fn() {
      await using serving = serve(way, (_environ, startResponse) => {
        startResponse("403 Forbidden", TEXT);
        return [encoder.encode("no")];
      });
      using client = await Client.connect(serving.port);
      await client.send(
        "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" +
          "Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n",
      );
      const { status, body } = await client.readResponse();
      assertEquals([status, body], [403, "no"]);
    },
  });
}

/** Results that give one block and then wait, perhaps for ever. */
const WAITING: Record<string, (onClose: () => void) => WsgiResult> = {
  "an asynchronous generator that waits for ever": (onClose) => {
    const result: WsgiResult = (async function* () {
      yield encoder.encode("first");
      await new Promise(() => {});
    })();
    return Object.assign(result, { close: onClose });
  },
  "an iterator whose next() is pending": (onClose) => {
    let count = 0;
    return {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          count++ === 0
            ? Promise.resolve({ done: false, value: encoder.encode("first") })
            : new Promise<IteratorResult<Uint8Array>>(() => {}),
      }),
      close: onClose,
    };
  },
  "a generator that close() ends": (onClose) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const result: WsgiResult = (async function* () {
      yield encoder.encode("first");
      await promise;
    })();
    const close = () => {
      onClose();
      resolve();
    };
    return Object.assign(result, { close });
  },
  "a generator over a stream": (onClose) => {
    const source = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode("first")),
    });
    const result: WsgiResult = (async function* () {
      yield* source;
    })();
    return Object.assign(result, { close: onClose });
  },
  "a stream": (onClose) =>
    new ReadableStream({
      start: (controller) => controller.enqueue(encoder.encode("first")),
      cancel: onClose,
    }),
};

for (const way of WAYS) {
  for (const [kind, makeResult] of Object.entries(WAITING)) {
    Deno.test({
      name: `${way}: ${kind} is closed at once when its client leaves`,
      timeout: 10_000,
      async fn() {
        let closed = 0;
        await using serving = serve(way, (_environ, startResponse) => {
          startResponse("200 OK", [["Content-Type", "text/event-stream"]]);
          return makeResult(() => void closed++);
        });
        const client = await Client.connect(serving.port);
        await client.send(GET);
        await client.readTo("first");
        client[Symbol.dispose]();
        await until("close() is called", () => closed > 0, 1_000);
        if (way === "server") {
          await until(
            "The request is logged",
            () => requestsOf(serving.log).length > 0,
            1_000,
          );
          assertEquals(requestsOf(serving.log), ['"GET / HTTP/1.1" 200 5']);
        }
        await pause(20);
        assertEquals(closed, 1);
        assertEquals(errorsOf(serving.log), []);
      },
    });
  }
}

/** Waits for the application's client to have left, and some more. */
async function clientLeft(environ: WsgiEnviron): Promise<void> {
  const signal = environ["wsgiref.signal"];
  assert(signal);
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
  await pause(5);
}

/** A stream that reads a file, and what tells how many are open. */
class Files {
  open = 0;
  opened = 0;

  async stream(): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const file = await Deno.open(new URL(import.meta.url));
    this.open++;
    this.opened++;
    let isOpen = true;
    // It may be canceled while it reads what turns out to be the end.
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      this.open--;
      file.close();
    };
    return new ReadableStream({
      async pull(controller) {
        const buffer = new Uint8Array(1_000);
        const count = await file.read(buffer);
        if (count !== null) return controller.enqueue(buffer.slice(0, count));
        close();
        controller.close();
      },
      cancel: close,
    }, { highWaterMark: 0 });
  }
}

interface StreamCase {
  request?: string;
  app: (files: Files) => WsgiApplication;
  leaves?: boolean;
}

/** What may become of a stream that an application returns. */
const STREAMS: Record<string, StreamCase> = {
  "returned after the client has left": {
    leaves: true,
    app: (files) => async (environ, startResponse) => {
      await clientLeft(environ);
      startResponse("200 OK", TEXT);
      return await files.stream();
    },
  },
  "returned by a middleware after the client has left": {
    leaves: true,
    app: (files) => async (environ, startResponse) => {
      startResponse("200 OK", TEXT);
      const stream = await files.stream();
      await clientLeft(environ);
      return stream;
    },
  },
  "of a fetch handler whose client has left": {
    leaves: true,
    app: (files) =>
      fromFetchHandler(async (request) => {
        const { signal } = request;
        if (!signal.aborted) {
          await new Promise((done) => signal.addEventListener("abort", done));
        }
        return new Response(await files.stream());
      }),
  },
  "without startResponse()": {
    app: (files) => async () => await files.stream(),
  },
  "after a startResponse() that has thrown": {
    app: (files) => async (_environ, startResponse) => {
      const stream = await files.stream();
      try {
        startResponse("200 OK", [["Connection", "close"]]);
      } catch {
        // Some applications go on.
      }
      return stream;
    },
  },
  "dropped for HEAD": {
    request: "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",
    app: (files) => async (_environ, startResponse) => {
      startResponse("200 OK", TEXT);
      return await files.stream();
    },
  },
  "dropped for 204": {
    app: (files) => async (_environ, startResponse) => {
      startResponse("204 No Content", []);
      return await files.stream();
    },
  },
  "dropped for 304": {
    app: (files) => async (_environ, startResponse) => {
      startResponse("304 Not Modified", []);
      return await files.stream();
    },
  },
  "that is longer than its Content-Length": {
    app: (files) => async (_environ, startResponse) => {
      startResponse("200 OK", [...TEXT, ["Content-Length", "5"]]);
      return await files.stream();
    },
  },
  "that is sent to its end": {
    app: (files) => async (_environ, startResponse) => {
      startResponse("200 OK", TEXT);
      return await files.stream();
    },
  },
  "in a file wrapper dropped for HEAD": {
    request: "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",
    app: (files) => async (environ, startResponse) => {
      startResponse("200 OK", TEXT);
      return environ["wsgi.file_wrapper"]?.(await files.stream()) ?? [];
    },
  },
};

for (const way of WAYS) {
  for (
    const [what, { request = GET, app, leaves }] of Object.entries(STREAMS)
  ) {
    Deno.test({
      name: `${way}: no file stays open of a stream ${what}`,
      timeout: 15_000,
      async fn() {
        const files = new Files();
        let called = 0;
        const inner = app(files);
        await using serving = serve(way, (environ, startResponse) => {
          called++;
          return inner(environ, startResponse);
        });
        for (let count = 1; count <= 20; count++) {
          using client = await Client.connect(serving.port);
          await client.send(request);
          if (leaves) {
            await until("The application is called", () => called === count);
            // Deno tells of a client that left only when it is watched.
            await pause(5);
          } else {
            await client.readResponse(request.split(" ", 1)[0]);
          }
        }
        await until("A file is opened for each", () => files.opened === 20);
        await until(
          `All files are closed, of which ${files.open} are open,`,
          () => files.open === 0,
          2_000,
        );
      },
    });
  }
}

/** An application that sends events as long as its client listens. */
const events: WsgiApplication = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/event-stream"]]);
  const signal = environ["wsgiref.signal"];
  return (async function* () {
    for (let count = 0; !signal?.aborted; count++) {
      yield encoder.encode(`data: ${count}\n\n`);
      await pause(5);
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

/** The options that are to come with the grace period of `shutdown()`. */
interface GraceOptions {
  quiet?: boolean;
  shutdownTimeout?: number;
}

/** `shutdown()` with a grace period of its own. */
function shutdown(
  server: { shutdown(options?: { timeout?: number }): Promise<void> },
  timeout?: number,
): Promise<void> {
  return timeout === undefined
    ? server.shutdown()
    : server.shutdown({ timeout });
}

for (
  const [name, options, timeout] of [
    ["shutdown({ timeout })", {}, 50],
    ["shutdown() with the option shutdownTimeout", { shutdownTimeout: 50 }],
    [
      "await using with the option shutdownTimeout",
      { shutdownTimeout: 50 },
      -1,
    ],
  ] as [name: string, options: GraceOptions, timeout?: number][]
) {
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
        const stopped = timeout === -1
          ? server[Symbol.asyncDispose]()
          : shutdown(server, timeout);
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

Deno.test({
  name:
    "server: shutdown() aborts wsgiref.signal of an application that has not answered",
  timeout: 10_000,
  async fn() {
    let isAborted = false;
    let called = false;
    const server = makeServer(
      "127.0.0.1",
      0,
      async (environ, startResponse) => {
        called = true;
        const signal = environ["wsgiref.signal"];
        await new Promise((resolve) =>
          signal?.addEventListener("abort", resolve)
        );
        isAborted = true;
        startResponse("503 Service Unavailable", TEXT);
        return [encoder.encode("bye")];
      },
      { quiet: true },
    );
    server.serveForever();
    using client = await Client.connect(server.serverPort);
    await client.send(GET);
    await until("The application is called", () => called);
    try {
      await within("The server ends", shutdown(server, 50), 2_000);
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
    let called = false;
    const server = makeServer(
      "127.0.0.1",
      0,
      async (_environ, startResponse) => {
        called = true;
        await promise;
        startResponse("200 OK", TEXT);
        return [encoder.encode("Hello")];
      },
      { quiet: true },
    );
    server.serveForever();
    using client = await Client.connect(server.serverPort);
    await client.send(GET);
    await until("The application is called", () => called);
    const stopped = shutdown(server, Infinity);
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
    let called = false;
    const server = makeServer(
      "127.0.0.1",
      0,
      async (environ, startResponse) => {
        called = true;
        environ["wsgiref.signal"]?.addEventListener("abort", () => {
          isAborted = true;
        });
        await pause(50);
        startResponse("200 OK", TEXT);
        return [encoder.encode("Hello")];
      },
      { quiet: true },
    );
    server.serveForever();
    using client = await Client.connect(server.serverPort);
    await client.send(GET);
    await until("The application is called", () => called);
    try {
      await within("The server ends", shutdown(server, 2_000));
      const { body, isWhole } = await client.readResponse();
      assertEquals([body, isWhole, isAborted], ["Hello", true, false]);
    } finally {
      await endServer(server);
    }
  },
});

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
        await within("shutdown() ends", shutdown(server, 50), 2_000);
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
