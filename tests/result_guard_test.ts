// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { closeResult } from "../_result.ts";
import { toFetchHandler } from "../handlers.ts";
import type { WsgiApplication, WsgiResult } from "../types.ts";
import { FileWrapper, setupTestingDefaults } from "../util.ts";
import { validator, WsgiConformanceError } from "../validate.ts";
import { CASES } from "./_result_guard_cases.ts";
import {
  createEnviron,
  encoder,
  generate,
  HELLO,
  invalid,
  serve,
  start,
  startResponse,
  testCases,
  validateThrice,
} from "./_scenarios.ts";

testCases(CASES);

Deno.test("validator() answers an array at once, with its length", () => {
  const result = Object.freeze([HELLO]);
  const app: WsgiApplication = (_environ, startResponse) => {
    start(startResponse);
    return result;
  };
  assertStrictEquals(
    validateThrice(app)(createEnviron(), startResponse),
    result,
  );
  const response = toFetchHandler(validateThrice(app))(
    new Request("http://localhost/"),
  );
  assertInstanceOf(response, Response);
  assertEquals(response.headers.get("content-length"), "5");
});

Deno.test("validator() leaves an array with close() an array", async () => {
  const calls: string[] = [];
  const result = Object.assign([HELLO], { close: () => calls.push("close") });
  const app = validateThrice((_environ, startResponse) => {
    start(startResponse);
    return invalid(result);
  });
  const validated = await app(createEnviron(), startResponse);
  assert(Array.isArray(validated));
  assertEquals(await serve(() => validated), [HELLO]);
  assertEquals(calls, ["close"]);
  assertEquals(Object.keys(result), ["0", "close"]);
});

Deno.test("validator() keeps a stream streaming", async () => {
  const steps: string[] = [];
  const handler = toFetchHandler(
    validateThrice(async function* (_environ, startResponse) {
      start(startResponse);
      for (const step of ["first", "second"]) {
        steps.push(step);
        yield encoder.encode(step);
      }
    }),
  );
  const response = await handler(new Request("http://localhost/"));
  const reader = response.body?.getReader();
  assert(reader);
  assertEquals((await reader.read()).value, encoder.encode("first"));
  assertEquals(steps, ["first"]);
  assertEquals((await reader.read()).value, encoder.encode("second"));
  assertEquals((await reader.read()).done, true);
});

Deno.test("validator() leaves a file wrapper what it is", async () => {
  const calls: string[] = [];
  const file = {
    read: () => (calls.push("read"), calls.length === 1 ? HELLO : null),
    close: () => void calls.push("close"),
  };
  let made: WsgiResult = [];
  const app = validateThrice((environ, startResponse) => {
    start(startResponse);
    made = environ["wsgi.file_wrapper"]?.(file) ?? [];
    return made;
  });
  const result = await app(createEnviron(), startResponse);
  assertInstanceOf(result, FileWrapper);
  assertStrictEquals(result, made);
  assertEquals(await Array.fromAsync(result), [HELLO]);
  await result.close?.();
  assertEquals(calls, ["read", "read", "close"]);
});

Deno.test("validator() measures a file wrapper that is iterated", async () => {
  const app = validator((environ, startResponse) => {
    startResponse("200 OK", [
      ["Content-Type", "text/plain"],
      ["Content-Length", "6"],
    ]);
    return environ["wsgi.file_wrapper"]?.(new Blob(["Hello"])) ?? [];
  });
  const error = await assertRejects(() => serve(app), WsgiConformanceError);
  assertEquals(error.code, "content-length-unreached");
});

Deno.test("validator() passes return() and close() on once each", async () => {
  const calls: string[] = [];
  const app = validateThrice((_environ, startResponse) => {
    start(startResponse);
    return {
      async *[Symbol.asyncIterator]() {
        try {
          yield HELLO;
          yield HELLO;
        } finally {
          calls.push("return");
        }
      },
      async close() {
        await null;
        calls.push("close");
      },
    };
  });
  const response = await toFetchHandler(app)(new Request("http://localhost/"));
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await serve(app);
  assertEquals(calls, ["return", "close", "return", "close"]);
});

Deno.test("validator() cancels a stream of which a read is pending", async () => {
  let reason: unknown = "not canceled";
  const app = validateThrice((_environ, startResponse) => {
    start(startResponse);
    return new ReadableStream({ cancel: () => void (reason = "canceled") });
  });
  const result = await app(createEnviron(), startResponse);
  assert(Symbol.asyncIterator in result);
  const blocks = result[Symbol.asyncIterator]();
  const pending = blocks.next();
  await blocks.return?.();
  assertEquals(await pending, { done: true, value: undefined });
  assertEquals(reason, "canceled");
});

Deno.test("validator() returns a generator that a violation has cut", async () => {
  const calls: string[] = [];
  for (const isAsync of [false, true]) {
    const blocks = function* () {
      try {
        yield invalid<Uint8Array>("text");
      } finally {
        calls.push("return");
      }
    };
    const app = validator((_environ, startResponse) => {
      start(startResponse);
      return isAsync
        ? (async function* () {
          yield* blocks();
        })()
        : blocks();
    });
    const error = await assertRejects(() => serve(app), WsgiConformanceError);
    assertEquals(error.code, "block-type");
  }
  assertEquals(calls, ["return", "return"]);
});

Deno.test("validator() closes a result that it refuses", () => {
  let closed = 0;
  const app = validator((_environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", "text/plain"]]);
    const blocks = ["text"] as unknown as Uint8Array[];
    return Object.assign(blocks, { close: () => void closed++ });
  });
  const error = assertThrows(
    () => app(setupTestingDefaults({}), () => () => Promise.resolve()),
    WsgiConformanceError,
  );
  assertEquals(error.code, "block-type");
  assertEquals(closed, 1);
});

Deno.test("validator() has a result given up that nobody has begun", async () => {
  for (const calls of [["canceled"], ["returned"], ["closed"]]) {
    const [expected] = calls.splice(0);
    const blocks = generate(createEnviron(), startResponse) as Generator;
    const results: Record<string, unknown> = {
      canceled: new ReadableStream({
        cancel: () => void calls.push("canceled"),
      }),
      returned: Object.assign(blocks, {
        return: () => (calls.push("returned"), { done: true }),
      }),
      closed: {
        [Symbol.iterator]: () => calls.push("begun"),
        close: () => calls.push("closed"),
      },
    };
    const result = await validateThrice((_environ, startResponse) => {
      start(startResponse);
      return invalid(results[expected ?? ""]);
    })(createEnviron(), startResponse);
    await closeResult(result);
    assertEquals(calls, [expected]);
  }
});
