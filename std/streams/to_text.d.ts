// Copyright 2026 the wsgiref authors. MIT license.
export declare function toText(stream: ReadableStream): Promise<string>;
