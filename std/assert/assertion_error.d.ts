// Copyright 2026 the wsgiref authors. MIT license.
/** The error that a failed assertion throws. */
export declare class AssertionError extends Error {
  /**
   * Constructs a new instance.
   *
   * @param message What was expected.
   * @param options The cause.
   */
  constructor(message: string, options?: ErrorOptions);
}
