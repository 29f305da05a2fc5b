// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Shows how the time of a request grows with its size, for this package and for
 * bare `Deno.serve`. Writes a plot for each series, `results/growth-*.svg`.
 *
 * ```sh
 * deno run -A bench/growth.ts --seconds 1 --only headers,blocks
 * ```
 *
 * @module
 */

// deno-lint-ignore-file no-console

import { parseArgs } from "node:util";
import { CONTESTANTS, type Row } from "./contestants.ts";
import { type Load, measureRow, median } from "./measure.ts";
import { drawSvg, drawText } from "./svg.ts";

const COMPARED = CONTESTANTS.filter(({ name }) =>
  ["Deno.serve (facts)", "wsgiref"].includes(name)
);
const ROUNDS = 3;

/** What grows, where to, and the request of each size. */
const SERIES: Record<
  string,
  { title: string; sizes: number[]; request: (size: number) => Row & Load }
> = {
  headers: {
    title: "request headers",
    sizes: [1, 3, 10, 30, 100],
    request: (headers) => ({ kind: "hello", size: 0, headers }),
  },
  blocks: {
    title: "blocks of 1 KiB",
    sizes: [1, 10, 100, 1000, 10_000],
    request: (size) => ({ kind: "blocks", size }),
  },
  body: {
    title: "bytes of body",
    sizes: [1, 2 ** 10, 2 ** 20, 2 ** 25, 2 ** 30],
    request: (size) => ({ kind: "bytes", size, single: size > 2 ** 20 }),
  },
  connections: {
    title: "connections",
    sizes: [1, 10, 100, 1000],
    request: (connections) => ({ kind: "hello", size: 0, connections }),
  },
};

interface Line {
  name: string;
  /** The seconds that a request takes, for each size. */
  times: number[];
}

/** The steepest step of a line, where 1 is twice the time for twice the size. */
function steepest(sizes: number[], times: number[]): number {
  return Math.max(
    ...times.slice(1).map((time, index) =>
      Math.log(time / (times[index] ?? NaN)) /
      Math.log((sizes[index + 1] ?? NaN) / (sizes[index] ?? NaN))
    ),
  );
}

const COLORS = ["#868e96", "#1971c2"];
const [WIDTH, HEIGHT, MARGIN] = [480, 320, 60];

/** Draws lines on logarithmic axes. */
function draw(title: string, sizes: number[], lines: Line[]): string {
  const all = lines.flatMap(({ times }) => times);
  const scale = (values: number[], from: number, to: number) => {
    const [low, high] = [Math.min(...values), Math.max(...values)].map(
      Math.log,
    );
    return (value: number) =>
      from +
      (to - from) * (Math.log(value) - (low ?? 0)) / ((high ?? 1) - (low ?? 0));
  };
  const x = scale(sizes, MARGIN, WIDTH - MARGIN);
  const y = scale(all, HEIGHT - MARGIN, MARGIN);
  const parts = lines.map(({ name, times }, index) => {
    const points = times.map((time, i) =>
      `${x(sizes[i] ?? 1).toFixed(1)},${y(time).toFixed(1)}`
    );
    const color = `fill="none" stroke="${COLORS[index]}" stroke-width="2"`;
    return `<polyline points="${points.join(" ")}" ${color}/>` +
      drawText(MARGIN + 8, 34 + 16 * index, name, `fill="${COLORS[index]}"`);
  });
  for (const size of sizes) {
    const label = size.toLocaleString("en", { notation: "compact" });
    parts.push(drawText(x(size), HEIGHT - 36, label, 'text-anchor="middle"'));
  }
  for (const time of [Math.min(...all), Math.max(...all)]) {
    const label = `${(time * 1e6).toPrecision(2)} µs`;
    parts.push(drawText(MARGIN - 6, y(time) + 4, label, 'text-anchor="end"'));
  }
  parts.push(drawText(WIDTH / 2, HEIGHT - 12, title, 'text-anchor="middle"'));
  return drawSvg(WIDTH, HEIGHT, parts);
}

const { values: flags } = parseArgs({
  options: {
    seconds: { type: "string", default: "2" },
    only: { type: "string", default: Object.keys(SERIES).join() },
  },
});
for (const name of flags.only.split(",")) {
  const series = SERIES[name];
  if (series === undefined) {
    throw new RangeError(`There is no series "${name}"`);
  }
  const { title, sizes, request } = series;
  const lines: Line[] = COMPARED.map(({ name }) => ({ name, times: [] }));
  for (const size of sizes) {
    const row = request(size);
    const seconds = Number(flags.seconds);
    const results = await measureRow(row, COMPARED, ROUNDS, seconds);
    results.forEach(({ rates }, index) =>
      lines[index]?.times.push(1 / median(rates))
    );
  }
  console.log(`\n## Time of a request by number of ${title}\n`);
  console.log(`| server | ${sizes.join(" | ")} | steepest step |`);
  console.log(`|---|${"--:|".repeat(sizes.length + 1)}`);
  for (const { name, times } of lines) {
    const cells = times.map((time) => `${(time * 1e6).toPrecision(3)} µs`);
    const step = steepest(sizes, times).toFixed(2);
    console.log(`| ${name} | ${cells.join(" | ")} | ${step} |`);
  }
  await Deno.writeTextFile(
    new URL(`results/growth-${name}.svg`, import.meta.url),
    draw(title, sizes, lines),
  );
}
