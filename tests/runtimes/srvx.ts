// Copyright 2026 the wsgiref authors. MIT license.

import { serve } from "srvx/node";
import { handler } from "./_handler.ts";

const server = serve({
  hostname: "127.0.0.1",
  port: 0,
  silent: true,
  fetch: handler,
});
await server.ready();
// deno-lint-ignore no-console
console.log(server.url);
