// Copyright 2026 the wsgiref authors. MIT license.

/** What the pages of the registry show. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import denoConfig from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);

/** The part of what `deno doc --json` gives that is read here. */
interface Documentation {
  nodes: Record<string, { symbols: DocumentedSymbol[] }>;
}

interface DocumentedSymbol {
  name: string;
  declarations: {
    kind: string;
    jsDoc?: { doc?: string; tags?: { kind: string }[] };
  }[];
}

async function listSymbols(): Promise<DocumentedSymbol[]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...Object.values(denoConfig.exports)],
    cwd: ROOT,
  }).output();
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stderr));
  const { nodes }: Documentation = JSON.parse(decoder.decode(stdout));
  return Object.values(nodes).flatMap(({ symbols }) => symbols);
}

Deno.test("every exported symbol has a description and an example", async () => {
  const symbols = await listSymbols();
  assertGreater(symbols.length, 50);
  for (const { name, declarations } of symbols) {
    for (const { kind, jsDoc } of declarations) {
      // It is described where it is declared.
      if (kind === "reference") continue;
      assert(jsDoc?.doc, `${name} has no description`);
      const tags = jsDoc.tags ?? [];
      assert(
        tags.some(({ kind }) => kind === "example"),
        `${name}: no example`,
      );
    }
  }
});

Deno.test("the documentation names no number of a statement of the specification, which only the repository explains", async () => {
  assertEquals(JSON.stringify(await listSymbols()).match(/\bP\d{3}\b/g), null);
});
