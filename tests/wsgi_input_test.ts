// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertFalse,
  assertGreater,
  assertLess,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  ConnectionLostError,
  WsgiInput,
  type WsgiInputOptions,
  type WsgiInputSource,
} from "../util.ts";
import { RequestError } from "../_request_error.ts";
import { chunked, toText } from "./_bytes.ts";

/** The answers of CPython, as `python3 tests/util_vectors.py` writes them. */
interface Vectors {
  WsgiInput: [
    body: string,
    reads: [
      method: "read" | "readline" | "readlines",
      args: [] | [number],
      result: string | string[],
    ][],
  ][];
}

const vectors: Vectors = JSON.parse(
  await Deno.readTextFile(new URL("util_vectors.json", import.meta.url)),
);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A generator of numbers that are the same in each run. */
function createRandom(seed: number): (below: number) => number {
  return (below) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

function createInput(
  source: WsgiInputSource | string,
  options?: WsgiInputOptions,
): WsgiInput {
  const body = typeof source === "string" ? encoder.encode(source) : source;
  return new WsgiInput(body, options);
}

/** The ways to give an input the same bytes. */
function* sourcesOf(data: Uint8Array): Generator<WsgiInputSource> {
  yield data;
  for (const size of [1, 3, 1000]) yield chunked(data, size);
  yield chunked(data, 0, 2, 0, 5);
  yield { body: chunked(data, 4) };
  yield new Request("http://h/", {
    method: "POST",
    body: new Uint8Array(data),
  });
  yield new Response(chunked(data, 7) as ReadableStream);
}

Deno.test("WsgiInput reads as a file of CPython does", async () => {
  let departures = 0;
  for (const [body, reads] of vectors.WsgiInput) {
    const data = encoder.encode(body);
    for (const source of sourcesOf(data)) {
      const input = new WsgiInput(source);
      for (const [method, args, result] of reads) {
        if (args[0] === -1) {
          await assertRejects(() => input[method](-1), RangeError);
          departures++;
        } else {
          assertEquals(toText(await input[method](...args)), result);
        }
      }
      await input.cancel();
    }
  }
  assert(departures > 0, "a negative size is a RangeError");
});

Deno.test("WsgiInput agrees with a model on random bodies, chunks, limits and reads", async () => {
  const random = createRandom(1);
  for (let round = 0; round < 1500; round++) {
    const data = Uint8Array.from(
      { length: random(random(4) ? 40 : 3000) },
      () => random(8) ? random(256) : 10,
    );
    const sizes = Array.from({ length: data.length + 1 }, () => random(12));
    const stream = chunked(data, ...sizes, 7);
    const source = [stream, stream, new Response(stream as BodyInit), data];
    const limit = random(2) ? random(data.length + 1) : Infinity;
    const input = new WsgiInput(source[random(4)] ?? null, { limit });

    let rest = data.slice(0, limit);
    const take = (size: number) => {
      const taken = rest.subarray(0, size);
      rest = rest.subarray(taken.length);
      return taken;
    };
    const takeLine = (size = Infinity) =>
      take(Math.min(size, rest.indexOf(10) + 1 || Infinity));

    const blocks: [block: Uint8Array, copy: Uint8Array][] = [];
    for (let step = 0; step < 10; step++) {
      const size = random(3) ? random(30) : undefined;
      const block = [
        async () => [await input.read(size), take(size ?? Infinity)],
        async () => [await input.readline(size), takeLine(size)],
        async () => {
          const lines = await input.readlines(size);
          const expected: Uint8Array[] = [];
          for (let length = 0; rest.length > 0;) {
            const line = takeLine();
            expected.push(line);
            length += line.length;
            if (size && length >= size) break;
          }
          assertEquals(lines, expected);
          return [];
        },
        async () => {
          let count = random(4);
          for await (const line of input) {
            assertEquals(line, takeLine());
            if (count-- === 0) return [];
          }
          assertEquals(rest.length, 0);
          return [];
        },
      ];
      const [actual, expected] = await block[random(block.length)]?.() ?? [];
      if (actual === undefined || expected === undefined) continue;
      assertEquals(actual, expected);
      blocks.push([actual, expected]);
    }
    for (const [block, copy] of blocks) assertEquals(block, copy);
    const left = await new Response(input.readable).bytes();
    assertEquals(left, rest);
  }
});

Deno.test("WsgiInput gives nothing for ever at the end", async () => {
  for (const source of ["", "a\nb", null, { body: null }]) {
    const input = createInput(source);
    await input.read();
    for (let i = 0; i < 2; i++) {
      assertEquals(await input.read(), new Uint8Array());
      assertEquals(await input.read(5), new Uint8Array());
      assertEquals(await input.readline(), new Uint8Array());
      assertEquals(await input.readlines(), []);
      for await (const _ of input) throw new Error("There is a line");
    }
    assertEquals(await new Response(input.readable).text(), "");
  }
});

Deno.test("WsgiInput does not touch its source before bytes are asked for", async () => {
  let touched = 0;
  const stream = chunked(encoder.encode("abc"), 1);
  const source = {
    get body() {
      touched++;
      return stream;
    },
  };
  assert(new WsgiInput(source, { limit: 3 }).readable);
  const input = new WsgiInput(source);
  assertEquals(await input.read(0), new Uint8Array());
  assertEquals(await input.readline(0), new Uint8Array());
  const limited = new WsgiInput(source, { limit: 0 });
  assertEquals(await limited.read(), new Uint8Array());
  assertEquals(await new Response(limited.readable).text(), "");
  assertEquals(touched, 0);
  assertFalse(stream.locked);
  assertEquals(toText(await input.read(2)), "ab");
  assertEquals(toText(await input.read()), "c");
  assertEquals(touched, 1);
});

Deno.test("WsgiInput reads a whole body at once if its source can", async () => {
  const createSource = (bodyUsed: boolean) => ({
    body: chunked(encoder.encode("a\nb"), 1),
    bodyUsed,
    reads: 0,
    arrayBuffer() {
      this.reads++;
      return new Response(this.body as BodyInit).arrayBuffer();
    },
  });
  const whole = createSource(false);
  const input = new WsgiInput(whole);
  assertEquals(await input.read(0), new Uint8Array());
  assertEquals(toText(await input.read()), "a\nb");
  assertEquals(await input.read(), new Uint8Array());
  assertEquals(await new Response(input.readable).text(), "");
  assertEquals(whole.reads, 1);

  const started = createSource(false);
  const used = createSource(true);
  const limited = createSource(false);
  for (
    const [source, options, first] of [
      [started, {}, "a\n"],
      [used, {}, ""],
      [limited, { limit: 3 }, ""],
    ] as const
  ) {
    const input = new WsgiInput(source, options);
    if (first) assertEquals(toText(await input.readline()), first);
    assertEquals(first + toText(await input.read()), "a\nb");
    assertEquals(source.reads, 0);
  }
});

Deno.test("WsgiInput reads no more than it must", async () => {
  let pulls = 0;
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        pulls++;
        controller.enqueue(encoder.encode("ab\ncd"));
      },
    }, { highWaterMark: 0 });

  const input = new WsgiInput(endless());
  assertEquals(toText(await input.read(5)), "ab\ncd");
  assertEquals(pulls, 1);
  assertEquals(toText(await input.readline()), "ab\n");
  assertEquals(pulls, 2);
  assertEquals(toText(await input.readlines(4)), ["cdab\n"]);
  assertEquals(pulls, 3);
  await input.cancel();

  pulls = 0;
  const limited = new WsgiInput(endless(), { limit: 7 });
  assertEquals(toText(await limited.readlines()), ["ab\n", "cdab"]);
  assertEquals(toText(await limited.read()), "");
  assertEquals(pulls, 2);
  await limited.cancel();

  pulls = 0;
  const stream = new WsgiInput(endless(), { limit: 10 });
  assertEquals(
    await new Response(stream.readable).text(),
    "ab\ncdab\ncd",
  );
  assertEquals(pulls, 2);
});

