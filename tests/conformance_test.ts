// Copyright 2026 the wsgiref authors. MIT license.

import { assertRejects } from "@std/assert";
import { cases, DENO, handler, type Send, sendFor } from "./conformance.ts";

for (const conformanceCase of cases) {
  const { name, only, gaps, exercise } = conformanceCase;
  if (only !== "served") {
    Deno.test(`toFetchHandler() in process: ${name}`, async () => {
      const send: Send = (path, init) =>
        handler(new Request(`http://localhost${path}`, init));
      await exercise(sendFor(conformanceCase, send));
    });
  }
  if (only === "in process") continue;
  const gap = gaps?.[DENO];
  const shown = gap === undefined ? name : `${name} (not yet: ${gap})`;
  Deno.test(`toFetchHandler() under Deno.serve(): ${shown}`, async () => {
    await using server = Deno.serve({ port: 0, onListen() {} }, handler);
    const send: Send = (path, init) =>
      fetch(`http://localhost:${server.addr.port}${path}`, init);
    const exercised = exercise(sendFor(conformanceCase, send));
    if (gap === undefined) await exercised;
    else await assertRejects(() => exercised);
  });
}
