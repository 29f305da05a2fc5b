// Copyright 2026 the wsgiref authors. MIT license.

import type {
  ErrorStream,
  FileWrapperFactory,
  InputStream,
  WsgiApplication,
  WsgiEnviron,
  WsgiResult,
} from "../types.ts";
import { WsgiInput } from "../util.ts";
import {
  between,
  type Cases,
  encoder,
  HELLO,
  hello,
  invalid,
  MISSING,
  run,
  type Scenario,
  TEXT,
  write,
} from "./_scenarios.ts";

/** An application that uses `wsgi.input`. */
function read(
  use: (input: InputStream) => Promise<unknown>,
  variables: Record<string, unknown> = {},
): Scenario {
  const app: WsgiApplication = async (environ, startResponse) => {
    await use(environ["wsgi.input"]);
    return hello(environ, startResponse);
  };
  return (validate) =>
    run(app, {
      "wsgi.input": new WsgiInput(encoder.encode("one\ntwo\n")),
      CONTENT_LENGTH: "8",
      ...variables,
    })(validate);
}

/** A server whose `wsgi.input` gives something else. */
function misread(
  input: Record<PropertyKey, unknown>,
  use: (input: InputStream) => Promise<unknown>,
): Scenario {
  return (validate) => {
    const correct = new WsgiInput(encoder.encode("one\ntwo\n"));
    return read(use, {
      "wsgi.input": {
        read: (size?: number) => correct.read(size),
        readline: (size?: number) => correct.readline(size),
        readlines: (hint?: number) => correct.readlines(hint),
        [Symbol.asyncIterator]: () => correct[Symbol.asyncIterator](),
        readable: null,
        ...input,
      },
    })(validate);
  };
}

/** An application that uses `wsgi.errors`. */
function log(
  use: (errors: ErrorStream) => void,
  variables: Record<string, unknown> = {},
): Scenario {
  return run((environ, startResponse) => {
    use(environ["wsgi.errors"]);
    return hello(environ, startResponse);
  }, variables);
}

/** An application that uses `wsgi.file_wrapper`. */
function wrap(
  use: (wrapper: FileWrapperFactory) => WsgiResult,
  variables: Record<string, unknown> = {},
): Scenario {
  return run((environ, startResponse) => {
    startResponse("200 OK", [TEXT]);
    return use(environ["wsgi.file_wrapper"] as FileWrapperFactory);
  }, variables);
}

/** Middleware that uses `wsgi.input` before it hands it on. */
function consume(
  use: (input: InputStream, environ: WsgiEnviron) => Promise<unknown>,
  variables: Record<string, unknown> = {},
): Scenario {
  return (validate) =>
    between(
      (app) => async (environ, startResponse) => {
        await use(environ["wsgi.input"], environ);
        return app(environ, startResponse);
      },
      hello,
      {
        "wsgi.input": new WsgiInput(encoder.encode("one\ntwo\n")),
        CONTENT_LENGTH: "8",
        ...variables,
      },
    )(validate);
}

