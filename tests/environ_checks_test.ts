// Copyright 2026 the wsgiref authors. MIT license.

import { CASES } from "./_environ_checks_cases.ts";
import { testCases } from "./_scenarios.ts";

testCases(CASES);
