// Copyright 2026 the wsgiref authors. MIT license.

/** Runs the tests of this folder once more, with validators in each process. */

Deno.env.set("UNDER_VALIDATOR", "true");
await import("./conformance_test.ts");
await import("./gateways_test.ts");
await import("./scgi_test.ts");
Deno.env.delete("UNDER_VALIDATOR");
