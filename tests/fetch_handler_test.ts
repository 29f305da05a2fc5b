// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertThrows,
} from "@std/assert";
import {
  BaseCgiHandler,
  FetchHandler,
  fromFetchHandler,
  requestEnviron,
  RequestError,
  TextErrorStream,
  toFetchHandler,
} from "../handlers.ts";
import type {
  StartResponse,
  WsgiApplication,
  WsgiEnviron,
  WsgiResult,
} from "../types.ts";
import { FileWrapper, setupTestingDefaults, WsgiInput } from "../util.ts";
import type { WsgiConformanceCode } from "../validate.ts";
import {
  answer,
  bytes,
  type Case,
  CLOSED,
  fail,
  generate,
  generateAsync,
  latin1,
  list,
  LOCAL,
  NOT_STARTED,
  OK,
  RETURNED,
  stream,
  TestFetchHandler,
  track,
  turn,
  untilAborted,
  untyped,
  withConsole,
} from "./_handlers.ts";
import { breaks } from "./_mistakes.ts";

Deno.test("toFetchHandler() refuses what is no function", () => {
  assertThrows(
    () => toFetchHandler(3 as unknown as WsgiApplication),
    TypeError,
    "Cannot serve the application as it must be a function: received 3",
  );
});

Deno.test("FetchHandler refuses a status that a Response cannot have", async () => {
  breaks("body-forbidden");
  for (const status of ["100 x", "101 x", "199 x", "600 x", "999 x"]) {
    const message =
      `Cannot start the response as the status of a Response must be 200 to 599: received "${status}"`;
    const outcome = await new TestFetchHandler().toOutcome(
      (_environ, startResponse) => {
        assertThrows(() => startResponse(status, []), RangeError, message);
        return list("a");
      },
    );
    // Nor has it been started.
    assertEquals(outcome.status, "500 Internal Server Error");
    assertEquals(outcome.errors[1], NOT_STARTED);
  }
});

// Streaming

/** Applications that send blocks without end and count them. */
const ENDLESS: Record<string, (steps: { count: number }) => WsgiApplication> = {
  "a generator": (steps) =>
    function* (_environ, startResponse) {
      startResponse(OK, []);
      for (;; steps.count++) yield bytes("ab");
    },
  "an async generator": (steps) =>
    async function* (_environ, startResponse) {
      startResponse(OK, []);
      for (;; steps.count++) yield await Promise.resolve(bytes("ab"));
    },
  "a slow async generator": (steps) =>
    async function* (_environ, startResponse) {
      startResponse(OK, []);
      for (;; steps.count++) {
        await turn();
        yield bytes("ab");
      }
    },
  "a stream": (steps) => (_environ, startResponse) => {
    startResponse(OK, []);
    steps.count--;
    return new ReadableStream({
      pull(controller) {
        steps.count++;
        controller.enqueue(bytes("ab"));
      },
    }, { highWaterMark: 0 });
  },
  "write()": (steps) => async (_environ, startResponse) => {
    const write = startResponse(OK, []);
    for (;; steps.count++) await write(bytes("ab"));
  },
};

for (const [kind, make] of Object.entries(ENDLESS)) {
  Deno.test(`FetchHandler asks ${kind} for a block when the client takes one`, async () => {
    const steps = { count: 0 };
    const handler = new TestFetchHandler();
    const { body } = await handler.respond(make(steps));
    const reader = body?.getReader();
    for (let reads = 0; reads < 5; reads++) {
      // Not more than one block ahead, however long the client thinks.
      for (let i = 0; i < 5; i++) await turn();
      assertEquals(steps.count, Math.max(0, reads - 1));
      assertEquals((await reader?.read())?.value, bytes("ab"));
    }
    await reader?.cancel();
    await handler.closed.promise;
    assertEquals(handler.log.lines, []);
  });

  Deno.test(`FetchHandler answers reads of ${kind} that do not wait for one another`, async () => {
    const handler = new TestFetchHandler();
    const { body } = await handler.respond(make({ count: 0 }));
    const reader = body?.getReader();
    for (const count of [1, 3, 2]) {
      const reads = await Promise.all(
        Array.from({ length: count }, () => reader?.read()),
      );
      assertEquals(reads.map((read) => read?.done), Array(count).fill(false));
      await turn();
    }
    await reader?.cancel();
    await handler.closed.promise;
    assertEquals(handler.log.lines, []);
  });
}