Deno.test("WsgiInput rejects when the body ends before its limit", async () => {
  const message =
    "Cannot read the request body as it broke off after 3 of 10 bytes";
  for (const source of sourcesOf(encoder.encode("abc"))) {
    const input = new WsgiInput(source, { limit: 10 });
    assertEquals(toText(await input.read(3)), "abc");
    for (let i = 0; i < 2; i++) {
      await assertRejects(() => input.read(1), TypeError, message);
      await assertRejects(() => input.readlines(), TypeError, message);
    }
    await assertRejects(
      () => new Response(input.readable).text(),
      TypeError,
      message,
    );
  }
  await assertRejects(
    () => createInput(null, { limit: 1 }).read(),
    TypeError,
    "Cannot read the request body as it broke off after 0 of 1 bytes",
  );
});

Deno.test("WsgiInput rejects each read with the error of its source", async () => {
  const failure = new Error("The connection is gone");
  const failing = () =>
    new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode("a\nb")),
      pull: (controller) => controller.error(failure),
    }, { highWaterMark: 0 });
  const input = new WsgiInput(failing());
  assertEquals(toText(await input.readline()), "a\n");
  for (const method of ["readline", "read", "readlines"] as const) {
    assertStrictEquals(await input[method]().catch((e) => e), failure);
  }
  const whole = new WsgiInput(new Response(failing() as BodyInit));
  assertStrictEquals(await whole.read().catch((e) => e), failure);
  assertStrictEquals(await whole.read().catch((e) => e), failure);
  const left = whole.readable.getReader();
  assertStrictEquals(await left.read().catch((e) => e), failure);
  const partial = new WsgiInput(failing());
  await partial.readline();
  const reader = partial.readable.getReader();
  assertEquals((await reader.read()).value, encoder.encode("b"));
  assertStrictEquals(await reader.read().catch((e) => e), failure);
});

