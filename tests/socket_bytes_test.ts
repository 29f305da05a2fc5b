// Copyright 2026 the wsgiref authors. MIT license.

/** What is sent arrives, or its end can be seen: bodies of both directions. */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
} from "@std/assert";
import { fromFetchHandler } from "../handlers.ts";
import type {
  InputStream,
  WsgiApplication,
  WsgiEnviron,
  WsgiHeader,
  WsgiResult,
} from "../types.ts";
import { ConnectionLostError } from "../util.ts";
import { ask, Client } from "./_client.ts";
import { pause, until, within } from "./_limit.ts";
import { errorsOf, framesOf, serve, untilLogged, WAYS } from "./_serving.ts";

const TEXT: WsgiHeader[] = [["Content-Type", "text/plain"]];
const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

const encoder = new TextEncoder();

/** The number of blocks of a body, which all are different. */
const COUNT = 40;

/** Fills a buffer with the block of a number. */
function fill(buffer: Uint8Array, index: number): Uint8Array {
  return buffer.fill(33 + index);
}

/** Applications that put each block of the body into the same buffer. */
const REUSING: Record<
  string,
  (buffer: Uint8Array<ArrayBuffer>) => WsgiApplication
> = {
  "a generator": (buffer) =>
    function* (_environ, startResponse) {
      startResponse("200 OK", TEXT);
      for (let index = 0; index < COUNT; index++) yield fill(buffer, index);
    },
  "an asynchronous generator": (buffer) =>
    async function* (_environ, startResponse) {
      startResponse("200 OK", TEXT);
      for (let index = 0; index < COUNT; index++) {
        await null;
        yield fill(buffer, index).subarray(0);
      }
    },
  "an awaited write()": (buffer) => async (_environ, startResponse) => {
    const write = startResponse("200 OK", TEXT);
    for (let index = 0; index < COUNT; index++) {
      await write(fill(buffer, index));
    }
    return [];
  },
  "a last write() and the result": (buffer) =>
    async function* (_environ, startResponse) {
      const write = startResponse("200 OK", TEXT);
      await write(fill(buffer, 0));
      for (let index = 1; index < COUNT; index++) yield fill(buffer, index);
    },
  "a file wrapper": (buffer) => (environ, startResponse) => {
    startResponse("200 OK", TEXT);
    let index = 0;
    const file = {
      read: () => index < COUNT ? fill(buffer, index++) : buffer.subarray(0, 0),
    };
    return environ["wsgi.file_wrapper"]?.(file, buffer.length) ?? [];
  },
};

for (const way of WAYS) {
  for (const [kind, makeApp] of Object.entries(REUSING)) {
    Deno.test({
      name: `${way}: ${kind} may use one buffer for every block`,
      timeout: 20_000,
      async fn() {
        for (const size of [1, 1_000, 16_384, 70_000]) {
          await using serving = serve(way, makeApp(new Uint8Array(size)));
          const { body, isWhole } = await ask(serving.port, GET);
          const expected = Array.from(
            { length: COUNT },
            (_, index) => String.fromCharCode(33 + index).repeat(size),
          );
          // A difference of megabytes would be no message.
          assert(body === expected.join(""), `${size} bytes: ${runs(body)}`);
          assert(isWhole);
          assertEquals(errorsOf(serving.log), []);
        }
      },
    });
  }
}

/** A body as its runs of the same byte. */
function runs(body: string): string {
  return Array.from(
    body.matchAll(/(.)\1*/gs),
    ([run]) => `${run.length}×${run[0]}`,
  )
    .join(" ");
}

/** Results of the bytes of a text, in some way. */
const RESULTS: Record<string, (text: string) => WsgiResult> = {
  "an array": (text) => [encoder.encode(text)],
  "an array of two blocks": (text) => {
    const bytes = encoder.encode(text);
    return [bytes.subarray(0, 3), bytes.subarray(3)];
  },
  // Found by tests/fuzz.ts.
  "an array whose first block has the length": (text) => {
    const bytes = encoder.encode(text);
    return [bytes.subarray(0, text.length), bytes.subarray(text.length)];
  },
  "a generator": function* (text) {
    yield encoder.encode(text);
  },
  "an asynchronous generator": async function* (text) {
    await null;
    const bytes = encoder.encode(text);
    yield bytes.subarray(0, 3);
    yield bytes.subarray(3);
  },
  "a stream": (text) => new Blob([text]).stream(),
};