Deno.test("FetchHandler answers a list at once, without promise and stream", async () => {
  const { ReadableStream } = globalThis;
  const handler = toFetchHandler((environ, startResponse) => {
    startResponse(OK, []);
    return list("a", environ.REQUEST_METHOD);
  });
  let response;
  try {
    globalThis.ReadableStream = class {
      constructor() {
        throw new TypeError("A stream was made");
      }
    } as unknown as typeof ReadableStream;
    response = handler(LOCAL);
  } finally {
    globalThis.ReadableStream = ReadableStream;
  }
  assertInstanceOf(response, Response);
  assertEquals(await response.text(), "aGET");
});

Deno.test("FetchHandler answers without a promise unless there is one", () => {
  breaks("content-length-unreached", "start-response-missing");
  for (
    const app of [
      () => [],
      () => fail(),
      answer(() => generate("a", "b")),
      answer(() => list("a"), [["Content-Length", "3"]]),
      (startResponse) => {
        startResponse(OK, [])(bytes("a"));
        return [];
      },
    ] as Case[0][]
  ) {
    const response = new TestFetchHandler().respond((environ, startResponse) =>
      app(startResponse, environ)
    );
    assertInstanceOf(response, Response);
    response.body?.cancel();
  }
});

Deno.test("FetchHandler copies what it answers a list with", async () => {
  for (const count of [1, 2]) {
    const block = bytes("spam");
    const response = await toFetchHandler((_environ, startResponse) => {
      startResponse(OK, []);
      return Array(count).fill(block.subarray(1, 3));
    })(LOCAL);
    block.fill(0);
    assertEquals(await response.text(), "pa".repeat(count));
  }
});

// Disconnects

/** What is done while a step is pending: `close()` waits for nothing. */
const AT_ONCE = ["return", "close", "returned", "closed"];

/** Applications, which note in `events` what is done to them. */
const DISCONNECTS: Record<
  string,
  {
    app(
      events: string[],
      environ: WsgiEnviron,
      startResponse: StartResponse,
    ): WsgiResult | Promise<WsgiResult>;
    /** How many times the client reads, or -1 if it leaves before that. */
    reads: number;
    events: string[];
    errors?: string[];
    /** The rules that the application breaks on purpose. */
    mistakes?: WsgiConformanceCode[];
  }
