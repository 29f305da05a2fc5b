// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertFalse,
  assertLessOrEqual,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { closeResult as release, isPromise, iterate } from "../_result.ts";
import {
  BaseCgiHandler,
  TextErrorStream,
  toFetchHandler,
} from "../handlers.ts";
import {
  closeResult,
  mapResult,
  middleware,
  type MiddlewareHooks,
} from "../middleware.ts";
import type {
  StartResponse,
  WriteCallable,
  WsgiApplication,
  WsgiHeader,
  WsgiResult,
} from "../types.ts";
import { FileWrapper, setupTestingDefaults, WsgiInput } from "../util.ts";
import { validator, type ValidatorOptions } from "../validate.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const PLAIN: WsgiHeader[] = [["Content-Type", "text/plain"]];

function encode(text: string): Uint8Array {
  return encoder.encode(text);
}

function decode(block: Uint8Array): string {
  return decoder.decode(block);
}

/** Waits for a while at most: a test ends, also if something does not. */
async function within<T>(promise: Promise<T>, time = 5_000): Promise<T> {
  let timeout;
  const late = new Promise<never>((_resolve, reject) => {
    timeout = setTimeout(() => reject(new Error(`It takes too long`)), time);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timeout);
  }
}

function sleep(time = 0): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}

// ---- The ways in which a result ends --------------------------------------

/**
 * - `"whole"`: it is read to its end.
 * - `"stopped"`: it is given up after its first block, as when there is enough.
 * - `"left"`: it is given up while its second block is waited for.
 * - `"failed"`: it throws in the place of its second block.
 * - `"unread"`: nobody asks for a block.
 */
const WAYS = ["whole", "stopped", "left", "failed", "unread"] as const;
type Way = typeof WAYS[number];

const FAILURE = new Error("the result failed");

/** What a result of one kind does, and when. */
interface Source {
  way: Way;
  log: string[];
}

function* syncBlocks({ way, log }: Source): Generator<Uint8Array> {
  try {
    yield encode("a");
    if (way === "failed") throw FAILURE;
    yield encode("b");
  } finally {
    log.push("finally");
  }
}

async function* asyncBlocks({ way, log }: Source): AsyncGenerator<Uint8Array> {
  const { promise, resolve } = Promise.withResolvers<void>();
  ends.set(log, resolve);
  try {
    yield encode("a");
    if (way === "failed") throw FAILURE;
    if (way === "left") await promise;
    yield encode("b");
  } finally {
    log.push("finally");
  }
}

/** What ends the wait for a second block. */
const ends = new WeakMap<string[], () => void>();

function closable(source: Source): { close(): Promise<void> } {
  return {
    async close() {
      source.log.push("closing");
      ends.get(source.log)?.();
      await sleep();
      source.log.push("closed");
    },
  };
}

const KINDS: Record<string, (source: Source) => WsgiResult> = {
  "an array": () => [encode("a"), encode("b")],
  "an array with close()": (source) =>
    Object.assign([encode("a"), encode("b")], closable(source)),
  "an array with a synchronous close()": ({ log }) =>
    Object.assign([encode("a"), encode("b")], {
      close: () => void log.push("closing", "closed"),
    }),
  "a set": () => new Set([encode("a"), encode("b")]),
  "a generator": (source) => syncBlocks(source),
  "a generator with close()": (source) =>
    Object.assign(syncBlocks(source), closable(source)),
  "an iterable with a length": (source) => ({
    [Symbol.iterator]: () => syncBlocks(source),
    length: 2,
    ...closable(source),
  }),
  "an asynchronous generator": (source) => asyncBlocks(source),
  "an asynchronous generator with close()": (source) =>
    Object.assign(asyncBlocks(source), closable(source)),
  "an asynchronous iterable": (source) => ({
    [Symbol.asyncIterator]: () => asyncBlocks(source),
    ...closable(source),
  }),
  "a stream": ({ way, log }) => {
    let count = 0;
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        count++;
        if (count === 1) return controller.enqueue(encode("a"));
        if (way === "failed") return controller.error(FAILURE);
        if (way === "left") return new Promise(() => {});
        if (count === 2) return controller.enqueue(encode("b"));
        controller.close();
      },
      cancel: () => void log.push("closing", "closed"),
    }, { highWaterMark: 0 });
  },
  "a file wrapper": (source) => {
    const { way, log } = source;
    const blocks = ["a", "b", ""];
    return new FileWrapper({
      async read() {
        const block = blocks.shift() ?? "";
        if (block === "b" && way === "failed") throw FAILURE;
        if (block === "b" && way === "left") {
          const { promise, resolve } = Promise.withResolvers<void>();
          ends.set(log, resolve);
          await promise;
        }
        return encode(block);
      },
      ...closable(source),
    });
  },
};

/** Whether a result of a kind can end in a way. */
function isPossible(kind: string, way: Way): boolean {
  // An array is all there, a set cannot fail.
  if (/array|set/.test(kind)) return way === "whole" || way === "unread";
  // Nobody waits for what is there.
  return way !== "left" || /asynchronous|stream|file/.test(kind);
}

/** What a result that can be released has to be, once, however it ends. */
function isClosable(kind: string, way: Way): boolean {
  return /close|iterable|file/.test(kind) ||
    // One that has ended or failed has nothing to cancel.
    kind === "a stream" && way !== "whole" && way !== "failed";
}

// ---- The hooks -------------------------------------------------------------

/** What hooks make of the blocks "a" and "b", and of the head. */
interface HooksCase {
  hooks(log: string[]): MiddlewareHooks;
  map?(block: string): string;
  end?: string;
  status?: string;
  headers?: WsgiHeader[];
  /** All that is sent instead. */
  instead?: string[];
  /** All that is sent if the result fails; `null` if nothing is, but thrown. */
  page?: string[] | null;
  /** Whether `startResponse()` is held back. */
  isStartAsync?: true;
}

const upperCase = (block: Uint8Array) => encode(decode(block).toUpperCase());
const CHANGED: WsgiHeader[] = [...PLAIN, ["X-Start", "1"]];

