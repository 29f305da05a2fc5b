// Copyright 2026 the wsgiref authors. MIT license.

/** A body that is not read is given up, and its connection ends or goes on. */

import { assert, assertEquals } from "@std/assert";
import type {
  WsgiApplication,
  WsgiEnviron,
  WsgiHeader,
  WsgiResult,
} from "../types.ts";
import { Client } from "./_client.ts";
import { pause, within } from "./_limit.ts";
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

  for (
    const [kind, upload] of Object.entries({
      "an upload": "Content-Length: 10\r\n\r\nspam",
      "an upload in chunks": "Transfer-Encoding: chunked\r\n\r\n4\r\nspam\r\n",
    })
  ) {
    for (const isSized of [false, true]) {
      Deno.test({
        name: `${way}: a ${
          isSized ? "sized " : ""
        }response comes to its end though the rest of ${kind} does not come`,
        timeout: 10_000,
        async fn() {
          const headers: WsgiHeader[] = isSized
            ? [...TEXT, ["Content-Length", "5"]]
            : TEXT;
          await using serving = serve(way, function* (_environ, startResponse) {
            startResponse("200 OK", headers);
            yield encoder.encode("Hel");
            yield encoder.encode("lo");
          });
          using client = await Client.connect(serving.port);
          await client.send(`POST / HTTP/1.1\r\nHost: h\r\n${upload}`);
          const response = within("It ends", client.readResponse(), 5_000);
          const { body, isWhole } = await response;
          assertEquals([body, isWhole], ["Hello", true]);
        },
      });
    }
  }

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