> = {
  "while the application thinks and would return a list": {
    async app(events, environ, startResponse) {
      await untilAborted(environ).catch(turn);
      startResponse(OK, [["Content-Length", "9"]]);
      const close = () => void events.push("close");
      return Object.assign(list("a"), { close });
    },
    reads: -1,
    events: ["close"],
    mistakes: ["content-length-unreached"],
  },
  "while the application thinks and would return an iterator": {
    async app(events, environ, startResponse) {
      await untilAborted(environ).catch(turn);
      startResponse(OK, []);
      return track("sync", events, { onStep: () => void events.push("step") });
    },
    reads: -1,
    events: CLOSED,
  },
  "while the application thinks and would write": {
    async app(events, environ, startResponse) {
      const write = startResponse(OK, []);
      await untilAborted(environ).catch(turn);
      write(bytes("a"));
      events.push(await write(bytes("b")).catch((error) => error.name));
      await write(bytes("c"));
      return [];
    },
    reads: -1,
    events: ["AbortError"],
  },
  "while the application thinks and would throw": {
    app: (_events, environ) => untilAborted(environ),
    reads: -1,
    events: [],
  },
  "while the application thinks and would throw an AbortError": {
    app: (_events, environ) =>
      untilAborted(environ).catch(() =>
        fail(new DOMException("spam", "AbortError"))
      ),
    reads: -1,
    events: [],
  },
  "while the application thinks and would fail": {
    app: (_events, environ) => untilAborted(environ).catch(() => fail()),
    reads: -1,
    events: [],
    errors: ['Cannot answer GET "http://localhost/"', "Error: spam"],
  },
  "while the size of a file is found out": {
    app(events, environ, startResponse) {
      startResponse(OK, []);
      return new FileWrapper({
        async read() {
          events.push("read");
          return await null;
        },
        async stat() {
          await untilAborted(environ).catch(turn);
          return { isFile: true, size: 9 };
        },
        seek: () => Promise.resolve(0),
        close: () => void events.push("close"),
      });
    },
    reads: -1,
    events: ["close"],
  },
  "before the first block is taken": {
    app(events, _environ, startResponse) {
      startResponse(OK, []);
      return track("sync", events);
    },
    reads: 0,
    events: RETURNED.sync,
  },
  "while an iterator waits for the client": {
    app(events, _environ, startResponse) {
      startResponse(OK, [["Content-Length", "9"]]);
      return track("sync", events);
    },
    reads: 1,
    events: RETURNED.sync,
  },
  "while an async iterator waits for the client": {
    app(events, _environ, startResponse) {
      startResponse(OK, []);
      return track("async", events);
    },
    reads: 1,
    events: RETURNED.async,
  },
  "while the client waits for an async iterator": {
    app(events, environ, startResponse) {
      startResponse(OK, []);
      return track("async", events, {
        onStep: (step) => {
          if (step === 2) return untilAborted(environ).catch(turn);
        },
      });
    },
    reads: 2,
    events: AT_ONCE,
  },
  "while the client waits for an async iterator that obeys the signal": {
    app(events, environ, startResponse) {
      startResponse(OK, []);
      return track("async", events, {
        onStep: (step) => {
          if (step === 2) return untilAborted(environ);
        },
        onReturn: () => fail(environ["wsgiref.signal"]?.reason),
        onClose: () => fail(environ["wsgiref.signal"]?.reason),
      });
    },
    reads: 2,
    events: AT_ONCE,
  },
  "while the client waits for an async generator": {
    async *app(events, environ, startResponse) {
      startResponse(OK, []);
      try {
        yield bytes("ab");
        await untilAborted(environ);
      } finally {
        events.push("finally");
      }
    },
    reads: 2,
    events: ["finally"],
  },
  "while a stream waits for the client": {
    app(events, _environ, startResponse) {
      startResponse(OK, []);
      return new ReadableStream({
        pull: (controller) => controller.enqueue(bytes("ab")),
        cancel: () => void events.push("cancel"),
      });
    },
    reads: 1,
    events: ["cancel"],
  },
  "while the client waits for a stream": {
    app(events, _environ, startResponse) {
      startResponse(OK, []);
      return new ReadableStream({
        start: (controller) => controller.enqueue(bytes("ab")),
        cancel: () => void events.push("cancel"),
      });
    },
    reads: 2,
    events: ["cancel"],
  },
  "while the client waits for a stream that obeys the signal": {
    app(events, environ, startResponse) {
      startResponse(OK, []);
      return new ReadableStream({
        start(controller) {
          controller.enqueue(bytes("ab"));
          untilAborted(environ).catch((error) => {
            events.push("error");
            controller.error(error);
          });
        },
      });
    },
    reads: 2,
    events: ["error"],
  },
  "while write() waits for the client": {
    async app(events, _environ, startResponse) {
      const write = startResponse(OK, []);
      await write(bytes("ab"));
      await write(bytes("ab")).catch((error) => {
        events.push(error.name);
        throw error;
      });
      return [];
    },
    reads: 2,
    events: ["AbortError"],
  },
  "while write() waits for the client, which is caught": {
    async app(events, _environ, startResponse) {
      const write = startResponse(OK, [["Content-Length", "9"]]);
      await write(bytes("ab")).catch(() => events.push("caught"));
      const close = () => void events.push("close");
      return Object.assign(list("c"), { close });
    },
    reads: 1,
    events: ["caught", "close"],
    mistakes: ["content-length-unreached"],
  },
  "after writes that nobody waits for": {
    async app(events, environ, startResponse) {
      const write = startResponse(OK, []);
      for (let i = 0; i < 5; i++) write(bytes("ab"));
      await untilAborted(environ).catch(turn);
      write(bytes("ab"));
      return track("async", events);
    },
    reads: 2,
    events: CLOSED,
  },
};

for (
  const [name, { app, reads, events, errors, mistakes = [] }] of Object.entries(
    DISCONNECTS,
  )
) {
  Deno.test(`FetchHandler notices a disconnect ${name}`, async () => {
    breaks(...mistakes);
    const controller = new AbortController();
    const { signal } = controller;
    const handler = new TestFetchHandler(new Request(LOCAL, { signal }));
    const noted: string[] = [];
    const reasons: unknown[] = [];
    const pending = handler.respond((environ, startResponse) => {
      const signal = environ["wsgiref.signal"];
      signal?.addEventListener("abort", () => reasons.push(signal.reason));
      return app(noted, environ, startResponse);
    });
    if (reads < 0) {
      controller.abort();
    } else {
      const reader = (await pending).body?.getReader();
      if (reads > 0) await reader?.read();
      // This one gets nothing: the application waits for the disconnect.
      if (reads > 1) reader?.read();
      await turn();
      await reader?.cancel();
    }
    await handler.closed.promise;
    await handler.ended;
    // Nobody gets this response, but the promise of it must end.
    assertInstanceOf(await pending, Response);
    assertEquals(noted, events);
    assertEquals(reasons.map(String), ["AbortError: The client disconnected"]);
    assertEquals(handler.closes, 1);
    assertEquals(handler.log.lines, errors ?? []);
  });
}

