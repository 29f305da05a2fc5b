// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Draws four rows of `results/http.json` as bars, in `results/http.svg`.
 *
 * ```sh
 * deno run -A bench/chart.ts
 * ```
 *
 * @module
 */

import type { Report } from "./http.ts";
import { median, type Result } from "./measure.ts";
import { drawSvg, drawText } from "./svg.ts";

const DRAWN = ["hello-12", "blocks", "echo", "file"];
const WIDTH = 760;
const LABEL = 210;
const VALUE = 90;
const LINE = 18;

/** One bar for each server, the fastest first. */
function drawRow(title: string, results: Result[], top: number): string[] {
  const rates = results
    .map(({ contestant, rates }) => ({ contestant, rate: median(rates) }))
    .sort((a, b) => b.rate - a.rate);
  const most = rates[0]?.rate ?? 1;
  const parts = [drawText(0, top + 14, title, 'font-weight="bold"')];
  rates.forEach(({ contestant, rate }, index) => {
    const y = top + (index + 1) * LINE + 4;
    const length = (WIDTH - LABEL - VALUE) * rate / most;
    const color = contestant.startsWith("wsgiref") ? "#1971c2" : "#adb5bd";
    parts.push(
      drawText(LABEL - 8, y + 13, contestant, 'text-anchor="end"'),
      `<rect x="${LABEL}" y="${y + 2}" width="${length.toFixed(1)}" height="${
        LINE - 4
      }" fill="${color}"/>`,
      drawText(
        LABEL + length + 6,
        y + 13,
        rate.toLocaleString("en", { maximumSignificantDigits: 3 }),
      ),
    );
  });
  return parts;
}

/** Draws a report, in requests per second. */
function drawReport({ system, date, rows }: Report): string {
  const parts: string[] = [];
  let top = 8;
  for (const { name, title, results } of rows) {
    if (!DRAWN.includes(name)) continue;
    parts.push(...drawRow(title, results, top));
    top += (results.length + 2) * LINE;
  }
  parts.push(drawText(0, top, `Requests per second. ${system}, ${date}`));
  return drawSvg(WIDTH, top + 8, parts);
}

const input = new URL("results/http.json", import.meta.url);
const output = new URL("results/http.svg", import.meta.url);
const report: Report = JSON.parse(await Deno.readTextFile(input));
await Deno.writeTextFile(output, drawReport(report));
