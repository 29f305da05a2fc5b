// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Shows where the time of a loaded server on Deno goes: how much of it in
 * JavaScript, in Deno and in the kernel, and in which functions most. Needs
 * `perf`, from Debian's `linux-perf`.
 *
 * ```sh
 * deno run -A bench/profile.ts --row echo
 * ```
 *
 * @module
 */

// deno-lint-ignore-file no-console

import { parseArgs } from "node:util";
import { CONTESTANTS } from "./contestants.ts";
import { ROWS } from "./http.ts";
import { createFolder, load, run, Server } from "./measure.ts";

const { values: flags } = parseArgs({
  options: {
    row: { type: "string", default: "hello" },
    contestant: { type: "string", default: "wsgiref" },
    seconds: { type: "string", default: "3" },
    top: { type: "string", default: "10" },
  },
});
const row = ROWS[flags.row];
const contestant = CONTESTANTS.find(({ name }) => name === flags.contestant);
if (row === undefined || contestant === undefined) {
  throw new RangeError(
    `There is no row "${flags.row}" or no contestant "${flags.contestant}"`,
  );
}

const folder = await createFolder(row.kind === "file" ? row.size : 0);
await using stack = new AsyncDisposableStack();
stack.defer(() => Deno.remove(folder, { recursive: true }));
const output = `${folder}/perf.data`;
await using server = new Server(
  {
    ...contestant,
    // After "deno run": the names of what V8 compiles, for perf, and its log.
    command: (row, port) =>
      contestant.command(row, port).toSpliced(
        2,
        0,
        `--v8-flags=--perf-basic-prof,--no-logfile-per-isolate,--logfile=${folder}/v8.log`,
      ),
  },
  row,
  folder,
);
await server.ready(row);
const seconds = Number(flags.seconds);
await load(server.url, row, 1);
await Promise.all([
  load(server.url, row, seconds),
  run("perf", [
    ..."record --quiet --event=cpu-clock --freq=1999".split(" "),
    `--output=${output}`,
    `--pid=${server.pid}`,
    "sleep",
    flags.seconds,
  ]),
]);

type Share = [name: string, percent: string];

/** The shares of a report, the greatest first. */
async function report(sort: string): Promise<Share[]> {
  const text = await run("perf", [
    "report",
    `--input=${output}`,
    `--sort=${sort}`,
  ]);
  return [...text.matchAll(/^ +([\d.]+)% +(.+?)(?: {2}.*)?$/gm)]
    .map(([, percent = "", name = ""]) => [name, percent]);
}

function printTable(title: string, shares: Share[]): void {
  console.log(`\n| ${title} | % |\n|---|--:|`);
  for (const [name, percent] of shares.slice(0, Number(flags.top))) {
    console.log(`| ${name} | ${percent} |`);
  }
}

const places: Record<string, string> = {
  "[kernel.kallsyms]": "kernel",
  "[JIT]": "JavaScript",
  "deno": "Deno and V8",
};
printTable(
  "where",
  (await report("dso")).map(([name, percent]) => [
    places[name.replace(/ tid \d+$/, "")] ?? name,
    percent,
  ]),
);
// What Deno and V8 are compiled to has no names.
const functions = (await report("symbol"))
  .filter(([name]) => !name.includes("0x"));
printTable(
  "function",
  functions.map(([name, percent]) => [name.replace(/^\[.\] /, ""), percent]),
);
printTable(
  "function in JavaScript",
  functions.flatMap(([name, percent]) => {
    const [, called, file] = /JS:\S?'(\S+) \S+\/(\S+?):/.exec(name) ?? [];
    return called === undefined ? [] : [[`${called}() of ${file}`, percent]];
  }),
);
await Deno.remove(`/tmp/perf-${server.pid}.map`);
