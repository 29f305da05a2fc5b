// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals, assertMatch } from "@std/assert";
import { STATUS_TEXT, type StatusCode } from "@std/http/status";
import fc from "fast-check";
import readBody from "../examples/body.ts";
import {
  fromFetchHandler,
  TextErrorStream,
  toFetchHandler,
} from "../handlers.ts";
import { compareCgi, compareRequests, compareResponses } from "./_bridge.ts";
import { guard, handler } from "./_bridge_cases.ts";
import { Client, exchange } from "./_client.ts";
import { breaks } from "./_mistakes.ts";

// The table has validators of its own.
if (!Deno.env.has("UNDER_VALIDATOR")) {
  Deno.test("What goes through the bridge is what goes without", async (t) => {
    await using server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
      // Deno tells of a stream that fails.
      onError: () => new Response(null, { status: 500 }),
    }, handler);
    await compareResponses(t, "Deno", server.addr.port);
    await compareRequests(t, "Deno", server.addr.port);
    await compareCgi(t, server.addr.port);
  });
}

/** What is compared of a request or a response. */
interface Message {
  head: unknown[];
  headers: [string, string][];
  body: string;
}

async function messageOf(
  message: Request | Response,
  ...head: unknown[]
): Promise<Message> {
  const bytes = await message.arrayBuffer();
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return {
    head,
    // A blank at the end, after an empty value, means nothing.
    headers: [...message.headers].map(([name, value]) => [name, value.trim()]),
    body: `${bytes.byteLength} ${new Uint8Array(hash).toHex()}`,
  };
}

/** Bytes in chunks, as a new stream for each use. */
interface Chunks {
  size: number;
  chunkSizes: number[];
}

function streamOf({ size, chunkSizes }: Chunks): ReadableStream<Uint8Array> {
  const bytes = new Uint8Array(size).map((_, index) => index % 251);
  let start = 0;
  let count = 0;
  return new ReadableStream({
    pull(controller) {
      if (start === size) return controller.close();
      const end = start + (chunkSizes[count++ % chunkSizes.length] ?? size);
      controller.enqueue(bytes.subarray(start, end));
      start = Math.min(end, size);
    },
  });
}

const chunks: fc.Arbitrary<Chunks> = fc.record({
  size: fc.oneof(
    fc.constantFrom(0, 1, 65_536, 1_048_576),
    fc.nat(1_048_576),
  ),
  chunkSizes: fc.array(fc.integer({ min: 1, max: 262_144 }), {
    minLength: 1,
    maxLength: 20,
  }).filter((sizes) => Math.max(...sizes) > 1024),
});

