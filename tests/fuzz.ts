// Copyright 2026 the wsgiref authors. MIT license.
// deno-lint-ignore-file no-console -- it is a program

/**
 * Sends what no client should send, and runs what no application should do, over
 * a socket.
 *
 * ```sh
 * deno task test:fuzz --seed=2 --count=10000
 * ```
 */

import { parseArgs } from "node:util";
import type { WsgiApplication } from "../types.ts";
import { validator, type ValidatorOptions } from "../validate.ts";
import { Client } from "./_client.ts";
import {
  declaredLength,
  expect,
  makeApplication,
  makePlan,
  type Plan,
  Record as PlanRecord,
  requestOf,
} from "./_fuzz_applications.ts";
import { makeRequests, parseAnswers } from "./_fuzz_requests.ts";
import { pause, until } from "./_limit.ts";
import { Random } from "./_random.ts";
import { serve, type Serving, type Way, WAYS } from "./_serving.ts";

const CANARY = "GET /canary HTTP/1.1\r\nHost: h\r\n\r\n";

/** How many clients there are at a time. */
const CLIENTS = 20;

const { values: flags } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    count: { type: "string", default: "2000" },
  },
});
const seed = Number(flags.seed);
const count = Number(flags.count);

const failures: string[] = [];
let requestCount = 0;
let planCount = 0;

function report(what: string, detail: unknown): void {
  failures.push(what);
  if (failures.length > 20) return;
  console.error(`${what}\n  ${JSON.stringify(detail)?.slice(0, 3_000)}`);
}

for (const type of ["error", "unhandledrejection"] as const) {
  addEventListener(type, (event) => {
    event.preventDefault();
    const error = event instanceof ErrorEvent
      ? event.error
      : (event as PromiseRejectionEvent).reason;
    report("Nobody has caught an error", String(error?.stack ?? error));
  });
}

/** Calls a function for each number, some at a time. */
async function forEach(
  count: number,
  use: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < count) await use(next++);
  };
  await Promise.all(Array.from({ length: CLIENTS }, work));
}

/** Answers with what tells of the request. It does nothing wrong. */
const echo: WsgiApplication = async (environ, startResponse) => {
  const input = environ["wsgi.input"];
  let body = "";
  switch (environ.PATH_INFO) {
    case "/byte":
      body = String.fromCharCode(...await input.read(1));
      break;
    case "/line":
      for await (const line of input) {
        body += String.fromCharCode(...line);
        break;
      }
      break;
    case "/readable":
      body = await new Response(input.readable).text();
      break;
    case "/stream":
      startResponse("200 OK", [["Content-Type", "application/octet-stream"]]);
      return input.readable;
    default:
      body = String.fromCharCode(...(await input.read()).subarray(0, 1_000));
  }
  const lines = [
    environ.REQUEST_METHOD,
    environ.PATH_INFO,
    environ.QUERY_STRING,
    environ.HTTP_X_TAG,
    body,
  ];
  startResponse("200 OK", [["Content-Type", "application/octet-stream"]]);
  return [Uint8Array.from(lines.join("\n"), (c) => c.charCodeAt(0))];
};

/** What the handler has done wrong, as the validator sees it. */
const options: ValidatorOptions = {
  onViolation(violation) {
    if (violation.side === "application") return;
    report(
      "The validator complains",
      `${violation.code}: ${violation.message}`,
    );
  },
  onWarning() {},
};

/** Sends mutated requests. */
async function fuzzRequests(way: Way): Promise<void> {
  const isKnown = (tag: string, text: string) => text.includes(tag);
  await using serving = serve(way, validator(echo, options), { quiet: true });
  await forEach(count, async (index) => {
    const random = new Random(seed * 1_000_003 + index);
    const tag = `T${index}T`;
    const text = makeRequests(random, tag);
    requestCount++;
    using client = await Client.connect(serving.port);
    client.limit = 10_000;
    try {
      // In some pieces, and perhaps no further.
      for (let start = 0; start < text.length;) {
        const end = random.happens(0.7)
          ? text.length
          : start + 1 + random.below(text.length - start);
        await client.send(text.slice(start, end));
        if (end < text.length) await pause(random.below(3));
        start = end;
        if (random.happens(0.05)) break;
      }
      if (random.happens(0.1)) return;
      await client.end();
    } catch (error) {
      // The server has closed the connection.
      if (
        !(error instanceof Deno.errors.BrokenPipe ||
          error instanceof Deno.errors.NotConnected)
      ) throw error;
    }
    try {
      for (const { status, body } of parseAnswers(await client.readAll())) {
        if (status >= 500 && status !== 501) throw new Error(`It is ${status}`);
        for (const [other] of body.matchAll(/T\d+T/g)) {
          if (!isKnown(other, text)) throw new Error(`It has ${other}`);
        }
        if (/\n +at |\.ts:\d/.test(body)) throw new Error("It has a trace");
      }
    } catch (error) {
      report(`Request ${index}, ${way}: ${(error as Error).message}`, text);
    }
  });
  await checkAlive(serving, way);
  await pause(20);
  if (/\n +at /.test(serving.log)) {
    report(
      `Requests, ${way}: the log has a trace`,
      serving.log.slice(0, 3_000),
    );
  }
}

