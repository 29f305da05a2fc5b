// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

// PEP 3333, The start_response() Callable: a code from 100 to 999, one space
// and a reason phrase, without control characters or surrounding blanks.
const STATUS_REGEXP =
  /^[1-9]\d\d [!-~\x80-\xff](?:[ -~\x80-\xff]*[!-~\x80-\xff])?$/;

const DIGITS_REGEXP = /^\d+$/;

/** Whether `text` is a status such as `"200 OK"`. */
export function isStatus(text: unknown): text is string {
  return typeof text === "string" && STATUS_REGEXP.test(text);
}

/** Whether `text` is one or more decimal digits: RFC 9110, 8.6. */
export function isDigits(text: string): boolean {
  return DIGITS_REGEXP.test(text);
}