const method = fc.oneof(
  fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
  fc.stringMatching(/^[A-Za-z!#$%&'*+.^_`|~-]{1,10}$/).filter((method) =>
    !/^(?:CONNECT|TRAC[EK])$/i.test(method)
  ),
);

const characters = fc.oneof(
  fc.nat(255).map((byte) => `%${byte.toString(16).padStart(2, "0")}`),
  fc.constantFrom(..."/abYZ09-._~!$&'()*+,;=:@[]|\xe9"),
);
const path = fc.array(characters).map((parts) => `/${parts.join("")}`);
const query = fc.array(fc.oneof(characters, fc.constant("?")))
  .map((parts) => parts.join(""));
const url = fc.tuple(
  fc.constantFrom("http://localhost", "https://h:81", "http://[::1]:8000"),
  path,
  fc.constantFrom("", "?"),
  query,
).map(([origin, path, mark, query]) => origin + path + mark + (mark && query));

const headerValue = fc.stringMatching(/^[\t -~\x80-\xff]{0,20}$/);
const requestHeaders = fc.dictionary(
  fc.oneof(
    fc.constantFrom("Accept", "Cookie", "Authorization", "Referer", "TE"),
    fc.stringMatching(/^X-[A-Za-z0-9!#$%&'*+.^`|~-]{1,10}$/),
  ),
  headerValue,
);
const responseHeaders = fc.array(fc.tuple(
  fc.oneof(
    fc.constantFrom("Content-Type", "Set-Cookie", "Link", "ETag", "Vary"),
    fc.stringMatching(/^X-[A-Za-z0-9!#$%&'*+.^_`|~-]{1,10}$/),
  ),
  headerValue,
));

const status = fc.integer({ min: 200, max: 599 });
const statusText = fc.stringMatching(/^([!-~]([ -~]{0,10}[!-~])?)?$/);

Deno.test("toFetchHandler(fromFetchHandler(handler)) is handler", async () => {
  const property = fc.asyncProperty(
    fc.record({ method, url, headers: requestHeaders, body: chunks }),
    fc.record({ status, statusText, headers: responseHeaders }),
    fc.option(chunks),
    async ({ body, ...request }, init, responseBody) => {
      const received: Message[] = [];
      const isHead = /^HEAD$/i.test(request.method);
      const isBodiless = [204, 205, 304].includes(init.status);
      const handler = async (request: Request) => {
        received.push(await messageOf(request, request.method, request.url));
        if (
          init.status === 204 && new Headers(init.headers).has("content-type")
        ) {
          breaks("content-type-forbidden");
        }
        const body = responseBody && !isBodiless
          ? streamOf(responseBody)
          : null;
        return new Response(body, init);
      };
      const ask = async (
        handler: (request: Request) => Response | Promise<Response>,
      ) => {
        const { method, url, headers } = request;
        const hasBody = !/^(?:GET|HEAD)$/i.test(method);
        const response = await handler(
          new Request(url, {
            method,
            headers: { ...headers, Host: new URL(url).host },
            ...(hasBody && { body: streamOf(body) }),
          }),
        );
        const { status, statusText } = response;
        // What the handler gives for HEAD is for the server to drop.
        const answer = isHead ? new Response(null, response) : response;
        return await messageOf(answer, status, statusText);
      };
      const expected = await ask(handler);
      // A reason phrase is never empty.
      expected.head[1] ||= STATUS_TEXT[init.status as StatusCode] ?? "Unknown";
      const app = fromFetchHandler(handler);
      for (const way of [app, guard(app)]) {
        const actual = await ask(toFetchHandler(way));
        assertEquals(received.pop(), received[0]);
        // The length of what is short enough is known.
        actual.headers = actual.headers.filter(([name, value]) =>
          name !== "content-length" || actual.body.split(" ")[0] !== value &&
            !isHead
        );
        assertEquals(actual, expected);
      }
    },
  );
  await fc.assert(property, { numRuns: 100 });
});

const READERS: [path: string, body: BodyInit, answer: string][] = [
  ["/text", "spam", "SPAM"],
  ["/json", '{"name": "spam"}', "spam"],
  ["/form", new URLSearchParams({ name: "spam" }), "spam"],
  ["/lines", "one\n\ntwo", "2 lines are not empty"],
];

for (const [path, body, answer] of READERS) {
  Deno.test(`examples/body.ts reads ${path}`, async () => {
    const response = await toFetchHandler(readBody)(
      new Request(`http://localhost${path}`, { method: "POST", body }),
    );
    assertEquals(await response.text(), answer);
  });
}

Deno.test("examples/body.ts reads multipart form data", async () => {
  const body = new FormData();
  body.set("name", "spam");
  const response = await toFetchHandler(readBody)(
    new Request("http://localhost/form", { method: "POST", body }),
  );
  assertEquals(await response.text(), "spam");
});

for (const flags of [[], ["--parallel"]]) {
  Deno.test(`examples/worker.ts runs under deno serve ${flags}`, async () => {
    await using server = new Deno.Command(Deno.execPath(), {
      args: ["serve", "--port=0", ...flags, "examples/worker.ts"],
      cwd: new URL("..", import.meta.url),
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let text = "";
    for await (
      const chunk of server.stderr.pipeThrough(new TextDecoderStream())
    ) {
      text += chunk;
      const port = /:(\d+)[/ ]/.exec(text)?.[1];
      if (port === undefined) continue;
      const request =
        "GET /spam HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
      assertMatch(
        await exchange(Number(port), request),
        /You asked for \/spam$/,
      );
      // In parallel, SIGTERM is not always enough.
      server.kill("SIGKILL");
      return;
    }
    throw new Error(`Cannot find where the server listens: received ${text}`);
  });
}

Deno.test("toFetchHandler() says in one line that a client did not finish its body", async () => {
  let log = "";
  const ended = Promise.withResolvers<unknown>();
  const handler = toFetchHandler(async (environ) => {
    environ["wsgiref.signal"]?.addEventListener(
      "abort",
      () => ended.resolve("disconnected"),
    );
    try {
      return [await environ["wsgi.input"].read()];
    } finally {
      log += "read\n";
    }
  }, { errors: new TextErrorStream((text) => log += text) });
  await using server = Deno.serve({ port: 0, onListen() {} }, handler);
  {
    using client = await Client.connect(server.addr.port);
    await client.send(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n1",
    );
  }
  assertEquals(await ended.promise, "disconnected");
  await server.shutdown();
  assertEquals(
    log.replace(/:\d+/, ""),
    'read\nCannot answer POST "http://h/": ConnectionLostError: Cannot read the request body as it broke off before its end\n',
  );
});
