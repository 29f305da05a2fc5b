// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { ResponseBody } from "../_response_body.ts";
import { bytes, ERROR, fail, latin1, turn } from "./_handlers.ts";

/** A body that nobody leaves. */
function createBody(): ResponseBody {
  return new ResponseBody(() => {}, { sharesMemory: false });
}

/** A body that is read. */
function openBody(): {
  body: ResponseBody;
  reader: ReadableStreamDefaultReader<Uint8Array>;
} {
  const body = createBody();
  return { body, reader: body.open().getReader() };
}

/** What a read gave: text, or the end. */
async function textOf(
  read: Promise<ReadableStreamReadResult<Uint8Array>>,
): Promise<string | null> {
  const { done, value } = await read;
  return done ? null : latin1(value);
}

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown> | undefined) {
  const pending = Symbol("pending");
  for (let i = 0; i < 3; i++) await turn();
  const outcome = await Promise.race([promise, pending]).catch(() => {});
  return outcome !== pending;
}

Deno.test("ResponseBody keeps what is written as long as there is no stream", () => {
  const body = createBody();
  for (const text of ["a", "", "bc"]) body.write(bytes(text));
  assertEquals(body.isStream, false);
  assertEquals(body.demand, undefined);
  assertEquals(body.toBytes(), bytes("abc"));
  body.close();
});

for (const isOpen of [true, false]) {
  const state = isOpen ? "open" : "not open";
  Deno.test(`ResponseBody.hold() has what is written wait for the end, ${state}`, async () => {
    const body = createBody();
    body.isOwned = isOpen;
    let stream = isOpen ? body.open() : null;
    body.hold();
    const block = bytes("a");
    body.write(block);
    stream ??= body.open();
    // Only what is not owned may be used again.
    if (!body.isOwned) block.fill(0);
    const reader = stream.getReader();
    const read = reader.read();
    assertEquals(await isSettled(read), false);
    body.close();
    const { value } = await read;
    assertEquals(value, bytes("a"));
    assertEquals(value === block, body.isOwned);
    assertEquals(await textOf(reader.read()), null);
  });
}

Deno.test("ResponseBody.close() does nothing to a stream that was canceled", async () => {
  const body = createBody();
  const reader = body.open().getReader();
  body.hold();
  body.write(bytes("a"));
  await reader.cancel();
  body.close();
  assertEquals(await textOf(reader.read()), null);
});

Deno.test("ResponseBody.open() makes a stream that begins with what was written", async () => {
  const body = createBody();
  body.write(bytes("a"));
  body.write(bytes("b"));
  const reader = body.open().getReader();
  assertEquals(body.isStream, true);
  body.write(bytes("c"));
  body.close();
  const texts = [];
  for (let i = 0; i < 4; i++) texts.push(await textOf(reader.read()));
  assertEquals(texts, ["a", "b", "c", null]);
});

Deno.test("ResponseBody copies what is written, unless nobody else has it", async () => {
  for (const isOwned of [false, true]) {
    const { body, reader } = openBody();
    if (isOwned) body.isOwned = true;
    const block = bytes("a");
    body.write(block);
    const { value } = await reader.read();
    if (isOwned) assertStrictEquals(value, block);
    else assert(value?.buffer !== block.buffer);
    assertEquals(value, block);
  }
});

Deno.test("ResponseBody.demand settles when the client has taken what it was given", async () => {
  const { body, reader } = openBody();
  // Nothing was given, so nothing need be waited for.
  assertEquals(body.demand, undefined);
  for (const text of ["a", "b"]) {
    body.write(bytes(text));
    const { demand } = body;
    assertEquals(await isSettled(demand), false);
    assertEquals(await textOf(reader.read()), text);
    const next = reader.read();
    assertEquals(await isSettled(demand), true);
    assertEquals(body.demand, undefined);
    body.write(bytes("-"));
    await next;
  }
});

Deno.test("ResponseBody.demand does not settle for a client that waits for more than one block", async () => {
  const { body, reader } = openBody();
  const reads = [reader.read(), reader.read(), reader.read()];
  for (const read of reads) {
    body.write(bytes("a"));
    // There are other reads, or none, but none that was told of yet.
    assertEquals(await isSettled(body.demand), read !== reads.at(-1));
    assertEquals(await textOf(read), "a");
  }
});

