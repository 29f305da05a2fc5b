// Copyright 2026 the wsgiref authors. MIT license.

/** `data` as a stream of chunks of the given sizes, the last one repeated. */
export function chunked(data: Uint8Array, ...sizes: number[]) {
  let position = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const size = (sizes.length > 1 ? sizes.shift() : sizes[0]) ?? 1;
      controller.enqueue(data.slice(position, position + size));
      position += size;
      if (position >= data.length) controller.close();
    },
  }, { highWaterMark: 0 });
}

const decoder = new TextDecoder();

/** What was read, as text. */
export function toText(result: Uint8Array | Uint8Array[]): string | string[] {
  return Array.isArray(result)
    ? result.map((line) => decoder.decode(line))
    : decoder.decode(result);
}
