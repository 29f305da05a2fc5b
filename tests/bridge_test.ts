// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertFalse,
  assertMatch,
  assertStrictEquals,
} from "@std/assert";
import { STATUS_TEXT, type StatusCode } from "@std/http/status";
import fc from "fast-check";
import readBody from "../examples/body.ts";
import {
  fromFetchHandler,
  TextErrorStream,
  toFetchHandler,
} from "../handlers.ts";
import type { WsgiEnviron, WsgiHeader } from "../types.ts";
import { setupTestingDefaults, WsgiInput } from "../util.ts";
import { Client, exchange } from "./_client.ts";
import { breaks } from "./_mistakes.ts";

const encoder = new TextEncoder();

/** The request that a fetch handler is given for an environ. */
async function requestOf(environ: Partial<WsgiEnviron>): Promise<Request> {
  let request: Request | undefined;
  const app = fromFetchHandler((received) => {
    request = received;
    return new Response();
  });
  await app(setupTestingDefaults(environ), () => () => Promise.resolve());
  assert(request, "The fetch handler was not called");
  return request;
}

/** What an application passes to `startResponse()` for a response. */
async function headOf(
  response: Response,
): Promise<{ status: string; headers: WsgiHeader[] }> {
  const { promise, resolve } = Promise.withResolvers<
    { status: string; headers: WsgiHeader[] }
  >();
  const app = fromFetchHandler(() => response);
  await app(setupTestingDefaults({}), (status, headers) => {
    resolve({ status, headers: [...headers] as WsgiHeader[] });
    return () => Promise.resolve();
  });
  return await promise;
}

const URLS: [name: string, environ: Partial<WsgiEnviron>, url: string][] = [
  [
    "the path",
    { SCRIPT_NAME: "/app", PATH_INFO: "/caf\xc3\xa9 100%" },
    "http://127.0.0.1/app/caf%C3%A9%20100%25",
  ],
  [
    "no path",
    { SCRIPT_NAME: "", PATH_INFO: "" },
    "http://127.0.0.1/",
  ],
  [
    "a path that is no host",
    { PATH_INFO: "//example.com/x" },
    "http://127.0.0.1//example.com/x",
  ],
  [
    "the scheme, the host and the query",
    {
      "wsgi.url_scheme": "https",
      HTTP_HOST: "example.com:8443",
      QUERY_STRING: "a=b&%20\xe9",
    },
    "https://example.com:8443/?a=b&%20%E9",
  ],
  [
    "REQUEST_URI",
    {
      SCRIPT_NAME: "/app",
      PATH_INFO: "/a/b\xe9",
      QUERY_STRING: "c",
      REQUEST_URI: "/%61pp/a%2Fb\xe9?c",
    },
    "http://127.0.0.1/%61pp/a%2Fb%E9?c",
  ],
  [
    "the path if it was changed after REQUEST_URI",
    { PATH_INFO: "/b", REQUEST_URI: "/%61" },
    "http://127.0.0.1/b",
  ],
  [
    "the query if it was changed after REQUEST_URI",
    { PATH_INFO: "/a", QUERY_STRING: "c", REQUEST_URI: "/%61?b" },
    "http://127.0.0.1/a?c",
  ],
  [
    "the path if REQUEST_URI is another resource",
    { PATH_INFO: "/a", REQUEST_URI: "http://example.com/a" },
    "http://127.0.0.1/a",
  ],
];

for (const [name, environ, url] of URLS) {
  Deno.test(`fromFetchHandler() makes the URL of ${name}`, async () => {
    assertEquals((await requestOf(environ)).url, url);
  });
}

Deno.test("fromFetchHandler() passes the method and the headers on", async () => {
  const { method, headers } = await requestOf({
    REQUEST_METHOD: "-BLARGH",
    CONTENT_TYPE: "text/plain",
    CONTENT_LENGTH: "3",
    HTTP_X_FOO: "caf\xe9",
    HTTP_COOKIE: "a=1; b=2",
    "wsgi.input": new WsgiInput(encoder.encode("abc")),
  });
  assertEquals(method, "-BLARGH");
  assertEquals([...headers], [
    ["content-length", "3"],
    ["content-type", "text/plain"],
    ["cookie", "a=1; b=2"],
    ["host", "127.0.0.1"],
    ["x-foo", "caf\xe9"],
  ]);
});

const BODIES: [
  name: string,
  environ: Partial<WsgiEnviron>,
  body: string | null,
][] = [
  ["a body with a length", { CONTENT_LENGTH: "4" }, "spam"],
  ["a body without a length", { "wsgi.input_terminated": true }, "spam"],
  ["no body if nothing tells its end", {}, null],
  ["no body if it is empty", { CONTENT_LENGTH: "0" }, null],
  ["no body of GET", { REQUEST_METHOD: "GET", CONTENT_LENGTH: "4" }, null],
  ["no body of HEAD", { REQUEST_METHOD: "HEAD", CONTENT_LENGTH: "4" }, null],
];

for (const [name, environ, expected] of BODIES) {
  Deno.test(`fromFetchHandler() passes ${name}`, async () => {
    const request = await requestOf({
      REQUEST_METHOD: "POST",
      "wsgi.input": new WsgiInput(encoder.encode("spam")),
      ...environ,
    });
    assertEquals(request.body && await request.text(), expected);
  });
}

Deno.test("fromFetchHandler() tells the address of the client", async () => {
  const infos: unknown[] = [];
  const app = fromFetchHandler((_request, info) => {
    infos.push(info.remoteAddr);
    return new Response();
  });
  for (const environ of [{ REMOTE_ADDR: "::1", REMOTE_PORT: "1234" }, {}]) {
    await app(setupTestingDefaults(environ), () => () => Promise.resolve());
  }
  assertEquals(infos, [
    { transport: "tcp", hostname: "::1", port: 1234 },
    { transport: "tcp", hostname: "", port: 0 },
  ]);
});

