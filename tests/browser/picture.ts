// Copyright 2026 the wsgiref authors. MIT license.

/** Takes the picture of the demo page that README shows. */

import { demoApp, makeServer } from "../../simple_server.ts";
import { withPage } from "./_chromium.ts";

await using server = makeServer("127.0.0.1", 8000, demoApp, { quiet: true });
server.serveForever();
await withPage(async (page) => {
  await page.goto("http://127.0.0.1:8000/spam?eggs=2");
  const path = new URL("../../docs/demo.png", import.meta.url).pathname;
  await page.screenshot({ path });
});