const HOOKS: Record<string, HooksCase> = {
  "block": {
    hooks: () => ({ block: upperCase }),
    map: (block) => block.toUpperCase(),
  },
  "a block that waits": {
    hooks: () => ({
      async block(block) {
        await sleep();
        return upperCase(block);
      },
    }),
    map: (block) => block.toUpperCase(),
  },
  "a block that waits for one of them": {
    hooks: () => ({
      block: (block) => {
        const mapped = upperCase(block);
        return decode(block) === "a" ? mapped : Promise.resolve(mapped);
      },
    }),
    map: (block) => block.toUpperCase(),
  },
  "a block that gives nothing": {
    hooks: () => ({ block: () => {} }),
    map: () => "",
  },
  "end": {
    hooks: () => ({ end: () => encode("z") }),
    end: "z",
  },
  "an end that waits": {
    hooks: () => ({ end: () => sleep().then(() => encode("z")) }),
    end: "z",
  },
  "an end that gives nothing": { hooks: () => ({ end: () => {} }) },
  "close": {
    hooks: (log) => ({ close: () => void log.push("own") }),
  },
  "a close that waits": {
    hooks: (log) => ({
      async close() {
        await sleep();
        log.push("own");
      },
    }),
  },
  "start": {
    hooks: () => ({
      start(response) {
        response.status = "201 Created";
        response.headers.set("X-Start", "1");
      },
    }),
    status: "201 Created",
    headers: CHANGED,
  },
  "a start that waits": {
    hooks: () => ({
      async start(response) {
        await sleep();
        response.status = "201 Created";
        response.headers.set("X-Start", "1");
      },
    }),
    status: "201 Created",
    headers: CHANGED,
    isStartAsync: true,
  },
  "a start that replaces": {
    hooks: (log) => ({
      start(response) {
        response.status = "404 Not Found";
        return [encode("no")];
      },
      block: upperCase,
      end: () => encode("z"),
      close: () => void log.push("own"),
    }),
    status: "404 Not Found",
    instead: ["no"],
  },
  "a start that waits and replaces": {
    hooks: (log) => ({
      async start(response) {
        await sleep();
        response.status = "404 Not Found";
        return [encode("no")];
      },
      close: () => void log.push("own"),
    }),
    status: "404 Not Found",
    instead: ["no"],
    isStartAsync: true,
  },
  "error": {
    hooks: (log) => ({
      error: (error) => void log.push(`error: ${(error as Error).message}`),
    }),
  },
  "an error that answers": {
    hooks: (log) => ({
      error(error, startResponse) {
        log.push(`error: ${(error as Error).message}`);
        startResponse("503 Service Unavailable", PLAIN, error);
        return [encode("page")];
      },
      close: () => void log.push("own"),
    }),
  },
  "all": {
    hooks: (log) => ({
      async start(response) {
        await sleep();
        response.status = "201 Created";
        response.headers.set("X-Start", "1");
      },
      block: upperCase,
      end: () => encode("z"),
      close: () => void log.push("own"),
      error: (error) => void log.push(`error: ${(error as Error).message}`),
    }),
    status: "201 Created",
    headers: CHANGED,
    map: (block) => block.toUpperCase(),
    end: "z",
    isStartAsync: true,
  },
};

// ---- A server --------------------------------------------------------------

/** What a server has been told and given, and what it was thrown. */
class Server {
  readonly sent: string[] = [];
  readonly errors: unknown[] = [];
  readonly reports: string[] = [];
  status = "";
  headers: WsgiHeader[] = [];
  result: WsgiResult | undefined;

  readonly options: ValidatorOptions = {
    onViolation: ({ code, message }) =>
      this.reports.push(`${code}: ${message}`),
    onWarning: ({ code, message }) => {
      if (code !== "write-discouraged") {
        this.reports.push(`${code}: ${message}`);
      }
    },
  };

  get isCommitted(): boolean {
    return this.sent.some((block) => block !== "");
  }

  startResponse: StartResponse = (status, headers, excInfo) => {
    if (excInfo !== undefined && this.isCommitted) throw excInfo;
    if (excInfo === undefined && this.status !== "") {
      throw new TypeError("startResponse() was called before");
    }
    this.status = status;
    this.headers = [...headers] as WsgiHeader[];
    return (data) => {
      this.sent.push(decode(data));
      return Promise.resolve();
    };
  };

  /** Calls an application, and does with the result as its way demands. */
  async run(app: WsgiApplication, way: Way): Promise<this> {
    try {
      this.result = await within(
        Promise.resolve(app(setupTestingDefaults({}), this.startResponse)),
      );
    } catch (error) {
      this.errors.push(error);
      return this;
    }
    await this.#read(this.result, way);
    return this;
  }

  async #read(result: WsgiResult, way: Way): Promise<void> {
    const iteration = {
      iterator: way === "unread" ? null : iterate(result),
      isWaiting: false,
    };
    try {
      while (iteration.iterator !== null) {
        const step = iteration.iterator.next();
        if (way === "left" && this.sent.length === 1) {
          Promise.resolve(step).catch(() => {});
          iteration.isWaiting = true;
          // Other layers get as far as they can.
          await sleep(2);
          break;
        }
        const { done, value } = await within(Promise.resolve(step));
        if (done) iteration.iterator = null;
        else this.sent.push(decode(value));
        if (way === "stopped" && this.sent.length === 1) break;
      }
    } catch (error) {
      iteration.iterator = null;
      this.errors.push(error);
    }
    try {
      const closed = way === "unread"
        ? closeResult(result)
        : release(result, iteration);
      await within(Promise.resolve(closed));
    } catch (error) {
      this.errors.push(error);
    }
  }
}

/** A place for the first call of startResponse(). */
const PLACES = ["in the application", "with the first block"] as const;

function application(
  source: Source,
  kind: string,
  place: typeof PLACES[number],
): WsgiApplication {
  const create = KINDS[kind]!;
  return (_environ, startResponse) => {
    const result = create(source);
    if (place === "in the application") {
      startResponse("200 OK", PLAIN);
      return result;
    }
    const { next } = result as unknown as Iterator<Uint8Array>;
    let isStarted = false;
    return Object.assign(result, {
      next(): unknown {
        if (!isStarted) startResponse("200 OK", PLAIN);
        isStarted = true;
        return next.call(result);
      },
    });
  };
}

function expectedBlocks(
  hooks: HooksCase,
  { way, isLate }: { way: Way; isLate: boolean },
): string[] {
  if (way === "unread") return [];
  if (hooks.instead) {
    // The block that came with startResponse() keeps its boundary.
    const blocks = isLate ? ["", ...hooks.instead] : hooks.instead;
    const isCut = way === "stopped" || way === "left";
    return isCut ? blocks.slice(0, 1) : blocks;
  }
  const { map = (block) => block, end } = hooks;
  if (way !== "whole") return [map("a")];
  return [map("a"), map("b"), ...end ? [end] : []];
}

