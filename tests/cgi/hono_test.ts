// Copyright 2026 the wsgiref authors. MIT license.

/** A Hono application as a CGI script, `examples/hono_cgi.ts`. */

import { assertEquals } from "@std/assert";
import { GATEWAYS } from "./_gateways.ts";

for (const { name, skipped, start } of GATEWAYS.slice(0, 2)) {
  Deno.test(`hono_cgi.ts answers under ${name}${skipped}`, {
    ignore: skipped !== "",
  }, async () => {
    await using gateway = await start();
    const url = new URL("/cgi-bin/hono.ts", gateway.url);
    const page = await fetch(`${url}/hello/World`);
    assertEquals(await page.text(), "Hello, World!");
    const body = new URLSearchParams({ name: "spam" });
    const form = await fetch(url, { method: "POST", body });
    assertEquals(await form.json(), { name: "spam" });
    const missing = await fetch(`${url}/missing`);
    assertEquals([missing.status, await missing.text()], [
      404,
      "404 Not Found",
    ]);
  });
}
