// Copyright 2026 the wsgiref authors. MIT license.

import {
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  callAll,
  checkResult,
  closeResult,
  isPromise,
  iterate,
  ResultReader,
  type Step,
} from "../_result.ts";
import type { WsgiResult } from "../types.ts";

const A = new Uint8Array([65]);
const RETURN_ERROR = new Error("return");
const CLOSE_ERROR = new Error("close");

/** Notes in `events` what is done to a result. */
type Make = (events: string[]) => WsgiResult;

/** A result with a `close()`. */
function closable(result: WsgiResult, events: string[]): WsgiResult {
  return Object.assign(result, { close: () => events.push("close") });
}

function* generate(events: string[]): Generator<Uint8Array, void> {
  try {
    for (;;) yield A;
  } finally {
    events.push("finally");
  }
}

async function* generateAsync(
  events: string[],
): AsyncGenerator<Uint8Array, void> {
  try {
    for (;;) yield await Promise.resolve(A);
  } finally {
    await Promise.resolve();
    events.push("finally");
  }
}

function stream(events: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull: (controller) => controller.enqueue(A),
    cancel: () => void events.push("cancel"),
  }, { highWaterMark: 0 });
}

/** A result of iterators that never give a block, as they wait. */
function waiting(events: string[]): WsgiResult {
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return() {
        events.push("return");
        return new Promise(() => {});
      },
    }),
    close: () => events.push("close"),
  };
}

/** A result that fails as it is released, now or later. */
function failing(
  kind: "now" | "later",
  errors: { inReturn?: Error; inClose?: Error },
): WsgiResult {
  const fail = (error: Error | undefined): Promise<void> | void => {
    if (kind === "later") return error ? Promise.reject(error) : undefined;
    if (error) throw error;
  };
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve({ done: false, value: A }),
      async return() {
        await fail(errors.inReturn);
        return { done: true, value: undefined };
      },
    }),
    close: () => fail(errors.inClose),
  };
}

/** A result whose `next()` is over when `close()` is called. */
function endedByClose(log: string[], error?: Error): WsgiResult {
  const { promise, resolve } = Promise.withResolvers<Step>();
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => promise,
      async return() {
        log.push("return");
        await promise;
        if (error) throw error;
        return { done: true, value: undefined };
      },
    }),
    async close() {
      log.push("close");
      resolve({ done: true, value: undefined });
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
}

function raise(error: Error): () => never {
  return () => {
    throw error;
  };
}

Deno.test("isPromise() tells what has to be waited for", () => {
  for (
    const [value, expected] of [
      [Promise.resolve(), true],
      [{ then() {} }, true],
      [undefined, false],
      [null, false],
      ["then", false],
      [{ then: true }, false],
      [() => {}, false],
    ]
  ) {
    assertEquals(isPromise<unknown>(value), expected);
  }
});

Deno.test("iterate() gives the blocks of any result, and what ends it", async () => {
  const results: [make: Make, released: string[]][] = [
    [() => [A, A], []],
    [() => new Set([A]), []],
    [generate, ["finally"]],
    [generateAsync, ["finally"]],
    [stream, ["cancel"]],
  ];
  for (const [make, released] of results) {
    const events: string[] = [];
    const iterator = iterate(make(events));
    const step = iterator.next();
    assertEquals(isPromise(step), make === stream || make === generateAsync);
    assertEquals(await step, { done: false, value: A });
    await iterator.return?.();
    assertEquals(events, released);
  }
});

Deno.test("callAll() calls one function after the other, also if one fails", async () => {
  const log: string[] = [];
  const slow = async () => {
    await new Promise((resolve) => setTimeout(resolve));
    log.push("slow");
    throw RETURN_ERROR;
  };
  const fast = () => void log.push("fast");
  await assertRejects(async () => await callAll([slow, fast]), Error, "return");
  assertEquals(log, ["slow", "fast"]);
  assertThrows(() => callAll([raise(RETURN_ERROR), fast]), Error, "return");
  assertEquals(callAll([fast]), undefined);
  assertEquals(log.length, 4);
});

