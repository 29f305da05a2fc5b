// Copyright 2026 the wsgiref authors. MIT license.
// deno-lint-ignore-file no-console -- it is a program

/**
 * Changes one thing at a time in each module, and tells which changes no test
 * misses.
 *
 * ```sh
 * deno task test:mutation                    # every module: takes its time
 * deno task test:mutation headers.ts         # some modules
 * deno task test:mutation --every=10         # each tenth change
 * ```
 *
 * What survives for a good reason is in `mutation_survivors.json`, with the
 * reason.
 */

import { parseArgs } from "node:util";
import ts from "typescript";

const ROOT = new URL("..", import.meta.url);

/** The least part of the changes that change something which tests must notice. */
const LEAST = 0.98;

/** The seconds that the tests of a change may take. */
const LIMIT = 60;

/** The tests of the rooms of the validator, of which each has its part. */
const VALIDATOR = [
  "application_guard",
  "environ_checks",
  "environ_guards",
  "head_checks",
  "response_guard",
  "result_guard",
  "checks",
  "validate",
  "middleware_stack",
  "middleware_examples",
];

/**
 * The tests of a module, besides those that are named like it. They are run in
 * this order, until one fails.
 */
const TESTS: Record<string, string[]> = {
  "_base_handler.ts": [
    "handlers",
    "request_environ",
    "cgi",
    "socket_errors",
    "socket_bytes",
  ],
  "_cgi_environ.ts": ["cgi"],
  "_client_watch.ts": ["fetch_handler", "handlers"],
  "_conformance.ts": VALIDATOR,
  "_escape.ts": ["error_stream", "headers", "util", "handlers", "base_handler"],
  "_exchange.ts": VALIDATOR,
  "_fetch_handler.ts": [
    "handlers",
    "environ_request",
    "request_environ",
    "socket_bytes",
    "socket_errors",
    "socket_environ",
    "socket_connections",
    "socket_uploads",
  ],
  "_framing.ts": ["base_handler", "socket_bytes"],
  "_head_checks.ts": VALIDATOR,
  "_is_instance.ts": ["socket_errors"],
  "_latin1.ts": ["cgi", "handlers"],
  "_object.ts": ["validate"],
  "_program.ts": ["program"],
  "_request_environ.ts": ["socket_environ", "bridge"],
  "_request_error.ts": ["socket_bytes", "handlers"],
  "_response_body.ts": [
    "fetch_handler",
    "socket_bytes",
    "socket_errors",
    "socket_connections",
    "socket_uploads",
  ],
  "_response_guard.ts": VALIDATOR,
  "_result.ts": ["middleware", "base_handler", "socket_errors"],
  "_result_guard.ts": VALIDATOR,
  "_application_guard.ts": VALIDATOR,
  "_environ_checks.ts": VALIDATOR,
  "_environ_guards.ts": VALIDATOR,
  "_wsgi_input.ts": ["util", "socket_bytes", "socket_uploads", "memory"],
  "handlers.ts": [
    "base_handler",
    "environ_request",
    "fetch_handler",
    "cgi",
    "bridge",
    "socket_environ",
  ],
  "middleware.ts": ["middleware_stack", "middleware_examples"],
  "simple_server.ts": [
    "socket_shutdown",
    "socket_environ",
    "socket_connections",
    "program",
    "socket_errors",
  ],
  "util.ts": ["socket_bytes"],
  "validate.ts": VALIDATOR,
};

/** What has nothing to be changed. */
const UNCHANGED = ["mod.ts", "types.ts", "_version.ts"];

/** One change of a module. */
interface Mutant {
  start: number;
  end: number;
  text: string;
  /** The line that is changed, and what becomes of its part. */
  line: number;
  key: string;
}

/** A change that is known to survive. */
interface Survivor {
  module: string;
  /** The line, without the blanks around it, and the change. */
  key: string;
  reason: string;
  /** Whether the change changes nothing that anyone could see. */
  isEquivalent: boolean;
}

/** What operators are changed to. */
const OPERATORS: Record<string, string> = {
  "===": "!==",
  "!==": "===",
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "&&": "||",
  "||": "&&",
  "+": "-",
  "-": "+",
  "*": "/",
  "/": "*",
  "+=": "-=",
  "-=": "+=",
  "??": "&&",
};

/** Finds the changes of a module. */
function findMutants(source: string): Mutant[] {
  const mutants: Mutant[] = [];
  const file = ts.createSourceFile(
    "module.ts",
    source,
    ts.ScriptTarget.Latest,
    true,
  );
  const add = (node: ts.Node, text: string) => {
    const start = node.getStart(file);
    const end = node.getEnd();
    const { line } = file.getLineAndCharacterOfPosition(start);
    const before = (source.split("\n")[line] ?? "").trim();
    const shorten = (code: string) => code.replaceAll(/\s+/g, " ").slice(0, 60);
    const key = `${before} | ${shorten(source.slice(start, end))} -> ${
      shorten(text)
    }`;
    mutants.push({ start, end, text, line: line + 1, key });
  };
  const visit = (node: ts.Node): void => {
    if (
      ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node) || ts.isImportDeclaration(node) ||
      ts.isExportDeclaration(node)
    ) return;
    mutate(node, source, add);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return mutants;
}

