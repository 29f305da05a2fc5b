// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Draws what the charts and plots have in common.
 *
 * @module
 */

function escapeXml(text: string): string {
  return text.replace(/[<>&]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A text whose line stands at `y`, in pixels. `style` has its attributes. */
export function drawText(
  x: number,
  y: number,
  text: string,
  style = "",
): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${style}>${
    escapeXml(text)
  }</text>`;
}

/** A whole picture, on white. */
export function drawSvg(
  width: number,
  height: number,
  parts: string[],
): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n${
    parts.join("\n")
  }\n</svg>\n`;
}
