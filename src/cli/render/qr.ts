/** QR codes by uqr: two modules per character for terminals, SVG for paper. */
import { encode, renderSVG, renderUnicodeCompact } from 'uqr';

const BORDER = 2;

/** White modules are drawn, in fixed colours, so that it scans on light and dark terminals. Undefined when it does not fit. */
export function terminalQr(text: string, columns: number): string | undefined {
  if (encode(text).size + 2 * BORDER > columns) return undefined;
  return renderUnicodeCompact(text, { border: BORDER })
    .split('\n')
    .map((line) => `\x1b[97;40m${line}\x1b[0m`)
    .join('\n');
}

export function svgQr(text: string): string {
  return renderSVG(text, { ecc: 'M', border: 4, pixelSize: 4 });
}

/** The words of a kit as they go into its QR code: capitals and spaces take the small alphanumeric form. */
export function kitQrText(words: readonly string[]): string {
  return words.join(' ').toUpperCase();
}