for (const way of WAYS) {
  for (const [kind, makeResult] of Object.entries(RESULTS)) {
    Deno.test({
      name:
        `${way}: ${kind} that is longer than its Content-Length is cut to it, and logged with both numbers`,
      timeout: 10_000,
      async fn() {
        const text = "crème brûlée";
        await using serving = serve(way, (_environ, startResponse) => {
          startResponse("200 OK", [
            ...TEXT,
            ["Content-Length", String(text.length)],
          ]);
          return makeResult(text);
        });
        const { status, body, isWhole } = await ask(serving.port, GET);
        assertEquals(status, 200);
        assertEquals(body.length, 12);
        assert(isWhole);
        await untilLogged(serving);
        const [entry = "", ...others] = errorsOf(serving.log);
        assertMatch(entry, /\b12\b.*\b15\b|\b15\b.*\b12\b/);
        assertEquals(others, []);
      },
    });
  }

  Deno.test({
    name:
      `${way}: a file wrapper ends where its Content-Length says, as for a range`,
    timeout: 10_000,
    async fn() {
      await using serving = serve(way, (environ, startResponse) => {
        startResponse("206 Partial Content", [
          ...TEXT,
          ["Content-Range", "bytes 0-2/5"],
          ["Content-Length", "3"],
        ]);
        return environ["wsgi.file_wrapper"]?.(new Blob(["Hello"])) ?? [];
      });
      const { status, body, isWhole } = await ask(serving.port, GET);
      assertEquals([status, body, isWhole], [206, "Hel", true]);
      assertEquals(errorsOf(serving.log), []);
    },
  });

  Deno.test({
    name: `${way}: a body that is as long as its Content-Length is not logged`,
    timeout: 10_000,
    async fn() {
      for (const [kind, makeResult] of Object.entries(RESULTS)) {
        await using serving = serve(way, (_environ, startResponse) => {
          startResponse("200 OK", [...TEXT, ["Content-Length", "5"]]);
          return makeResult("Hello");
        });
        assertEquals((await ask(serving.port, GET)).body, "Hello", kind);
        assertEquals(errorsOf(serving.log), [], kind);
      }
    },
  });
}

/** What a client does in the middle of its body. */
const BREAKS: Record<string, (client: Client) => Promise<void>> = {
  "half-closes": (client) => client.end(),
  "sends no valid chunk": (client) => client.send("spam\r\n"),
  "sends a chunk that is too long": (client) => client.send("2\r\nspam\r\n"),
};

const UPLOAD = [
  "POST / HTTP/1.1",
  "Host: h",
  "Content-Type: application/x-www-form-urlencoded",
  "Transfer-Encoding: chunked",
  "",
  "5",
  "name=",
  "",
].join("\r\n");

/** Reads a stream to its end. */
async function drain(stream: ReadableStream<Uint8Array> | null): Promise<void> {
  for await (const _chunk of stream ?? []);
}

function requestOf(environ: WsgiEnviron): Request {
  const request = environ["wsgiref.request"];
  assert(request instanceof Request);
  return request;
}

const FORM = {
  headers: { "content-type": "application/x-www-form-urlencoded" },
};

/** The ways to read `wsgi.input`. */
const INPUT_READS: Record<string, (input: InputStream) => Promise<unknown>> = {
  "read()": (input) => input.read(),
  "read(size)": (input) => input.read(1_000),
  "read(1)": async (input) => {
    while ((await input.read(1)).length > 0);
  },
  "readline()": (input) => input.readline(),
  "readlines()": (input) => input.readlines(),
  "iteration": async (input) => {
    for await (const _line of input);
  },
  "readable": ({ readable }) => drain(readable),
  "readable as text": ({ readable }) => new Response(readable).text(),
  "readable as a form": ({ readable }) =>
    new Response(readable, FORM).formData(),
  "readable after a read()": async (input) => {
    await input.read(2);
    await drain(input.readable);
  },
  "readable through a pipe": ({ readable }) =>
    drain(readable.pipeThrough(new TransformStream())),
};

