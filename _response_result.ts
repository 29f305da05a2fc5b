// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import { quote } from "./_escape.ts";
import type { BlockIterator, Step } from "./_result.ts";
import type { StartResponse, WsgiHeader, WsgiResult } from "./types.ts";
import { isHopByHop } from "./util.ts";

/** The most blocks of a body that is known whole: a form has several. */
const MAX_BLOCKS = 8;

/** After so many turns of microtasks, what has not come is not there yet. */
const MAX_TURNS = 48;

const EMPTY = new Uint8Array(0);

// Bun gives a body that is no stream this type when it sends it, not before.
const IS_BUN = "Bun" in globalThis;

/** The reason phrases: most are imported when one is first needed. */
let reasons: Readonly<Record<number, string>> = { 200: "OK" };

async function importReason(status: number): Promise<string> {
  reasons = (await import("@std/http/status")).STATUS_TEXT;
  return reasons[status] ?? "Unknown";
}

/** The headers that are not for the connection: RFC 9110, 7.6.1. */
function endToEndHeaders(headers: Headers): WsgiHeader[] {
  const list: WsgiHeader[] = [];
  let connection = "";
  headers.forEach((value, name) => {
    if (name === "connection") connection = value;
    else if (!isHopByHop(name)) {
      // Values that are joined, the last of them empty, end in a blank.
      list.push([name, value.endsWith(" ") ? value.slice(0, -1) : value]);
    }
  });
  if (connection === "") return list;
  const options = new Set(
    connection.toLowerCase().split(",").map((option) => option.trim()),
  );
  return list.filter(([name]) => !options.has(name));
}

/** What is left of a body of which blocks have been asked for. */
export class BodyResult implements AsyncIterable<Uint8Array>, BlockIterator {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #reads: Promise<Step>[];
  #closed: Promise<void> | undefined;

  constructor(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    reads: Promise<Step>[],
  ) {
    this.#reader = reader;
    this.#reads = reads;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    return this.#reads.shift() ?? this.#reader.read() as Promise<Step>;
  }

  async return(): Promise<Step> {
    await this.close();
    return { done: true, value: undefined };
  }

  close(): Promise<void> {
    return this.#closed ??= this.#cancel();
  }

  async #cancel(): Promise<void> {
    const { closed } = this.#reader;
    // What the stream itself has failed with was thrown by `next()`.
    const hasFailed = closed.then(() => false, () => true);
    try {
      // One half of a stream that was divided waits for the other.
      await Promise.race([this.#reader.cancel(), takeTurns()]);
    } catch (error) {
      if (!await hasFailed) throw error;
    }
  }
}

/** Lets everything happen that waits for nothing from outside. */
async function takeTurns(): Promise<void> {
  for (let turn = 0; turn < MAX_TURNS; turn++) await undefined;
}

/** The blocks of a body that is known whole, or else what is left of it. */
async function readBody(
  body: ReadableStream<Uint8Array>,
): Promise<Uint8Array[] | BodyResult> {
  const reader = body.getReader();
  const reads: Promise<Step>[] = [];
  const blocks: Uint8Array[] = [];
  let isDone = false;
  const take = (step: Step) => {
    if (step.done) isDone = true;
    else blocks.push(step.value);
  };
  for (let turn = 0; turn < MAX_TURNS && !isDone; turn++) {
    if (reads.length === blocks.length && reads.length < MAX_BLOCKS) {
      const read = reader.read() as Promise<Step>;
      reads.push(read);
      // An error is for who reads on.
      read.then(take, () => {});
    }
    await undefined;
  }
  return isDone ? blocks : new BodyResult(reader, reads);
}

/** Whether a value is a `Response`, perhaps one of another library. */
function isResponse(value: unknown): value is Response {
  const { status, headers, body } = Object(value) as Partial<Response>;
  return typeof status === "number" &&
    typeof headers?.forEach === "function" &&
    (body === null || typeof body?.getReader === "function");
}

/** Starts the response that a fetch handler has returned, and gives its body. */
export async function startWith(
  response: Response,
  startResponse: StartResponse,
): Promise<WsgiResult> {
  if (!isResponse(response)) {
    throw new TypeError(
      `Cannot answer the request as the fetch handler must return a Response: received ${
        quote(response)
      }`,
    );
  }
  if (response.bodyUsed) {
    throw new TypeError(
      "Cannot answer the request as the body of its Response has been read",
    );
  }
  const { statusText, headers, body } = response;
  // A result cannot switch protocols.
  const status = response.status === 101 ? 501 : response.status;
  const reason = statusText.trim() || reasons[status] ||
    await importReason(status);
  const list = endToEndHeaders(headers);
  const result = body === null ? [] : await readBody(body);
  const isWhole = Array.isArray(result);
  if (IS_BUN && isWhole && result.length > 0 && !headers.has("content-type")) {
    list.push(["content-type", "text/plain;charset=utf-8"]);
  }
  try {
    const write = startResponse(`${status} ${reason}`, list);
    // The head need not wait for a body that may be long in coming. Whether its
    // client has gone is for the server to find.
    if (!isWhole) Promise.resolve(write(EMPTY)).catch(() => {});
  } catch (error) {
    if (!isWhole) await result.close();
    throw error;
  }
  return result;
}