Deno.test("WsgiInput throws on a bad source, limit or size", async () => {
  const bad = (value: unknown) => value as never;
  const sources: [source: unknown, shown: string][] = [
    [undefined, "undefined"],
    ["abc", '"abc"'],
    [5, "5"],
    [{}, "[object Object]"],
    [[97], "[97]"],
  ];
  for (const [source, shown] of sources) {
    assertThrows(
      () => new WsgiInput(bad(source)),
      TypeError,
      `Cannot read the body as its source must be a stream, bytes, an object with a "body", or null: received ${shown}`,
    );
  }
  const sizes: [size: unknown, shown: string][] = [
    [-1, "-1"],
    [1.5, "1.5"],
    [NaN, "NaN"],
    [-Infinity, "-Infinity"],
    ["5", '"5"'],
    [null, "null"],
  ];
  for (const [size, shown] of sizes) {
    const message = (name: string) =>
      `Cannot read the body as "${name}" must be an integer >= 0: received ${shown}`;
    assertThrows(
      () => createInput("abc", { limit: bad(size) }),
      RangeError,
      message("limit"),
    );
    assertThrows(
      () => createInput("abc", { maxSize: bad(size) }),
      RangeError,
      message("maxSize"),
    );
    const input = createInput("abc");
    for (
      const [method, name] of [
        ["read", "size"],
        ["readline", "size"],
        ["readlines", "hint"],
      ] as const
    ) {
      await assertRejects(
        () => input[method](bad(size)),
        RangeError,
        message(name),
      );
    }
    assertEquals(toText(await input.read()), "abc");
  }
});

