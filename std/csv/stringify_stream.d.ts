// Copyright 2026 the wsgiref authors. MIT license.
/** Options for {@linkcode CsvStringifyStream}. */
export interface CsvStringifyStreamOptions {
  readonly separator?: string;
  readonly columns?: ReadonlyArray<string>;
}
export declare class CsvStringifyStream<
  TOptions extends CsvStringifyStreamOptions,
> extends TransformStream<
  TOptions["columns"] extends ReadonlyArray<string> ? Record<string, unknown>
    : ReadonlyArray<unknown>,
  string
> {
  constructor(options?: TOptions);
}