Deno.test("FetchHandler takes a request that was given up for a disconnect", async () => {
  breaks("start-response-missing");
  const request = new Request(LOCAL, { signal: AbortSignal.abort() });
  const handler = new TestFetchHandler(request);
  await handler.respond(async (environ) => {
    await turn();
    assert(environ["wsgiref.signal"]?.aborted);
    return [];
  });
  await handler.closed.promise;
  await handler.ended;
  assertEquals(handler.log.lines, []);
});

Deno.test("FetchHandler asks Deno for no signal if the application answers soon", async () => {
  const asked = Promise.withResolvers<void>();
  const controller = new AbortController();
  let asks = 0;
  const createHandler = () => {
    const request = new Request(LOCAL);
    Object.defineProperty(request, "signal", {
      get() {
        asks++;
        asked.resolve();
        return controller.signal;
      },
    });
    return new TestFetchHandler(request, { info: { completed: true } });
  };
  const late = createHandler();
  const pending = late.respond(async (environ) => {
    const aborted = untilAborted(environ);
    asked.promise.then(() => controller.abort());
    return await aborted;
  });
  const soon = createHandler();
  const response = await soon.respond(async (_environ, startResponse) => {
    await turn();
    startResponse(OK, []);
    return list("ab");
  });
  assertEquals(await response.text(), "ab");
  assertEquals(asks, 0);
  await pending;
  await late.ended;
  assertEquals(asks, 1);
  assertEquals(late.log.lines, []);
  assert(late.environ["wsgiref.signal"]?.aborted);
});

Deno.test("FetchHandler takes no normal end for a disconnect", async () => {
  for (
    const give of [
      () => list("ab"),
      () => Promise.resolve(list("ab")),
      () => generate("a", "b"),
      () => generateAsync("a", "b"),
      () => stream("a", "b"),
    ]
  ) {
    const controller = new AbortController();
    const request = new Request(LOCAL, { signal: controller.signal });
    let signal: AbortSignal | undefined;
    const response = await toFetchHandler((environ, startResponse) => {
      signal = environ["wsgiref.signal"];
      startResponse(OK, []);
      return give();
    })(request);
    assertEquals(await response.text(), "ab");
    // As Deno does once a response has been sent.
    controller.abort();
    assertEquals(signal?.aborted, false);
  }
});

Deno.test("FetchHandler takes its listener off the signal of an answered request", async () => {
  const listeners = new Set<unknown>();
  const { signal } = new AbortController();
  signal.addEventListener = (_type: string, f: unknown) => listeners.add(f);
  signal.removeEventListener = (_type: string, f: unknown) => {
    listeners.delete(f);
  };
  const request = new Request(LOCAL);
  Object.defineProperty(request, "signal", { value: signal });
  let watched = 0;
  await toFetchHandler(async (_environ, startResponse) => {
    await turn();
    watched = listeners.size;
    startResponse(OK, []);
    return [];
  })(request);
  assertEquals([watched, listeners.size], [1, 0]);
});

Deno.test("FetchHandler logs nothing if the client goes with the last block", async () => {
  for (
    const result of [
      () => generate("ab", "cd"),
      () => generateAsync("ab", "cd"),
    ]
  ) {
    const handler = new TestFetchHandler(LOCAL);
    const { body } = await handler.respond((_environ, startResponse) => {
      startResponse(OK, [["Content-Length", "4"]]);
      return result();
    });
    const reader = body?.getReader();
    await reader?.read();
    await reader?.read();
    await reader?.cancel();
    await handler.closed.promise;
    assertEquals(handler.log.lines, []);
  }
});

