// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Writes `docs/conformance.md`: the checks as they stand in their rooms, the
 * cases that show them, and what becomes of each statement of PEP 3333.
 */

import { CHECKS } from "../_checks.ts";
import { sectionOf, SECTIONS, sectionUrl } from "../_conformance.ts";
import { CONFORMANCE_CHECKS, type WsgiConformanceCode } from "../validate.ts";
import { CASES } from "./validate_cases.ts";

/** The file that is written. */
export const DOCUMENT = new URL("../docs/conformance.md", import.meta.url);

const PERMISSION = "A permission, not an obligation";
const INSIDE_SERVER = "Happens inside the server";
const INSIDE_APPLICATION = "Happens inside the application";
const ON_THE_WIRE = "Happens on the wire";
const DOCUMENTATION = "Concerns documentation";
const OLD_PYTHON = "Concerns Python before 2.2";
const EXTENSIONS = "Concerns extensions, not WSGI";
const REFUSAL = "A refusal shows by itself";
const HIDDEN = "The guards hide everything else";

/**
 * Every normative statement of PEP 3333, P001 first, and in a few words why a
 * program in the middle cannot observe it, if it cannot.
 */
export const CLAUSES: [statement: string, reason?: string][] = [
  // Specification Overview
  ["Callables are called, and not inspected", "Inspection leaves no trace"],
  ["Native strings for metadata, bytestrings for bodies"],
  ["Native strings can be converted to bytes"],
  ["An application is a callable with two arguments"],
  ["It may be of any kind that can be called", PERMISSION],
  ["It can be called more than once", REFUSAL],
  [
    "The server calls it once for each request",
    "Middleware may call it repeatedly",
  ],
  ["Middleware keeps the rules of both sides"],
  ["Middleware is transparent", "No rule tells what matters"],
  // Specification Details
  ["The application is called with positional arguments"],
  ["The environ is a builtin dictionary"],
  ["The application may change the environ"],
  ["The environ has the variables that WSGI requires"],
  ["It may have extension variables, named by the convention"],
  ["startResponse() is called with positional arguments"],
  ["It takes two arguments and an optional third"],
  ["The status is a code and a reason"],
  ["The headers are a list of pairs"],
  ["startResponse() returns write(), which takes one bytestring"],
  ["The result is an iterable of bytestrings"],
  ["Blocks are sent unbuffered, one after the other"],
  ["Applications do their own buffering", INSIDE_APPLICATION],
  ["Blocks are binary: line endings stay", ON_THE_WIRE],
  ["Blocks are in a format that suits the client"],
  ["Servers may apply transfer encodings and ranges", PERMISSION],
  ["A length of the result is accurate"],
  ["close() is called on completion, however it comes"],
  ["Applications do not rely on being iterated to the end", INSIDE_APPLICATION],
  ["Servers may close the result early", PERMISSION],
  ["startResponse() is called before the first block"],
  ["It may be called in the first iteration"],
  ["Servers do not rely on a call before iteration"],
  ["No other attribute of the result is used", HIDDEN],
  // environ Variables
  ["The CGI variables are there, unless empty"],
  ["Variables that would be empty may be absent", PERMISSION],
  ["REQUEST_METHOD is never empty"],
  ["SCRIPT_NAME may be empty"],
  ["PATH_INFO may be empty"],
  ["QUERY_STRING may be empty or absent", PERMISSION],
  ["CONTENT_TYPE may be empty or absent", PERMISSION],
  ["CONTENT_LENGTH may be empty or absent"],
  ["SERVER_NAME and SERVER_PORT are never empty"],
  ["SERVER_PROTOCOL is that of the request"],
  ["HTTP_ variables correspond to the headers of the request"],
  [
    "Servers provide other CGI variables that apply",
    "Nothing tells what applies",
  ],
  ["With TLS, they provide the variables of Apache"],
  ["They document what they provide", DOCUMENTATION],
  ["Applications check for variables that they need", INSIDE_APPLICATION],
  ["Missing variables are left out"],
  ["CGI variables are strings"],
  ["The environ may have variables of the system", PERMISSION],
  ["The environ has the wsgi.* variables"],
  ["wsgi.version is (1, 0)"],
  ["wsgi.url_scheme is the scheme of the URL"],
  ["wsgi.input gives the bytes of the body"],
  ["wsgi.errors takes text"],
  ['Lines of text written to it end in "\\n"'],
  ["It takes arbitrary text without raising"],
  ["Servers document where that goes", DOCUMENTATION],
  ["They may have a stream for each application", PERMISSION],
  ["wsgi.multithread tells of calls that overlap"],
  ["wsgi.multiprocess tells of other processes"],
  ["wsgi.run_once tells of a single call"],
  ["Variables of servers are named in lower case"],
  // Input and Error Streams
  ["The streams have the methods that are listed"],
  ["Servers need not read beyond Content-Length", PERMISSION],
  ["They simulate the end of a file there"],
  ["Applications do not read beyond CONTENT_LENGTH"],
  ["read() without a size is allowed", REFUSAL],
  ["At the end, reading gives empty bytes"],
  ["readline() takes a size"],
  ["The hint of readlines() is optional on both sides", PERMISSION],
  ["Writes to wsgi.errors may be unbuffered", PERMISSION],
  ["Applications call flush() if it matters", INSIDE_APPLICATION],
  ["No other attribute of the streams is used"],
  ["The streams are not closed"],
  // The start_response() Callable
  ["Every callable gets positional arguments"],
  ["The status has one space, and none around it"],
  ["It has no control characters"],
  ["It does not end in a line break"],
  ["The headers are of the builtin list type"],
  ["Servers may change the list", PERMISSION],
  ["A name is a field-name without punctuation after it"],
  ["A value has no control characters"],
  ["Servers send correct headers"],
  ["They add headers that HTTP requires", ON_THE_WIRE],
  ["They compare names without regard to case", INSIDE_SERVER],
  ["There are no hop-by-hop headers"],
  ["Servers treat them as fatal", "The validator stops them first"],
  ["They check headers in startResponse()", "The validator stops them first"],
  ["startResponse() sends nothing", ON_THE_WIRE],
  ["Headers are sent with the first block not empty", ON_THE_WIRE],
  ["Or when the result is exhausted", ON_THE_WIRE],
  ["Or earlier, if Content-Length is 0", PERMISSION],
  ["excInfo is what sys.exc_info() returns: here, the error"],
  ["It is given by error handlers only", INSIDE_APPLICATION],
  ["With it, headers not sent are replaced", INSIDE_SERVER],
  ["With it, headers that were sent make it raise"],
  ["It raises with excInfo itself", "Middleware may raise its own"],
  ["The application does not trap that"],
  ["startResponse() is called again with excInfo only"],
  ["Otherwise that is fatal, even if it raised"],
  ["Nobody keeps excInfo", "References cannot be seen"],
  ["Headers are checked after they are stored", INSIDE_SERVER],
  // Handling the Content-Length Header
  ["No more bytes than Content-Length are sent"],
  ["Iteration stops there, and write() raises"],
  ["Fewer bytes are reported, and the connection closed"],
  ["Without it, servers may do what they like", PERMISSION],
  ["The length of a single block may be taken", PERMISSION],
  ["Chunks may be used with HTTP/1.1", PERMISSION],
  ["Chunks are as HTTP has them", ON_THE_WIRE],
  ["Applications apply no Transfer-Encoding"],
  // Buffering and Streaming
  ["A single block is best for most responses", "Advice, and no rule"],
  ["No block is delayed"],
  ["A block is sent while the next is produced", ON_THE_WIRE],
  ["By the operating system, or another thread", PERMISSION],
  ["Or by passing it to the caller", PERMISSION],
  // Middleware Handling of Block Boundaries
  ["Middleware does not wait for several blocks"],
  ["It yields empty bytes if it needs more"],
  ["It yields a block for each that it is given"],
  ["It returns as soon as what it wraps does"],
  ["It does not write() what was yielded"],
  ["It may write() what was written"],
  // The write() Callable
  ["New applications do not use write()"],
  ["write() takes one bytestring"],
  ["It returns when the data is on its way"],
  ["An iterable is returned all the same"],
  ["Which may be empty", PERMISSION],
  ["Its blocks are sent as usual", ON_THE_WIRE],
  ["write() is not called from within it"],
  ["Its blocks come after what was written"],
  // Unicode Issues
  ["Applications encode and decode"],
  ["Status and headers are ISO-8859-1"],
  ["Strings only have code points U+0000 to U+00FF"],
  ["Others are a fatal error of the application"],
  ["Servers do not supply them either"],
  ["Strings are of the builtin type"],
  ["Bytestrings are of the builtin type"],
  // Error Handling
  ["Applications trap their errors and show a message", INSIDE_APPLICATION],
  ["But not after output has been sent"],
  ["Servers trap and log errors", INSIDE_SERVER],
  ["They may add a message to text", PERMISSION],
  ["Middleware may keep or replace excInfo", PERMISSION],
  ["An error response always has excInfo"],
  ["What startResponse() raises for it is not trapped"],
  // HTTP 1.1 Expect/Continue
  ["Servers do expect/continue", ON_THE_WIRE],
  ["At once, or when the body is read", PERMISSION],
  ["Then reading waits for the client", ON_THE_WIRE],
  ["With HTTP/1.0 there is no need", PERMISSION],
  // Other HTTP Features
  ["Servers leave control to the application", INSIDE_SERVER],
  ["They only change what keeps the meaning", ON_THE_WIRE],
  ["They act as gateways, and conservatively", INSIDE_SERVER],
  ["Applications use no hop-by-hop features"],
  ["Nor do they rely on those of the request", "Reading leaves no trace"],
  ["Servers handle those themselves"],
  ["Servers may validate caches", PERMISSION],
  ["Applications validate their caches"],
  ["Servers may encode the response again", PERMISSION],
  ["Applications use content encodings", INSIDE_APPLICATION],
  ["They use no transfer encodings"],
  ["Servers may serve ranges", PERMISSION],
  ["Applications serve ranges", INSIDE_APPLICATION],
  // Thread Support and Application Notes
  ["Servers with threads can do without", INSIDE_SERVER],
  ["Extensions reckon with middleware", EXTENSIONS],
  ["They go through the part they replace", EXTENSIONS],
  ["Those for headers take the current environ", EXTENSIONS],
  ["Or refuse service", EXTENSIONS],
  ["Those for writing take startResponse()", EXTENSIONS],
  ["Or refuse service", EXTENSIONS],
  ["Sessions and the like are functions of the environ", EXTENSIONS],
  ["These rules are followed", EXTENSIONS],
  ["Servers document how to run an application", DOCUMENTATION],
  ["Frameworks document how to create one", DOCUMENTATION],
  ["Deployers can put variables into the environ", "Concerns configuration"],
  ["Applications need few of them", "Concerns configuration"],
  ["And keep what they make of them", INSIDE_APPLICATION],
  ["Applications may reconstruct the URL", PERMISSION],
  ["Servers iterate with a for loop only", OLD_PYTHON],
  ["Results have the protocol of sequences", OLD_PYTHON],
  ["A bare file is not returned"],
  // Optional Platform-Specific File Handling
  ["Servers may provide wsgi.file_wrapper"],
  ["Applications may use it", PERMISSION],
  ["It takes a file and an optional block size"],
  ["It returns an iterable"],
  ["It sends nothing before that is returned", ON_THE_WIRE],
  ["A file has read() with an optional size"],
  ["It may have close()", PERMISSION],
  ["Then close() of the iterable calls it"],
  ["Other methods mean what those of files mean", INSIDE_SERVER],
  ["Servers recognize the iterable after it is returned", INSIDE_SERVER],
  ["They send what iteration would have sent", ON_THE_WIRE],
  ["They may take the length of the file", PERMISSION],
  ["Any object that can be read will do", INSIDE_SERVER],
  // Questions and Answers
  ["wsgi.run_once does not mean never again", INSIDE_APPLICATION],
];