/** Checks one way of a result of one kind through middleware with hooks. */
async function checkWay(
  hooks: HooksCase,
  kind: string,
  options: { way: Way; place: typeof PLACES[number]; isValidated: boolean },
): Promise<void> {
  const { way, place, isValidated } = options;
  const what = Object.values(options).join(", ");
  const isLate = place === "with the first block";
  const isArray = kind.startsWith("an array");
  const log: string[] = [];
  const server = new Server();
  const guard = (app: WsgiApplication) =>
    isValidated ? validator(app, server.options) : app;
  const app = guard(application({ way, log }, kind, place));
  await server.run(guard(middleware(app, () => hooks.hooks(log))), way);
  // What an asynchronous generator waits for has come too late.
  ends.get(log)?.();
  await sleep();

  const has = (name: string) => name in hooks.hooks([]);
  const isHeldBack = way === "unread" && !isArray && hooks.isStartAsync;
  const isReplaced = hooks.instead !== undefined && !isHeldBack;
  const isFailed = way === "failed" && !isReplaced;
  assertEquals(server.reports, [], what);
  assertEquals(server.sent, expectedBlocks(hooks, { way, isLate }), what);
  assertEquals(server.errors, isFailed ? [FAILURE] : [], what);
  if (!isHeldBack) {
    assertEquals(server.status, hooks.status ?? "200 OK", what);
    assertEquals(server.headers, hooks.headers ?? PLAIN, what);
  }
  assertEquals(
    log.filter((line) => line.startsWith("error")),
    isFailed && has("error") ? [`error: ${FAILURE.message}`] : [],
    what,
  );
  const isBegun = way !== "unread" && (!isReplaced || isLate);
  const isReleased = isClosable(kind, isBegun && !isReplaced ? way : "unread");
  assertEquals(
    log.filter((line) => /closing|closed|own/.test(line)),
    [
      ...isReleased ? ["closing", "closed"] : [],
      ...has("close") ? ["own"] : [],
    ],
    what,
  );
  assertEquals(
    log.filter((line) => line === "finally"),
    isBegun && /generator|iterable/.test(kind) ? ["finally"] : [],
    what,
  );
}

for (const [title, hooks] of Object.entries(HOOKS)) {
  for (const kind of Object.keys(KINDS)) {
    Deno.test(`middleware() with ${title} passes ${kind} on, however it ends`, async () => {
      for (const way of WAYS) {
        if (!isPossible(kind, way)) continue;
        for (const place of PLACES) {
          // Only a generator has something to call it.
          if (place !== PLACES[0] && !/generator/.test(kind)) continue;
          if (place !== PLACES[0] && way === "unread") continue;
          for (const isValidated of [false, true]) {
            await checkWay(hooks, kind, { way, place, isValidated });
          }
        }
      }
    });
  }
}

/** An application that starts at once, and returns what a function gives. */
function answer(create: () => WsgiResult): WsgiApplication {
  return (_environ, startResponse) => {
    startResponse("200 OK", PLAIN);
    return create();
  };
}

/** What an application returns, without a server. */
function call(app: WsgiApplication): WsgiResult | Promise<WsgiResult> {
  return app(setupTestingDefaults({}), new Server().startResponse);
}

// ---- What stays as it is ---------------------------------------------------

Deno.test("middleware() without hooks calls the application as if it were not there", async () => {
  const result = new Set([encode("a")]);
  const server = new Server();
  for (const none of [{}, undefined]) {
    const app = middleware((_environ, startResponse) => {
      assertStrictEquals(startResponse, server.startResponse);
      return result;
    }, () => none);
    assertStrictEquals(
      app(setupTestingDefaults({}), server.startResponse),
      result,
    );
  }
  await server.run(middleware(answer(() => result), async () => {}), "whole");
  assertStrictEquals(server.result, result);
});

Deno.test("mapResult() without options returns the result", () => {
  for (const result of [[], new Set<Uint8Array>(), new ReadableStream()]) {
    assertStrictEquals(mapResult(result, {}), result);
  }
});

Deno.test("middleware() with start and error passes the very array on", () => {
  const result = [encode("a")];
  const app = middleware(answer(() => result), () => ({
    start: ({ headers }) => headers.set("X-Start", "1"),
    error: () => {},
  }));
  assertStrictEquals(call(app), result);
});

Deno.test("mapResult() makes an array of an array", async () => {
  const log: string[] = [];
  const close = () => void log.push("close");
  const block = (block: Uint8Array) => {
    log.push(decode(block));
    return upperCase(block);
  };
  const end = () => encode("z");
  const result = [encode("a"), encode("b")];

  assertEquals(mapResult(result, { block, end }), ["A", "B", "z"].map(encode));
  assertEquals(log.splice(0), ["a", "b"]);
  assertEquals(mapResult([], { block, end }), [encode("z")]);
  assertEquals(result, [encode("a"), encode("b")]);

  const closed = mapResult(result, { close });
  assertEquals([...closed as Uint8Array[]], result);
  assert(Array.isArray(closed as unknown));
  assertEquals(closed.close?.(), undefined);
  closed.close?.();
  assertEquals(log.splice(0), ["close"]);

  const waiting = mapResult(result, { block: async (b) => await upperCase(b) });
  assertFalse(Array.isArray(waiting));
  assertEquals((await Array.fromAsync(waiting)).map(decode), ["A", "B"]);
});

Deno.test("mapResult() makes a synchronous result of one, unless a function waits", async () => {
  for (const create of [() => new Set([encode("a")]), () => oneBlock()]) {
    const result = mapResult(create(), { block: upperCase, close: () => {} });
    assert(Symbol.iterator in result);
    assertEquals([...result].map(decode), ["A"]);
    assertFalse(isPromise(result.close?.()));

    const step = iterate(mapResult(create(), { block: upperCase })).next();
    assertFalse(isPromise(step));

    const waiting = mapResult(create(), { block: (b) => Promise.resolve(b) });
    assert(Symbol.iterator in waiting);
    assertThrows(
      () => [...waiting],
      TypeError,
      "Cannot iterate the result synchronously as there is something to wait for: iterate it with for await",
    );
    await waiting.close?.();
    const blocks = mapResult(create(), { block: async (b) => await b });
    assertEquals((await Array.fromAsync(blocks)).map(decode), ["a"]);
  }
});