/** Runs applications of all kinds. */
async function fuzzApplications(way: Way): Promise<void> {
  const plans = new Map<string, Plan>();
  const record = new PlanRecord();
  await using serving = serve(way, makeApplication(plans, record), {
    quiet: true,
  });
  await forEach(count, async (index) => {
    const id = `P${index}P`;
    const plan = makePlan(new Random(seed * 1_000_033 + index), id);
    plans.set(id, plan);
    planCount++;
    try {
      await carryOut(plan, serving);
    } catch (error) {
      report(`Plan ${index}, ${way}: ${(error as Error).message}`, plan);
    }
  });
  await checkAlive(serving, way);
  const isSettled = () =>
    Array.from(plans.keys()).every((id) => record.ended.has(id));
  await until("The applications end", isSettled).catch(({ message }) =>
    report(message, plans.size - record.ended.size)
  );
  await pause(100);
  checkRecord(plans, record, serving.log, way);
}

/** Sends the request of a plan, and sees that the response is as expected. */
async function carryOut(plan: Plan, { port }: Serving): Promise<void> {
  using client = await Client.connect(port);
  client.limit = 10_000;
  const sent = client.send(requestOf(plan)).catch(() => {});
  if (plan.leaves) {
    await client.read(plan.upload % 7);
    return;
  }
  const { status, body, isWhole } = await client.readResponse(plan.method);
  await sent;
  const expected = expect(plan);
  const isCut = !expected.isWhole;
  const actual = { status, body, isWhole };
  const length = declaredLength(plan);
  // HTTP/1.0 cannot tell the end of what has no length from a cut, and nobody
  // can cut what has come to its length.
  if (length === null ? plan.version === "1.0" : body.length === length) {
    expected.isWhole = isWhole;
  }
  if (
    status !== expected.status || isWhole !== expected.isWhole ||
    // What comes before a cut may be lost.
    (isWhole && !isCut
      ? body !== expected.body
      : !expected.body.startsWith(body))
  ) {
    throw new Error(
      `${show(actual)} in place of ${show(expected)}`,
    );
  }
  // The connection may be closed, but not out of step.
  await client.send(CANARY).catch(() => {});
  const next = await client.readResponse();
  if (next.status !== 404 && !Number.isNaN(next.status)) {
    throw new Error(`${show(next)} in place of the next response`);
  }
}

function show(
  { status, body, isWhole }: { status: number; body: string; isWhole: boolean },
): string {
  return `${status}, ${body.length} bytes${isWhole ? "" : ", cut"} ${
    JSON.stringify(body.slice(0, 60))
  }`;
}

/** Sees that each failure is one entry, and each result closed once. */
function checkRecord(
  plans: Map<string, Plan>,
  record: PlanRecord,
  log: string,
  way: Way,
): void {
  const entries = new Map<string, number>();
  for (
    const [, id = ""] of log.matchAll(/^Cannot answer \w+ ".*\/(P\d+P)"/gm)
  ) {
    entries.set(id, (entries.get(id) ?? 0) + 1);
  }
  for (const [id, plan] of plans) {
    const closed = record.closed.get(id) ?? 1;
    if (closed !== 1) {
      report(`Plan ${id}, ${way}: it was closed ${closed} times`, plan);
    }
    const [least, most] = expect(plan).entries;
    const actual = entries.get(id) ?? 0;
    // Who has left has perhaps not let it come so far.
    if (
      actual > Math.max(most, plan.leaves ? 1 : 0) ||
      actual < (plan.leaves ? 0 : least)
    ) {
      report(
        `Plan ${id}, ${way}: ${actual} entries in the log in place of ${least}`,
        plan,
      );
    }
  }
  if (/AbortError|BadResource/.test(log)) {
    report(
      `Applications, ${way}: the log has errors of others`,
      log.slice(0, 999),
    );
  }
}

async function checkAlive({ port }: Serving, way: Way): Promise<void> {
  using client = await Client.connect(port);
  await client.send(CANARY);
  const { status } = await client.readResponse();
  if (Number.isNaN(status)) report(`${way}: it does not answer any more`, "");
}

const start = performance.now();
for (const way of WAYS) {
  await fuzzRequests(way);
  await fuzzApplications(way);
}
const seconds = ((performance.now() - start) / 1_000).toFixed(1);
console.log(
  `fuzz, seed ${seed}: ${requestCount} clients and ${planCount} applications in ${seconds} s, ${failures.length} failures`,
);
Deno.exit(failures.length === 0 ? 0 : 1);