Deno.test("WsgiInput rejects a stream that gives no bytes", async () => {
  const input = new WsgiInput(
    ReadableStream.from(["abc"]) as ReadableStream<never>,
  );
  await assertRejects(
    () => input.read(),
    TypeError,
    'Cannot read the body as its stream must give bytes: received "abc"',
  );
});

Deno.test("WsgiInput rejects a read while another one has not ended", async () => {
  const message = "Cannot read the body while it is being read";
  for (const source of sourcesOf(encoder.encode("ab\ncd\n"))) {
    const input = new WsgiInput(source);
    const [first] = await Promise.all([
      input.readline(),
      assertRejects(() => input.read(1), TypeError, message),
      assertRejects(() => input.readlines(), TypeError, message),
      assertThrows(() => input.readable, TypeError, message),
    ]);
    assertEquals(toText(first), "ab\n");
    assertEquals(toText(await input.read()), "cd\n");
  }
});

Deno.test("WsgiInput does not take a wrong use for an error of its source", async () => {
  const locked = chunked(encoder.encode("abc"), 1);
  locked.getReader();
  const strings = ReadableStream.from(["abc"]) as ReadableStream<never>;
  for (const source of [locked, strings, new Response(strings)]) {
    const input = new WsgiInput(source);
    await assertRejects(() => input.read(), TypeError);
  }
});

Deno.test("WsgiInput rejects a read once `readable` has been taken", async () => {
  const message = 'Cannot read the body as its "readable" has been taken';
  for (const source of sourcesOf(encoder.encode("ab\ncd\n"))) {
    const input = new WsgiInput(source);
    const { readable } = input;
    assertStrictEquals(input.readable, readable);
    await assertRejects(() => input.read(), TypeError, message);
    await assertRejects(() => input.readline(), TypeError, message);
    await assertRejects(() => input.readlines(), TypeError, message);
    await assertRejects(
      () => input[Symbol.asyncIterator]().next(),
      TypeError,
      message,
    );
    assertEquals(await new Response(readable).text(), "ab\ncd\n");
    await assertRejects(() => input.read(), TypeError, message);
  }
});

Deno.test("WsgiInput.readable is the source itself if it can be", async () => {
  const stream = chunked(encoder.encode("abc"), 1);
  assertStrictEquals<unknown>(new WsgiInput(stream).readable, stream);
  assertStrictEquals<unknown>(
    new WsgiInput({ body: stream }).readable,
    stream,
  );
  const limited = new WsgiInput(stream, { limit: 3 });
  assertNotEquals<unknown>(limited.readable, stream);
  assertEquals(await new Response(limited.readable).text(), "abc");
});

Deno.test("WsgiInput.readable leaves the blocks that were read as they are", async () => {
  const data = encoder.encode("head\nrest of it");
  for (const source of sourcesOf(data)) {
    const input = new WsgiInput(source);
    const head = await input.readline();
    assertEquals(await new Response(input.readable).text(), "rest of it");
    assertEquals(toText(head), "head\n");
  }
  assertEquals(decoder.decode(data), "head\nrest of it");
});

Deno.test("WsgiInput cancels its source", async () => {
  for (const limit of [Infinity, 10]) {
    for (const isStarted of [false, true]) {
      for (const isReadable of [false, true]) {
        const reasons: unknown[] = [];
        const input = new WsgiInput(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(4)),
            cancel: (reason) => void reasons.push(reason),
          }, { highWaterMark: 0 }),
          { limit },
        );
        if (isStarted) await input.read(1);
        await (isReadable ? input.readable : input).cancel("enough");
        assertEquals(reasons, ["enough"]);
      }
    }
  }
  await createInput("abc").cancel();
  await createInput(null).cancel();
  const stream = chunked(encoder.encode("abc"), 3);
  const reader = stream.getReader();
  await new WsgiInput(stream).cancel();
  assertEquals((await reader.read()).value, encoder.encode("abc"));
});