function* oneBlock(): Generator<Uint8Array> {
  yield encode("a");
}

Deno.test("mapResult() adds one promise at most to a block", async () => {
  async function* blocks() {
    yield encode("a");
  }
  const turns = async (result: WsgiResult) => {
    let isSettled = false;
    Promise.resolve(iterate(result).next()).then(() => isSettled = true);
    let count = 0;
    for (; !isSettled; count++) await null;
    await closeResult(result);
    return count;
  };
  const bare = await turns(blocks());
  const mapped = await turns(mapResult(blocks(), { block: upperCase }));
  assertLessOrEqual(mapped - bare, 1);
});

Deno.test("mapResult() hides what a result says of its number of blocks", () => {
  const result = Object.assign(new Set([encode("a")]), { length: 1 });
  const mapped = mapResult(result, { end: () => encode("z") });
  assertFalse("length" in mapped);
  assertFalse("size" in mapped);
});

Deno.test("mapResult() with close only keeps a file wrapper", async () => {
  const log: string[] = [];
  for (const hasClose of [true, false]) {
    const file = new FileWrapper({
      read: () => new Uint8Array(),
      ...hasClose && { close: () => void log.push("file") },
    });
    const result = mapResult(file, { close: () => void log.push("own") });
    assertStrictEquals(result, file);
    await closeResult(result);
    await closeResult(result);
    assertEquals(log.splice(0), hasClose ? ["file", "own"] : ["own"]);
  }
});

Deno.test("toFetchHandler() knows the length of an array and of a file behind middleware", async () => {
  const results = [
    () => [encode("ab"), encode("c")],
    () => new FileWrapper(new Blob(["abc"])),
  ];
  const cases: MiddlewareHooks[] = [
    { start: ({ headers }) => headers.set("X-Start", "1") },
    { start: async ({ headers }) => headers.set("X-Start", await "1") },
    { start: () => {}, close: () => {} },
  ];
  for (const create of results) {
    for (const hooks of cases) {
      const handler = toFetchHandler(
        validator(middleware(validator(answer(create)), () => hooks)),
      );
      const response = await handler(new Request("http://localhost/"));
      assertEquals(response.headers.get("Content-Length"), "3");
      assertEquals(await response.text(), "abc");
    }
  }
});

// ---- Errors ----------------------------------------------------------------

Deno.test("mapResult() tells of an error of a function where the result is read, and closes all", async () => {
  const failure = new Error("hook");
  const fail = () => {
    throw failure;
  };
  const cases: MiddlewareHooks[] = [
    { block: fail },
    { block: () => Promise.reject(failure) },
    { end: fail },
    { end: () => Promise.reject(failure) },
  ];
  const kinds = Object.keys(KINDS).filter((kind) => /close/.test(kind));
  for (const kind of kinds) {
    for (const hooks of cases) {
      const log: string[] = [];
      const server = new Server();
      const app = application({ way: "whole", log }, kind, PLACES[0]);
      const close = () => void log.push("own");
      await server.run(
        validator(
          middleware(validator(app), () => ({ ...hooks, close })),
          server.options,
        ),
        "whole",
      );
      assertEquals(server.errors, [failure]);
      assertEquals(
        log.filter((line) => line !== "finally"),
        ["closing", "closed", "own"],
      );
    }
  }
});

Deno.test("mapResult() calls no function after its close", async () => {
  const log: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  async function* blocks() {
    await promise;
    yield encode("a");
  }
  const result = mapResult(blocks(), {
    block: () => void log.push("block"),
    end: () => void log.push("end"),
    close: () => void log.push("close"),
  });
  const iterator = iterate(result);
  const step = iterator.next();
  await closeResult(Object.assign(result, { return: undefined }));
  resolve();
  assertEquals(await step, { done: true, value: undefined });
  assertEquals(await iterator.next(), { done: true, value: undefined });
  assertEquals(log, ["close"]);
});

Deno.test("mapResult() gives no block of an array if a function fails at a later one", async () => {
  const handler = toFetchHandler((_environ, startResponse) => {
    startResponse("200 OK", PLAIN);
    let count = 0;
    return mapResult([encode("a"), encode("b")], {
      block(block) {
        if (count++ > 0) throw FAILURE;
        return block;
      },
    });
  }, { errors: new TextErrorStream(() => {}) });
  const response = await handler(new Request("http://localhost/"));
  assertEquals(response.status, 500);
});

Deno.test("mapResult() leaves no error to nobody if its result is not read", async () => {
  // What nobody handles fails the test.
  const fail = () => Promise.reject(FAILURE);
  await closeResult(mapResult([encode("a")], { block: fail }));
  await closeResult(mapResult([encode("a")], { end: fail }));
  const result = mapResult(
    (function* () {
      yield encode("a");
    })(),
    { block: fail },
  ) as Iterable<Uint8Array>;
  assertThrows(() => [...result], TypeError, "iterate it with for await");
  await closeResult(result);
  await new Promise((resolve) => setTimeout(resolve));
});

Deno.test("mapResult() gives nothing of what it has read ahead once it was ended", async () => {
  const iterator = iterate(
    mapResult([encode("a")], { end: () => Promise.resolve(encode("b")) }),
  );
  await iterator.return?.();
  assertEquals(await iterator.next(), { done: true, value: undefined });
});

Deno.test("middleware() does not tell error of what fails after the end", async () => {
  const log: string[] = [];
  const { promise, reject } = Promise.withResolvers<void>();
  const result = await middleware(async function* (_environ, startResponse) {
    startResponse("200 OK", PLAIN);
    await promise;
    yield encode("a");
  }, () => ({ error: () => void log.push("error") }))(
    setupTestingDefaults({}),
    () => () => Promise.resolve(),
  );
  const iterator = iterate(result);
  const step = Promise.resolve(iterator.next());
  const closed = release(result, { iterator, isWaiting: true });
  reject(FAILURE);
  assertStrictEquals(await step.catch((error) => error), FAILURE);
  await closed;
  assertEquals(log, []);
});