Deno.test("ResponseBody.demand is one for all that was written without waiting", async () => {
  const { body, reader } = openBody();
  body.write(bytes("a"));
  const { demand } = body;
  body.write(bytes("b"));
  assertStrictEquals(body.demand, demand);
  for (let i = 0; i < 2; i++) await reader.read();
  const last = reader.read();
  assertEquals(await isSettled(demand), true);
  body.close();
  await last;
});

Deno.test("ResponseBody.close() lets go who waits for the client", async () => {
  const { body, reader } = openBody();
  body.write(bytes("a"));
  const { demand } = body;
  body.close();
  assertEquals(await isSettled(demand), true);
  await reader.read();
  assertEquals(await textOf(reader.read()), null);
});

Deno.test("ResponseBody.abort() cuts the stream off", async () => {
  const { body, reader } = openBody();
  body.abort(ERROR);
  await assertRejects(() => reader.read(), Error, "spam");
  // There is nothing to cut off.
  createBody().abort(ERROR);
});

Deno.test("ResponseBody tells of a client that has gone, and waits for what is done then", async () => {
  const done = Promise.withResolvers<void>();
  let leaves = 0;
  const body = new ResponseBody(() => {
    leaves++;
    return done.promise;
  }, { sharesMemory: false });
  const canceled = body.open().cancel();
  assertEquals(leaves, 1);
  assertEquals(await isSettled(canceled), false);
  done.resolve();
  await canceled;
});

Deno.test("ResponseBody copies what may be changed, small blocks into shared memory", async () => {
  for (const sharesMemory of [false, true]) {
    const body = new ResponseBody(() => {}, { sharesMemory });
    const block = new Uint8Array(3_000);
    const reader = body.open().getReader();
    const chunks: Uint8Array[] = [];
    for (let i = 1; i <= 40; i++) {
      const read = reader.read();
      body.write(block.fill(i));
      block.fill(0);
      chunks.push((await read).value ?? block);
    }
    assertEquals(chunks.map(([first]) => first), chunks.map((_, i) => i + 1));
    assertEquals(chunks.every(({ length }) => length === 3_000), true);
    const memories = new Set(chunks.map(({ buffer }) => buffer)).size;
    assertEquals(memories < 10, sharesMemory);
  }
});

// Block by block

/** Gives blocks, at once or later, and counts how often it was asked. */
class Source {
  asks = 0;
  #texts: string[];
  #body: ResponseBody;
  #isAsync: boolean;

  constructor(body: ResponseBody, texts: string[], isAsync: boolean) {
    this.#body = body;
    this.#texts = texts;
    this.#isAsync = isAsync;
  }

  sendNext = (): boolean | Promise<boolean> => {
    this.asks++;
    return this.#isAsync ? turn().then(() => this.#send()) : this.#send();
  };

  #send(): boolean {
    const text = this.#texts.shift();
    if (text === undefined) return false;
    // As the handlers do.
    if (text !== "") this.#body.write(bytes(text));
    return true;
  }
}

