// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertFalse,
  assertLess,
  assertThrows,
} from "@std/assert";
import {
  isHeaderName,
  isHeaderValue,
  type WsgiHeader,
  WsgiHeaders,
} from "../headers.ts";

/** Where the answers are not those of CPython 3.11.7. */
const DEPARTURES = {
  name: "a name that is not a token is refused",
  valueControl: "a control character in a value is refused (CVE-2026-0865)",
  valueLatin1: "a character outside Latin-1 in a value is refused",
  valueBlank: "blanks around a value are not sent",
  paramName: "a parameter name that is not a token is refused",
  paramControl: "a control character in a parameter value is refused",
  paramLatin1: "a parameter value outside Latin-1 is written as RFC 8187 says",
  pair: "a string of two characters is not taken for a header",
  type: "a value of a wrong type is refused with a TypeError",
  unchanged: "a call that is refused changes nothing",
  letterCase: "only ASCII letters have a case",
};

type Departure = keyof typeof DEPARTURES;

// What is allowed, written down a second time and in another way.

const TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789" +
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

function isToken(text: string): boolean {
  return text !== "" &&
    [...text].every((character) => TOKEN_CHARACTERS.includes(character));
}

function hasControl(text: string): boolean {
  return [...text].some((character) =>
    character !== "\t" && (character < " " || character === "\x7f")
  );
}

function isLatin1(text: string): boolean {
  return [...text].every((character) => character <= "\xff");
}

function isValue(text: string): boolean {
  return !hasControl(text) && isLatin1(text);
}

/** The lines of headers without the blanks around their values. */
function withoutBlanks(text: string): string {
  return text.split("\r\n").map((line) => {
    const [name, ...rest] = line.split(": ");
    if (rest.length === 0) return line;
    return `${name}: ${rest.join(": ").replace(/^[\t ]+|[\t ]+$/g, "")}`;
  }).join("\r\n");
}

