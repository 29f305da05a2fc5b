// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { Response as OtherResponse } from "undici";
import {
  fromFetchHandler,
  TextErrorStream,
  toFetchHandler,
} from "../handlers.ts";
import type {
  WsgiApplication,
  WsgiHeader,
  WsgiHeaderList,
  WsgiResult,
} from "../types.ts";
import { setupTestingDefaults } from "../util.ts";
import { Client } from "./_client.ts";
import { pause, until, within } from "./_limit.ts";

const encoder = new TextEncoder();
const BLOCK = encoder.encode("spam");

/** What an application does for a response. */
interface Run {
  status: string;
  headers: WsgiHeader[];
  /** The sizes of what was written before the result was returned. */
  written: number[];
  result: WsgiResult;
}

async function run(response: Response): Promise<Run> {
  let head: [status: string, headers: WsgiHeaderList] = ["", []];
  const written: number[] = [];
  const app = fromFetchHandler(() => response);
  const result = await app(
    setupTestingDefaults({}),
    (status, headers) => {
      head = [status, headers];
      return ({ length }) => {
        written.push(length);
        return Promise.resolve();
      };
    },
  );
  const [status, headers] = head;
  return {
    status,
    headers: [...headers].map(([name, value]) => [name, value]),
    written,
    result,
  };
}

async function textOf(result: WsgiResult): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const block of result) {
    text += decoder.decode(block, { stream: true });
  }
  return text;
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
    assertEquals((await run(new Response(null, init))).status, expected);
  });
}

Deno.test("fromFetchHandler() answers 501 for a response that switches protocols", async () => {
  const response = Object.defineProperty(new Response(), "status", {
    value: 101,
  });
  assertEquals((await run(response)).status, "501 Not Implemented");
});

Deno.test("fromFetchHandler() passes headers on, each Set-Cookie on its own", async () => {
  const headers: WsgiHeader[] = [
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2, c"],
    ["x-foo", "caf\xe9\xa0"],
  ];
  assertEquals((await run(new Response(null, { headers }))).headers, headers);
});

Deno.test("fromFetchHandler() leaves out the blank that joined headers end in", async () => {
  const headers: WsgiHeader[] = [["X-A", "a"], ["X-A", ""], ["X-B", ""]];
  assertEquals((await run(new Response(null, { headers }))).headers, [
    ["x-a", "a,"],
    ["x-b", ""],
  ]);
});

Deno.test("fromFetchHandler() leaves out headers of the connection", async () => {
  const { headers } = await run(
    new Response(null, {
      headers: {
        "Connection": "X-Bar , close",
        "Keep-Alive": "timeout=5",
        "Transfer-Encoding": "chunked",
        "X-Bar": "1",
        "X-Foo": "2",
      },
    }),
  );
  assertEquals(headers, [["x-foo", "2"]]);
});

const LONG_HEADERS: [name: string, headers: HeadersInit][] = [
  ["a run of blanks", { "X-A": `a${" ".repeat(1_000_000)}a` }],
  ["many options of the connection", {
    "Connection": "x-a, ".repeat(200_000),
    "X-B": "b",
  }],
  ["a run of blanks in the options of the connection", {
    "Connection": `a${" ".repeat(1_000_000)}a`,
  }],
];

for (const [name, headers] of LONG_HEADERS) {
  Deno.test(`fromFetchHandler() takes no longer than its length asks for ${name} in 1 MB`, async () => {
    const response = new Response(null, { headers });
    const start = performance.now();
    await run(response);
    assertLess(performance.now() - start, 10_000);
  });
}

const NO_RESPONSES = [
  "spam",
  undefined,
  { status: 200 },
  { status: 200, headers: new Headers() },
];

for (const value of NO_RESPONSES) {
  Deno.test(`fromFetchHandler() throws for a response of ${Deno.inspect(value)}`, async () => {
    await assertRejects(
      () => run(value as Response),
      TypeError,
      "Cannot answer the request as the fetch handler must return a Response: received ",
    );
  });
}

Deno.test("fromFetchHandler() throws for a response that has been read", async () => {
  const response = new Response("spam");
  await response.text();
  await assertRejects(
    () => run(response),
    TypeError,
    "Cannot answer the request as the body of its Response has been read",
  );
});