for (const isAsync of [false, true]) {
  const kind = isAsync ? "later" : "at once";

  Deno.test(`ResponseBody.sendEach() sends each block that is there ${kind} when it is asked for`, async () => {
    const { body, reader } = openBody();
    const source = new Source(body, ["a", "b", "c"], isAsync);
    const sent = body.sendEach(source.sendNext);
    assertEquals(await isSettled(sent), false);
    assertEquals(source.asks, 0);
    for (const [index, text] of ["a", "b", "c"].entries()) {
      assertEquals(await textOf(reader.read()), text);
      for (let i = 0; i < 3; i++) await turn();
      assertEquals(source.asks, index + 1);
      assertEquals(await isSettled(sent), false);
    }
    const last = reader.read();
    await sent;
    assertEquals(source.asks, 4);
    body.close();
    assertEquals(await textOf(last), null);
  });

  Deno.test(`ResponseBody.sendEach() passes over empty blocks that are there ${kind}`, async () => {
    const { body, reader } = openBody();
    const source = new Source(body, ["", "", "a", "", "b", ""], isAsync);
    const sent = body.sendEach(source.sendNext);
    assertEquals(await textOf(reader.read()), "a");
    assertEquals(await textOf(reader.read()), "b");
    const last = reader.read();
    await sent;
    body.close();
    assertEquals(await textOf(last), null);
    assertEquals(source.asks, 7);
  });

  Deno.test(`ResponseBody.sendEach() answers reads that do not wait with blocks that are there ${kind}`, async () => {
    const { body, reader } = openBody();
    // Giving one block asks for the next, in the midst of the giving.
    const reads = [1, 2, 3, 4].map(() => textOf(reader.read()));
    await turn();
    const source = new Source(body, ["a", "b", "c"], isAsync);
    await body.sendEach(source.sendNext);
    assertEquals(source.asks, 4);
    body.close();
    assertEquals(await Promise.all(reads), ["a", "b", "c", null]);
  });

  Deno.test(`ResponseBody.sendEach() is not asked again after an end that comes ${kind}`, async () => {
    const { body, reader } = openBody();
    const source = new Source(body, [], isAsync);
    const read = reader.read();
    await body.sendEach(source.sendNext);
    // The client may ask until the stream is closed.
    const another = reader.read();
    await turn();
    assertEquals(source.asks, 1);
    body.close();
    assertEquals([await textOf(read), await textOf(another)], [null, null]);
  });

  Deno.test(`ResponseBody.sendEach() rejects with an error that comes ${kind}`, async () => {
    const { body, reader } = openBody();
    const read = reader.read();
    await assertRejects(
      () =>
        body.sendEach(isAsync ? () => turn().then(() => fail()) : () => fail()),
      Error,
      "spam",
    );
    body.abort(ERROR);
    await assertRejects(() => read, Error, "spam");
  });
}

Deno.test("ResponseBody.sendEach() asks for nothing while a block is on its way", async () => {
  const { body, reader } = openBody();
  const block = Promise.withResolvers<boolean>();
  let asks = 0;
  const sent = body.sendEach(() => {
    asks++;
    return block.promise;
  });
  const reads = [reader.read(), reader.read()];
  await turn();
  assertEquals(asks, 1);
  block.resolve(false);
  await sent;
  assertEquals(asks, 1);
  body.close();
  await Promise.all(reads);
});

Deno.test("ResponseBody.sendEach() goes on after what was written", async () => {
  const body = createBody();
  body.write(bytes("a"));
  const reader = body.open().getReader();
  const { demand } = body;
  const source = new Source(body, ["b"], false);
  const sent = body.sendEach(source.sendNext);
  // Nobody has to wait for the client any more.
  assertEquals(await isSettled(demand), true);
  assertEquals(body.demand, undefined);
  assertEquals(source.asks, 0);
  assertEquals(await textOf(reader.read()), "a");
  assertEquals(await textOf(reader.read()), "b");
  assertEquals(body.demand, undefined);
  const last = reader.read();
  await sent;
  body.close();
  assertEquals(await textOf(last), null);
});

Deno.test("ResponseBody.lose() ends each wait for the client", async () => {
  const writing = openBody().body;
  writing.write(bytes("a"));
  const demand = writing.demand ?? Promise.resolve();
  writing.lose(ERROR);
  await assertRejects(() => demand, Error, "spam");

  const sending = openBody().body;
  const sent = sending.sendEach(() => true);
  sending.lose(ERROR);
  await assertRejects(() => sent, Error, "spam");
});

Deno.test("ResponseBody.lose() needs nobody to wait", async () => {
  createBody().lose(ERROR);
  const { body } = openBody();
  body.write(bytes("a"));
  body.lose(ERROR);
  // A rejection that nobody handles would fail the test.
  await turn();
});

Deno.test("ResponseBody has no two blocks that wait share memory", async () => {
  const body = new ResponseBody(() => {}, { sharesMemory: true });
  const reader = body.open().getReader();
  body.write(new Uint8Array([1]));
  body.write(new Uint8Array([2]));
  const first = (await reader.read()).value;
  const second = (await reader.read()).value;
  assert(first && second);
  assertFalse(first.buffer === second.buffer);
  // What was taken may be transferred.
  structuredClone(first.buffer, { transfer: [first.buffer as ArrayBuffer] });
  body.write(new Uint8Array([3]));
  assertEquals((await reader.read()).value, new Uint8Array([3]));
  assertEquals(second, new Uint8Array([2]));
});