Deno.test("fromFetchHandler() aborts the request with wsgiref.signal", async () => {
  const controller = new AbortController();
  const { signal } = await requestOf({ "wsgiref.signal": controller.signal });
  assertFalse(signal.aborted);
  const reason = new Error("gone");
  controller.abort(reason);
  assertStrictEquals(signal.reason, reason);
});

const REFUSED: [environ: Partial<WsgiEnviron>, status: string][] = [
  [{ REQUEST_METHOD: "CONNECT" }, "501 Not Implemented"],
  [{ REQUEST_METHOD: "trace" }, "501 Not Implemented"],
  [{ REQUEST_METHOD: "SP AM" }, "400 Bad Request"],
  [{ HTTP_HOST: "a b" }, "400 Bad Request"],
  [{ HTTP_X_FOO: "a\nb" }, "400 Bad Request"],
];

for (const [environ, expected] of REFUSED) {
  const [[key, value] = []] = Object.entries(environ);
  Deno.test(`fromFetchHandler() answers ${expected} for the ${key} ${Deno.inspect(value)}`, async () => {
    const app = fromFetchHandler(() => new Response());
    const heads: unknown[] = [];
    const result = await app(
      setupTestingDefaults(environ),
      (status, headers) => {
        heads.push([status, headers]);
        return () => Promise.resolve();
      },
    );
    assertEquals(heads, [[expected, [["Content-Type", "text/plain"]]]]);
    assertEquals(result, [encoder.encode(`${expected}\n`)]);
  });
}

const STATUSES: [init: ResponseInit, status: string][] = [
  [{}, "200 OK"],
  [{ status: 404 }, "404 Not Found"],
  [{ status: 404, statusText: "Nothing there" }, "404 Nothing there"],
  [{ status: 418, statusText: " " }, "418 I'm a teapot"],
  [{ status: 299 }, "299 Unknown"],
];

for (const [init, expected] of STATUSES) {
  Deno.test(`fromFetchHandler() answers ${expected} for ${Deno.inspect(init)}`, async () => {
    assertEquals((await headOf(new Response(null, init))).status, expected);
  });
}

Deno.test("fromFetchHandler() passes headers on, each Set-Cookie on its own", async () => {
  const headers: WsgiHeader[] = [
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2, c"],
    ["x-foo", "caf\xe9"],
  ];
  assertEquals(
    (await headOf(new Response(null, { headers }))).headers,
    headers,
  );
});

Deno.test("fromFetchHandler() leaves out headers of the connection", async () => {
  const { headers } = await headOf(
    new Response(null, {
      headers: {
        Connection: "X-Bar , close",
        "Keep-Alive": "timeout=5",
        "Transfer-Encoding": "chunked",
        "X-Bar": "1",
        "X-Foo": "2",
      },
    }),
  );
  assertEquals(headers, [["x-foo", "2"]]);
});

Deno.test("fromFetchHandler() throws for what is no Response", async () => {
  let log = "";
  const handler = toFetchHandler(
    fromFetchHandler(() => "spam" as unknown as Response),
    { errors: new TextErrorStream((text) => log += text) },
  );
  const response = await handler(new Request("http://localhost/"));
  assertEquals(response.status, 500);
  assertMatch(
    log,
    /^TypeError: Cannot answer the request as the fetch handler must return a Response: received "spam"$/m,
  );
});

for (const method of ["GET", "HEAD"]) {
  Deno.test(`fromFetchHandler() cancels the body if the client leaves ${method}`, async () => {
    let canceled = 0;
    const handler = toFetchHandler(fromFetchHandler(() =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
          cancel: () => void canceled++,
        }),
      )
    ));
    const request = new Request("http://localhost/", { method });
    const { body } = await handler(request);
    await body?.cancel();
    assertEquals(canceled, 1);
  });
}

Deno.test("fromFetchHandler() aborts the request of a client that leaves a server", async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: aborted, resolve: abort } = Promise.withResolvers<Event>();
  const handler = toFetchHandler(
    fromFetchHandler(async ({ signal }) => {
      signal.addEventListener("abort", abort);
      begin();
      await aborted;
      return new Response();
    }),
  );
  await using server = Deno.serve({ port: 0, onListen() {} }, handler);
  using connection = await Deno.connect({ port: server.addr.port });
  await connection.write(encoder.encode("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  await begun;
  connection.close();
  await aborted;
});

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
      const actual = await ask(toFetchHandler(fromFetchHandler(handler)));
      assertEquals(received[1], received[0]);
      // A reason phrase is never empty, and the length of nothing is known.
      expected.head[1] ||= STATUS_TEXT[init.status as StatusCode] ?? "Unknown";
      if (!responseBody?.size && !isBodiless && !isHead) {
        const headers = new Headers(expected.headers);
        headers.set("content-length", "0");
        expected.headers = [...headers];
      }
      assertEquals(actual, expected);
    },
  );
  await fc.assert(property, { numRuns: 200 });
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

Deno.test("fromFetchHandler() passes the body of a method that only begins like GET", async () => {
  for (const method of ["GETALL", "HEADER", "TARGET", "AHEAD"]) {
    const request = await requestOf({
      REQUEST_METHOD: method,
      CONTENT_LENGTH: "4",
      "wsgi.input": new WsgiInput(encoder.encode("spam")),
    });
    assertEquals(request.method, method);
    assertEquals(await request.text(), "spam");
  }
});
