// Copyright 2026 the wsgiref authors. MIT license.

/** What the gateways serve: the table of conformance, and the other pages. */

import type { WsgiApplication } from "../../types.ts";
import { application as conformance } from "../conformance.ts";
import { application as pages } from "./app.ts";

export const application: WsgiApplication = (environ, startResponse) => {
  const isCase = environ.HTTP_X_CASE !== undefined;
  return (isCase ? conformance : pages)(environ, startResponse);
};
