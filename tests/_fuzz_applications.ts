// Copyright 2026 the wsgiref authors. MIT license.

/** Applications that do anything they can, and what PEP 3333 says of that. */

import type { WsgiApplication, WsgiHeader, WsgiResult } from "../types.ts";
import type { Random } from "./_random.ts";

const encoder = new TextEncoder();

/** Where an application throws; a number is that of a block. */
type Failure = "before" | "after" | "close" | number | null;

/** What an application does, and how it is asked. */
export interface Plan {
  id: string;
  method: "GET" | "HEAD" | "POST";
  version: "1.0" | "1.1";
  /** The number of bytes of the request's body. */
  upload: number;
  read: "nothing" | "all" | "byte" | "line" | "readable";
  status: "200 OK" | "404 Not Found" | "204 No Content" | "304 Not Modified";
  /** How often startResponse() is called without an error. */
  starts: 0 | 1 | 2;
  /** Whether it is called once more with an error. */
  restarts: boolean;
  result:
    | "array"
    | "generator"
    | "asynchronous"
    | "stream"
    | "file"
    | "write"
    | "none";
  /** The sizes of the blocks. */
  blocks: number[];
  /** What the declared length is beside the true one; `null` for none. */
  excess: number | null;
  failure: Failure;
  hasClose: boolean;
  /** Whether one buffer holds every block. */
  reuses: boolean;
  /** The milliseconds before each block. */
  pause: number;
  leaves: boolean;
}

const RESULTS = [
  "array",
  "array",
  "generator",
  "asynchronous",
  "stream",
  "file",
  "write",
] as const;
const STATUSES = [
  "200 OK",
  "200 OK",
  "404 Not Found",
  "204 No Content",
  "304 Not Modified",
] as const;

/** Makes a plan, the same for the same seed. */
export function makePlan(random: Random, id: string): Plan {
  const method = random.pick(["GET", "GET", "POST", "HEAD"] as const);
  const sizes = [0, 1, 10, 1_000, 5_000, 70_000];
  const blocks = Array.from(
    { length: random.below(5) },
    () => random.pick(sizes),
  );
  return {
    id,
    method,
    version: random.pick(["1.0", "1.1", "1.1"] as const),
    upload: method === "POST" ? random.pick([0, 5, 5_000, 200_000]) : 0,
    read: random.pick(["nothing", "all", "byte", "line", "readable"] as const),
    status: random.pick(STATUSES),
    starts: random.happens(0.9) ? 1 : random.pick([0, 2] as const),
    restarts: random.happens(0.1),
    result: random.happens(0.02) ? "none" : random.pick(RESULTS),
    blocks,
    excess: random.happens(0.3) ? random.pick([-1, 0, 0, 1]) : null,
    failure: random.happens(0.25)
      ? random.pick(["before", "after", "close", 0, 1, 2] as const)
      : null,
    hasClose: random.happens(0.5),
    reuses: random.happens(0.3),
    pause: random.happens(0.2) ? random.below(3) : 0,
    leaves: random.happens(0.1),
  };
}

/** The blocks of a plan: each is different from those of any other plan. */
function makeBlock(plan: Plan, index: number, buffer?: Uint8Array): Uint8Array {
  const size = plan.blocks[index] ?? 0;
  const block = buffer?.subarray(0, size) ?? new Uint8Array(size);
  const text = encoder.encode(`${plan.id}:${index};`);
  for (let at = 0; at < size; at++) block[at] = text[at % text.length] ?? 0;
  return block;
}

