// Copyright 2026 the wsgiref authors. MIT license.

import { LIMIT, within } from "./_limit.ts";

/** How much is sent at a time of what need not be all in memory. */
const ZEROS = new Uint8Array(1_048_576);

/**
 * A client that sends bytes as they are, where `fetch()` would normalize them.
 * Each character of a text stands for one byte. No wait takes longer than
 * `limit` milliseconds.
 */
export class Client implements Disposable {
  limit: number = LIMIT;
  #connection: Deno.Conn;
  #buffer = new Uint8Array(65_536);
  /** What has been received and not been read. */
  #received = "";

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  static async connect(port: number, hostname = "127.0.0.1"): Promise<Client> {
    return new Client(await Deno.connect({ hostname, port }));
  }

  /** Connects to a Unix socket. */
  static async connectToPath(path: string): Promise<Client> {
    return new Client(await Deno.connect({ transport: "unix", path }));
  }

  async send(text: string): Promise<void> {
    const sent = await this.#write(encode(text));
    if (sent < text.length) throw new Deno.errors.BrokenPipe("Cannot send");
  }

  /**
   * Sends some bytes, zeros, as long as the server takes them.
   *
   * @returns How many it has taken.
   */
  async upload(count: number): Promise<number> {
    let sent = 0;
    while (sent < count) {
      const bytes = ZEROS.subarray(0, count - sent);
      const written = await this.#write(bytes);
      sent += written;
      if (written < bytes.length) break;
    }
    return sent;
  }

  /** Writes bytes, fewer only if the server has closed the connection. */
  async #write(bytes: Uint8Array): Promise<number> {
    let sent = 0;
    while (sent < bytes.length) {
      const writing = this.#connection.write(bytes.subarray(sent));
      try {
        sent += await within("The server reads", writing, this.limit);
      } catch (error) {
        if (!isGone(error)) throw error;
        break;
      }
    }
    return sent;
  }

  /** Tells the server that nothing more will be sent. */
  async end(): Promise<void> {
    await this.#connection.closeWrite();
  }

  /** Reads up to and with a text, or else all there is. */
  async readTo(text: string): Promise<string> {
    while (!this.#received.includes(text) && await this.#receive());
    const index = this.#received.indexOf(text);
    return this.#take(index === -1 ? Infinity : index + text.length);
  }

  /** Reads a number of bytes, fewer only at the end. */
  async read(count: number): Promise<string> {
    while (this.#received.length < count && await this.#receive());
    return this.#take(count);
  }

  /** Reads until the server closes the connection. */
  async readAll(): Promise<string> {
    while (await this.#receive());
    return this.#take(Infinity);
  }

  /** Reads one response, and what ends it: its length, chunks, or the end. */
  async readResponse(method = "GET"): Promise<RawResponse> {
    let head = await this.readTo("\r\n\r\n");
    // 100 Continue comes before the response, if the client has asked for it.
    if (head.startsWith("HTTP/1.1 100 ")) {
      head = await this.readTo("\r\n\r\n");
    }
    const response = parseHead(head);
    const { status, headers } = response;
    if (method === "HEAD" || status === 204 || status === 304) {
      response.isWhole = head.endsWith("\r\n\r\n");
    } else if (headers["transfer-encoding"] !== undefined) {
      await this.#readChunks(response);
    } else if (headers["content-length"] !== undefined) {
      const length = Number(headers["content-length"]);
      response.body = await this.read(length);
      response.isWhole = response.body.length === length;
    } else {
      response.body = await this.readAll();
      response.isWhole = head !== "";
    }
    return response;
  }

  async #readChunks(response: RawResponse): Promise<void> {
    const parts: string[] = [];
    for (;;) {
      const line = await this.readTo("\r\n");
      const size = parseInt(line, 16);
      if (!line.endsWith("\r\n") || Number.isNaN(size)) break;
      const chunk = await this.read(size + 2);
      parts.push(chunk.slice(0, size));
      if (chunk.length < size + 2) break;
      if (size === 0) {
        response.isWhole = true;
        break;
      }
    }
    response.body = parts.join("");
  }

  async #receive(): Promise<boolean> {
    let count;
    try {
      count = await within(
        `The server answers or ends after ${
          JSON.stringify(this.#received.slice(-200))
        }`,
        this.#connection.read(this.#buffer),
        this.limit,
      );
    } catch (error) {
      // A server that has not read everything resets the connection.
      if (!isGone(error)) throw error;
    }
    if (typeof count !== "number") return false;
    this.#received += String.fromCharCode(...this.#buffer.subarray(0, count));
    return true;
  }

  #take(count: number): string {
    const text = this.#received.slice(0, count);
    this.#received = this.#received.slice(count);
    return text;
  }

  /**
   * Closes the connection. It is reset if something has come that was not read.
   */
  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

/** What came from a server. */
export interface RawResponse {
  /** The status code; `NaN` if there was no response. */
  status: number;
  /** By names in lower case; values of the same name joined by commas. */
  headers: Record<string, string>;
  body: string;
  /** Whether it came to its end. */
  isWhole: boolean;
}

/** Reads the status line and the headers of a response. */
export function parseHead(head: string): RawResponse {
  const headers: Record<string, string> = {};
  for (const [, name = "", value = ""] of head.matchAll(/^(.+?): ?(.*)\r/gm)) {
    const key = name.toLowerCase();
    headers[key] = key in headers ? `${headers[key]}, ${value}` : value;
  }
  const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(head)?.[1]);
  return { status, headers, body: "", isWhole: false };
}

function encode(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  // Uint8Array.from() takes ten times as long.
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe;
}

/** Sends one request, and reads until the server closes the connection. */
export async function exchange(port: number, request: string): Promise<string> {
  using client = await Client.connect(port);
  await client.send(request);
  return await client.readAll();
}

/** Sends one request, and reads its response. */
export async function ask(
  port: number,
  request: string,
): Promise<RawResponse> {
  using client = await Client.connect(port);
  await client.send(request);
  return await client.readResponse(request.slice(0, request.indexOf(" ")));
}

/** The requests of a log, without address and time. */
export function requestsOf(log: string): string[] {
  return log.split("\n").filter((line) => /^\S+ - - \[/.test(line))
    .map((line) => line.replace(/^.*?\] /, ""));
}

/** Whether the machine has an IPv6 address. */
export function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}
