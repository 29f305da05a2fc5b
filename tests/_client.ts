// Copyright 2026 the wsgiref authors. MIT license.

/**
 * A client that sends bytes as they are, where `fetch()` would normalize them.
 * Each character of a text stands for one byte.
 */
export class Client implements Disposable {
  #connection: Deno.TcpConn;
  #buffer = new Uint8Array(65_536);
  /** What has been received and not been read. */
  #received = "";

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async connect(port: number, hostname = "127.0.0.1"): Promise<Client> {
    return new Client(await Deno.connect({ hostname, port }));
  }

  async send(text: string): Promise<void> {
    let bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    while (bytes.length > 0) {
      bytes = bytes.subarray(await this.#connection.write(bytes));
    }
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

  /** Reads until the server closes the connection. */
  async readAll(): Promise<string> {
    while (await this.#receive());
    return this.#take(Infinity);
  }

  async #receive(): Promise<boolean> {
    let count;
    try {
      count = await this.#connection.read(this.#buffer);
    } catch (error) {
      // A server that has not read everything resets the connection.
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
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

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** Sends one request, and reads until the server closes the connection. */
export async function exchange(port: number, request: string): Promise<string> {
  using client = await Client.connect(port);
  await client.send(request);
  return await client.readAll();
}

/** The requests of a log, without address and time. */
export function requestsOf(log: string): string[] {
  return log.split("\n").filter((line) => /^\S+ - - \[/.test(line))
    .map((line) => line.replace(/^.*?\] /, ""));
}