Deno.test("callAll() throws every error once", () => {
  const cases: [(() => unknown)[], before: unknown[], thrown: unknown[]][] = [
    [[raise(RETURN_ERROR), raise(CLOSE_ERROR)], [], [
      RETURN_ERROR,
      CLOSE_ERROR,
    ]],
    [[raise(CLOSE_ERROR)], [RETURN_ERROR], [RETURN_ERROR, CLOSE_ERROR]],
    [[() => {}, raise(RETURN_ERROR)], [RETURN_ERROR], [RETURN_ERROR]],
    [[() => {}], [undefined], [undefined]],
  ];
  for (const [calls, before, thrown] of cases) {
    let errors: unknown[] = [];
    try {
      callAll(calls, before);
    } catch (error) {
      errors = error instanceof AggregateError ? error.errors : [error];
    }
    assertEquals(errors, thrown);
  }
});

Deno.test("checkResult() refuses what cannot be iterated, and bare bytes", () => {
  const results: WsgiResult[] = [
    [],
    new Set<Uint8Array>(),
    new ReadableStream(),
  ];
  for (const result of results) assertEquals(checkResult(result), result);
  for (const value of [undefined, null, "spam", new Uint8Array(1), {}]) {
    assertThrows(
      () => checkResult(value as unknown as WsgiResult),
      TypeError,
      "Cannot send the result of the application as it must be an iterable of Uint8Array blocks, such as [body]: received ",
    );
  }
});

// What closeResult() does to a result in each state

interface Ending {
  make: Make;
  /** How far it comes: by default, nobody has asked for a block. */
  begin?: (result: WsgiResult) => unknown;
  /** What is done to it before `closeResult()` returns. */
  now: string[];
  /** What is done to it until the promise settles, if there is one. */
  later?: string[];
}

const first = (result: WsgiResult) => iterate(result).next();

const ENDINGS: Record<string, Ending> = {
  "an array": { make: () => [A], now: [] },
  "an array with a close()": {
    make: (events) => closable([A], events),
    now: ["close"],
  },
  "an iterable": { make: () => new Set([A]), now: [] },
  "an iterable with a close()": {
    make: (events) => ({
      [Symbol.iterator]: () => generate(events),
      close: () => events.push("close"),
    }),
    now: ["close"],
  },
  "an iterator that cannot be ended": {
    make: (events) => closable([A].values(), events),
    now: ["close"],
  },
  "what has a slow close()": {
    make: (events) => ({
      [Symbol.iterator]: () => [A].values(),
      async close() {
        await Promise.resolve();
        events.push("closed");
      },
    }),
    now: [],
    later: ["closed"],
  },
  "what has a close() that gives a thenable": {
    make: (events) => ({
      [Symbol.iterator]: () => [A].values(),
      close: () => ({
        then(resolve: () => void) {
          events.push("then");
          resolve();
        },
      }),
    }),
    now: [],
    later: ["then"],
  },
  "a generator that was not begun": { make: generate, now: [] },
  "a generator that was begun": {
    make: generate,
    begin: first,
    now: ["finally"],
  },
  "a generator with a close()": {
    make: (events) => closable(generate(events), events),
    begin: first,
    now: ["finally", "close"],
  },
  "a generator that has ended": {
    make: generate,
    begin(result) {
      const iterator = iterate(result);
      iterator.next();
      iterator.return?.();
    },
    now: ["finally"],
  },
  "an async generator that was not begun": {
    make: (events) => closable(generateAsync(events), events),
    now: [],
    later: ["close"],
  },
  "an async generator that was begun": {
    make: (events) => closable(generateAsync(events), events),
    begin: first,
    now: [],
    later: ["finally", "close"],
  },
  "a stream that nobody reads": {
    make: stream,
    now: ["cancel"],
    later: [],
  },
  "a stream with a close() that nobody reads": {
    make: (events) => closable(stream(events), events),
    now: ["cancel"],
    later: ["close"],
  },
  "a stream that somebody else reads": {
    make: (events) => closable(stream(events), events),
    begin: (result) => (result as ReadableStream<Uint8Array>).getReader(),
    now: ["close"],
  },
};

for (const [name, { make, begin, now, later }] of Object.entries(ENDINGS)) {
  Deno.test(`closeResult() ends ${name}`, async () => {
    const events: string[] = [];
    const result = make(events);
    await begin?.(result);
    const closed = closeResult(result);
    assertEquals(events, now);
    assertEquals(isPromise(closed), later !== undefined);
    await closed;
    assertEquals(events, [...now, ...later ?? []]);
  });
}