Deno.test("WsgiInput.cancel() ends a read that waits", async () => {
  const input = new WsgiInput(new ReadableStream());
  const read = input.read();
  await input.cancel();
  assertEquals(await read, new Uint8Array());
});

/** The ways to read all of a body. */
const READS: Record<string, (input: WsgiInput) => Promise<unknown>> = {
  "read()": (input) => input.read(),
  "read() in pieces": async (input) => {
    while ((await input.read(2)).length > 0);
  },
  "readline()": async (input) => {
    while ((await input.readline()).length > 0);
  },
  "readlines()": (input) => input.readlines(),
  "iteration": (input) => Array.fromAsync(input),
  "readable": (input) => new Response(input.readable).bytes(),
};

for (const [way, readAll] of Object.entries(READS)) {
  Deno.test(`WsgiInput by ${way} takes as many bytes as maxSize, and no more`, async () => {
    const data = encoder.encode("ab\ncdef");
    for (const maxSize of [7, 8, Infinity]) {
      for (const source of sourcesOf(data)) {
        await readAll(new WsgiInput(source, { maxSize, limit: 7 }));
      }
      // Nothing tells how long a body in chunks will be.
      for (const source of sourcesOf(data)) {
        await readAll(new WsgiInput(source, { maxSize }));
      }
    }
    for (const maxSize of [0, 2, 6]) {
      for (const source of sourcesOf(data)) {
        let losses = 0;
        const input = new WsgiInput(source, {
          maxSize,
          onConnectionLost: () => losses++,
        });
        const error = await assertRejects(
          () => readAll(input),
          RequestError,
          `Cannot read the request body as it is longer than ${maxSize} bytes`,
        );
        assertEquals(error.status, 413);
        assertEquals(losses, 0);
        // So does all that comes later. A stream is read once.
        if (way === "readable") continue;
        assertStrictEquals(await input.read().catch((error) => error), error);
      }
    }
  });

  Deno.test(`WsgiInput by ${way} tells once that the client has gone`, async () => {
    const cause = new Error("The connection is gone");
    const broken = () =>
      new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(encoder.encode("a\nb")),
        pull: (controller) => controller.error(cause),
      }, { highWaterMark: 0 });
    for (
      const [source, limit, place] of [
        [broken(), Infinity, "before its end"],
        [new Response(broken() as BodyInit), Infinity, "before its end"],
        [broken(), 9, "after 3 of 9 bytes"],
        [encoder.encode("a\nb"), 9, "after 3 of 9 bytes"],
        [null, 9, "after 0 of 9 bytes"],
      ] as [WsgiInputSource, number, string][]
    ) {
      const losses: ConnectionLostError[] = [];
      const input = new WsgiInput(source, {
        limit,
        onConnectionLost: (error) => losses.push(error),
      });
      const error = await assertRejects(
        () => readAll(input),
        ConnectionLostError,
        `Cannot read the request body as it broke off ${place}`,
      );
      assertEquals(error.status, 400);
      const isBroken = source instanceof ReadableStream ||
        source instanceof Response;
      assertStrictEquals(error.cause, isBroken ? cause : undefined);
      if (way !== "readable") {
        assertStrictEquals(await input.read().catch((error) => error), error);
      }
      assertEquals(losses, [error]);
    }
  });
}

Deno.test("WsgiInput takes nothing else for a client that has gone", async () => {
  const onConnectionLost = () => {
    throw new Error("It was called");
  };
  for (const source of sourcesOf(encoder.encode("ab\ncd"))) {
    const input = new WsgiInput(source, { limit: 5, onConnectionLost });
    assertEquals(toText(await input.readlines()), ["ab\n", "cd"]);
    assertEquals(await input.read(), new Uint8Array());
  }
  const wrong = new WsgiInput(
    ReadableStream.from(["spam"]) as unknown as ReadableStream<Uint8Array>,
    { onConnectionLost },
  );
  await assertRejects(() => wrong.read(), TypeError, "must give bytes");
  const locked = chunked(encoder.encode("abc"), 1);
  locked.getReader();
  await assertRejects(
    () => new WsgiInput(locked, { onConnectionLost }).read(),
    TypeError,
    "locked",
  );
  const waiting = new WsgiInput(new ReadableStream(), {
    limit: 5,
    onConnectionLost,
  });
  const read = waiting.read();
  await waiting.cancel();
  assertEquals(await read, new Uint8Array());
});

