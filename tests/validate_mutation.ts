// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Removes each check of the validator in turn, and tells which of them no test
 * would miss.
 */

import { CHECKS } from "../_checks.ts";
import type { WsgiConformanceCode } from "../validate.ts";
import { checkScenario } from "./_scenarios.ts";
import { CASES } from "./validate_cases.ts";

type Validate = typeof import("../validate.ts");

/** The modules of the validator that import others, by their addresses. */
const modules = new Map<string, string>();

/** A place that finds or reports a violation. */
interface Site {
  code: WsgiConformanceCode;
  url: string;
  /** The line, from 1. */
  line: number;
  /** The module without the check. */
  mutant: string;
}

// A predicate in the entry of its rule: `isBadName: (name) => …`.
const PREDICATE_REGEXP = /\b(?:isBad\w+|findBad)(?=: )/g;
const ENTRY_REGEXP = /^ {2}"([a-z-]+)": \{$/gm;
// A report of a guard: `exchange.report("input-size", …)`.
const REPORT_REGEXP = /[\w.#]+\.report\((?=\s*"([a-z-]+)")/g;
const IMPORT_REGEXP = /(?<=\bfrom ")\.\/[^"]+/g;

/** Reads a module, and those that it imports. */
async function readModules(url: string): Promise<void> {
  if (modules.has(url)) return;
  const source = await Deno.readTextFile(new URL(url));
  modules.set(url, source);
  for (const [path] of source.matchAll(IMPORT_REGEXP)) {
    await readModules(new URL(path, url).href);
  }
}

/** Finds the checks of a module. */
function findSites(url: string, source: string): Site[] {
  const createSite = (
    code: string | undefined,
    { 0: { length }, index }: RegExpExecArray,
    replacement: string,
  ): Site => ({
    code: code as WsgiConformanceCode,
    url,
    line: source.slice(0, index).split("\n").length,
    mutant: source.slice(0, index) + replacement +
      source.slice(index + length),
  });
  return [
    ...source.matchAll(REPORT_REGEXP).map((match) =>
      createSite(match[1], match, "((..._: unknown[]) => {})(")
    ),
    ...source.matchAll(PREDICATE_REGEXP).map((match) => {
      const entries = source.slice(0, match.index).matchAll(ENTRY_REGEXP);
      return createSite([...entries].at(-1)?.[1], match, "removed");
    }),
  ];
}

/** Loads `validate.ts` with one module changed. */
async function importWith({ url, mutant }: Site): Promise<Validate> {
  const blobs = new Map<string, string>();
  /** The address of a module, or of its copy if it depends on the changed one. */
  const place = (from: string): string => {
    const known = blobs.get(from);
    if (known) return known;
    const source = from === url ? mutant : modules.get(from) ?? "";
    let isChanged = from === url;
    const placed = source.replace(IMPORT_REGEXP, (path) => {
      const imported = new URL(path, from).href;
      const address = place(imported);
      if (address !== imported) isChanged = true;
      return address;
    });
    const type = "application/typescript";
    const address = isChanged
      ? URL.createObjectURL(new Blob([placed], { type }))
      : from;
    blobs.set(from, address);
    return address;
  };
  return await import(place(entry));
}

async function isMissed(site: Site): Promise<boolean> {
  const module = await importWith(site);
  for (const scenario of Object.values(CASES[site.code].bad)) {
    try {
      await checkScenario(module, scenario, site.code, true);
    } catch {
      return true;
    }
  }
  return false;
}

function fail(message: string): void {
  // deno-lint-ignore no-console
  console.error(message);
  Deno.exitCode = 1;
}

const entry = new URL("../validate.ts", import.meta.url).href;
await readModules(entry);
const sites = [...modules].flatMap(([url, source]) => findSites(url, source));
for (const code of Object.keys(CHECKS)) {
  if (!sites.some((site) => site.code === code)) fail(`Cannot find ${code}`);
}
for (const site of sites) {
  if (!await isMissed(site)) {
    fail(`No test misses ${site.code} in ${site.url}:${site.line}`);
  }
}
// deno-lint-ignore no-console
console.log(`${sites.length} checks were removed, one at a time`);