/** The ways to read a body beside `wsgi.input`. */
const REQUEST_READS: Record<string, WsgiApplication> = {
  "wsgiref.request.text()": reading((environ) => requestOf(environ).text()),
  "wsgiref.request.formData()": reading((environ) =>
    requestOf(environ).formData()
  ),
  "wsgiref.request.body": reading((environ) => drain(requestOf(environ).body)),
  "text() of a fetch handler": fromFetchHandler(async (request) =>
    new Response(await request.text())
  ),
  "formData() of a fetch handler": fromFetchHandler(async (request) => {
    const form = await request.formData();
    return new Response(String(form.get("name")));
  }),
  "body of a fetch handler": fromFetchHandler(async (request) => {
    await drain(request.body);
    return new Response("Hello");
  }),
};

/** An application that reads before it answers. */
function reading(
  read: (environ: WsgiEnviron) => Promise<unknown>,
): WsgiApplication {
  return async (environ, startResponse) => {
    await read(environ);
    startResponse("200 OK", TEXT);
    return [encoder.encode("read")];
  };
}

const EVERY_READ: Record<string, WsgiApplication> = { ...REQUEST_READS };
for (const [name, read] of Object.entries(INPUT_READS)) {
  EVERY_READ[name] = reading((environ) => read(environ["wsgi.input"]));
}

for (const way of WAYS) {
  for (const [name, app] of Object.entries(EVERY_READ)) {
    Deno.test({
      name:
        `${way}: a client that breaks off what ${name} reads is answered 400, with a line in the log`,
      timeout: 10_000,
      async fn() {
        for (const [what, breakOff] of Object.entries(BREAKS)) {
          let called = false;
          await using serving = serve(way, (environ, startResponse) => {
            called = true;
            return app(environ, startResponse);
          });
          using client = await Client.connect(serving.port);
          await client.send(UPLOAD);
          await until("The application is called", () => called);
          await breakOff(client);
          const { status } = await client.readResponse();
          assertEquals(status, 400, what);
          await untilLogged(serving);
          assertEquals(errorsOf(serving.log).length, 1, serving.log);
          assertEquals(framesOf(serving.log), [], what);
        }
      },
    });

    Deno.test({
      name:
        `${way}: a client that leaves in the middle of what ${name} reads is a line in the log`,
      timeout: 10_000,
      async fn() {
        let called = false;
        await using serving = serve(way, (environ, startResponse) => {
          called = true;
          return app(environ, startResponse);
        });
        const client = await Client.connect(serving.port);
        await client.send(UPLOAD);
        await until("The application is called", () => called);
        client[Symbol.dispose]();
        await untilLogged(serving);
        assertEquals(errorsOf(serving.log).length, 1, serving.log);
        assertEquals(framesOf(serving.log), []);
        // It goes on.
        assertEquals((await ask(serving.port, GET)).isWhole, true);
      },
    });
  }
}

