// Copyright 2026 the wsgiref authors. MIT license.

/** Whatever is held for a client that has left is released. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFetchHandler } from "../handlers.ts";
import type {
  WsgiApplication,
  WsgiEnviron,
  WsgiHeader,
  WsgiResult,
} from "../types.ts";
import { Client, requestsOf } from "./_client.ts";
import { pause, until } from "./_limit.ts";
import { errorsOf, serve, WAYS } from "./_serving.ts";

const TEXT: WsgiHeader[] = [["Content-Type", "text/plain"]];
const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

const encoder = new TextEncoder();

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

for (const way of WAYS) {
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
    name: `${way}: a client that leaves as soon as it has asked is noticed`,
    timeout: 10_000,
    async fn() {
      let hasBegun = false;
      let isOver = false;
      await using serving = serve(way, async (environ, startResponse) => {
        hasBegun = true;
        await clientLeft(environ);
        isOver = true;
        startResponse("200 OK", TEXT);
        return [];
      });
      {
        using client = await Client.connect(serving.port);
        await client.send(GET);
        await until("The application begins", () => hasBegun);
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
}