function mutate(
  node: ts.Node,
  source: string,
  add: (node: ts.Node, text: string) => void,
): void {
  const textOf = (child: ts.Node) =>
    source.slice(child.getStart(), child.getEnd());
  if (ts.isBinaryExpression(node)) {
    const operator = OPERATORS[textOf(node.operatorToken)];
    if (operator !== undefined) add(node.operatorToken, operator);
  } else if (ts.isPrefixUnaryExpression(node)) {
    if (node.operator === ts.SyntaxKind.ExclamationToken) {
      add(node, textOf(node.operand));
    }
  } else if (ts.isConditionalExpression(node)) {
    add(node.condition, "true");
    add(node.condition, "false");
  } else if (ts.isIfStatement(node)) {
    add(node.expression, "true");
    add(node.expression, "false");
  } else if (
    ts.isExpressionStatement(node) || ts.isThrowStatement(node) ||
    ts.isBreakStatement(node) || ts.isContinueStatement(node)
  ) {
    // A class has to construct the one that it extends.
    if (!textOf(node).startsWith("super(")) add(node, ";");
  } else if (ts.isNumericLiteral(node)) {
    add(node, String(Number(node.text.replaceAll("_", "")) + 1));
  } else if (node.kind === ts.SyntaxKind.TrueKeyword) add(node, "false");
  else if (node.kind === ts.SyntaxKind.FalseKeyword) add(node, "true");
}

/** The test files of a module that are there, its own first. */
async function testsOf(module: string): Promise<string[]> {
  const own = module.replace(/^_|\.ts$/g, "");
  const names = [own, ...TESTS[module] ?? []];
  const files: string[] = [];
  for (const path of names.map((name) => `tests/${name}_test.ts`)) {
    const isThere = await Deno.stat(new URL(path, ROOT))
      .then(() => true, () => false);
    if (isThere && !files.includes(path)) files.push(path);
  }
  return files;
}

/** A copy of the project, in which modules are changed. */
class Copy implements AsyncDisposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<Copy> {
    const path = await Deno.makeTempDir({ prefix: "mutation-" });
    const { success } = await new Deno.Command("cp", {
      args: ["-r", ...await entries(), path],
      cwd: ROOT,
    }).output();
    if (!success) throw new Error("Cannot copy the project");
    return new Copy(path);
  }

  /** Whether tests pass. One that takes too long does not. */
  async passes(tests: string[]): Promise<boolean> {
    for (const test of tests) {
      // It ends what the tests have started too.
      const { success } = await new Deno.Command("timeout", {
        args: [
          ...["--kill-after=2", String(LIMIT), Deno.execPath(), "test", "-A"],
          ...["--no-check", "--quiet", "--fail-fast", test],
        ],
        cwd: this.path,
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).output();
      if (!success) return false;
    }
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** What there is to be copied. */
async function entries(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(ROOT)) {
    if (!/^(?:\.git|\.ci|bench|node_modules)$/.test(name)) names.push(name);
  }
  return names;
}

/** Runs the tests for each change, and gives those that survive. */
async function mutateModule(
  module: string,
  copies: Copy[],
  every: number,
): Promise<{ mutants: Mutant[]; survivors: Mutant[] }> {
  const source = await Deno.readTextFile(new URL(module, ROOT));
  const tests = await testsOf(module);
  const mutants = findMutants(source).filter((_, index) => index % every === 0);
  const survivors: Mutant[] = [];
  const queue = mutants.values();
  await Promise.all(copies.map(async (copy) => {
    const path = `${copy.path}/${module}`;
    for (const mutant of queue) {
      const { start, end, text } = mutant;
      const changed = source.slice(0, start) + text + source.slice(end);
      await Deno.writeTextFile(path, changed);
      if (await copy.passes(tests)) survivors.push(mutant);
    }
    await Deno.writeTextFile(path, source);
  }));
  return { mutants, survivors };
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      every: { type: "string", default: "1" },
      jobs: { type: "string", default: "2" },
      list: { type: "boolean", default: false },
    },
  });
  const known: Survivor[] = JSON.parse(
    await Deno.readTextFile(
      new URL("mutation_survivors.json", import.meta.url),
    ),
  );
  const modules = positionals.length > 0 ? positionals : (await entries())
    .filter((name) => name.endsWith(".ts") && !UNCHANGED.includes(name)).sort();
  await using stack = new AsyncDisposableStack();
  const copies: Copy[] = [];
  for (let count = Number(values.jobs); count > 0; count--) {
    copies.push(stack.use(await Copy.make()));
  }
  let total = 0;
  let survived = 0;
  let equivalent = 0;
  let unexplained = 0;
  for (const module of modules) {
    const tests = await testsOf(module);
    if (!await copies[0]?.passes(tests)) {
      throw new Error(`The tests of ${module} fail without a change`);
    }
    const { mutants, survivors } = await mutateModule(
      module,
      copies,
      Number(values.every),
    );
    total += mutants.length;
    survived += survivors.length;
    for (const { line, key } of survivors) {
      const { reason, isEquivalent } = known.find((other) =>
        other.module === module && other.key === key
      ) ?? {};
      if (isEquivalent) equivalent++;
      if (reason === undefined) unexplained++;
      if (reason === undefined || values.list) {
        console.log(`${module}:${line}: ${key}${reason ? ` (${reason})` : ""}`);
      }
    }
    console.log(
      `${module}: ${
        mutants.length - survivors.length
      } of ${mutants.length} were noticed`,
    );
  }
  const part = (total - survived) / (total - equivalent);
  console.log(
    `mutation: ${total} changes, ${survived} survived, of which ${equivalent} change nothing and ${unexplained} have no reason: ${
      (100 * part).toFixed(1)
    } % were noticed`,
  );
  return unexplained === 0 && part >= LEAST ? 0 : 1;
}

Deno.exit(await main());