Deno.test("mapResult() throws the errors of both closes, and one error once", async () => {
  const inner = new Error("inner");
  const own = new Error("own");
  const cases: [inner: Error, own: Error, thrown: unknown[]][] = [
    [inner, own, [inner, own]],
    [inner, inner, [inner]],
  ];
  const raise = (error: Error) => () => {
    throw error;
  };
  const reject = (error: Error) => () => Promise.reject(error);
  for (const [innerError, ownError, thrown] of cases) {
    for (const first of [raise, reject]) {
      for (const second of [raise, reject]) {
        const results = [
          Object.assign([encode("a")], { close: first(innerError) }),
          Object.assign(oneBlock(), { close: first(innerError) }),
          new FileWrapper({
            read: () => new Uint8Array(),
            close: first(innerError),
          }),
        ];
        for (const result of results) {
          let error: unknown;
          try {
            await mapResult(result, { close: second(ownError) }).close?.();
          } catch (failure) {
            error = failure;
          }
          assertEquals(
            error instanceof AggregateError ? error.errors : [error],
            thrown,
          );
        }
      }
    }
  }
});

const APPLICATIONS: Record<string, WsgiApplication> = {
  "throws": () => {
    throw FAILURE;
  },
  "throws after startResponse()": (_environ, startResponse) => {
    startResponse("200 OK", PLAIN);
    throw FAILURE;
  },
  "rejects": () => Promise.reject(FAILURE),
  "rejects after startResponse()": async (_environ, startResponse) => {
    startResponse("200 OK", PLAIN);
    await sleep();
    throw FAILURE;
  },
  "returns nothing": (_environ, startResponse) => {
    startResponse("200 OK", PLAIN);
    return undefined as unknown as WsgiResult;
  },
};

Deno.test("middleware() tells error of what an application throws, and throws it again", async () => {
  const observers: MiddlewareHooks["error"][] = [() => {}, async () => {}];
  for (const [title, app] of Object.entries(APPLICATIONS)) {
    for (const observer of observers) {
      for (const start of [() => {}, async () => {}]) {
        const log: string[] = [];
        const server = new Server();
        let seen: unknown;
        await server.run(
          middleware(app, () => ({
            start,
            error(error) {
              seen = error;
              return observer?.(error, server.startResponse);
            },
            close: () => void log.push("own"),
          })),
          "whole",
        );
        assertEquals(server.errors, [seen], title);
        if (title === "returns nothing") assert(seen instanceof TypeError);
        else assertStrictEquals(seen, FAILURE, title);
        assertEquals(log, ["own"], title);
      }
    }
  }
});

Deno.test("middleware() sends the page that error answers with, through the other hooks", async () => {
  for (const [title, app] of Object.entries(APPLICATIONS)) {
    for (const isAsync of [false, true]) {
      const log: string[] = [];
      const server = new Server();
      await server.run(
        validator(
          middleware(app, () => ({
            start: ({ status, headers }) => {
              log.push(status);
              headers.set("X-Start", "1");
            },
            block: upperCase,
            end: () => encode("z"),
            error(error, startResponse) {
              startResponse("503 Service Unavailable", PLAIN, error);
              const page = [encode("page")];
              return isAsync ? sleep().then(() => page) : page;
            },
            close: () => void log.push("own"),
          })),
          server.options,
        ),
        "whole",
      );
      assertEquals(server.reports, [], title);
      assertEquals(server.errors, [], title);
      assertEquals(server.status, "503 Service Unavailable", title);
      assertEquals(server.headers, CHANGED, title);
      assertEquals(server.sent, ["PAGE", "z"], title);
      assertEquals(log, [
        ...server.status && /start|nothing/.test(title) ? ["200 OK"] : [],
        "503 Service Unavailable",
        "own",
      ], title);
    }
  }
});

Deno.test("middleware() throws what error throws in the place of the error", async () => {
  const other = new Error("other");
  const failing: MiddlewareHooks["error"][] = [
    () => {
      throw other;
    },
    () => Promise.reject(other),
  ];
  for (const app of [...Object.values(APPLICATIONS), failingLate]) {
    for (const error of failing) {
      const log: string[] = [];
      const server = new Server();
      const close = () => void log.push("own");
      await server.run(
        middleware(app, () => ({ error: error!, close })),
        "whole",
      );
      assertEquals(server.errors, [other]);
      assertEquals(log, ["own"]);
    }
  }
});

const failingLate: WsgiApplication = function* (_environ, startResponse) {
  startResponse("200 OK", PLAIN);
  yield new Uint8Array();
  throw FAILURE;
};

Deno.test("middleware() sends a page also if a result fails at its first block, and not once bytes were sent", async () => {
  for (const blocks of [[], [""], ["a"]]) {
    const server = new Server();
    const log: string[] = [];
    const app: WsgiApplication = function* (_environ, startResponse) {
      try {
        startResponse("200 OK", PLAIN);
        for (const block of blocks) yield encode(block);
        throw FAILURE;
      } finally {
        log.push("finally");
      }
    };
    await server.run(
      validator(
        middleware(validator(app, server.options), () => ({
          error(error, startResponse) {
            startResponse("503 Service Unavailable", PLAIN, error);
            return [encode("page")];
          },
        })),
        server.options,
      ),
      "whole",
    );
    const isLate = blocks.includes("a");
    assertEquals(server.reports, []);
    assertEquals(server.sent, isLate ? blocks : [...blocks, "page"]);
    assertEquals(server.errors, isLate ? [FAILURE] : []);
    assertEquals(
      server.status,
      isLate ? "200 OK" : "503 Service Unavailable",
    );
    assertEquals(log, ["finally"]);
  }
});

Deno.test("middleware() does not lose the error of close when an application throws", async () => {
  const own = new Error("own");
  for (const app of [APPLICATIONS["throws"]!, APPLICATIONS["rejects"]!]) {
    for (const isAsync of [false, true]) {
      const server = new Server();
      await server.run(
        middleware(app, () => ({
          close() {
            if (isAsync) return Promise.reject(own);
            throw own;
          },
        })),
        "whole",
      );
      const [error] = server.errors;
      assert(error instanceof AggregateError);
      assertEquals(error.errors, [FAILURE, own]);
    }
  }
});

