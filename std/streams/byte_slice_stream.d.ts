// Copyright 2026 the wsgiref authors. MIT license.
export declare class ByteSliceStream
  extends TransformStream<Uint8Array, Uint8Array> {
  constructor(start?: number, end?: number);
}