Deno.test("closeResult() throws each error, after all has been tried", async () => {
  const both = [RETURN_ERROR, CLOSE_ERROR];
  for (const kind of ["now", "later"] as const) {
    for (
      const [errors, expected] of [
        [{}, []],
        [{ inReturn: RETURN_ERROR }, [RETURN_ERROR]],
        [{ inClose: CLOSE_ERROR }, [CLOSE_ERROR]],
        [{ inReturn: RETURN_ERROR, inClose: CLOSE_ERROR }, both],
      ] as const
    ) {
      const result = failing(kind, errors);
      const iteration = { iterator: iterate(result), isWaiting: false };
      const thrown = await Promise.resolve(closeResult(result, iteration))
        .then(() => [], (error) => error.errors ?? [error]);
      assertEquals(thrown, expected);
    }
  }
});

Deno.test("closeResult() throws at once what close() throws at once", () => {
  const result = Object.assign([A], {
    close() {
      throw CLOSE_ERROR;
    },
  });
  assertThrows(() => closeResult(result), Error, "close");
});

Deno.test("closeResult() does not wait for a return() that waits for next(), but tells of its error", async () => {
  for (const error of [undefined, RETURN_ERROR]) {
    const log: string[] = [];
    const result = endedByClose(log, error);
    const iterator = iterate(result);
    const step = iterator.next();
    const closed = closeResult(result, { iterator, isWaiting: true });
    assertEquals(log, ["return", "close"]);
    if (error) await assertRejects(async () => await closed, Error, "return");
    else await closed;
    await step;
  }
});

Deno.test("closeResult() tells of a return() that fails after all is over", async () => {
  const step = Promise.withResolvers<Step>();
  const told = Promise.withResolvers<unknown>();
  const result = [A];
  const iterator = {
    next: () => step.promise,
    return: () => step.promise,
  };
  const onLateError = told.resolve;
  await closeResult(result, { iterator, isWaiting: true, onLateError });
  step.reject(RETURN_ERROR);
  assertStrictEquals(await told.promise, RETURN_ERROR);
});

// ResultReader

/** The first byte of a block, or the end. */
function firstByte(step: IteratorResult<Uint8Array>): number | null {
  return step.done ? null : step.value[0] ?? null;
}

Deno.test("ResultReader reads without a promise, unless there is one", async () => {
  for (
    const [result, isAsync] of [
      [[A], false],
      [new Set([A]), false],
      [ReadableStream.from([A]), true],
      [
        (async function* () {
          yield A;
        })(),
        true,
      ],
    ] as [WsgiResult, boolean][]
  ) {
    const reader = new ResultReader(result, firstByte);
    for (const expected of [65, null]) {
      const value = reader.read();
      assertEquals(isPromise(value), isAsync);
      assertEquals(await value, expected);
    }
  }
});

Deno.test("ResultReader waits for what is made of a block", async () => {
  const reader = new ResultReader(
    [A],
    async (step) => await Promise.resolve(firstByte(step)),
  );
  assertEquals(await reader.read(), 65);
});

Deno.test("ResultReader tells how far it has come", async () => {
  const reader = new ResultReader(generateAsync([]), firstByte);
  assertEquals(reader.iteration, undefined);
  const reading = reader.read();
  assertEquals(reader.iteration?.isWaiting, true);
  await reading;
  assertEquals(reader.iteration?.isWaiting, false);
  await reader.close();
});

interface Closing {
  make: Make;
  /** Reads from the result before it is closed. */
  read: (reader: ResultReader<number | null>) => unknown;
  events: string[];
  /** The events at once, if `close()` must not wait for the others. */
  now?: string[];
}