Deno.test("FetchHandler survives a log that fails after a disconnect", async () => {
  const errors = new TextErrorStream(() => fail(new Error("eggs")));
  const handler = new TestFetchHandler(LOCAL, { errors });
  const ended = Promise.withResolvers<void>();
  const printed = await withConsole(async () => {
    const { body } = await handler.respond((environ, startResponse) => {
      startResponse(OK, []);
      return track("async", [], {
        async onStep(step) {
          if (step === 1) return;
          // It goes on for longer than its release takes to fail.
          await untilAborted(environ).catch(turn);
          for (let i = 0; i < 5; i++) await turn();
          ended.resolve();
        },
        onReturn: fail,
      });
    });
    const reader = body?.getReader();
    await reader?.read();
    reader?.read();
    await turn();
    await reader?.cancel();
    await handler.closed.promise;
    await ended.promise;
  });
  assertEquals(printed.length, 2);
  assertMatch(printed[1] ?? "", /^Cannot log: Error: eggs\n/);
});

Deno.test("FetchHandler takes no error response that fails for a disconnect", async () => {
  const controller = new AbortController();
  const request = new Request(LOCAL, { signal: controller.signal });
  const handler = Object.assign(new TestFetchHandler(request), {
    errorOutput: fail,
  });
  const response = await handler.respond(() => turn().then(fail));
  assertEquals(response.status, 500);
  controller.abort();
  assertEquals(handler.environ["wsgiref.signal"]?.aborted, false);
});

// The log and the error response

Deno.test("FetchHandler.logException() tells the request on one line", async () => {
  const url = 'http://h/\x1b[31m\n\u2028?"é';
  const request = new Request(LOCAL, { method: "QUERY" });
  Object.defineProperty(request, "url", { value: url });
  const { errors } = await new TestFetchHandler(request).toOutcome(() =>
    fail()
  );
  assertEquals(errors, [
    'Cannot answer QUERY "http://h/\\x1b[31m\\n\\u2028?\\"é"',
    "Error: spam",
  ]);
});

Deno.test("FetchHandler logs an error response that fails, and answers 500", async () => {
  for (
    const [overrides, line] of [
      [{ errorOutput: () => fail(new Error("eggs")) }, "Error: eggs"],
      [
        { errorOutput: () => untyped(undefined) },
        "TypeError: Cannot send the result of the application as it must be an iterable of Uint8Array blocks, such as [body]: received undefined",
      ],
      [
        { errorStatus: "500" },
        'TypeError: Cannot start the response as its status must be three digits, a space and a reason phrase: received "500"',
      ],
    ] as [Partial<FetchHandler>, string][]
  ) {
    const handler = Object.assign(new TestFetchHandler(), overrides);
    assertEquals(await handler.toOutcome(() => fail()), {
      status: "500",
      headers: [],
      body: "",
      cut: false,
      errors: ["Error: spam", line].flatMap((line) => [
        'Cannot answer GET "http://localhost/"',
        line,
      ]),
    });
    assertEquals(handler.closes, 1);
  }
});

Deno.test("FetchHandler answers 500 if HEAD or 204 fails after its head", async () => {
  breaks("body-forbidden");
  for (const [method, status] of [["HEAD", OK], ["GET", "204 x"]] as const) {
    const handler = new TestFetchHandler(new Request(LOCAL, { method }));
    const outcome = await handler.toOutcome(async (_environ, startResponse) => {
      await startResponse(status, [])(bytes("a"));
      fail();
    });
    assertEquals(outcome.status, "500");
    assertEquals(outcome.cut, false);
    assertEquals(outcome.errors.length, 2);
  }
});

Deno.test("FetchHandler leaves no timer behind if nobody waits for write() to HEAD or with 204", async () => {
  breaks("body-forbidden");
  for (const [method, status] of [["HEAD", OK], ["GET", "204 x"]] as const) {
    const handler = new TestFetchHandler(new Request(LOCAL, { method }));
    await handler.respond((_environ, startResponse) => {
      const write = startResponse(status, []);
      for (let i = 0; i < 10; i++) write(bytes("a"));
      return [];
    });
  }
});

Deno.test("FetchHandler answers 500 if another body than that of the request broke off", async () => {
  const message = "Cannot read body as underlying resource unavailable";
  for (const body of ["spam", null]) {
    const request = new Request(LOCAL, { method: "POST", body });
    const handler = new TestFetchHandler(request);
    const { status, errors } = await handler.toOutcome(async (environ) => {
      await environ["wsgi.input"].read();
      throw new TypeError(message);
    });
    assertEquals(status, "500 Internal Server Error");
    assertEquals(errors[1], `TypeError: ${message}`);
  }
});

