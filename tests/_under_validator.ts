// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Has every handler run its application between two validators, in the process
 * that loads this module. The outer one judges the handler, the inner one the
 * application, and each of them the other, as middleware.
 */

import { BaseHandler } from "../handlers.ts";
import { validator, type ValidatorOptions } from "../validate.ts";

/** Where violations and warnings go. By default, both are thrown. */
export const options: ValidatorOptions = {
  onWarning(warning) {
    // What applications of tests do may be questionable.
    if (warning.side !== "application") throw warning;
  },
};

const { run } = BaseHandler.prototype;

BaseHandler.prototype.run = function (app) {
  return run.call(this, validator(validator(app, options), options));
};
