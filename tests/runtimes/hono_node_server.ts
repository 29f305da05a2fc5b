// Copyright 2026 the wsgiref authors. MIT license.

import { serve } from "@hono/node-server";
import { handler } from "./_handler.ts";

serve({ hostname: "127.0.0.1", port: 0, fetch: handler }, ({ port }) => {
  // deno-lint-ignore no-console
  console.log(`http://127.0.0.1:${port}/`);
});