Deno.test("WsgiInput is at its end once it is canceled", async () => {
  for (const begin of [() => {}, (input: WsgiInput) => input.read(1)]) {
    for (const source of sourcesOf(encoder.encode("abc"))) {
      const input = new WsgiInput(source, { limit: 3 });
      await begin(input);
      await input.cancel();
      await input.cancel();
      // What had come is still there.
      const rest = toText(await input.read());
      assert("abc".includes(String(rest)));
      assertEquals(await input.read(), new Uint8Array());
    }
  }
});

Deno.test("WsgiInput.cancel() ends a read of `readable` that waits", async () => {
  let cancels = 0;
  const source = new ReadableStream({ cancel: () => void cancels++ });
  const input = new WsgiInput(source, { limit: 9 });
  const read = input.readable.getReader().read();
  await input.cancel();
  assertEquals((await read).done, true);
  assertEquals(cancels, 1);
});

Deno.test("WsgiInput.cancel() leaves a source alone that is at its end", async () => {
  let cancels = 0;
  const input = new WsgiInput(
    new ReadableStream({
      start(controller) {
        controller.enqueue(encoder.encode("abc"));
        controller.close();
      },
      cancel: () => void cancels++,
    }),
  );
  await input.read();
  await input.cancel();
  assertEquals(cancels, 0);
});

Deno.test("WsgiInput looks at each byte and copies it a few times at most", async () => {
  const { prototype } = Object.getPrototypeOf(Uint8Array);
  const { indexOf, set } = prototype;
  let work = 0;
  prototype.indexOf = function (this: Uint8Array, value: number) {
    const index = indexOf.call(this, value);
    work += index < 0 ? this.length : index + 1;
    return index;
  };
  prototype.set = function (this: Uint8Array, bytes: Uint8Array, at?: number) {
    work += bytes.length;
    set.call(this, bytes, at);
  };
  try {
    const size = 300_000;
    const oneLine = new Uint8Array(size);
    const lines = Uint8Array.from(oneLine, (_, i) => i % 7 ? 97 : 10);
    for (const data of [oneLine, lines]) {
      for (const chunkSize of [1, 1000, size]) {
        for (const limit of [undefined, 3]) {
          work = 0;
          const input = new WsgiInput(chunked(data, chunkSize));
          let length = 0;
          let line: Uint8Array;
          do {
            line = await input.readline(limit);
            length += line.length;
          } while (line.length > 0);
          assertEquals(length, size);
          assertLess(work, 6 * size);
        }
        work = 0;
        const input = new WsgiInput(chunked(data, chunkSize));
        assertEquals((await input.read()).length, size);
        assertLess(work, 6 * size);
      }
    }
  } finally {
    Object.assign(prototype, { indexOf, set });
  }
});

Deno.test("WsgiInput reads every byte of a large body, whatever its stream gives", async () => {
  const size = 3_000_000;
  const data = Uint8Array.from({ length: size }, (_, at) => at * 7 >> 3);
  const sources: ReadableStream<Uint8Array>[] = [
    chunked(data, 70_001),
    new Blob([data]).stream(),
    new ReadableStream({
      type: "bytes",
      start(controller) {
        controller.enqueue(data.slice());
        controller.close();
      },
    }),
  ];
  for (const source of sources) {
    const input = new WsgiInput(source);
    const read: Uint8Array[] = [];
    do read.push(await input.read(99_999)); while (read.at(-1)?.length);
    const bytes = new Uint8Array(
      await new Blob(read as BlobPart[]).arrayBuffer(),
    );
    assertEquals(bytes.length, size);
    assertEquals(bytes.findIndex((byte, at) => byte !== data[at]), -1);
  }
});

