// Copyright 2026 the wsgiref authors. MIT license.

import { handler } from "./_handler.ts";

declare const Bun: {
  serve(options: {
    hostname: string;
    port: number;
    fetch: typeof handler;
  }): { url: URL };
};

const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: handler });
// deno-lint-ignore no-console
console.log(`${server.url}`);