for (const way of WAYS) {
  for (const [name, read] of Object.entries(INPUT_READS)) {
    Deno.test({
      name:
        `${way}: ${name} rejects with ConnectionLostError, and wsgiref.signal is aborted before`,
      timeout: 10_000,
      async fn() {
        for (const [what, breakOff] of Object.entries(BREAKS)) {
          const { promise: caught, resolve } = Promise.withResolvers<
            { error: unknown; reason: unknown; aborted: boolean }
          >();
          let called = false;
          await using serving = serve(way, async (environ, startResponse) => {
            called = true;
            const signal = environ["wsgiref.signal"];
            try {
              await read(environ["wsgi.input"]);
            } catch (error) {
              const { aborted = false, reason } = signal ?? {};
              resolve({ error, reason, aborted });
            }
            startResponse("200 OK", TEXT);
            return [];
          });
          using client = await Client.connect(serving.port);
          await client.send(UPLOAD);
          await until("The application is called", () => called);
          await breakOff(client);
          const { error, reason, aborted } = await within("It rejects", caught);
          assertInstanceOf(error, ConnectionLostError, what);
          assertEquals(error.name, "ConnectionLostError", what);
          assert(aborted, what);
          assertEquals(reason, error, what);
        }
      },
    });
  }

  Deno.test({
    name: `${way}: a body that is wrong is no ConnectionLostError`,
    timeout: 10_000,
    async fn() {
      let name = "";
      await using serving = serve(way, async (environ, startResponse) => {
        try {
          await new Response(environ["wsgi.input"].readable).json();
        } catch (error) {
          name = (error as Error).name;
        }
        startResponse("400 Bad Request", TEXT);
        return [encoder.encode("no JSON")];
      });
      const { status, body } = await ask(
        serving.port,
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n{",
      );
      assertEquals([status, body, name], [400, "no JSON", "SyntaxError"]);
      assertEquals(errorsOf(serving.log), []);
    },
  });
}

/** Applications that answer while they read. */
const ECHOES: Record<string, WsgiApplication> = {
  "a generator over read()": async function* (environ, startResponse) {
    startResponse("200 OK", TEXT);
    for (;;) {
      const block = await environ["wsgi.input"].read(5);
      if (block.length === 0) break;
      yield block;
    }
  },
  "a generator over readable": async function* (environ, startResponse) {
    startResponse("200 OK", TEXT);
    yield* environ["wsgi.input"].readable;
  },
  "readable as the result": (environ, startResponse) => {
    startResponse("200 OK", TEXT);
    return environ["wsgi.input"].readable;
  },
  "wsgiref.request.body as the result": (environ, startResponse) => {
    startResponse("200 OK", TEXT);
    return requestOf(environ).body ?? [];
  },
  "write()": async (environ, startResponse) => {
    const write = startResponse("200 OK", TEXT);
    for (;;) {
      const block = await environ["wsgi.input"].read(5);
      if (block.length === 0) break;
      await write(block);
    }
    return [];
  },
  "a fetch handler": fromFetchHandler((request) => new Response(request.body)),
};

for (const way of WAYS) {
  for (const [name, app] of Object.entries(ECHOES)) {
    Deno.test({
      name:
        `${way}: a response by ${name} is cut visibly if the upload breaks off`,
      timeout: 15_000,
      async fn() {
        for (const [what, breakOff] of Object.entries(BREAKS)) {
          await using serving = serve(way, app);
          using client = await Client.connect(serving.port);
          await client.send(UPLOAD);
          assertMatch(await client.readTo("\r\n\r\n"), /^HTTP\/1\.1 200 /);
          assertEquals(await client.readTo("name="), "5\r\nname=");
          await breakOff(client);
          const rest = await client.readAll();
          // What came before the break may be answered, but no end.
          assertMatch(rest, /^\r\n(?:2\r\nsp\r\n)?$/, what);
          await pause(20);
          assertEquals(framesOf(serving.log), [], what);
          assert(errorsOf(serving.log).length <= 1, serving.log);
          if (serving.server) {
            await within("shutdown() ends", serving.server.shutdown());
          }
        }
      },
    });

    Deno.test({
      name:
        `${way}: a response by ${name} ends if the client leaves in the middle of its upload`,
      timeout: 10_000,
      async fn() {
        let closed = 0;
        await using serving = serve(way, async (environ, startResponse) => {
          const result = await Promise.resolve(app(environ, startResponse))
            .catch((error) => {
              closed++;
              throw error;
            });
          // A stream cannot be wrapped without it being iterated.
          if (result instanceof ReadableStream) {
            closed++;
            return result;
          }
          return {
            [Symbol.asyncIterator]: () => iterate(result),
            close: () => void closed++,
          };
        });
        const client = await Client.connect(serving.port);
        await client.send(UPLOAD);
        await client.readTo("name=");
        client[Symbol.dispose]();
        await until("close() is called", () => closed === 1);
        assertEquals(framesOf(serving.log), []);
        if (serving.server) {
          await within("shutdown() ends", serving.server.shutdown());
        }
      },
    });
  }
}

async function* iterate(result: WsgiResult): AsyncGenerator<Uint8Array> {
  yield* result;
}
