// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals, assertStrictEquals } from "@std/assert";
import { TextErrorStream } from "../handlers.ts";
import { WsgiInput } from "../util.ts";
import { validator } from "../validate.ts";
import { CASES } from "./_environ_guards_cases.ts";
import {
  createEnviron,
  serve,
  start,
  testCases,
  validateThrice,
} from "./_scenarios.ts";

const encoder = new TextEncoder();

testCases(CASES);

Deno.test("validator() gives the application the same environ", async () => {
  const environ = createEnviron();
  const { "wsgi.errors": errors } = environ;
  let given: unknown;
  await serve(
    validateThrice((environ, startResponse) => {
      given = environ;
      environ["wsgi.errors"].writelines(["a", "b\n"]);
      assertEquals(String(environ["wsgi.errors"]), "ab\n");
      start(startResponse);
      return [];
    }),
    environ,
  );
  assertStrictEquals(given, environ);
  assertEquals(String(errors), "ab\n");
});

Deno.test("validator() passes on what is called of the streams", async () => {
  const calls: string[] = [];
  const failure = new Error("The log is full");
  const environ = createEnviron({
    REQUEST_METHOD: "POST",
    "wsgi.input": new WsgiInput(encoder.encode("a\nb")),
    "wsgi.errors": {
      write: (text: string) => {
        calls.push(text);
        if (text === "c") throw failure;
      },
      writelines: () => calls.push("writelines"),
      flush: () => calls.push("flush"),
    },
  });
  const codes: string[] = [];
  const take = ({ code }: { code: string }) => void codes.push(code);
  let error: unknown;
  await serve(
    validator(async (environ, startResponse) => {
      const errors = environ["wsgi.errors"];
      for await (const line of environ["wsgi.input"]) {
        errors.write(new TextDecoder().decode(line));
      }
      errors.flush();
      try {
        errors.write("c");
      } catch (thrown) {
        error = thrown;
      }
      errors.writelines(1 as unknown as string[]);
      start(startResponse);
      return [];
    }, { onViolation: take, onWarning: take }),
    environ,
  );
  assertEquals(calls, ["a\n", "b", "flush", "c", "writelines"]);
  assertStrictEquals(error, failure);
  assertEquals(codes, ["errors-throws", "errors-text"]);
});

Deno.test("validator() reports lines that are none, and bytes after the end", async () => {
  const table: [lines: string[], codes: string[]][] = [
    [["a\n", "b", ""], []],
    [["\n", "\n", ""], []],
    [["\nb", ""], ["input-result"]],
    [["a\nb", ""], ["input-result"]],
    [["a\nb\n", ""], ["input-result"]],
    [["a", "b"], ["input-after-end"]],
  ];
  for (const [lines, expected] of table) {
    const codes: string[] = [];
    const rest = lines.values();
    const input = {
      read: () => Promise.resolve(new Uint8Array(0)),
      readline: () => Promise.resolve(encoder.encode(rest.next().value)),
      readlines: () => Promise.resolve([]),
      readable: new ReadableStream(),
      async *[Symbol.asyncIterator]() {},
    };
    await serve(
      validator(async (environ, startResponse) => {
        for (const _ of lines) await environ["wsgi.input"].readline();
        start(startResponse);
        return [];
      }, { onViolation: ({ code }) => codes.push(code) }),
      createEnviron({ REQUEST_METHOD: "POST", "wsgi.input": input }),
    );
    assertEquals(codes, expected, JSON.stringify(lines));
  }
});

Deno.test("validator() takes what a read of all gave for the end, and no smaller read", async () => {
  const table: [sizes: (number | undefined)[], codes: string[]][] = [
    [[2, 1, 1], []],
    [[undefined, 1], ["input-after-end"]],
    [[5, 1], ["input-after-end"]],
  ];
  for (const [sizes, expected] of table) {
    const codes: string[] = [];
    const input = Object.assign(new WsgiInput(null), {
      read: (size = 4) => Promise.resolve(new Uint8Array(Math.min(size, 4))),
    });
    await serve(
      validator(async (environ, startResponse) => {
        for (const size of sizes) await environ["wsgi.input"].read(size);
        start(startResponse);
        return [];
      }, { onViolation: ({ code }) => codes.push(code) }),
      createEnviron({ REQUEST_METHOD: "POST", "wsgi.input": input }),
    );
    assertEquals(codes, expected, JSON.stringify(sizes));
  }
});

Deno.test("validator() leaves what is no stream and no wrapper as it is", async () => {
  const variables = {
    "wsgi.input": null,
    "wsgi.errors": "text",
    "wsgi.file_wrapper": 5,
  };
  const codes: string[] = [];
  let given: Record<string, unknown> = {};
  await serve(
    validator((environ, startResponse) => {
      given = environ;
      start(startResponse);
      return [];
    }, { onViolation: ({ code }) => codes.push(code) }),
    createEnviron(variables),
  );
  assertEquals({ ...given, ...variables }, given);
  assertEquals(codes.sort(), [
    "errors-type",
    "file-wrapper-type",
    "input-type",
  ]);
});

Deno.test("validator() gives the application a line that is none, too", async () => {
  const input = new WsgiInput(null);
  input.readline = () => Promise.resolve(null as never);
  const codes: string[] = [];
  let line: unknown;
  await serve(
    validator(async (environ, startResponse) => {
      line = await environ["wsgi.input"].readline();
      start(startResponse);
      return [];
    }, { onViolation: ({ code }) => codes.push(code) }),
    createEnviron({ "wsgi.input": input }),
  );
  assertEquals([line, codes], [null, ["input-result"]]);
});

Deno.test("validator() does not blame a log that refuses what is no text", async () => {
  const codes: string[] = [];
  await serve(
    validator((environ, startResponse) => {
      try {
        environ["wsgi.errors"].write(5 as never);
      } catch {
        // That is right.
      }
      start(startResponse);
      return [];
    }, {
      onViolation: ({ code }) => codes.push(code),
      onWarning: ({ code }) => codes.push(code),
    }),
    createEnviron({ "wsgi.errors": new TextErrorStream(() => {}) }),
  );
  assertEquals(codes, ["errors-text"]);
});
