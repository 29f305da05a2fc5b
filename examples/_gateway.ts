// Copyright 2026 the wsgiref authors. MIT license.
// deno-lint-ignore-file no-console -- it is a part of programs

/**
 * What `fastcgi_server.ts` and `scgi_server.ts` have in common: a web server
 * connects to them, and they run an application for each of its requests.
 *
 * The sockets are those of `node:net`, as Deno has no other API for a socket
 * that was opened by the parent process.
 *
 * @module
 */

import { BaseCgiHandler, ConsoleErrorStream } from "@wsgi/wsgiref/handlers";
import type {
  ErrorStream,
  WsgiApplication,
  WsgiEnviron,
} from "@wsgi/wsgiref/types";
import { ConnectionLostError, WsgiInput } from "@wsgi/wsgiref/util";
import type { Buffer } from "node:buffer";
import { createServer, type Server, type Socket } from "node:net";
import { pathToFileURL } from "node:url";

/** Where errors are logged. */
export const CONSOLE: ErrorStream = new ConsoleErrorStream();

/** The number of pieces of a request body that wait for the application. */
const MAX_PIECES = 16;

/** A request body, as it arrives. */
class RequestBody {
  #socket: Socket;
  #stream: ReadableStream<Uint8Array> | null = null;
  /** What has arrived and was not read. */
  #pieces: Uint8Array[] = [];
  #isComplete = false;
  #failure: Error | null = null;
  /** Called when there is more. */
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** The stream that a `WsgiInput` reads: most applications never do. */
  get body(): ReadableStream<Uint8Array> {
    return this.#stream ??= ReadableStream.from(this.#read());
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) yield piece;
      else if (this.#failure !== null) throw this.#failure;
      else if (this.#isComplete) return;
      else {
        this.#socket.resume();
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    }
  }

  push({ buffer, byteOffset, length }: Buffer): void {
    if (this.#isComplete) return;
    // What applications read has no methods of a Buffer.
    const piece = new Uint8Array(buffer, byteOffset, length);
    // What is not read fast enough waits in the socket.
    if (this.#pieces.push(piece) > MAX_PIECES) this.#socket.pause();
    this.#wake();
  }

  complete(): void {
    this.#isComplete = true;
    this.#wake();
  }

  fail(reason: Error): void {
    this.#failure = reason;
    this.#wake();
  }

  /** Gives up what is left. */
  discard(): void {
    this.#pieces = [];
    this.complete();
    this.#socket.resume();
  }
}

/** Answers one request. */
export class GatewayHandler extends BaseCgiHandler {
  override wsgiInputTerminated = true;
  /** The body of the request. */
  readonly body: RequestBody;
  #socket: Socket;
  #errors: ErrorStream;
  #isOver = false;
  /** Why nobody waits for the response any more. */
  #reason: Error | null = null;

  constructor(
    socket: Socket,
    environ: Partial<WsgiEnviron>,
    errors: ErrorStream,
  ) {
    const body = new RequestBody(socket);
    const limit = Number(environ.CONTENT_LENGTH ?? Infinity);
    super(new WsgiInput(body, { limit }), { write() {} }, errors, environ);
    this.stdout = { write: (data) => this.#send(data) };
    this.body = body;
    this.#socket = socket;
    this.#errors = errors;
  }

  #send(data: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#reason !== null) return reject(this.#reason);
      this.#socket.write(
        data,
        (error) =>
          error ? reject(new Deno.errors.BrokenPipe(error.message)) : resolve(),
      );
    });
  }

  /** Adds the variables, which are for this request alone. */
  override addCgiVars(): void {
    this.environ = this.baseEnviron;
  }

  /** Runs the application, and gives up what is left of the request body. */
  async answer(app: WsgiApplication): Promise<void> {
    try {
      await this.run(app);
    } catch (error) {
      this.#errors.write(`${error}\n`);
      this.abort(error);
    }
    this.#isOver = true;
    this.body.discard();
  }

  /** Resets the connection, as its end would be that of the response. */
  override abort(_error: unknown): void {
    // A socket file knows no reset.
    if (this.#socket.remotePort) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  /** Takes note that the web server waits for no response any more. */
  disconnect(): void {
    if (this.#isOver) return;
    this.#reason = new ConnectionLostError(
      "Cannot go on as the web server has closed the connection",
    );
    this.body.fail(this.#reason);
    this.connectionLost(this.#reason);
  }
}

/** What reads the requests of one connection. */
export interface Connection {
  /** The handler of the last request. */
  handler: GatewayHandler | null;
  /** Takes what the web server has sent. It throws if that is no request. */
  receive(bytes: Buffer): void;
}

/**
 * Makes a server, which does not listen yet.
 *
 * @param connect Takes a web server that connects.
 * @param errors Where requests that are not valid are logged.
 * @returns The server.
 */
export function createGateway(
  connect: (socket: Socket) => Connection,
  errors: ErrorStream,
): Server {
  // Small writes would wait for each other otherwise, for 40 ms.
  return createServer({ noDelay: true }, (socket) => {
    const connection = connect(socket);
    socket.on("data", (bytes: Buffer) => {
      try {
        connection.receive(bytes);
      } catch (error) {
        errors.write(`${error}\n`);
        socket.destroy();
      }
    });
    const disconnect = () => connection.handler?.disconnect();
    socket.on("end", disconnect);
    socket.on("close", disconnect);
    socket.on("error", () => {});
  });
}

/**
 * Is the program: it serves the application of a module.
 *
 * @param serve Makes a server of an application.
 * @param args The module, and where to listen.
 */
export async function main(
  serve: (app: WsgiApplication) => Server,
  [module, address]: string[],
): Promise<void> {
  if (module === undefined) {
    console.error("Usage: MODULE [[HOST:]PORT | PATH]");
    Deno.exit(2);
  }
  const exported = await import(pathToFileURL(module).href);
  const app = exported.default ?? exported.application;
  if (typeof app !== "function") {
    console.error(`Cannot serve ${module} as it exports no application`);
    Deno.exit(1);
  }
  const [, host = "127.0.0.1", port] =
    /^(?:(.+):)?(\d+)$/.exec(address ?? "") ?? [];
  const server = serve(app);
  server.once("error", (error) => {
    console.error(`Cannot listen: ${error.message}`);
    Deno.exit(1);
  });
  // Process managers of FastCGI open the socket themselves, as descriptor 0.
  if (address === undefined) server.listen({ fd: 0 });
  else if (port === undefined) server.listen({ path: address });
  else server.listen({ host, port: Number(port) });
}
