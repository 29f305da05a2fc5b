// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Starts servers, loads them, and takes medians.
 *
 * @module
 */

import { type Contestant, environment, type Row } from "./contestants.ts";

/** What the clients of a row do. */
export interface Load {
  /** The number of headers of each request. */
  headers?: number;
  /** The number of bytes of each request's body. */
  upload?: number;
  connections?: number;
  /** Times one request with curl: for those too long to be counted. */
  single?: boolean;
}

/** A server process. */
export class Server implements AsyncDisposable {
  readonly url: string;
  #process: Deno.ChildProcess;

  constructor(contestant: Contestant, row: Row, folder: string) {
    const port = freePort();
    this.url = `http://127.0.0.1:${port}/`;
    // A log goes to a file, as a service's does.
    this.#process = new Deno.Command("sh", {
      args: [
        "-c",
        'exec "$@" 2>"$0"',
        `${folder}/${port}.log`,
        ...contestant.command(row, port),
      ],
      env: environment(`${folder}/file`),
      stdin: "null",
      stdout: "null",
    }).spawn();
  }

  /** Waits until the server answers, and checks that it answers right. */
  async ready(row: Row): Promise<void> {
    const length =
      { hello: 13, blocks: row.size * 1024 }[row.kind as "hello"] ??
        row.size;
    const body = row.kind === "echo" ? "x".repeat(row.size) : null;
    for (let attempt = 0; attempt < 200; attempt++) {
      try {
        const init = body === null ? {} : { method: "POST", body };
        const response = await fetch(this.url, init);
        let received = 0;
        for await (const chunk of response.body ?? []) received += chunk.length;
        if (response.status === 200 && received === length) return;
        throw new RangeError(
          `Cannot measure ${this.url} as it must answer 200 with ${length} bytes: received ${response.status} with ${received}`,
        );
      } catch (error) {
        if (error instanceof RangeError) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    throw new RangeError(`Cannot measure ${this.url} as it does not answer`);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The most memory that the process and its children held, in bytes. */
  peakMemory(): number {
    const { pid } = this.#process;
    const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
    let bytes = 0;
    for (const process of [pid, ...children.split(" ").filter(Boolean)]) {
      const status = Deno.readTextFileSync(`/proc/${process}/status`);
      bytes += 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0);
    }
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Runs a command, and gives what it prints. */
export async function run(name: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(name, { args })
    .output();
  const text = new TextDecoder().decode(stdout);
  if (success) return text;
  throw new Error(`${name}: ${new TextDecoder().decode(stderr)}${text}`);
}

/** Loads a server, and gives the requests that it answered in a second. */
export async function load(
  url: string,
  { headers = 1, upload = 0, connections = 32, single = false }: Load,
  seconds: number,
): Promise<number> {
  if (single) {
    const format = ["--write-out", "%{http_code} %{time_total}"];
    const [code, time] =
      (await run("curl", ["--silent", "--output", "/dev/null", ...format, url]))
        .split(" ");
    if (code !== "200") throw new Error(`curl: ${url} answered ${code}`);
    return 1 / Number(time);
  }
  const script = new URL("wrk.lua", import.meta.url).pathname;
  const report = await run("wrk", [
    "--threads=1",
    `--connections=${connections}`,
    `--duration=${seconds}s`,
    "--timeout=30s",
    `--script=${script}`,
    url,
    "--",
    String(headers),
    String(upload),
  ]);
  if (/Non-2xx|connect [1-9]|timeout [1-9]/.test(report)) {
    throw new Error(`wrk: ${url}\n${report}`);
  }
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(report)?.[1]);
}

export function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle] ?? NaN
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** A folder with a sparse file of `size` bytes. */
export async function createFolder(size: number): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "wsgiref-bench-" });
  using file = await Deno.create(`${folder}/file`);
  await file.truncate(size);
  return folder;
}

/** What a contestant did in one row. */
export interface Result {
  contestant: string;
  /** The requests per second, of each round. */
  rates: number[];
  /** The most memory that the server held, in bytes. */
  peakMemory: number;
}

/** How long each new server is loaded before it is measured, in seconds. */
const WARM_UP = 1;

/**
 * Has contestants take turns. Each turn has a new process, as one process can
 * be a third faster than the next.
 */
export async function measureRow(
  row: Row & Load,
  contestants: Contestant[],
  rounds: number,
  seconds: number,
): Promise<Result[]> {
  const folder = await createFolder(row.kind === "file" ? row.size : 0);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const results = contestants.map(({ name }): Result => ({
    contestant: name,
    rates: [],
    peakMemory: 0,
  }));
  for (let round = 0; round < rounds; round++) {
    for (const [index, contestant] of contestants.entries()) {
      const result = results[index] as Result;
      await using server = new Server(contestant, row, folder);
      await server.ready(row);
      if (!row.single) await load(server.url, row, WARM_UP);
      result.rates.push(await load(server.url, row, seconds));
      result.peakMemory = Math.max(result.peakMemory, server.peakMemory());
    }
  }
  return results;
}