Deno.test("fromFetchHandler() takes a Response of another library", async () => {
  const response = new OtherResponse("spam", { status: 404 });
  assert(!(response instanceof Response));
  const { status, headers, result } = await run(
    response as unknown as Response,
  );
  assertEquals(status, "404 Not Found");
  assertEquals(headers, [["content-type", "text/plain;charset=UTF-8"]]);
  assertEquals(await textOf(result), "spam");
});

/** A stream whose reads end when the test says so. */
function controlled(): {
  stream: ReadableStream<Uint8Array>;
  controller: ReadableStreamDefaultController<Uint8Array>;
  reasons: unknown[];
} {
  const reasons: unknown[] = [];
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stream = new ReadableStream<Uint8Array>({
    start: (received) => void (controller = received),
    cancel: (reason) => void reasons.push(reason),
  });
  assert(controller);
  return { stream, controller, reasons };
}

function form(): FormData {
  const form = new FormData();
  form.set("name", "spam");
  return form;
}

const WHOLE: [name: string, make: () => BodyInit | null][] = [
  ["null", () => null],
  ["text", () => "spam"],
  ["no text", () => ""],
  ["bytes", () => BLOCK],
  ["a buffer", () => new ArrayBuffer(4)],
  ["a large text", () => "spam".repeat(1_000_000)],
  ["a Blob", () => new Blob(["spam"])],
  ["a Blob of parts", () => new Blob(["s", new Blob(["p"]), "am"])],
  ["an empty Blob", () => new Blob()],
  ["URLSearchParams", () => new URLSearchParams({ name: "spam" })],
  ["a form", form],
];

for (const [name, make] of WHOLE) {
  Deno.test(`fromFetchHandler() returns an array for ${name}`, async () => {
    const { result, written } = await run(new Response(make()));
    assertInstanceOf(result, Array);
    assertEquals(written, []);
    const response = new Response(make());
    if (name !== "a form") {
      assertEquals(await textOf(result), await response.text());
    } else {
      assertMatch(await textOf(result), /\r\n\r\nspam\r\n/);
    }
  });
}

Deno.test("fromFetchHandler() waits for nothing else to return an array", async () => {
  let isLater = false;
  const timer = setTimeout(() => isLater = true);
  await run(new Response(new Blob(["spam"])));
  clearTimeout(timer);
  assert(!isLater);
});

const LIVE: [name: string, first: string][] = [
  ["has not begun", ""],
  ["has begun", "spam"],
];

for (const [name, first] of LIVE) {
  Deno.test(`fromFetchHandler() sends the head of a live stream that ${name}, and then what comes`, async () => {
    const { stream, controller } = controlled();
    if (first !== "") controller.enqueue(encoder.encode(first));
    const { result, written } = await run(new Response(stream));
    assertEquals(written, [0]);
    controller.enqueue(encoder.encode("eggs"));
    controller.close();
    assertEquals(await textOf(result), `${first}eggs`);
  });
}

Deno.test("fromFetchHandler() reads no more than some blocks of a stream without an end ahead", async () => {
  let count = 0;
  const { result } = await run(
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(Uint8Array.of(count++)),
      }, { highWaterMark: 0 }),
    ),
  );
  assertLess(count, 10);
  let next = 0;
  for await (const [byte] of result) {
    assertEquals(byte, next++);
    if (next === 20) break;
  }
});

/** Ways to give a result up, as servers and middleware do. */
const CLOSES: [name: string, close: (result: WsgiResult) => unknown][] = [
  ["close()", (result) => result.close?.()],
  ["return()", (result) => {
    assert(Symbol.asyncIterator in result);
    return result[Symbol.asyncIterator]().return?.();
  }],
  ["both", async (result) => {
    assert(Symbol.asyncIterator in result);
    await result[Symbol.asyncIterator]().return?.();
    await result.close?.();
  }],
];

for (const [name, close] of CLOSES) {
  for (const [state, first] of LIVE) {
    Deno.test(`A live stream that ${state} is canceled at once by ${name}`, async () => {
      const { stream, controller, reasons } = controlled();
      if (first !== "") controller.enqueue(encoder.encode(first));
      const { result } = await run(new Response(stream));
      const closed = close(result);
      assertEquals(reasons.length, 1);
      await closed;
    });
  }

  Deno.test(`A live stream that is waited for is canceled at once by ${name}`, async () => {
    const { stream, reasons } = controlled();
    const { result } = await run(new Response(stream));
    assert(Symbol.asyncIterator in result);
    const read = result[Symbol.asyncIterator]().next();
    const closed = close(result);
    assertEquals(reasons.length, 1);
    await closed;
    assertEquals((await within("The read ends", read)).done, true);
  });
}