/** The parameter values of a header that are written as RFC 8187 says. */
function extendedValues(header: string | undefined): string[] {
  return [...(header ?? "").matchAll(/\*=UTF-8''([\w!#$&+.^`|~%-]*)/g)]
    .map((match) => decodeURIComponent(match[1] ?? ""));
}

function bytesToString(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function assertRefused(fn: () => unknown, message: string): void {
  assertEquals(assertThrows(fn, TypeError).message, message);
}

// The sequences of headers_vectors.json, as headers_vectors.py describes them.

interface Raised {
  error: string;
}

type Step = [
  answer: unknown,
  operation: string,
  name: string,
  value: string,
  params: [string, string | null][],
];

type Sequence = [
  headers: [string, string][],
  steps: Step[] | Raised,
  text?: string,
];

function departureOfHeader(name: unknown, value: unknown): Departure | null {
  if (typeof name !== "string" || typeof value !== "string") return "type";
  if (!isToken(name)) return "name";
  if (hasControl(value)) return "valueControl";
  return isLatin1(value) ? null : "valueLatin1";
}

function departureOfList(headers: unknown): Departure | null {
  if (!Array.isArray(headers)) return "type";
  for (const header of headers) {
    if (typeof header === "string" && header.length === 2) return "pair";
    if (!Array.isArray(header) || header.length !== 2) return "type";
    const departure = departureOfHeader(header[0], header[1]);
    if (departure !== null) return departure;
  }
  return null;
}

function departureOfParams(params: [unknown, unknown][]): Departure | null {
  for (const [name, value] of params) {
    if (typeof name !== "string" || !isToken(name)) return "paramName";
    if (value === null) continue;
    if (typeof value !== "string") return "type";
    if (hasControl(value)) return "paramControl";
    if (!isLatin1(value)) return "paramLatin1";
  }
  return null;
}

function departureOfStep(step: Step): Departure | null {
  const [_answer, operation, name, value, params] = step;
  switch (operation) {
    case "set":
    case "setDefault":
      return departureOfHeader(name, value);
    case "addHeader":
      return departureOfHeader(name, value ?? "") ?? departureOfParams(params);
    default:
      return name?.includes("\u212a") ? "letterCase" : null;
  }
}

function call(headers: WsgiHeaders, step: Step): unknown {
  const [_answer, operation, name, value, params] = step;
  switch (operation) {
    case "set":
      return headers.set(name, value) ?? null;
    case "delete":
      return headers.delete(name) ?? null;
    case "get":
      return headers.get(name);
    case "getAll":
      return headers.getAll(name);
    case "has":
      return headers.has(name);
    case "setDefault":
      return headers.setDefault(name, value);
    case "addHeader":
      return headers.addHeader(name, value, Object.fromEntries(params)) ?? null;
    case "keys":
      return headers.keys();
    case "values":
      return headers.values();
    case "items":
      return headers.items();
    case "size":
      return headers.size;
    case "toString":
      return headers.toString();
    default:
      return bytesToString(headers.toBytes());
  }
}

const ABSENT: Record<string, unknown> = {
  delete: null,
  get: null,
  getAll: [],
  has: false,
};

// `python3 tests/headers_vectors.py` writes the answers of the reference.
Deno.test("WsgiHeaders answers as the reference does but for the departures", async () => {
  const sequences: Sequence[] = JSON.parse(
    await Deno.readTextFile(new URL("headers_vectors.json", import.meta.url)),
  );
  const used = new Set<Departure>();

  for (const [given, steps, text] of sequences) {
    const departure = departureOfList(given);
    if (departure !== null) {
      assertThrows(() => new WsgiHeaders(given), TypeError);
      const sameError = "error" in steps && steps.error === "TypeError";
      if (!sameError) used.add(departure);
      continue;
    }
    assert(Array.isArray(steps));

    const list = structuredClone(given);
    const headers = new WsgiHeaders(list);
    let departed = false;
    for (const step of steps) {
      const [answer, operation, name, _value, params] = step;
      const departure = departureOfStep(step);
      if (departure === null) {
        const isText = operation === "toString" || operation === "toBytes";
        assertEquals(
          call(headers, step),
          isText ? withoutBlanks(String(answer)) : answer,
        );
        continue;
      }
      departed = true;
      const before = headers.toString();
      if (departure === "letterCase") {
        const result = call(headers, step);
        assertEquals(result, ABSENT[operation]);
        assertEquals(headers.toString(), before);
        if (text !== before || String(result) !== String(answer)) {
          used.add(departure);
        }
      } else if (departure === "paramLatin1") {
        assertEquals(call(headers, step), answer);
        assertEquals(
          extendedValues(headers.getAll(name).at(-1)),
          params.map((param) => param[1] ?? "").filter((v) => !isLatin1(v)),
        );
        used.add(departure);
      } else {
        assertThrows(() => call(headers, step), TypeError);
        assertEquals(headers.toString(), before);
        used.add(departure);
        if (departure === "type" && text !== before) used.add("unchanged");
      }
    }
    if (!departed) {
      const sent = withoutBlanks(text ?? "");
      assertEquals(headers.toString(), sent);
      if (sent !== text) used.add("valueBlank");
    }
    assertEquals(list, headers.items());
  }

  assert(sequences.length >= 1500);
  assertEquals([...used].sort(), Object.keys(DEPARTURES).sort());
});

// The tests of CPython's test_wsgiref.py, HeaderTests.

Deno.test("WsgiHeaders has the mapping interface", () => {
  assertEquals(new WsgiHeaders().size, 0);
  assertEquals(new WsgiHeaders([]).size, 0);
  const headers = new WsgiHeaders([["x", "y"]]);
  assertEquals(headers.size, 1);
  assertEquals(headers.keys(), ["x"]);
  assertEquals(headers.values(), ["y"]);
  assertEquals(headers.items(), [["x", "y"]]);

  const empty = new WsgiHeaders();
  empty.delete("foo");
  assertEquals(empty.size, 0);

  empty.set("Foo", "bar");
  for (const name of ["foo", "Foo", "FOO"]) {
    assert(empty.has(name));
    assertEquals(empty.get(name), "bar");
    assertEquals(empty.getAll(name), ["bar"]);
  }
  assertFalse(empty.has("bar"));
  assertEquals(empty.get("bar"), null);
  assertEquals(empty.getAll("bar"), []);

  empty.set("foo", "baz");
  assertEquals(empty.get("FOO"), "baz");
  assertEquals(empty.getAll("foo"), ["baz"]);
  assertEquals(empty.get("zoo") ?? "whee", "whee");
  assertEquals(empty.setDefault("foo", "whee"), "baz");
  assertEquals(empty.setDefault("zoo", "whee"), "whee");
  assertEquals(empty.items(), [["foo", "baz"], ["zoo", "whee"]]);
});

Deno.test("WsgiHeaders requires an array of pairs", () => {
  const arrayWanted =
    "Cannot create headers as they must be an array of [name, value] arrays: received ";
  const pairWanted =
    "Cannot create headers as each must be a [name, value] array: received ";
  const cases: [headers: unknown, message: string][] = [
    ["foo", `${arrayWanted}"foo"`],
    [null, `${arrayWanted}null`],
    [{ "Content-Type": "text/plain" }, `${arrayWanted}[object Object]`],
    [new Headers(), `${arrayWanted}[object Headers]`],
    [new Map([["a", "b"]]), `${arrayWanted}[object Map]`],
    [["ab"], `${pairWanted}"ab"`],
    [[[]], `${pairWanted}[]`],
    [[["A", "b"], ["A"]], `${pairWanted}["A"]`],
    [[["A", "b", "c"]], `${pairWanted}["A", "b", "c"]`],
    [new Array(1), `${pairWanted}undefined`],
  ];
  for (const [headers, message] of cases) {
    assertRefused(() => new WsgiHeaders(headers as []), message);
  }
});

Deno.test("WsgiHeaders.addHeader() adds parameters and keeps what is there", () => {
  const headers = new WsgiHeaders();
  assertEquals(headers.toString(), "\r\n");
  headers.addHeader("foo", "bar", { baz: "spam" });
  assertEquals(headers.get("foo"), 'bar; baz="spam"');
  assertEquals(headers.toString(), 'foo: bar; baz="spam"\r\n\r\n');

  headers.addHeader("Foo", "bar", { cheese: null });
  assertEquals(headers.getAll("foo"), ['bar; baz="spam"', "bar; cheese"]);
  assertEquals(
    headers.toString(),
    'foo: bar; baz="spam"\r\nFoo: bar; cheese\r\n\r\n',
  );
});

// Every way in and every character.

const WAYS_IN: Record<string, (name: string, value: string) => WsgiHeaders> = {
  list: (name, value) => new WsgiHeaders([[name, value]]),
  set(name, value) {
    const headers = new WsgiHeaders();
    headers.set(name, value);
    return headers;
  },
  setDefault(name, value) {
    const headers = new WsgiHeaders();
    headers.setDefault(name, value);
    return headers;
  },
  addHeader(name, value) {
    const headers = new WsgiHeaders();
    headers.addHeader(name, value);
    return headers;
  },
};

/** Each character from U+0000 to U+017F, at each place in a text. */
function* texts(): Generator<string> {
  for (let code = 0; code <= 0x17f; code++) {
    const character = String.fromCharCode(code);
    yield* [
      character,
      `${character}b`,
      `a${character}b`,
      `a${character}`,
      `a${character}\n`,
    ];
  }
}

Deno.test("WsgiHeaders takes tokens as names on every way in", () => {
  for (const text of ["", ...texts()]) {
    const allowed = isToken(text);
    assertEquals(isHeaderName(text), allowed, JSON.stringify(text));
    for (const [way, add] of Object.entries(WAYS_IN)) {
      if (allowed) {
        assertEquals(add(text, "b").items(), [[text, "b"]], way);
      } else {
        assertThrows(() => add(text, "b"), TypeError, "is not a token", way);
      }
    }
  }
});

Deno.test("WsgiHeaders takes what can be sent as values on every way in", () => {
  for (const text of ["", ...texts()]) {
    const allowed = isValue(text);
    assertEquals(isHeaderValue(text), allowed, JSON.stringify(text));
    for (const [way, add] of Object.entries(WAYS_IN)) {
      if (allowed) {
        assertEquals(add("A", text).items(), [["A", text]], way);
      } else {
        assertThrows(
          () => add("A", text),
          TypeError,
          'Cannot set header "A" as its value ',
          way,
        );
      }
    }
  }
});

Deno.test("WsgiHeaders.addHeader() takes tokens as parameter names", () => {
  for (const text of ["", ...texts()]) {
    const headers = new WsgiHeaders();
    const add = () => headers.addHeader("A", "b", { [text]: "c" });
    if (isToken(text)) {
      add();
      assertEquals(headers.get("A"), `b; ${text.replaceAll("_", "-")}="c"`);
    } else {
      assertThrows(add, TypeError, "has a name that is not a token");
      assertEquals(headers.size, 0);
    }
  }
});

Deno.test("WsgiHeaders.addHeader() takes all but control characters in parameter values", () => {
  for (const text of texts()) {
    const headers = new WsgiHeaders();
    const add = () => headers.addHeader("A", "b", { c: text });
    if (hasControl(text)) {
      assertThrows(add, TypeError, "has a control character");
      assertEquals(headers.size, 0);
      continue;
    }
    add();
    const value = headers.get("A") ?? "";
    assert(isValue(value));
    if (isLatin1(text)) {
      assertEquals(JSON.parse(value.slice(5).replaceAll("\t", "\\t")), text);
    } else {
      assertEquals(extendedValues(value), [text]);
    }
  }
});

Deno.test("WsgiHeaders says what it refuses and changes nothing", () => {
  const headers = new WsgiHeaders([["A", "b"], ["a", "c"]]);
  const noText = 5 as unknown as string;
  const cases: [name: string, value: string, message: string][] = [
    ["", "b", 'Cannot set header "" as its name is not a token'],
    ["X A", "b", 'Cannot set header "X A" as its name is not a token'],
    ["X\r\nA", "b", 'Cannot set header "X\\r\\nA" as its name is not a token'],
    [noText, "b", "Cannot set header 5 as its name is not a token"],
    [
      "A",
      noText,
      'Cannot set header "A" as its value is not a string: received 5',
    ],
    [
      "A",
      "a\r\nSet-Cookie: b",
      'Cannot set header "A" as its value has a control character: ' +
      'received "a\\r\\nSet-Cookie: b"',
    ],
    [
      "A",
      "\x7f€",
      'Cannot set header "A" as its value has a control character: ' +
      'received "\\x7f€"',
    ],
    [
      "A",
      "5 €",
      'Cannot set header "A" as its value has a character outside Latin-1: ' +
      'received "5 €"',
    ],
  ];
  for (const [name, value, message] of cases) {
    for (const add of Object.values(WAYS_IN)) {
      assertRefused(() => add(name, value), message);
    }
    assertRefused(() => headers.set(name, value), message);
    assertRefused(() => headers.setDefault(name, value), message);
    assertRefused(() => headers.addHeader(name, value, { q: "1" }), message);
  }
  assertEquals(headers.items(), [["A", "b"], ["a", "c"]]);
});

Deno.test("WsgiHeaders.addHeader() says which parameter it refuses", () => {
  const headers = new WsgiHeaders();
  const cases: [name: string, value: unknown, message: string][] = [
    ["", "b", '"" has a name that is not a token'],
    ["a b", "b", '"a b" has a name that is not a token'],
    ["a_\n", null, '"a_\\n" has a name that is not a token'],
    ["q", 1, '"q" is not a string: received 1'],
    ["q", undefined, '"q" is not a string: received undefined'],
    ["q", 'a"\n', '"q" has a control character: received "a\\"\\n"'],
    ["q", "€\0", '"q" has a control character: received "€\\x00"'],
  ];
  for (const [name, value, message] of cases) {
    assertRefused(
      () => headers.addHeader("A", "b", { ok: "", [name]: value as string }),
      `Cannot set header "A" as its parameter ${message}`,
    );
  }
  assertRefused(
    () => headers.addHeader("A", undefined as unknown as null),
    'Cannot set header "A" as its value is not a string: received undefined',
  );
  assertEquals(headers.size, 0);
});

Deno.test("isHeaderName() and isHeaderValue() are false for what is no string", () => {
  for (
    const value of [undefined, null, 5, true, ["a"], { toString: () => "a" }]
  ) {
    assertFalse(isHeaderName(value as string));
    assertFalse(isHeaderValue(value as string));
  }
});

Deno.test("WsgiHeaders.addHeader() formats a value and parameters", () => {
  const cases: [
    value: string | null,
    params: Record<string, string | null>,
    expected: string,
  ][] = [
    [null, {}, ""],
    ["", {}, ""],
    [null, { a: null }, "a"],
    [null, { a: "b", c: null }, 'a="b"; c'],
    ["", { a: "b" }, '; a="b"'],
    ["v", { a: "" }, "v; a"],
    ["v", { max_age: "1", __a: null }, 'v; max-age="1"; --a'],
    ["v", { z: "1", a: "2", m: "3" }, 'v; z="1"; a="2"; m="3"'],
    ["v", { a: ' b\t"c\\" ' }, 'v; a=" b\t\\"c\\\\\\" "'],
    ["v", { a: "é" }, 'v; a="é"'],
    ["v", { a: "€ é" }, "v; a=\"? ?\"; a*=UTF-8''%E2%82%AC%20%C3%A9"],
    ["v", { a: "😀" }, "v; a=\"?\"; a*=UTF-8''%F0%9F%98%80"],
    ["v", { a: "\ud800" }, "v; a=\"?\"; a*=UTF-8''%EF%BF%BD"],
    [
      "v",
      { a_b: "€\"\\'()*%!~" },
      "v; a-b=\"?\\\"\\\\'()*%!~\"; a-b*=UTF-8''%E2%82%AC%22%5C%27%28%29%2A%25!~",
    ],
  ];
  for (const [value, params, expected] of cases) {
    const headers = new WsgiHeaders([["A", "0"]]);
    headers.addHeader("A", value, params);
    assertEquals(headers.items(), [["A", "0"], ["A", expected]]);
  }
});

Deno.test("WsgiHeaders looks names up without regard to the case of ASCII letters only", () => {
  for (const stored of TOKEN_CHARACTERS) {
    const headers = new WsgiHeaders([[stored, ""]]);
    for (const name of TOKEN_CHARACTERS) {
      const same = stored.toUpperCase() === name.toUpperCase();
      assertEquals(headers.has(name), same, `${stored} ${name}`);
    }
  }
  const headers = new WsgiHeaders([["k", "1"], ["s", "2"], ["i", "3"]]);
  for (let code = 0x80; code <= 0xffff; code++) {
    assertFalse(headers.has(String.fromCharCode(code)));
  }
});

Deno.test("WsgiHeaders finds nothing under a name that no header can have", () => {
  const headers = new WsgiHeaders([["Key", "b"], ["A", ""]]);
  for (const name of ["", " Key", "Key\n", "\u212aey", "K\u00e9y", "A:"]) {
    assertEquals(headers.get(name), null);
    assertEquals(headers.getAll(name), []);
    assertFalse(headers.has(name));
    headers.delete(name);
  }
  assertEquals(headers.items(), [["Key", "b"], ["A", ""]]);
});

Deno.test("WsgiHeaders wraps the list it is given", () => {
  const list: WsgiHeader[] = [["A", "1"], ["B", "2"], ["a", "3"]];
  const headers = new WsgiHeaders(list);
  const changes: [change: () => void, expected: WsgiHeader[]][] = [
    [() => headers.set("A", "4"), [["B", "2"], ["A", "4"]]],
    [() => headers.delete("b"), [["A", "4"]]],
    [() => headers.setDefault("C", "5"), [["A", "4"], ["C", "5"]]],
    [() => headers.addHeader("D", null, { e: "6" }), [["A", "4"], ["C", "5"], [
      "D",
      'e="6"',
    ]]],
    [() => list.shift(), [["C", "5"], ["D", 'e="6"']]],
    [() => list.push(["F", " 7"]), [["C", "5"], ["D", 'e="6"'], ["F", " 7"]]],
  ];
  for (const [change, expected] of changes) {
    change();
    assertEquals(list, expected);
    assertEquals(headers.items(), expected);
  }
});

Deno.test("WsgiHeaders wraps the list of the headers it is given", () => {
  const list: WsgiHeader[] = [["A", "1"]];
  const headers = new WsgiHeaders(list);
  new WsgiHeaders(headers).set("A", "2");
  assertEquals(list, [["A", "2"]]);
  assertEquals(headers.get("a"), "2");
});

Deno.test("WsgiHeaders has a list of its own if it is given none", () => {
  const headers = new WsgiHeaders();
  headers.set("A", "1");
  assertEquals(new WsgiHeaders().size, 0);
});

Deno.test("WsgiHeaders checks what others have put into a list", () => {
  const list: WsgiHeader[] = [];
  const headers = new WsgiHeaders(list);
  list.push(["A", "\r\n"]);
  for (const create of [() => new WsgiHeaders(headers), WsgiHeaders.from]) {
    assertThrows(() => create(headers), TypeError, "has a control character");
  }
});

Deno.test("WsgiHeaders.from() copies, without the blanks around values", () => {
  const CONSTANT = [["A", " \t1\t "], ["B", ""], ["C", "\xa0"]] as const;
  const list: WsgiHeader[] = CONSTANT.map(([name, value]) => [name, value]);
  for (const given of [CONSTANT, list, new WsgiHeaders(list)]) {
    const headers = WsgiHeaders.from(given);
    assertEquals(headers.items(), [["A", "1"], ["B", ""], ["C", "\xa0"]]);
    headers.set("D", "2");
    headers.delete("B");
    for (const header of list) header[1] = "3";
    assertEquals(headers.items(), [["A", "1"], ["C", "\xa0"], ["D", "2"]]);
    for (const [index, header] of list.entries()) {
      header[1] = CONSTANT[index]?.[1] ?? "";
    }
    assertEquals([...given], CONSTANT.map((header) => [...header]));
  }
});

Deno.test("WsgiHeaders gives copies of what it holds", () => {
  const headers = new WsgiHeaders([["A", "b"]]);
  headers.items().pop();
  headers.keys().pop();
  headers.values().pop();
  headers.getAll("A").pop();
  for (const header of [...headers.items(), ...headers]) header[1] = "\r\n";
  assertEquals(headers.items(), [["A", "b"]]);
});

Deno.test("WsgiHeaders keeps blanks around values, and does not send them", () => {
  const table: [value: string, sent: string][] = [
    [" a=1", "a=1"],
    ["a=1 \t", "a=1"],
    ["\t a  b \t", "a  b"],
    [" ", ""],
    ["\xa0a\xa0", "\xa0a\xa0"],
  ];
  for (const [value, sent] of table) {
    for (const [way, add] of Object.entries(WAYS_IN)) {
      const headers = add("Set-Cookie", value);
      assertEquals(headers.get("Set-Cookie"), value, way);
      assertEquals(headers.toString(), `Set-Cookie: ${sent}\r\n\r\n`, way);
    }
  }
});

Deno.test("WsgiHeaders takes time in proportion to what it is given", () => {
  const size = 1_000_000;
  const blanks = " ".repeat(size);
  const began = performance.now();
  for (const text of [blanks, `a${blanks}a`, `${blanks}a`, "a".repeat(size)]) {
    assertFalse(isHeaderName(`${text} `));
    assertFalse(isHeaderValue(`${text}\0`));
    for (const add of Object.values(WAYS_IN)) {
      assert(add("A", text).toString().length > 0);
    }
    assertEquals(WsgiHeaders.from([["A", text]]).get("A"), text.trim());
    for (const value of [text, `${text}"`, `${text}€`]) {
      new WsgiHeaders().addHeader("A", null, { b: value });
    }
  }
  const list: WsgiHeader[] = Array.from({ length: 50_000 }, () => ["A", "b"]);
  new WsgiHeaders(list).delete("a");
  assertEquals(list, []);
  // Time that grows with the square would be hours.
  assertLess(performance.now() - began, 20_000);
});

Deno.test("WsgiHeaders can be changed while it is iterated over", () => {
  const headers = new WsgiHeaders([["A", "1"], ["B", "2"], ["C", "3"]]);
  const seen: string[] = [];
  for (const [name] of headers) {
    seen.push(name);
    headers.delete(name);
    headers.set(`X-${name}`, "");
  }
  assertEquals(seen, ["A", "B", "C"]);
  assertEquals(headers.keys(), ["X-A", "X-B", "X-C"]);
});

Deno.test("WsgiHeaders.set() replaces every occurrence by one at the end", () => {
  const headers = new WsgiHeaders([["A", "1"], ["B", "2"], ["a", "3"]]);
  headers.set("a", "4");
  assertEquals(headers.items(), [["B", "2"], ["a", "4"]]);
});

Deno.test("WsgiHeaders.setDefault() takes an empty value for one that is there", () => {
  const headers = new WsgiHeaders([["A", ""]]);
  assertEquals(headers.setDefault("a", "b"), "");
  assertEquals(headers.items(), [["A", ""]]);
});

Deno.test("WsgiHeaders.toBytes() writes each character as one byte", () => {
  let value = "";
  for (let code = 0x21; code <= 0xff; code++) {
    if (code !== 0x7f) value += String.fromCharCode(code);
  }
  const headers = new WsgiHeaders([["A", value], ["B", ""]]);
  const bytes = headers.toBytes();
  assertEquals(bytesToString(bytes), `A: ${value}\r\nB: \r\n\r\n`);
  assertEquals(bytes.buffer.byteLength, bytes.length);
});