Deno.test("middleware() drops what was written if the result is closed before start has ended", async () => {
  const seen: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const app = middleware((_environ, startResponse) => {
    startResponse("200 OK", [])(encode("a"));
    return [encode("b")].values();
  }, () => ({
    start: () => promise,
    block(block) {
      seen.push(decode(block));
      return block;
    },
    close: () => void seen.push("close"),
  }));
  const result = await call(app);
  await closeResult(result);
  resolve();
  await sleep();
  assertEquals(seen, ["close"]);
});

Deno.test("middleware() stays synchronous when an application throws", () => {
  const app = middleware(APPLICATIONS["throws"]!, () => ({
    start: () => {},
    error: () => {},
    close: () => {},
  }));
  assertThrows(() => call(app), Error, FAILURE.message);
});

// ---- startResponse() -------------------------------------------------------

Deno.test("middleware() calls start for each response that is begun", async () => {
  const error = new Error("spam");
  for (const isAsync of [false, true]) {
    for (const isLate of [false, true]) {
      const seen: string[] = [];
      const server = new Server();
      const app: WsgiApplication = function* (_environ, startResponse) {
        startResponse("200 OK", PLAIN);
        yield encode(isLate ? "a" : "");
        startResponse("500 Error", PLAIN, error);
        yield encode("error");
      };
      await server.run(
        validator(
          middleware(validator(app, server.options), () => ({
            start(response) {
              seen.push(response.status);
              response.headers.set("X-Start", "1");
              if (isAsync) return sleep();
            },
          })),
          server.options,
        ),
        "whole",
      );
      assertEquals(server.reports, []);
      assertEquals(seen, isLate ? ["200 OK"] : ["200 OK", "500 Error"]);
      assertEquals(server.sent, isLate ? ["a"] : ["", "error"]);
      assertEquals(server.errors, isLate ? [error] : []);
      assertEquals(server.status, isLate ? "200 OK" : "500 Error");
      assertEquals(server.headers, CHANGED);
    }
  }
});

Deno.test("middleware() replaces a head that is still held back, and calls start for both in turn", async () => {
  const seen: string[] = [];
  const server = new Server();
  await server.run(
    validator(
      middleware((_environ, startResponse) => {
        startResponse("200 OK", PLAIN);
        startResponse("500 Error", PLAIN, FAILURE);
        return [encode("a")];
      }, () => ({
        async start({ status }) {
          seen.push(`begin ${status}`);
          await sleep();
          seen.push(`end ${status}`);
        },
      })),
      server.options,
    ),
    "whole",
  );
  assertEquals(server.reports, []);
  assertEquals(seen, [
    "begin 200 OK",
    "end 200 OK",
    "begin 500 Error",
    "end 500 Error",
  ]);
  assertEquals([server.status, ...server.sent], ["500 Error", "a"]);
});

Deno.test("middleware() refuses a second startResponse() without excInfo, also while the first is held back", () => {
  for (const start of [() => {}, async () => {}]) {
    const app = middleware((_environ, startResponse) => {
      startResponse("200 OK", PLAIN);
      assertThrows(
        () => startResponse("200 OK", PLAIN),
        TypeError,
        "Cannot start the response as startResponse() was called before",
      );
      return [];
    }, () => ({ start }));
    call(app);
  }
});

Deno.test("middleware() gives start a copy of the headers", () => {
  const headers: WsgiHeader[] = [["Content-Type", "text/plain"]];
  const app = middleware((_environ, startResponse) => {
    startResponse("200 OK", headers);
    return [];
  }, () => ({ start: ({ headers }) => headers.set("Content-Type", "a/b") }));
  call(app);
  assertEquals(headers, [["Content-Type", "text/plain"]]);
});

Deno.test("middleware() throws what start throws in startResponse(), or with the first block", async () => {
  const failure = new Error("start");
  for (const isAsync of [false, true]) {
    for (const create of [() => [encode("a")], () => oneBlock()]) {
      const log: string[] = [];
      const server = new Server();
      const app = answer(() =>
        Object.assign(create(), { close: () => void log.push("inner") })
      );
      await server.run(
        middleware(app, () => ({
          start() {
            if (isAsync) return Promise.reject(failure);
            throw failure;
          },
          close: () => void log.push("own"),
        })),
        "whole",
      );
      assertEquals(server.errors, [failure]);
      assertEquals(server.status, "");
      // What throws in startResponse() has not come to its result.
      assertEquals(log, isAsync ? ["inner", "own"] : ["own"]);
    }
  }
});

Deno.test("middleware() lets start add the other hooks", async () => {
  const server = new Server();
  await server.run(
    middleware(answer(() => [encode("a")]), () => {
      const hooks: MiddlewareHooks = {
        start() {
          hooks.block = upperCase;
        },
      };
      return hooks;
    }),
    "whole",
  );
  assertEquals(server.sent, ["A"]);
  assert(Array.isArray(server.result));
});

Deno.test("middleware() waits for its hooks before it calls the application", async () => {
  const server = new Server();
  await server.run(
    middleware(
      (environ, startResponse) => {
        startResponse("200 OK", PLAIN);
        return [encode(`${environ["test.user"]}`)];
      },
      async (environ) => {
        await sleep();
        environ["test.user"] = "eric";
        return { block: upperCase };
      },
    ),
    "whole",
  );
  assertEquals(server.sent, ["ERIC"]);
});

// ---- write() ---------------------------------------------------------------

Deno.test("middleware() passes what is written through block, in its order and before the result", async () => {
  const blocks: MiddlewareHooks["block"][] = [
    upperCase,
    (block) => sleep().then(() => upperCase(block)),
    // The first one takes the longest.
    (block) =>
      decode(block) === "a"
        ? sleep(5).then(() => upperCase(block))
        : upperCase(block),
  ];
  for (const block of blocks) {
    for (const start of [undefined, () => {}, () => sleep(1)]) {
      for (const isAwaited of [false, true]) {
        const server = new Server();
        const app: WsgiApplication = async (_environ, startResponse) => {
          const write = startResponse("200 OK", PLAIN);
          for (const text of ["a", "", "b"]) {
            const written = write(encode(text));
            if (isAwaited) await written;
          }
          return [encode("c")];
        };
        const hooks: MiddlewareHooks = { block: block! };
        if (start) hooks.start = start;
        await server.run(
          validator(
            middleware(validator(app, server.options), () => hooks),
            server.options,
          ),
          "whole",
        );
        assertEquals(server.reports, []);
        assertEquals(server.errors, []);
        assertEquals(server.sent, ["A", "", "B", "C"]);
      }
    }
  }
});