Deno.test("WsgiInput.readable leaves the blocks of a large body as they are", async () => {
  const data = Uint8Array.from({ length: 1_500_000 }, (_, at) => at * 7 >> 3);
  const input = new WsgiInput(
    new ReadableStream({
      type: "bytes",
      start(controller) {
        for (let at = 0; at < data.length; at += 50_000) {
          controller.enqueue(data.slice(at, at + 50_000));
        }
        controller.close();
      },
    }),
  );
  const head = await input.read(10);
  const next = await input.read(1_200_000);
  const blocks = await Array.fromAsync(input.readable);
  assertGreater(blocks.length, 1);
  const bytes = await new Blob([head, next, ...blocks]).bytes();
  assertEquals(bytes.length, data.length);
  assertEquals(bytes.findIndex((byte, at) => byte !== data[at]), -1);
});

Deno.test("WsgiInput.isDone is true of a body that was read as a whole", async () => {
  for (const source of sourcesOf(encoder.encode("abc"))) {
    const input = new WsgiInput(source);
    await input.read();
    assert(input.isDone);
  }
});

Deno.test("WsgiInput.cancel() ends a read of all that its source then breaks off", async () => {
  const { promise, reject } = Promise.withResolvers<ArrayBuffer>();
  const input = new WsgiInput({ body: null, arrayBuffer: () => promise });
  const read = input.read();
  await input.cancel();
  reject(new Error("canceled"));
  assertEquals(await read, new Uint8Array());
});

Deno.test("WsgiInput.skip() drops what is left, and tells how much came", async () => {
  const data = encoder.encode("abcdef");
  for (const source of sourcesOf(data)) {
    const input = new WsgiInput(source);
    await input.read(2);
    await input.skip();
    assertEquals(input.received, 6);
    assert(input.isDone);
    // There is nothing more to ask for.
    await input.skip();
    assertEquals(input.received, 6);
  }
});

Deno.test("WsgiInput.skip() ends when it is canceled, and when its source fails", async () => {
  let count = 0;
  const endless = new WsgiInput(
    new ReadableStream({
      pull(controller) {
        if (++count === 3) endless.cancel();
        else controller.enqueue(new Uint8Array(2));
      },
    }),
  );
  await endless.skip();
  assertLess(count, 5);
  const canceled = new WsgiInput(new ReadableStream());
  await canceled.cancel();
  await canceled.skip();

  const failing = new WsgiInput(
    new ReadableStream({
      pull: () => Promise.reject(new Error("The connection is gone")),
    }),
  );
  await failing.skip();
});

Deno.test("WsgiInput.open() has the source make its stream, unless that is at its end", async () => {
  let count = 0;
  const source = {
    get body() {
      count++;
      return count === 1 ? chunked(encoder.encode("abc"), 2) : null;
    },
  };
  const input = new WsgiInput(source);
  assertEquals(count, 0);
  input.open();
  assertEquals(count, 1);

  count = 0;
  const read = new WsgiInput(source);
  await read.read();
  assertEquals([count, read.isDone], [1, true]);
  read.open();
  assertEquals(count, 1);
});

Deno.test("WsgiInput ends no process by a read that nobody waits for", async () => {
  const caught: unknown[] = [];
  const note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    caught.push(event.reason);
  };
  addEventListener("unhandledrejection", note);
  try {
    for (const method of ["read", "readline"] as const) {
      const source = new ReadableStream<Uint8Array>({
        start: (controller) => controller.error(new TypeError("spam")),
      });
      new WsgiInput(source)[method]();
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
    assertEquals(caught, []);
  } finally {
    removeEventListener("unhandledrejection", note);
  }
});
