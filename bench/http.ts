// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Compares servers side by side: they take turns for several rounds.
 *
 * Prints a table for each row, and writes `results/http.json`.
 *
 * ```sh
 * deno run -A bench/http.ts --rounds 3 --seconds 1 --only hello,echo
 * ```
 *
 * @module
 */

// deno-lint-ignore-file no-console

import { parseArgs } from "node:util";
import {
  type Contestant,
  CONTESTANTS,
  install,
  type Row,
  succeeds,
} from "./contestants.ts";
import { type Load, measureRow, median, type Result } from "./measure.ts";

const GIB = 2 ** 30;

/** What the servers are asked for. */
export const ROWS: Record<string, Row & Load & { title: string }> = {
  "hello": { title: "Hello, world", kind: "hello", size: 0 },
  "hello-12": {
    title: "Hello, world, 12 request headers",
    kind: "hello",
    size: 0,
    headers: 12,
  },
  "hello-c1": {
    title: "Hello, world, 1 connection",
    kind: "hello",
    size: 0,
    connections: 1,
  },
  "hello-c256": {
    title: "Hello, world, 256 connections",
    kind: "hello",
    size: 0,
    connections: 256,
  },
  "array": { title: "1 MiB in an array", kind: "array", size: 2 ** 20 },
  "blocks": { title: "100 blocks of a generator", kind: "blocks", size: 100 },
  "echo": {
    title: "64 KiB read and echoed",
    kind: "echo",
    size: 65_536,
    upload: 65_536,
  },
  "file": { title: "1 GiB file", kind: "file", size: GIB, single: true },
};

/** What `results/http.json` has. */
export interface Report {
  date: string;
  system: string;
  seconds: number;
  missing: string[];
  rows: { name: string; title: string; results: Result[] }[];
}

/** The medians, over the rounds, of the ratios of two contestants. */
function ratio(result: Result, other: Result): number {
  return median(
    result.rates.map((rate, round) => rate / (other.rates[round] ?? NaN)),
  );
}

function printTable(title: string, results: Result[]): void {
  console.log(`\n## ${title}\n`);
  const references = results.slice(0, 2);
  console.log(
    `| server | requests/s | ${
      references.map(({ contestant }) => `of ${contestant}`).join(" | ")
    } | peak MB |`,
  );
  console.log(`|---|--:|${"--:|".repeat(references.length)}--:|`);
  for (const result of results) {
    const rate = median(result.rates);
    const cells = [
      result.contestant,
      rate.toFixed(rate < 10 ? 2 : 0),
      ...references.map((other) => ratio(result, other).toFixed(3)),
      (result.peakMemory / 1e6).toFixed(0),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      rounds: { type: "string", default: "7" },
      seconds: { type: "string", default: "3" },
      only: { type: "string", default: Object.keys(ROWS).join() },
      contestants: { type: "string", default: "" },
      output: {
        type: "string",
        default: `${import.meta.dirname}/results/http.json`,
      },
    },
  });
  await install();
  const report: Report = {
    date: new Date().toISOString().slice(0, 10),
    system: `Deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} cores`,
    seconds: Number(flags.seconds),
    missing: [],
    rows: [],
  };
  const contestants: Contestant[] = [];
  const wanted = flags.contestants.split(",").filter(Boolean);
  for (const contestant of CONTESTANTS) {
    const { name, probe } = contestant;
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    if (await succeeds(probe)) contestants.push(contestant);
    else report.missing.push(name);
  }
  for (const name of report.missing) console.log(`Not installed: ${name}`);
  for (const name of flags.only.split(",")) {
    const row = ROWS[name];
    if (row === undefined) throw new RangeError(`There is no row "${name}"`);
    const results = await measureRow(
      row,
      contestants,
      Number(flags.rounds),
      Number(flags.seconds),
    );
    printTable(row.title, results);
    report.rows.push({ name, title: row.title, results });
  }
  await Deno.writeTextFile(
    flags.output,
    `${JSON.stringify(report, null, 2)}\n`,
  );
}

if (import.meta.main) await main();