Deno.test("middleware() writes nothing of a result that start replaces", async () => {
  for (const isAsync of [false, true]) {
    const server = new Server();
    await server.run(
      middleware(async (_environ, startResponse) => {
        await startResponse("200 OK", PLAIN)(encode("a"));
        return [encode("b")];
      }, () => ({
        start() {
          const result = [encode("no")];
          return isAsync ? sleep().then(() => result) : result;
        },
      })),
      "whole",
    );
    assertEquals(server.sent, ["no"]);
  }
});

Deno.test("middleware() throws excInfo when something was written, and does not call start", async () => {
  const seen: string[] = [];
  const server = new Server();
  await server.run(
    middleware((_environ, startResponse) => {
      startResponse("200 OK", PLAIN)(encode("a"));
      startResponse("500 Error", PLAIN, FAILURE);
      return [];
    }, () => ({ start: ({ status }) => void seen.push(status) })),
    "whole",
  );
  assertEquals(server.errors, [FAILURE]);
  assertEquals(seen, ["200 OK"]);
});

Deno.test("middleware() tells an application that waits for write() of an error of block", async () => {
  const failure = new Error("block");
  for (const isAsync of [false, true]) {
    const server = new Server();
    await server.run(
      middleware(async (_environ, startResponse) => {
        await startResponse("200 OK", PLAIN)(encode("a"));
        return [];
      }, () => ({
        block() {
          if (isAsync) return Promise.reject(failure);
          throw failure;
        },
      })),
      "whole",
    );
    assertEquals(server.errors, [failure]);
  }
});

// ---- closeResult() ---------------------------------------------------------

Deno.test("closeResult() ends a result in whatever state it is", async () => {
  const log: string[] = [];
  const begin = async (result: WsgiResult, count: number) => {
    const iterator = iterate(result);
    for (; count > 0; count--) await iterator.next();
    return result;
  };
  const source: Source = { way: "whole", log };
  const file = () => KINDS["a file wrapper"]!(source);
  const stream = () => KINDS["a stream"]!(source);
  const generator = () =>
    KINDS["an asynchronous generator with close()"]!(source);
  const closed = ["closing", "closed"];
  const cases: [string, WsgiResult, string[]][] = [
    ["an array", [], []],
    ["an array with close()", Object.assign([], closable(source)), closed],
    ["a generator, not begun", generator(), closed],
    ["a generator, begun", await begin(generator(), 1), ["finally", ...closed]],
    ["a generator at its end", await begin(generator(), 3), closed],
    ["a stream, not begun", stream(), closed],
    // Whoever reads it has to end it.
    ["a stream that is read", await begin(stream(), 1), []],
    ["a file, not begun", file(), closed],
    ["a file, begun", await begin(file(), 1), closed],
    ["a file at its end", await begin(file(), 3), closed],
    ["a mapped stream", mapResult(stream(), { block: upperCase }), closed],
    [
      "a mapped stream, begun",
      await begin(mapResult(stream(), { block: upperCase }), 1),
      closed,
    ],
    ["a mapped array", mapResult([], { close: () => {} }), []],
  ];
  log.length = 0;
  for (const [title, result, expected] of cases) {
    await closeResult(result);
    assertEquals(log.splice(0), expected, title);
  }
});

Deno.test("closeResult() throws all that goes wrong, and waits for nothing if it need not", () => {
  const first = new Error("return");
  const second = new Error("close");
  function* blocks() {
    try {
      yield encode("a");
    } finally {
      // deno-lint-ignore no-unsafe-finally
      throw first;
    }
  }
  const close = () => {
    throw second;
  };
  const generator = blocks();
  generator.next();
  const error = assertThrows(
    () => closeResult(Object.assign(generator, { close })),
    AggregateError,
    "Cannot end the response as it failed more than once",
  );
  assertEquals(error.errors, [first, second]);
  assertThrows(() => closeResult(Object.assign([], { close })), Error, "close");
  assertEquals(closeResult([]), undefined);
});

Deno.test("BaseCgiHandler logs the errors of all layers that fail to close", async () => {
  let log = "";
  const fail = (message: string) => () => {
    throw new Error(message);
  };
  const app = answer(() =>
    Object.assign([encode("a")], { close: fail("first") })
  );
  await new BaseCgiHandler(
    new WsgiInput(null),
    { write: () => {} },
    new TextErrorStream((text) => log += text),
    setupTestingDefaults({}),
  ).run(
    middleware(
      middleware(app, () => ({ close: fail("second") })),
      () => ({ close: fail("third") }),
    ),
  );
  for (const message of ["first", "second", "third"]) {
    assertStringIncludes(log, `Error: ${message}`);
  }
});

Deno.test("middleware() tells the next block of an error of block in a write() that nobody waits for", async () => {
  for (const create of [() => [encode("b")], () => oneBlock()]) {
    const server = new Server();
    await server.run(
      middleware((_environ, startResponse) => {
        startResponse("200 OK", PLAIN)(encode("a"));
        return create();
      }, () => ({ block: () => Promise.reject(FAILURE) })),
      "whole",
    );
    assertEquals(server.errors, [FAILURE]);
    assertEquals(server.sent, []);
  }
});

Deno.test("middleware() closes what start and error return when nobody is there any more", async () => {
  for (const hook of ["start", "error"] as const) {
    const log: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const late = async () => {
      await promise;
      return Object.assign([], { close: () => void log.push("late") });
    };
    const app: WsgiApplication = function* (_environ, startResponse) {
      startResponse("200 OK", PLAIN);
      if (hook === "error") throw FAILURE;
      yield encode("a");
    };
    const server = new Server();
    const result = await middleware(app, () => ({ [hook]: late }))(
      setupTestingDefaults({}),
      server.startResponse,
    );
    const step = iterate(result).next();
    await closeResult(result);
    resolve();
    assertEquals(await step, { done: true, value: undefined });
    assertEquals(log, ["late"]);
    assertEquals(server.status, hook === "start" ? "" : "200 OK");
  }
});

Deno.test("middleware() closes a result of start that an error's response supersedes", async () => {
  const log: string[] = [];
  const server = new Server();
  await server.run(
    middleware((_environ, startResponse) => {
      startResponse("200 OK", PLAIN);
      startResponse("500 Error", PLAIN, FAILURE);
      return [encode("error")];
    }, () => ({
      start: ({ status }) =>
        status === "200 OK"
          ? Object.assign([], { close: () => void log.push("close") })
          : undefined,
    })),
    "whole",
  );
  assertEquals(log, ["close"]);
  assertEquals(server.sent, ["error"]);
});

