// Copyright 2026 the wsgiref authors. MIT license.
// deno-lint-ignore-file no-console -- it is a program

/**
 * Drives a server by many clients at a time, good ones and others, and sees that
 * no response is lost or another's, and that nothing is left of them.
 *
 * ```sh
 * deno task test:load --requests=100000
 * ```
 */

import { parseArgs } from "node:util";
import { Client } from "./_client.ts";
import { pause, until, within } from "./_limit.ts";
import { Random } from "./_random.ts";

const { values: flags } = parseArgs({
  options: {
    requests: { type: "string", default: "100000" },
    connections: { type: "string", default: "200" },
  },
});
const requests = Number(flags.requests);
const connections = Number(flags.connections);

/** The idle connections, and the clients that do not read. */
const IDLE = 1_000;
const SLOW = 50;

/** What the server has counted. */
interface Counts {
  opened: number;
  closed: number;
  planned: number;
  entries: number;
  others: number;
  files: number;
  rss: number;
  heapUsed: number;
}

const failures: string[] = [];

function check(what: string, holds: boolean, detail: unknown): void {
  if (holds) return;
  failures.push(what);
  if (failures.length <= 20) {
    console.error(`${what}: ${JSON.stringify(detail)}`);
  }
}

/** A kind of request, and the response that it is to get. */
interface Kind {
  weight: number;
  request: (tag: string) => string;
  status: number;
  body?: (tag: string) => string;
  /** Whether the response is cut. */
  isCut?: boolean;
  /** What the client does in place of reading the response. */
  leaves?: (client: Client) => Promise<unknown>;
}

function get(path: string): Kind["request"] {
  return (tag) => `GET ${path}?${tag} HTTP/1.1\r\nHost: h\r\n\r\n`;
}

function post(path: string, times: number, size?: number): Kind["request"] {
  return (tag) => {
    const body = tag.repeat(times);
    return `POST ${path}?${tag} HTTP/1.1\r\nHost: h\r\nContent-Length: ${
      size ?? body.length
    }\r\n\r\n${body}`;
  };
}

const ERROR = "A server error occurred.  Please contact the administrator.";

const KINDS: Kind[] = [
  { weight: 50, request: get("/array"), status: 200, body: (tag) => tag },
  {
    weight: 8,
    request: get("/generator"),
    status: 200,
    body: (tag) => tag.repeat(10),
  },
  {
    weight: 3,
    request: get("/events"),
    status: 200,
    body: (tag) => tag.repeat(3),
  },
  {
    weight: 2,
    request: get("/large"),
    status: 200,
    body: (tag) => tag.repeat(5_000),
  },
  {
    weight: 4,
    request: get("/stream"),
    status: 200,
    body: (tag) => tag.repeat(500),
  },
  {
    weight: 8,
    request: post("/", 2),
    status: 200,
    body: (tag) => tag.repeat(2),
  },
  {
    weight: 5,
    request: post("/", 1_000),
    status: 200,
    body: (tag) => tag.repeat(1_000),
  },
  {
    weight: 5,
    request: post("/part", 1_000),
    status: 200,
    body: (tag) => tag.repeat(9).slice(0, 20),
  },
  { weight: 5, request: get("/throw"), status: 500, body: () => ERROR },
  { weight: 2, request: get("/cut"), status: 200, isCut: true },
  {
    weight: 2,
    request: (tag) => `GET /array?${tag} HTTP/1.1\r\nHost: h/x\r\n\r\n`,
    status: 400,
    body: () => "Bad Request\n",
  },
  {
    weight: 2,
    request: get("/array"),
    status: 200,
    leaves: () => Promise.resolve(),
  },
  {
    weight: 1,
    request: get("/endless"),
    status: 200,
    leaves: (client) => client.read(1_000),
  },
  {
    weight: 2,
    request: get("/events"),
    status: 200,
    leaves: (client) => client.readTo("\r\n\r\n"),
  },
  {
    weight: 1,
    request: post("/", 3, 9_999),
    status: 200,
    leaves: () => pause(1),
  },
];
const TOTAL = KINDS.reduce((total, { weight }) => total + weight, 0);

function pickKind(random: Random): Kind {
  let rest = random.below(TOTAL);
  for (const kind of KINDS) {
    if ((rest -= kind.weight) < 0) return kind;
  }
  throw new RangeError("The weights do not add up");
}

/** The program that is driven. */
class Program implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #read: Promise<void>;
  output = "";

  constructor(way: string) {
    const script = new URL("_load_server.ts", import.meta.url).pathname;
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--v8-flags=--expose-gc", script, way],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#read = this.#collect(this.#process.stdout);
  }

  async #collect(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    const decoder = new TextDecoderStream();
    for await (const text of stream.pipeThrough(decoder)) this.output += text;
  }

  async port(): Promise<number> {
    await until(
      "The program listens",
      () => this.output.includes("\n"),
      20_000,
    );
    return parseInt(this.output);
  }

  /** Has the server shut down, and gives the tags that it had begun with. */
  async shutdown(): Promise<string[]> {
    await this.#process.stdin.close();
    await within("The program ends", this.#process.status, 20_000);
    await this.#read;
    return JSON.parse(this.output.slice(this.output.indexOf("\n")));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#process.status;
    await this.#read;
  }
}

async function readCounts(port: number): Promise<Counts> {
  using client = await Client.connect(port);
  await client.send("GET /counts HTTP/1.1\r\nHost: h\r\n\r\n");
  return JSON.parse((await client.readResponse()).body);
}