const CLOSINGS: Record<string, Closing> = {
  "that was not begun": {
    make: (events) => closable(stream(events), events),
    read: () => {},
    events: ["cancel", "close"],
  },
  "that was begun": {
    make: (events) => closable(generate(events), events),
    read: (reader) => reader.read(),
    events: ["finally", "close"],
  },
  "of async steps that was begun": {
    make: (events) => closable(generateAsync(events), events),
    read: (reader) => reader.read(),
    events: ["finally", "close"],
  },
  "that is a stream and was begun": {
    make: (events) => closable(stream(events), events),
    read: (reader) => reader.read(),
    events: ["cancel", "close"],
  },
  "whose step is waited for": {
    make: waiting,
    read: (reader) => void reader.read(),
    now: ["return", "close"],
    events: ["return", "close"],
  },
  "that is a stream whose chunk is waited for": {
    make: (events) =>
      closable(
        new ReadableStream({ cancel: () => void events.push("cancel") }),
        events,
      ),
    read: (reader) => void reader.read(),
    now: ["cancel", "close"],
    events: ["cancel", "close"],
  },
  "that has ended": {
    make: (events) => ({
      [Symbol.iterator]: () => ({
        next: () => ({ done: true, value: undefined }),
        return: () => {
          events.push("return");
          return { done: true, value: undefined };
        },
      }),
      close: () => events.push("close"),
    }),
    read: (reader) => reader.read(),
    events: ["close"],
  },
  "whose step has failed": {
    make: (events) => ({
      [Symbol.iterator]: () => ({
        next() {
          throw RETURN_ERROR;
        },
        return: () => {
          events.push("return");
          return { done: true, value: undefined };
        },
      }),
      close: () => events.push("close"),
    }),
    read: (reader) => assertThrows(() => reader.read(), Error, "return"),
    events: ["close"],
  },
  "whose async step has failed": {
    make: (events) => ({
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(RETURN_ERROR),
        return() {
          events.push("return");
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
      close: () => events.push("close"),
    }),
    read: (reader) => assertRejects(async () => await reader.read()),
    events: ["close"],
  },
  "whose iterator cannot be made": {
    make: (events) => ({
      [Symbol.iterator]() {
        throw RETURN_ERROR;
      },
      close: () => events.push("close"),
    }),
    read: (reader) => assertThrows(() => reader.read(), Error, "return"),
    events: ["close"],
  },
};

for (const [name, { make, read, now, events }] of Object.entries(CLOSINGS)) {
  Deno.test(`ResultReader closes once a result ${name}`, async () => {
    const actual: string[] = [];
    const reader = new ResultReader(make(actual), firstByte);
    await read(reader);
    const closed = reader.close();
    if (now) assertEquals(actual, now);
    await closed;
    assertStrictEquals(reader.close(), closed);
    assertEquals(actual, events);
  });
}

Deno.test("ResultReader hands on what the iterator throws", async () => {
  const options = { fail: (error: unknown) => `${error}` };
  const results: Record<string, WsgiResult> = {
    "next() throws": {
      [Symbol.iterator]: () => ({ next: raise(RETURN_ERROR) }),
    },
    "next() rejects": {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(RETURN_ERROR),
      }),
    },
    "it gives no iterator": { [Symbol.iterator]: raise(RETURN_ERROR) },
  };
  for (const [title, result] of Object.entries(results)) {
    const handing = new ResultReader(result, () => "", options);
    assertEquals(await handing.read(), "Error: return", title);
    const throwing = new ResultReader(result, () => "");
    await assertRejects(async () => await throwing.read(), Error, "return");
    assertEquals(throwing.close(), undefined, title);
  }
});

Deno.test("ResultReader ends the iterator at once, and only once", async () => {
  const log: string[] = [];
  const reader = new ResultReader(endedByClose(log), (step) => step.done);
  const step = reader.read();
  const returned = reader.return();
  assertEquals(log, ["return"]);
  assertEquals(reader.return(), undefined);
  await reader.close();
  await reader.close();
  assertEquals(log, ["return", "close"]);
  assertEquals(await step, true);
  await returned;
});

Deno.test("closeResult() calls no return() of what is no iterator", async () => {
  const events: string[] = [];
  const result = {
    *[Symbol.iterator]() {
      yield new Uint8Array(0);
    },
    return: () => events.push("return"),
    close: () => void events.push("close"),
  };
  await closeResult(result);
  assertEquals(events, ["close"]);
  // Nor does what has only a next() end early.
  const other = {
    *[Symbol.iterator]() {
      yield new Uint8Array(0);
    },
    next: () => events.push("next"),
    close: () => void events.push("close"),
  };
  await closeResult(other);
  assertEquals(events, ["close", "close"]);
});
