// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  callAll,
  checkResult,
  closeResult,
  iterate,
  ResultReader,
  type Step,
} from "../_result.ts";
import type { WsgiResult } from "../types.ts";

const FIRST = new Error("first");
const SECOND = new Error("second");

function raise(error: Error): () => never {
  return () => {
    throw error;
  };
}

Deno.test("callAll() calls one function after the other, also if one fails", async () => {
  const log: string[] = [];
  const slow = async () => {
    await new Promise((resolve) => setTimeout(resolve));
    log.push("slow");
    throw FIRST;
  };
  const fast = () => void log.push("fast");
  await assertRejects(async () => await callAll([slow, fast]), Error, "first");
  assertEquals(log, ["slow", "fast"]);
  assertThrows(() => callAll([raise(FIRST), fast]), Error, "first");
  assertEquals(callAll([fast]), undefined);
  assertEquals(log.length, 4);
});

Deno.test("callAll() throws every error once", () => {
  const cases: [(() => unknown)[], before: unknown[], thrown: unknown[]][] = [
    [[raise(FIRST), raise(SECOND)], [], [FIRST, SECOND]],
    [[raise(SECOND)], [FIRST], [FIRST, SECOND]],
    [[() => {}, raise(FIRST)], [FIRST], [FIRST]],
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

/** A result whose `next()` is over when `close()` is called. */
function waiting(log: string[], error?: Error): WsgiResult {
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

Deno.test("closeResult() does not wait for a return() that waits for next(), but tells of its error", async () => {
  for (const error of [undefined, FIRST]) {
    const log: string[] = [];
    const result = waiting(log, error);
    const iterator = iterate(result);
    const step = iterator.next();
    const closed = closeResult(result, { iterator, isWaiting: true });
    assertEquals(log, ["return", "close"]);
    if (error) await assertRejects(async () => await closed, Error, "first");
    else await closed;
    await step;
  }
});

Deno.test("ResultReader hands on what the iterator throws", async () => {
  const options = { fail: (error: unknown) => `${error}` };
  const results: Record<string, WsgiResult> = {
    "next() throws": { [Symbol.iterator]: () => ({ next: raise(FIRST) }) },
    "next() rejects": {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(FIRST) }),
    },
    "it gives no iterator": { [Symbol.iterator]: raise(FIRST) },
  };
  for (const [title, result] of Object.entries(results)) {
    const handing = new ResultReader(result, () => "", options);
    assertEquals(await handing.read(), "Error: first", title);
    const throwing = new ResultReader(result, () => "");
    await assertRejects(async () => await throwing.read(), Error, "first");
    assertEquals(throwing.close(), undefined, title);
  }
});

Deno.test("ResultReader ends the iterator at once, and only once", async () => {
  const log: string[] = [];
  const reader = new ResultReader(waiting(log), (step) => step.done);
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