Deno.test("middleware() closes a result of start that nobody has asked for", async () => {
  const log: string[] = [];
  const result = await middleware(
    answer(() => oneBlock()),
    () => ({
      start: () =>
        Promise.resolve(
          Object.assign([], { close: () => void log.push("close") }),
        ),
    }),
  )(setupTestingDefaults({}), new Server().startResponse);
  await sleep();
  await closeResult(result);
  assertEquals(log, ["close"]);
});

Deno.test("middleware() sends what start returns at the end of an empty result, and asks it no more than once for its end", async () => {
  let count = 0;
  const replacement = {
    [Symbol.iterator]: () => ({
      next: () =>
        ++count === 1
          ? { done: false as const, value: encode("replaced") }
          : { done: true as const, value: undefined },
    }),
  };
  // deno-lint-ignore require-yield
  const result = await middleware(function* (_environ, startResponse) {
    startResponse("200 OK", PLAIN);
  }, () => ({ start: () => replacement }))(
    setupTestingDefaults({}),
    new Server().startResponse,
  );
  const blocks = iterate(result);
  const first = await blocks.next();
  assertEquals(decode(first.value as Uint8Array), "replaced");
  assertEquals((await blocks.next()).done, true);
  assertEquals((await blocks.next()).done, true);
  assertEquals(count, 2);
});

Deno.test("middleware() starts an error's response once if only empty blocks were sent", async () => {
  const statuses: string[] = [];
  const result = await middleware(
    function* (_environ, startResponse) {
      startResponse("200 OK", PLAIN);
      yield new Uint8Array();
      throw FAILURE;
    },
    () => ({
      start() {},
      error(error, startResponse) {
        startResponse("500 Error", PLAIN, error);
        return [encode("error")];
      },
    }),
  )(setupTestingDefaults({}), (status) => {
    statuses.push(status);
    return () => Promise.resolve();
  });
  const blocks = await Array.fromAsync(result);
  assertEquals(blocks.map(decode), ["", "error"]);
  assertEquals(statuses, ["200 OK", "500 Error"]);
});

Deno.test("mapResult() makes no synchronous result of an asynchronous one", () => {
  const result = mapResult(
    (async function* () {
      yield await encode("a");
    })(),
    { block: (block) => block },
  );
  assertFalse(Symbol.iterator in result);
});

Deno.test("middleware() has an error's response take the place of one that start refuses", async () => {
  const server = new Server();
  await server.run(
    middleware((_environ, startResponse) => {
      startResponse("200 OK", PLAIN);
      startResponse("500 Error", PLAIN, FAILURE);
      return [encode("error")];
    }, () => ({
      start: ({ status }) =>
        status === "200 OK" ? Promise.reject(FAILURE) : Promise.resolve(),
    })),
    "whole",
  );
  assertEquals([server.status, server.sent], ["500 Error", ["error"]]);
});

Deno.test("middleware() lets an application write in vain once its response was given up", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let write: WriteCallable | undefined;
  const result = await middleware((_environ, startResponse) => {
    write = startResponse("200 OK", PLAIN);
    return oneBlock();
  }, () => ({ start: () => promise }))(
    setupTestingDefaults({}),
    new Server().startResponse,
  );
  await closeResult(result);
  resolve();
  await sleep();
  await write?.(encode("a"));
});

Deno.test("middleware() lets an application wait for a write() that waits for start", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const log: string[] = [];
  const server = new Server();
  const ended = server.run(
    middleware(async (_environ, startResponse) => {
      await startResponse("200 OK", PLAIN)(encode("a"));
      log.push("written");
      return [];
    }, () => ({ start: () => promise })),
    "whole",
  );
  await sleep();
  log.push("started");
  resolve();
  await ended;
  assertEquals(log, ["started", "written"]);
});

Deno.test("middleware() sends the result after all that was written, also if it waits for the first of two only", async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let count = 0;
  const server = new Server();
  const ended = server.run(
    middleware(async (_environ, startResponse) => {
      const write = startResponse("200 OK", PLAIN);
      const first = write(encode("a"));
      write(encode("b"));
      gates[0]?.resolve();
      await first;
      return [encode("c")];
    }, () => ({
      async block(block) {
        await gates[count++]?.promise;
        return block;
      },
    })),
    "whole",
  );
  await sleep();
  gates[1]?.resolve();
  await ended;
  assertEquals(server.sent, ["a", "b", "c"]);
});

Deno.test("middleware() leaves no error of start to nobody", async () => {
  const result = await middleware(
    answer(() => oneBlock()),
    () => ({ start: () => Promise.reject(FAILURE) }),
  )(setupTestingDefaults({}), new Server().startResponse);
  // An error that nobody takes would end the process here.
  await sleep();
  await closeResult(result);
});

Deno.test("middleware() sends nothing that start returned for a response that an error's supersedes later", async () => {
  const log: string[] = [];
  const server = new Server();
  await server.run(
    middleware((_environ, startResponse) => {
      startResponse("200 OK", PLAIN);
      startResponse("500 Error", PLAIN, FAILURE);
      return oneBlock();
    }, () => ({
      start: ({ status }) =>
        status === "200 OK"
          ? Object.assign([encode("replaced")], {
            close: () => void log.push("close"),
          })
          : Promise.resolve(),
    })),
    "whole",
  );
  assertEquals(server.status, "500 Error");
  assertFalse(server.sent.includes("replaced"));
  assertEquals(log, ["close"]);
});

Deno.test("middleware() starts no response once the application has failed", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const server = new Server();
  await server.run(
    middleware((_environ, startResponse) => {
      startResponse("200 OK", PLAIN);
      throw FAILURE;
    }, () => ({ start: () => promise })),
    "whole",
  );
  resolve();
  await sleep();
  assertEquals([server.status, server.errors], ["", [FAILURE]]);
});

Deno.test("mapResult() refuses what is no result", () => {
  for (const value of [undefined, null, "spam", new Uint8Array(1), {}]) {
    assertThrows(
      () => mapResult(value as unknown as WsgiResult, { end: () => {} }),
      TypeError,
      "Cannot send the result of the application as it must be an iterable",
    );
  }
});
