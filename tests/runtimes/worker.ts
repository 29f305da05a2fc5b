// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import { handler } from "./_handler.ts";

export default { fetch: handler };