/** Sends requests over one connection, and over another one if it is lost. */
async function work(
  port: number,
  count: number,
  worker: number,
): Promise<void> {
  const random = new Random(worker);
  let client: Client | null = null;
  try {
    for (let index = 0; index < count; index++) {
      const kind = pickKind(random);
      const tag = `<${worker}.${index}>`;
      client ??= await Client.connect(port);
      client.limit = 20_000;
      try {
        if (await exchangeOne(client, kind, tag)) continue;
      } catch (error) {
        check(`A request failed: ${(error as Error).message}`, false, tag);
      }
      client[Symbol.dispose]();
      client = null;
    }
  } finally {
    client?.[Symbol.dispose]();
  }
}

/** Sends a request. Gives whether the connection can take another one. */
async function exchangeOne(
  client: Client,
  { request, status, body, isCut, leaves }: Kind,
  tag: string,
): Promise<boolean> {
  await client.send(request(tag));
  if (leaves) {
    await leaves(client);
    return false;
  }
  const response = await client.readResponse();
  if (isCut) {
    check("A response was not cut", !response.isWhole, { tag, response });
    return false;
  }
  check(
    "A response is not that of its request",
    response.status === status && response.isWhole &&
      response.body === body?.(tag),
    {
      tag,
      ...response,
      body: response.body.slice(0, 100),
      length: response.body.length,
    },
  );
  return response.headers.connection !== "close";
}

async function round(port: number, first: number): Promise<number> {
  const start = performance.now();
  const count = Math.ceil(requests / 4 / connections);
  await Promise.all(
    Array.from(
      { length: connections },
      (_, index) => work(port, count, first + index),
    ),
  );
  return count * connections / (performance.now() - start) * 1_000;
}

/** Waits until nothing is left of the clients that were there. */
async function settle(port: number, files: number): Promise<Counts> {
  let counts = await readCounts(port);
  for (let tries = 0; tries < 50; tries++) {
    if (counts.files <= files && counts.opened === counts.closed) break;
    await pause(100);
    counts = await readCounts(port);
  }
  check("Connections or files were left open", counts.files <= files, {
    ...counts,
    before: files,
  });
  check(
    "Results were not closed once",
    counts.opened === counts.closed,
    counts,
  );
  check(
    "A failure was not one entry in the log",
    counts.planned === counts.entries && counts.others === 0,
    counts,
  );
  return counts;
}

/** Two rounds of all kinds of clients. */
async function checkRounds(port: number): Promise<string> {
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => work(port, 50, -1 - i)),
  );
  // What is opened once for all does not matter.
  const files = (await readCounts(port)).files + 5;
  const rates = [await round(port, 1)];
  const first = await settle(port, files);
  rates.push(await round(port, 1 + connections));
  const second = await settle(port, files);
  const heap = second.heapUsed - first.heapUsed;
  const rss = second.rss - first.rss;
  // The tags that the server keeps take some of it.
  check("The heap has grown in the second round", heap < 16e6, heap);
  check("The memory has grown in the second round", rss < 64e6, rss);
  return `${rates.map((rate) => rate.toFixed(0)).join(" and ")} requests/s, ` +
    `${(second.heapUsed / 1e6).toFixed(0)} MB heap, ${
      (second.rss / 1e6).toFixed(0)
    } MB`;
}

/** Clients that do nothing must not stop others. */
async function checkIdle(port: number): Promise<string> {
  const files = (await readCounts(port)).files + 5;
  using clients = new DisposableStack();
  for (let count = 0; count < IDLE; count++) {
    clients.use(await Client.connect(port));
  }
  for (let count = 0; count < SLOW; count++) {
    const client = clients.use(await Client.connect(port));
    await client.send(get("/endless")("slow"));
  }
  await pause(200);
  const start = performance.now();
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => work(port, 50, 10_000 + index)),
  );
  const seconds = (performance.now() - start) / 1_000;
  check("Idle and slow clients stop others", seconds < 5, seconds);
  clients.dispose();
  await settle(port, files);
  return `1000 requests in ${seconds.toFixed(1)} s`;
}

/** What was started before a shutdown is answered. */
async function checkShutdown(program: Program, port: number): Promise<string> {
  const answered = new Set<string>();
  let isStopping = false;
  const workers = Array.from({ length: connections }, async (_, worker) => {
    try {
      using client = await Client.connect(port);
      for (let index = 0;; index++) {
        const tag = `<s${worker}.${index}>`;
        await client.send(get(index % 3 ? "/events" : "/large")(tag));
        const { status, isWhole, body } = await client.readResponse();
        if (status === 200 && isWhole && body.startsWith(tag)) {
          answered.add(tag);
        } else if (Number.isNaN(status) || status === 503) break;
      }
    } catch (error) {
      // Nobody takes new requests any more.
      if (!isStopping) throw error;
    }
  });
  await pause(500);
  isStopping = true;
  const started = await program.shutdown();
  await Promise.all(workers);
  const own = started.filter((tag) => tag.startsWith("<s"));
  const lost = own.filter((tag) => !answered.has(tag));
  check("shutdown() has lost requests", lost.length === 0, lost.slice(0, 10));
  check("shutdown() had none to finish", own.length > 0, own.length);
  return `${own.length} requests before shutdown()`;
}

const start = performance.now();
for (const way of ["server", "handler"]) {
  await using program = new Program(way);
  const port = await program.port();
  const results = [
    await checkRounds(port),
    await checkIdle(port),
    await checkShutdown(program, port),
  ];
  console.log(`${way}: ${results.join("; ")}`);
}
const seconds = ((performance.now() - start) / 1_000).toFixed(0);
console.log(
  `load: ${requests} requests of ${connections} connections at a time in ${seconds} s, ${failures.length} failures`,
);
Deno.exit(failures.length === 0 ? 0 : 1);