Deno.test("wsgiref.signal stays as it is once the response has ended", async () => {
  for (const result of [list("a"), generate("a")]) {
    let signal: AbortSignal | undefined;
    const abort = new AbortController();
    const request = new Request(LOCAL, { signal: abort.signal });
    const response = await toFetchHandler((environ, startResponse) => {
      signal = environ["wsgiref.signal"];
      startResponse(OK, []);
      return result;
    })(request);
    assertEquals(await response.text(), "a");
    await turn();
    abort.abort();
    await turn();
    assertEquals(signal?.aborted, false);
  }
});

Deno.test("FetchHandler answers with one block of shared memory", async () => {
  const block = new Uint8Array(new SharedArrayBuffer(3));
  block.set(bytes("abc"));
  const { body, errors } = await new TestFetchHandler().toOutcome(
    (_environ, startResponse) => {
      startResponse(OK, []);
      return [block];
    },
  );
  assertEquals([body, errors], ["abc", []]);
});

Deno.test("toFetchHandler() takes only Deno.serve for Deno.serve", async () => {
  let output = "";
  const inner = toFetchHandler((_environ, startResponse) => {
    startResponse("200 Very Fine", []);
    return list("a");
  });
  const handler = new BaseCgiHandler(
    new WsgiInput(null),
    { write: (data) => void (output += latin1(data)) },
    new TextErrorStream(() => {}),
    setupTestingDefaults({}),
  );
  await handler.run(fromFetchHandler(inner));
  assertMatch(output, /^Status: 200 Very Fine\r\n/);
});

Deno.test("FetchHandler leaves the length of an array to Deno, up to wholeSize", async () => {
  const info = { completed: Promise.resolve() };
  for (
    const [wholeSize, size, length] of [
      [undefined, 3, null],
      [3, 3, null],
      [2, 3, "3"],
    ] as const
  ) {
    const options = wholeSize === undefined ? { info } : { info, wholeSize };
    const handler = new TestFetchHandler(LOCAL, options);
    const { headers, body } = await handler.respond(
      (_environ, startResponse) => {
        startResponse(OK, []);
        return [new Uint8Array(size)];
      },
    );
    assertEquals(headers.get("content-length"), length);
    assertEquals((await new Response(body).bytes()).length, size);
  }
});

Deno.test("FetchHandler names the server by serverSoftware", async () => {
  const environs: unknown[] = [];
  for (const serverSoftware of [null, "spam/1.0"]) {
    const handler = new TestFetchHandler(LOCAL, { serverSoftware });
    const { headers } = await handler.respond((environ, startResponse) => {
      environs.push(environ.SERVER_SOFTWARE);
      startResponse(OK, []);
      return [];
    });
    assertEquals(headers.get("server"), serverSoftware);
  }
  assertEquals(environs, [undefined, "spam/1.0"]);
});

Deno.test("FetchHandler takes the environ that it is given, and leaves it as it is", async () => {
  const given = Object.freeze({
    ...requestEnviron(LOCAL),
    "shop.name": "spam",
  });
  const seen: unknown[] = [];
  await new FetchHandler(LOCAL, given).respond((environ, startResponse) => {
    seen.push(environ["shop.name"]);
    environ["shop.name"] = "changed";
    startResponse(OK, []);
    return [];
  });
  assertEquals(seen, ["spam"]);
});

Deno.test("FetchHandler sends no body to HEAD, also if the request is not valid", async () => {
  const handler = toFetchHandler(() => fail(), { scriptName: "/shop" });
  const response = await handler(
    new Request("http://localhost/", { method: "HEAD" }),
  );
  assertEquals([response.status, await response.text()], [404, ""]);
});

Deno.test("FetchHandler sends a header as often as it is there", async () => {
  const { headers } = await new TestFetchHandler().respond(
    (_environ, startResponse) => {
      startResponse(OK, [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]]);
      return [];
    },
  );
  assertEquals(headers.getSetCookie(), ["a=1", "b=2"]);
});

Deno.test("FetchHandler logs a wrong request on one line, and flushes its log", async () => {
  const handler = new TestFetchHandler();
  let flushes = 0;
  handler.log.flush = () => void flushes++;
  await handler.respond(() => fail(new RequestError("No such page", 404)));
  assertEquals(
    handler.log.text,
    'Cannot answer GET "http://localhost/": RequestError: No such page\n',
  );
  assertEquals(flushes, 1);
});
