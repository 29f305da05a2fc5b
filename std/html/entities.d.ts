// Copyright 2026 the wsgiref authors. MIT license.
export declare function escape(str: string): string;
