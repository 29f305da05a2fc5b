// Copyright 2026 the wsgiref authors. MIT license.
/** The error that a failed assertion throws. */
export declare class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions);
}
