// Copyright 2026 the wsgiref authors. MIT license.

/** The application of the conformance table as a CGI script. */

import { CgiHandler } from "../handlers.ts";
import { application } from "./conformance.ts";

if (Deno.env.has("UNDER_VALIDATOR")) {
  const { options } = await import("./_under_validator.ts");
  // The test that has started the script decides what is wrong.
  options.onViolation = options.onWarning = ({ code, side, severity }) => {
    // deno-lint-ignore no-console
    console.error(`violation ${JSON.stringify({ code, side, severity })}`);
  };
}
await new CgiHandler().run(application);
