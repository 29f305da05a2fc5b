// Copyright 2026 the wsgiref authors. MIT license.

// The contestants on Node: `node:http`, Express and Fastify.
// Started as `node.mjs VARIANT ROW SIZE PORT`.

import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { argv, env } from "node:process";
import { Readable } from "node:stream";

const [, , variant, row, size, port] = argv;
const require = createRequire(`${env.BENCH_PACKAGES}/`);
const HELLO = Buffer.from("Hello, world!");
const BODY = Buffer.alloc(row === "array" ? Number(size) : 0);
const BLOCK = Buffer.alloc(1024);
const LARGE_BLOCK = Buffer.alloc(65_536);

function* blocks() {
  if (row === "blocks") {
    for (let i = 0; i < Number(size); i++) yield BLOCK;
    return;
  }
  for (let rest = Number(size); rest > 0; rest -= LARGE_BLOCK.length) {
    yield LARGE_BLOCK.subarray(0, rest);
  }
}

const blockStream = () => Readable.from(blocks(), { objectMode: false });

const rows = {
  http: {
    hello: (_request, response) => response.end(HELLO),
    array: (_request, response) => response.end(BODY),
    blocks: (_request, response) => blockStream().pipe(response),
    bytes: (_request, response) => blockStream().pipe(response),
    echo: (request, response) => {
      const chunks = [];
      request.on("data", (chunk) => chunks.push(chunk));
      request.on("end", () => response.end(Buffer.concat(chunks)));
    },
    file: (_request, response) =>
      createReadStream(env.BENCH_FILE).pipe(response),
  },
  express: {
    hello: (_request, response) => response.send(HELLO),
    array: (_request, response) => response.send(BODY),
    blocks: (_request, response) => blockStream().pipe(response),
    bytes: (_request, response) => blockStream().pipe(response),
    echo: (request, response) => response.send(request.body),
    file: (_request, response) => response.sendFile(env.BENCH_FILE),
  },
  fastify: {
    hello: (_request, reply) => reply.send(HELLO),
    array: (_request, reply) => reply.send(BODY),
    blocks: (_request, reply) => reply.send(blockStream()),
    bytes: (_request, reply) => reply.send(blockStream()),
    echo: (request, reply) => reply.send(request.body),
    file: (_request, reply) => reply.send(createReadStream(env.BENCH_FILE)),
  },
};

const answer = rows[variant][row];

if (variant === "http") {
  createServer((request, response) => {
    response.setHeader("Content-Type", "text/plain");
    answer(request, response);
  }).listen(Number(port), "127.0.0.1");
} else if (variant === "express") {
  const express = require("express");
  const app = express();
  if (row === "echo") app.use(express.raw({ type: () => true, limit: "1mb" }));
  app.all("/", (request, response) => {
    response.setHeader("Content-Type", "text/plain");
    answer(request, response);
  });
  app.listen(Number(port), "127.0.0.1");
} else {
  const app = require("fastify")();
  const options = { parseAs: "buffer" };
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", options, (_request, body, done) => {
    done(null, body);
  });
  app.all("/", (request, reply) => {
    reply.header("Content-Type", "text/plain");
    return answer(request, reply);
  });
  app.listen({ port: Number(port), host: "127.0.0.1" });
}
