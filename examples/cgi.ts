#!/usr/bin/env -S deno run --allow-env
// Copyright 2026 the wsgiref authors. MIT license.

import { CgiHandler } from "@wsgi/wsgiref/handlers";

await new CgiHandler().run((_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [new TextEncoder().encode("Hello, world!")];
});
