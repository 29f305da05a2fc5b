// Copyright 2026 the wsgiref authors. MIT license.
/** Options for {@linkcode format}. */
export interface FormatOptions {
  bits?: boolean;
  signed?: boolean;
  binary?: boolean;
  locale?: boolean | string | string[];
  minimumFractionDigits?: number;
  maximumFractionDigits?: number;
}
export declare function format(num: number, options?: FormatOptions): string;
