// Copyright 2026 the wsgiref authors. MIT license.

/** Handlers, applications and results for the tests of the handlers. */

import { assertEquals, assertInstanceOf } from "@std/assert";
import {
  BaseHandler,
  FetchHandler,
  type FetchHandlerOptions,
  requestEnviron,
  TextErrorStream,
} from "../handlers.ts";
import type {
  ErrorStream,
  StartResponse,
  WsgiApplication,
  WsgiEnviron,
  WsgiHeader,
  WsgiResult,
} from "../types.ts";
import { setupTestingDefaults, WsgiInput } from "../util.ts";
import type { WsgiConformanceCode } from "../validate.ts";
import { breaks } from "./_mistakes.ts";

const encoder = new TextEncoder();
export const EMPTY = new Uint8Array(0);
export const ERROR = new Error("spam");
export const LOCAL = new Request("http://localhost/");
export const OK = "200 OK";

export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The native string whose characters stand for the bytes. */
export function latin1(data: Uint8Array): string {
  return String.fromCharCode(...data);
}

/** A list of blocks, and other results of the same blocks. */
export function list(...texts: string[]): Uint8Array[] {
  return texts.map(bytes);
}

export function* generate(...texts: string[]): Generator<Uint8Array, void> {
  for (const text of texts) yield bytes(text);
}

export async function* generateAsync(
  ...texts: string[]
): AsyncGenerator<Uint8Array, void> {
  for (const text of texts) {
    await turn();
    yield bytes(text);
  }
}

export function stream(...texts: string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(generate(...texts));
}

/** A result as the types do not allow it. */
export function untyped(value: unknown): WsgiResult {
  return value as WsgiResult;
}

export function fail(error: unknown = ERROR): never {
  throw error;
}

/** Lets everything that is ready run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Collects what is written to it. */
export class Log extends TextErrorStream {
  text = "";

  constructor() {
    super((text) => {
      this.text += text;
    });
  }

  /** The lines but for the frames of traces. */
  get lines(): string[] {
    return this.text.split("\n").filter((line) => line && !/^ +at /.test(line));
  }
}

/** What the client and the log got. */
export interface Outcome {
  status: string;
  /** Sorted, the names in lower case. */
  headers: string[];
  body: string;
  /** Whether the transfer was cut off. */
  cut: boolean;
  errors: string[];
}

/** Keeps what it sends: the state machine without a transport. */
export class TestHandler extends BaseHandler {
  override originServer = false;
  output = "";
  log = new Log();
  events: string[] = [];

  constructor(readonly variables: Partial<WsgiEnviron> = {}) {
    super();
  }

  override _write(data: Uint8Array): void {
    this.output += latin1(data);
  }

  override _flush(): void | Promise<void> {}

  override getStdin(): WsgiInput {
    return new WsgiInput(null);
  }

  override getStderr(): ErrorStream {
    return this.log;
  }

  override addCgiVars(): void {
    Object.assign(this.environ, setupTestingDefaults({ ...this.variables }));
  }

  override abort(error: unknown): void {
    this.events.push(`abort ${String(error)}`);
  }

  override close(): void | Promise<void> {
    this.events.push("close");
    return super.close();
  }

  get outcome(): Outcome {
    const [head = "", ...body] = this.output.split("\r\n\r\n");
    const [status = "", ...headers] = head.split("\r\n");
    return {
      status: status.replace("Status: ", ""),
      headers: headers.map((line) =>
        line.replace(/^[^:]*/, (name) => name.toLowerCase())
      ).sort(),
      body: body.join("\r\n\r\n"),
      cut: this.events[0] !== "close",
      errors: this.log.lines,
    };
  }
}

/** Tells when its response has ended and all is released. */
export class TestFetchHandler extends FetchHandler {
  log: Log;
  closes = 0;
  closed = Promise.withResolvers<void>();
  /** The end of the run, which may come after `close()`. */
  ended: void | Promise<void> = undefined;

  constructor(request: Request = LOCAL, options: FetchHandlerOptions = {}) {
    const log = new Log();
    super(request, requestEnviron(request), { errors: log, ...options });
    this.log = log;
  }

  override close(): void | Promise<void> {
    this.closes++;
    const released = super.close();
    const { resolve } = this.closed;
    Promise.resolve(released).then(resolve, resolve);
    return released;
  }

  override run(app: WsgiApplication): void | Promise<void> {
    return this.ended = super.run(app);
  }

  async toOutcome(app: WsgiApplication): Promise<Outcome> {
    const { status, statusText, headers, body } = await this.respond(app);
    const outcome: Outcome = {
      status: statusText === "" ? `${status}` : `${status} ${statusText}`,
      headers: [...headers].map((pair) => pair.join(": ")).sort(),
      body: "",
      cut: false,
      errors: [],
    };
    try {
      for await (const chunk of body ?? []) outcome.body += latin1(chunk);
    } catch (error) {
      assertInstanceOf(error, DOMException);
      assertEquals(error.message, "The response was cut off by an error");
      outcome.cut = true;
    }
    await this.closed.promise;
    outcome.errors = this.log.lines;
    return outcome;
  }
}