Deno.test("A live stream is given up though its clone is not", async () => {
  const response = new Response(controlled().stream);
  response.clone();
  const { result } = await run(response);
  await within("The result closes", Promise.resolve(result.close?.()));
});

Deno.test("A stream that has ended is not canceled, nor one that has failed", async () => {
  for (const end of ["close", "error"] as const) {
    const { stream, controller, reasons } = controlled();
    const { result } = await run(new Response(stream));
    controller[end]();
    await textOf(result).catch(() => {});
    await result.close?.();
    assertEquals(reasons, []);
  }
});

/** Answers by a stream, over a server that logs to `log`. */
async function answer(
  stream: ReadableStream<Uint8Array>,
  method = "GET",
): Promise<{ response: Response; log: () => string }> {
  let log = "";
  const handler = toFetchHandler(
    fromFetchHandler(() => new Response(stream)),
    { errors: new TextErrorStream((text) => log += text) },
  );
  const response = await within(
    "The head comes",
    Promise.resolve(handler(new Request("http://localhost/", { method }))),
  );
  return { response, log: () => log };
}

Deno.test("The error of a stream breaks the response off, and is logged once", async () => {
  const { stream, controller } = controlled();
  const { response, log } = await answer(stream);
  controller.error(new Error("failed"));
  await assertRejects(() => response.text());
  assertEquals(log().match(/Error: failed$/gm)?.length, 1);
});

Deno.test("An error of a stream's cancel() is logged", async () => {
  const { response, log } = await answer(
    new ReadableStream({
      cancel() {
        throw new Error("failed");
      },
    }),
  );
  await response.body?.cancel();
  await until("The error is logged", () => /Error: failed$/m.test(log()));
});

for (const method of ["GET", "HEAD"]) {
  Deno.test(`fromFetchHandler() cancels a stream if the client leaves ${method}`, async () => {
    const { stream, reasons } = controlled();
    const { response } = await answer(stream, method);
    await response.body?.cancel();
    await until("The stream is canceled", () => reasons.length > 0);
    await pause(1);
    assertEquals(reasons.length, 1);
  });
}

Deno.test("fromFetchHandler() cancels the body of a response that cannot be started", async () => {
  const { stream, reasons } = controlled();
  const app = fromFetchHandler(() => new Response(stream));
  await assertRejects(
    async () =>
      await app(setupTestingDefaults({}), () => {
        throw new Error("refused");
      }),
    Error,
    "refused",
  );
  assertEquals(reasons.length, 1);
});

Deno.test("fromFetchHandler() throws what startResponse() throws, also if the body is whole", async () => {
  await assertRejects(
    async () =>
      await fromFetchHandler(() => new Response("spam"))(
        setupTestingDefaults({}),
        () => {
          throw new Error("refused");
        },
      ),
    Error,
    "refused",
  );
});

Deno.test("An event stream opens at once, and its client's departure reaches it at once", async () => {
  const { stream, controller, reasons } = controlled();
  const handler = toFetchHandler(
    fromFetchHandler(() =>
      new Response(stream, { headers: { "Content-Type": "text/event-stream" } })
    ),
  );
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    handler,
  );
  using client = await Client.connect(server.addr.port);
  await client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  assertMatch(await client.readTo("\r\n\r\n"), /^HTTP\/1\.1 200 OK\r\n/);
  controller.enqueue(encoder.encode("data: 1\n\n"));
  assertMatch(await client.readTo("\n\n\r\n"), /data: 1/);
  client[Symbol.dispose]();
  await until("The stream is canceled", () => reasons.length > 0);
});

Deno.test("Middleware between sees an array, and sends the head of a live stream by write()", async () => {
  const seen: string[] = [];
  const watch = (app: WsgiApplication): WsgiApplication =>
  async (
    environ,
    startResponse,
  ) => {
    const result = await app(environ, (status, headers) => {
      const write = startResponse(status, headers);
      return (data) => {
        seen.push(`write ${data.length}`);
        return write(data);
      };
    });
    seen.push(Array.isArray(result) ? "array" : "stream");
    return result;
  };
  const { stream, controller } = controlled();
  for (const body of ["spam", stream]) {
    const app = watch(fromFetchHandler(() => new Response(body)));
    const response = await toFetchHandler(app)(
      new Request("http://localhost/"),
    );
    if (body === stream) controller.close();
    await response.text();
  }
  assertEquals(seen, ["array", "write 0", "stream"]);
});
