// Copyright 2026 the wsgiref authors. MIT license.
export declare function timingSafeEqual(
  a: ArrayBufferView | ArrayBufferLike,
  b: ArrayBufferView | ArrayBufferLike,
): boolean;