/** What breaks the rules of `_environ_guards.ts`, and what is next to that and legal. */
export const CASES = {
  "input-arguments": {
    bad: {
      "read() with two": read((input) =>
        invalid<(...args: number[]) => Promise<void>>(
          input.read.bind(input),
        )(1, 2)
      ),
      "readline() with two": read((input) =>
        invalid<(...args: number[]) => Promise<void>>(
          input.readline.bind(input),
        )(1, 2)
      ),
      "readlines() with two": read((input) =>
        invalid<(...args: number[]) => Promise<void>>(
          input.readlines.bind(input),
        )(1, 2)
      ),
    },
    good: {
      "read() with none": read((input) => input.read()),
      "readline() with none": read((input) => input.readline()),
      "readlines() with one": read((input) => input.readlines(5)),
    },
  },
  "input-size": {
    bad: {
      "a negative number": read((input) => input.read(-1)),
      "a fraction": read((input) => input.readline(1.5)),
      "a string": read((input) => input.readlines(invalid("1"))),
      "null": read((input) => input.read(invalid(null))),
    },
    good: { "zero": read((input) => input.read(0)) },
  },
  "input-past-end": {
    bad: {
      "more than CONTENT_LENGTH": read((input) => input.read(9), {
        "wsgi.input_terminated": false,
      }),
      "more than is left": read(async (input) => {
        await input.readline();
        await input.read(5);
      }, { "wsgi.input_terminated": MISSING }),
      "without CONTENT_LENGTH": read((input) => input.read(1), {
        CONTENT_LENGTH: MISSING,
        "wsgi.input_terminated": false,
      }),
    },
    good: {
      "CONTENT_LENGTH": read((input) => input.read(8), {
        "wsgi.input_terminated": false,
      }),
      "all": read((input) => input.read(), { "wsgi.input_terminated": false }),
      "an input that ends by itself": read((input) => input.read(9)),
    },
  },
  "input-closed": {
    bad: {
      "close()": read(async (input) =>
        await invalid<{ close(): void }>(input).close()
      ),
    },
    good: {
      "iteration that stops early": read(async (input) => {
        for await (const _line of input) break;
      }),
    },
  },
  "middleware-input": {
    bad: {
      "a body that was read": consume((input) => input.read()),
      "a body that was read line by line": consume(async (input) => {
        for await (const _line of input);
      }),
      "a body of CONTENT_LENGTH": consume((input) => input.read(8), {
        "wsgi.input_terminated": false,
      }),
      "a body whose stream was read": consume((input) =>
        new Response(input.readable).text()
      ),
      "a body of one byte": consume(async (input, environ) => {
        environ.CONTENT_LENGTH = "1";
        await input.read(1);
      }),
    },
    good: {
      "a body that was given back": consume(async (input, environ) => {
        environ["wsgi.input"] = new WsgiInput(await input.read());
      }),
      "no body": consume(async (input, environ) => {
        await input.read();
        environ.CONTENT_LENGTH = "0";
      }),
      "a part of a body": consume((input) => input.readline()),
      "all but one byte": consume((input) => input.read(7)),
      "a body that did not come": consume((input) => input.read(), {
        "wsgi.input": new WsgiInput(null),
      }),
      "a stream that was not read": consume((input) =>
        Promise.resolve(input.readable)
      ),
      "a body that an application has read": between(
        (app) => async (environ, startResponse) => {
          const first = { ...environ };
          await app(first, () => write);
          return app({ ...environ }, startResponse);
        },
        async (environ, startResponse) => {
          await environ["wsgi.input"].read();
          return hello(environ, startResponse);
        },
        { "wsgi.input": new WsgiInput(HELLO), CONTENT_LENGTH: "5" },
      ),
    },
  },
  "input-result": {
    bad: {
      "a string from read()": misread(
        { read: () => Promise.resolve("text") },
        (input) => input.read(),
      ),
      "null from readline()": misread(
        { readline: () => Promise.resolve(null) },
        (input) => input.readline(),
      ),
      "two lines from readline()": misread(
        { readline: () => Promise.resolve(encoder.encode("one\ntwo\n")) },
        (input) => input.readline(),
      ),
      "bytes from readlines()": misread(
        { readlines: () => Promise.resolve(HELLO) },
        (input) => input.readlines(),
      ),
      "a set from readlines()": misread(
        { readlines: () => Promise.resolve(new Set([HELLO])) },
        (input) => input.readlines(),
      ),
      "strings from readlines()": misread(
        { readlines: () => Promise.resolve(["one\n"]) },
        (input) => input.readlines(),
      ),
      "strings from iteration": misread(
        {
          async *[Symbol.asyncIterator]() {
            yield "one\n";
          },
        },
        async (input) => {
          for await (const _line of input);
        },
      ),
      "a readable that is no stream": misread(
        { readable: null },
        async (input) => await input.readable,
      ),
    },
    good: {
      "what a WsgiInput gives": misread({}, async (input) => {
        await input.readline();
        for await (const _line of input);
        await input.readlines();
        await input.read();
      }),
      "the stream of a WsgiInput": read((input) =>
        new Response(input.readable).text()
      ),
    },
  },
  "input-excess": {
    bad: {
      "read()": misread(
        { read: () => Promise.resolve(new Uint8Array(5)) },
        (input) => input.read(4),
      ),
      "readline()": misread(
        { readline: () => Promise.resolve(new Uint8Array(5)) },
        (input) => input.readline(4),
      ),
    },
    good: {
      "read()": misread({}, (input) => input.read(4)),
      "readline()": misread({}, (input) => input.readline(2)),
    },
  },
  "input-after-end": {
    bad: {
      "after all": misread({
        read: () => Promise.resolve(new Uint8Array(5)),
      }, async (input) => {
        await input.read();
        await input.read();
      }),
      "after a short read": misread({
        read: () => Promise.resolve(new Uint8Array(3)),
      }, async (input) => {
        await input.read(5);
        await input.read(5);
      }),
      "after a line that does not end": misread({
        readline: () => Promise.resolve(encoder.encode("one")),
      }, async (input) => {
        await input.readline();
        await input.readline();
      }),
    },
    good: {
      "empty bytes after the end": misread({}, async (input) => {
        await input.read();
        await input.read();
        await input.readline();
        await input.readlines();
      }),
      "whole reads": misread({}, async (input) => {
        await input.read(4);
        await input.read(4);
      }),
      "parts of a line": misread({}, async (input) => {
        await input.readline(2);
        await input.readline(2);
      }),
    },
  },
  "errors-arguments": {
    bad: {
      "write() with two": log((errors) =>
        invalid<(...args: string[]) => void>(errors.write.bind(errors))(
          "a",
          "b",
        )
      ),
      "writelines() with two": log((errors) =>
        invalid<(...args: unknown[]) => void>(errors.writelines.bind(errors))(
          [],
          "b",
        )
      ),
      "flush() with one": log((errors) =>
        invalid<(force: boolean) => void>(errors.flush.bind(errors))(true)
      ),
    },
    good: {
      "as PEP 3333 has them": log((errors) => {
        errors.write("a");
        errors.writelines(["b"]);
        errors.flush();
      }),
    },
  },
  "errors-text": {
    bad: {
      "bytes": log((errors) => errors.write(invalid(HELLO))),
      "undefined": log((errors) => errors.write(invalid(undefined))),
      "a string as the list": log((errors) => errors.writelines("a")),
      "null as the list": log((errors) => errors.writelines(invalid(null))),
      "a number in the list": log((errors) =>
        errors.writelines(invalid(["a", 1]))
      ),
    },
    good: {
      "any text": log((errors) => errors.write("\u{1f600}")),
      "an iterator as the list": log((errors) =>
        errors.writelines(["a"].values())
      ),
    },
  },
  "errors-line-ending": {
    bad: { "\\r\\n": log((errors) => errors.write("a\r\n")) },
    good: { "\\n": log((errors) => errors.write("a\n")) },
  },
  "errors-closed": {
    bad: {
      "close()": log((errors) => invalid<{ close(): void }>(errors).close()),
    },
    good: { "flush()": log((errors) => errors.flush()) },
  },
  "errors-throws": {
    bad: {
      "a stream that refuses": log((errors) => {
        try {
          errors.write("\u{1f600}");
        } catch {
          // The warning is what counts.
        }
      }, {
        "wsgi.errors": {
          write() {
            throw new TypeError("refused");
          },
          writelines() {},
          flush() {},
        },
      }),
    },
    good: {
      "a stream that takes it": log((errors) => errors.write("\u{1f600}")),
    },
  },
  "file-wrapper-arguments": {
    bad: {
      "three arguments": wrap((wrapper) =>
        invalid<(...args: unknown[]) => WsgiResult>(wrapper)(
          new Blob(["Hello"]),
          5,
          5,
        )
      ),
    },
    good: {
      "one argument": wrap((wrapper) => wrapper(new Blob(["Hello"]))),
      "two arguments": wrap((wrapper) => wrapper(new Blob(["Hello"]), 5)),
    },
  },
  "file-wrapper-file": {
    bad: {
      "bytes": wrap((wrapper) => wrapper(invalid(HELLO))),
      "null": wrap((wrapper) => wrapper(invalid(null))),
    },
    good: {
      "a stream": wrap((wrapper) => wrapper(ReadableStream.from([HELLO]))),
      "an object with read()": wrap((wrapper) => wrapper({ read: () => null })),
    },
  },
  "file-wrapper-result": {
    bad: {
      "undefined": wrap((wrapper) => wrapper(new Blob(["Hello"])) ?? [], {
        "wsgi.file_wrapper": () => undefined,
      }),
      "no close()": wrap(
        (wrapper) => wrapper({ read: () => null, close() {} }),
        { "wsgi.file_wrapper": () => [] },
      ),
    },
    good: {
      "a FileWrapper": wrap((wrapper) =>
        wrapper({ read: () => null, close() {} })
      ),
      "no close() to call": wrap((wrapper) => wrapper({ read: () => null }), {
        "wsgi.file_wrapper": () => [],
      }),
    },
  },
} satisfies Cases;
