// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Removes each check of `validate.ts` in turn, and tells which of them no test
 * would miss.
 */

import { CONFORMANCE_CHECKS, type WsgiConformanceCode } from "../validate.ts";
import { CASES, checkScenario } from "./validate_cases.ts";

const MODULE = new URL("../validate.ts", import.meta.url);

/** The source of `validate.ts`. */
export const SOURCE = await Deno.readTextFile(MODULE);

/** A place that reports a violation. */
export interface Site {
  code: WsgiConformanceCode;
  /** What is called, with the parenthesis. */
  callee: string;
  /** Where that stands. */
  index: number;
  /** The comment above the check. */
  comment: string;
}

/** Finds where violations are reported. */
export function findSites(source: string): Site[] {
  const sites: Site[] = [];
  const calls =
    /(?:new )?[\w.#]+(?:\(state, undefined\))?\.report\(\s*"([a-z-]+)"/g;
  for (const { 0: call, 1: code = "", index } of source.matchAll(calls)) {
    if (!isCode(code)) throw new TypeError(`Unknown code ${code}`);
    const comments = source.slice(0, index).match(/(?<=\/\/ )P\d{3}.*/g);
    sites.push({
      code,
      callee: call.slice(0, call.indexOf(".report(") + ".report(".length),
      index,
      comment: comments?.at(-1) ?? "",
    });
  }
  return sites;
}

function isCode(code: string): code is WsgiConformanceCode {
  return Object.hasOwn(CONFORMANCE_CHECKS, code);
}

/** Loads `validate.ts` without the check at a site. */
async function importWithout(
  { index, callee }: Site,
): Promise<typeof import("../validate.ts")> {
  const source = SOURCE.slice(0, index) + "((..._: unknown[]) => {})(" +
    SOURCE.slice(index + callee.length);
  const absolute = source.replace(
    /(?<= from ")\.\/[^"]+/g,
    (path) => new URL(path, MODULE).href,
  );
  const url = URL.createObjectURL(
    new Blob([absolute], { type: "application/typescript" }),
  );
  try {
    return await import(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

async function isMissed(site: Site): Promise<boolean> {
  const module = await importWithout(site);
  for (const scenario of Object.values(CASES[site.code].bad)) {
    try {
      await checkScenario(module, scenario, site.code, true);
    } catch {
      return true;
    }
  }
  return false;
}

if (import.meta.main) {
  const sites = findSites(SOURCE);
  for (const site of sites) {
    if (await isMissed(site)) continue;
    const line = SOURCE.slice(0, site.index).split("\n").length;
    // deno-lint-ignore no-console
    console.error(`No test misses ${site.code} in line ${line}`);
    Deno.exitCode = 1;
  }
  // deno-lint-ignore no-console
  console.log(`${sites.length} checks were removed, one at a time`);
}
