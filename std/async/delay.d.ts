// Copyright 2026 the wsgiref authors. MIT license.
/** Options for {@linkcode delay}. */
export interface DelayOptions {
  signal?: AbortSignal;
  persistent?: boolean;
}
export declare function delay(
  ms: number,
  options?: DelayOptions,
): Promise<void>;