/** The outputs of the one state machine. */
export const OUTPUTS: Record<
  string,
  (app: WsgiApplication, method?: string) => Promise<Outcome>
> = {
  async BaseHandler(app, method = "GET") {
    const handler = new TestHandler({ REQUEST_METHOD: method });
    await handler.run(app);
    assertEquals(handler.events.filter((event) => event === "close").length, 1);
    return handler.outcome;
  },
  async FetchHandler(app, method = "GET") {
    const handler = new TestFetchHandler(new Request(LOCAL, { method }));
    const outcome = await handler.toOutcome(app);
    assertEquals(handler.closes, 1);
    // Each error is told with the request that it belongs to.
    const { errors } = outcome;
    outcome.errors = errors.filter((_line, index) => index % 2 === 1);
    assertEquals(
      errors.filter((_line, index) => index % 2 === 0),
      outcome.errors.map(() => `Cannot answer ${method} "http://localhost/"`),
    );
    return outcome;
  },
};

export type Case = [
  app: (
    startResponse: StartResponse,
    environ: WsgiEnviron,
  ) => WsgiResult | Promise<WsgiResult>,
  expected: Partial<Outcome>,
  options?: {
    method?: string;
    /** The rules that the application breaks on purpose. */
    breaks?: WsgiConformanceCode[];
  },
];

/** Checks what every output makes of an application. */
export async function check(
  [app, expected, options = {}]: Case,
): Promise<void> {
  breaks(...options.breaks ?? []);
  for (const [output, run] of Object.entries(OUTPUTS)) {
    const outcome = await run(
      (environ, startResponse) => app(startResponse, environ),
      options.method,
    );
    const rest = { status: OK, headers: [], body: "", cut: false, errors: [] };
    assertEquals(outcome, { ...rest, ...expected }, output);
  }
}

export function testOutputs(
  subject: string,
  cases: Record<string, Case>,
): void {
  for (const [name, value] of Object.entries(cases)) {
    Deno.test(`${subject} ${name}`, () => check(value));
  }
}

/** An application that starts its response at once. */
export function answer(
  give: () => WsgiResult | Promise<WsgiResult>,
  headers: WsgiHeader[] = [],
  status = OK,
): Case[0] {
  return (startResponse) => {
    startResponse(status, headers);
    return give();
  };
}

export function ok(body: string, ...headers: string[]): Partial<Outcome> {
  return { body, headers };
}

export function cut(
  body: string,
  error: string,
  ...headers: string[]
): Partial<Outcome> {
  return { body, headers, cut: true, errors: [error] };
}

export function serverError(...errors: string[]): Partial<Outcome> {
  return {
    status: "500 Internal Server Error",
    headers: ["content-length: 59", "content-type: text/plain"],
    body: "A server error occurred.  Please contact the administrator.",
    errors,
  };
}

export const NOT_STARTED =
  "TypeError: Cannot send the body as startResponse() has not been called";

export interface TrackOptions {
  /** Called with the number of each step, from 1. */
  onStep?: (step: number) => void | Promise<void>;
  onReturn?: () => void;
  onClose?: () => void;
}

/** A result of three blocks that notes how it is released. */
export function track(
  kind: "sync" | "async",
  events: string[],
  options: TrackOptions = {},
): WsgiResult {
  let step = 0;
  const next = () => ({ done: step > 3, value: bytes("ab") });
  async function close() {
    events.push("close");
    await turn();
    events.push("closed");
    options.onClose?.();
  }
  if (kind === "sync") {
    return {
      close,
      [Symbol.iterator]: () => ({
        next() {
          step++;
          options.onStep?.(step);
          return next();
        },
        return() {
          events.push("return");
          options.onReturn?.();
          return { done: true, value: undefined };
        },
      }),
    };
  }
  return {
    close,
    [Symbol.asyncIterator]: () => ({
      async next() {
        step++;
        await options.onStep?.(step);
        return next();
      },
      async return() {
        events.push("return");
        await turn();
        events.push("returned");
        options.onReturn?.();
        return { done: true, value: undefined };
      },
    }),
  };
}

export const CLOSED = ["close", "closed"];
export const RETURNED = {
  sync: ["return", ...CLOSED],
  async: ["return", "returned", ...CLOSED],
};

/** A promise that is rejected with the reason of the signal. */
export function untilAborted(environ: WsgiEnviron): Promise<never> {
  const signal = environ["wsgiref.signal"];
  return new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason));
  });
}

/** Collects what is written with `console.error()`. */
export async function withConsole(
  run: () => void | Promise<void>,
): Promise<string[]> {
  const { error } = console;
  const printed: string[] = [];
  try {
    // deno-lint-ignore no-console
    console.error = (text: string) => void printed.push(text);
    await run();
  } finally {
    // deno-lint-ignore no-console
    console.error = error;
  }
  return printed;
}
