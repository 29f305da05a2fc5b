// Copyright 2026 the wsgiref authors. MIT license.

/** The application of the conformance table as a CGI script. */

import { CgiHandler } from "../handlers.ts";
import { application } from "./conformance.ts";

await new CgiHandler().run(application);