const CODES = Object.keys(CHECKS) as WsgiConformanceCode[];

/** The number of a statement, by its index. */
function numberOf(index: number): string {
  return `P${String(index + 1).padStart(3, "0")}`;
}

/** The codes of the checks that observe a statement. */
export function observersOf(number: string): WsgiConformanceCode[] {
  return CODES.filter((code) => CHECKS[code].clause.includes(number));
}

/** Statements, one by one, and what observes them, or why nothing can. */
function describeStatements(numbers: string[]): string {
  return numbers.map((number) => {
    const [statement, reason] = CLAUSES[Number(number.slice(1)) - 1] ?? [];
    const codes = observersOf(number).map((code) => `\`${code}\``).join(", ");
    return `- **${number}** ${statement}: ${codes || `_${reason}_`}\n`;
  }).join("");
}

function describeCheck(code: WsgiConformanceCode): string {
  const { side, severity, rule, remedy } = CONFORMANCE_CHECKS[code];
  const cases = Object.keys(CASES[code].bad).join("; ");
  return `
### \`${code}\`

${rule}: ${remedy}.

- ${severity === "error" ? "Error" : "Warning"}, of the ${side}
- Asked for by ${CHECKS[code].clause.join("; ")}
- Shown by ${cases.replaceAll("*", "\\*")}
`;
}

/** The document. */
export function generateDocument(): string {
  const numbers = CLAUSES.map((_clause, index) => numberOf(index));
  const sections = SECTIONS.map(([, title]) => {
    const isHere = (number = "") => sectionOf(number) === title;
    const checks = CODES.filter((code) => isHere(CHECKS[code].clause[0]));
    return `
## ${title}

[This section in PEP 3333](${sectionUrl(title)})

${describeStatements(numbers.filter(isHere))}${
      checks.map(describeCheck).join("")
    }`;
  });
  return `# Conformance

What \`validator()\` of \`@wsgi/wsgiref/validate\` checks. This page is written
from the checks and from their tests by \`deno task docs:clauses\`.

It follows the sections of [PEP 3333](https://peps.python.org/pep-3333/). Each
begins with the statements that ask something of a server, an application or
middleware, numbered through the whole of PEP 3333, and with the codes of the
checks that notice if it is not done, or why a program between the two sides
cannot notice. Then come the checks that enforce the section before any other:
the rule and how to put things right, who breaks it and whether that is an error
or only questionable, the statements and RFCs that ask for it, and the tests in
which it is broken.
${sections.join("")}`;
}

if (import.meta.main) {
  await Deno.writeTextFile(DOCUMENT, generateDocument());
}