function bodyOf(plan: Plan): string {
  let body = "";
  for (let index = 0; index < plan.blocks.length; index++) {
    const size = plan.blocks[index] ?? 0;
    const text = `${plan.id}:${index};`;
    body += text.repeat(Math.ceil(size / text.length)).slice(0, size);
  }
  return body;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** The Content-Length that the application declares. */
export function declaredLength(plan: Plan): number | null {
  const { excess, blocks } = plan;
  return excess === null ? null : Math.max(0, sum(blocks) + excess);
}

/** What became of the plans that were carried out. */
export class Record {
  /** How often the result was closed, by the ids of those that have a close(). */
  closed: Map<string, number> = new Map();
  /** The ids of those whose application has ended. */
  ended: Set<string> = new Set();
}

/** Makes an application that carries out plans, by the path of the request. */
export function makeApplication(
  plans: Map<string, Plan>,
  record: Record,
): WsgiApplication {
  return async (environ, startResponse) => {
    const plan = plans.get(environ.PATH_INFO?.slice(1) ?? "");
    if (plan === undefined) {
      startResponse("404 Not Found", [["Content-Type", "text/plain"]]);
      return [];
    }
    const { failure, id } = plan;
    const fail = (where: Failure) => {
      if (failure === where) throw new RangeError(`planned in ${id}`);
    };
    try {
      const input = environ["wsgi.input"];
      switch (plan.read) {
        case "all":
          await input.read();
          break;
        case "byte":
          await input.read(1);
          break;
        case "line":
          await input.readline(100);
          break;
        case "readable":
          for await (const _chunk of input.readable);
      }
      fail("before");
      const length = declaredLength(plan);
      const headers: WsgiHeader[] = [["X-Id", id]];
      if (length !== null) headers.push(["Content-Length", String(length)]);
      let write;
      for (let count = 0; count < plan.starts; count++) {
        write = startResponse(plan.status, headers);
      }
      if (plan.restarts) {
        write = startResponse(plan.status, headers, new Error("restarts"));
      }
      fail("after");
      if (plan.result === "none") return undefined as unknown as WsgiResult;
      const buffer = plan.reuses && plan.result !== "array" &&
          plan.result !== "stream"
        ? new Uint8Array(70_000)
        : undefined;
      if (plan.result === "write") {
        for (let index = 0; index < plan.blocks.length; index++) {
          fail(index);
          await write?.(makeBlock(plan, index, buffer));
        }
        return withClose(plan, record, []);
      }
      return withClose(plan, record, makeResult(plan, environ, fail, buffer));
    } finally {
      record.ended.add(id);
    }
  };
}

function makeResult(
  plan: Plan,
  environ: Parameters<WsgiApplication>[0],
  fail: (where: Failure) => void,
  buffer: Uint8Array | undefined,
): WsgiResult {
  const count = plan.blocks.length;
  let index = 0;
  switch (plan.result) {
    case "array":
      return plan.blocks.map((_, index) => makeBlock(plan, index));
    case "generator":
      return (function* () {
        for (; index < count; index++) {
          fail(index);
          yield makeBlock(plan, index, buffer);
        }
      })();
    case "stream":
      return new ReadableStream({
        async pull(controller) {
          if (plan.pause > 0) await pause(plan.pause);
          if (index === count) return controller.close();
          fail(index);
          controller.enqueue(makeBlock(plan, index++));
        },
      }, { highWaterMark: 0 });
    case "file": {
      // A block of no bytes is the end of a file.
      const file = {
        read() {
          while (index < count && plan.blocks[index] === 0) fail(index++);
          if (index === count) return new Uint8Array(0);
          fail(index);
          return makeBlock(plan, index++, buffer);
        },
      };
      return environ["wsgi.file_wrapper"]?.(file) ?? [];
    }
    default:
      return (async function* () {
        for (; index < count; index++) {
          if (plan.pause > 0) await pause(plan.pause);
          fail(index);
          yield makeBlock(plan, index, buffer);
        }
      })();
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Gives a result a close(), if it is to have one and can. */
function withClose(plan: Plan, record: Record, result: WsgiResult): WsgiResult {
  if (!hasClose(plan)) return result;
  record.closed.set(plan.id, 0);
  return Object.assign(result, {
    close() {
      record.closed.set(plan.id, (record.closed.get(plan.id) ?? 0) + 1);
      if (plan.failure === "close") {
        throw new RangeError(`planned in ${plan.id}`);
      }
    },
  });
}

function hasClose({ hasClose, result }: Plan): boolean {
  // That of a file wrapper and of a stream is its own.
  return hasClose && result !== "file" && result !== "stream";
}

/** What a client and the log may get. */
export interface Expected {
  /** The status code. */
  status: number;
  /** The body, or as far as it has to come. */
  body: string;
  /** Whether the response comes to its end. */
  isWhole: boolean;
  /** The least and the most entries in the log. */
  entries: [least: number, most: number];
}

const ERROR: Expected = {
  status: 500,
  body: "A server error occurred.  Please contact the administrator.",
  isWhole: true,
  entries: [1, 1],
};

/** What PEP 3333 and this package's rules make of a plan. */
export function expect(plan: Plan): Expected {
  const { failure, blocks, result, method } = plan;
  const closes: Expected["entries"] = failure === "close" && hasClose(plan)
    ? [1, 1]
    : [0, 0];
  const error: Expected = {
    ...ERROR,
    body: method === "HEAD" ? "" : ERROR.body,
    entries: [1, 1 + closes[1]],
  };
  if (
    failure === "before" || failure === "after" || result === "none" ||
    plan.starts === 2 || plan.starts === 0 && !plan.restarts
  ) return error;
  const status = Number(plan.status.slice(0, 3));
  const isBodiless = method === "HEAD" || status === 204 || status === 304;
  const length = declaredLength(plan) ?? Infinity;
  // The blocks that are asked for, and the bytes of them that are sent.
  let size = 0;
  let isStarted = false;
  const isWritten = result === "write";
  for (let index = 0; index < blocks.length; index++) {
    const isFull = isStarted && (isBodiless || size >= length);
    // Enough has been sent: an application that writes is not asked.
    if (isFull && result !== "array" && !isWritten) break;
    if (failure === index && result !== "array") {
      return isStarted ? cut(plan, size, isBodiless) : error;
    }
    const block = blocks[index] ?? 0;
    if (isWritten && !isBodiless && size + block > length) {
      return isStarted ? cut(plan, size, isBodiless) : error;
    }
    size += block;
    if (block > 0 || isWritten) isStarted = true;
  }
  if (isBodiless) return { status, body: "", isWhole: true, entries: closes };
  if (size < length && length < Infinity) {
    // An array is not sent before its length is known.
    if (!isStarted) return error;
    return { ...cut(plan, size, false), entries: error.entries };
  }
  // A range may end before its file.
  const isExceeded = size > length && result !== "file";
  return {
    status,
    body: bodyOf(plan).slice(0, Math.min(size, length)),
    isWhole: true,
    entries: isExceeded ? [1, closes[1] + 1] : closes,
  };
}

/** What becomes of a response that fails after its head. */
function cut(plan: Plan, size: number, isBodiless: boolean): Expected {
  // What has no body cannot be cut.
  return isBodiless ? { ...ERROR, body: "" } : {
    status: Number(plan.status.slice(0, 3)),
    body: bodyOf(plan).slice(0, size),
    isWhole: false,
    entries: [1, 1],
  };
}

/** The request of a plan. */
export function requestOf(plan: Plan): string {
  const { method, id, version, upload } = plan;
  return [
    `${method} /${id} HTTP/${version}`,
    "Host: h",
    "Connection: keep-alive",
    ...(method === "POST" ? [`Content-Length: ${upload}`] : []),
    "",
    "u".repeat(upload),
  ].join("\r\n");
}
