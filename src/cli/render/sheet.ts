/**
 * A recovery kit on paper: as text and as an HTML page to print. The words stand between marks, by which they are found
 * again when the sheet is given as --kit.
 */
import type { Kit } from '../../types.ts';
import { KIT_BEGIN, KIT_END } from './kit-marks.ts';
import { kitQrText, svgQr } from './qr.ts';
import { safe } from './text.ts';
import { date } from './time.ts';

const COLUMNS = 4;

/** How to keep it: the same on screen and on paper. */
export const KEEPING = [
  'Keep it on paper, away from your devices and from the other kits.',
  'Alone it opens nothing; with enough other holders and the passphrase, it opens the passport.',
  'Not a cryptocurrency wallet: these words hold no money.',
  'Does it still work? passport kit check',
];

/** " 1. abandon    2. ability …": four columns, read line by line. */
export function wordGrid(words: readonly string[]): string {
  const cells = words.map((word, i) => `${String(i + 1).padStart(2)}. ${word.padEnd(9)}`);
  const rows: string[] = [];
  for (let i = 0; i < cells.length; i += COLUMNS)
    rows.push(
      cells
        .slice(i, i + COLUMNS)
        .join('  ')
        .trimEnd(),
    );
  return rows.join('\n');
}

/** What the kit belongs to, as rows of name and value. */
export function kitFacts(kit: Kit): [string, string][] {
  return [
    ['Kit', `${kit.name} (number ${kit.number})`],
    ['Passport', kit.passportWords.join(' ')],
    ['Made', `${date(kit.createdAtMs)}, epoch ${kit.epoch}`],
    ...kit.stores.map(({ url, id }): [string, string] => ['Store', `${url} (id ${id})`]),
  ];
}

export function textSheet(kit: Kit): string {
  const facts = kitFacts(kit).map(([name, value]) => `${name.padEnd(10)}${safe(value)}`);
  return [
    'PASSPORT MESH RECOVERY KIT',
    '',
    ...facts,
    '',
    KIT_BEGIN,
    wordGrid(kit.words),
    KIT_END,
    '',
    ...KEEPING,
    '',
  ].join('\n');
}

/** One page without scripts or anything loaded from elsewhere. */
export function htmlSheet(kit: Kit): string {
  const facts = kitFacts(kit).map(([name, value]) => `<tr><th>${name}</th><td>${escapeHtml(safe(value))}</td></tr>`);
  const words = kit.words.map((word) => `<li>${escapeHtml(word)}</li>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="robots" content="noindex">
<title>Recovery kit ${kit.number}</title>
<style>
@page { size: auto; margin: 18mm; }
body { font: 12pt/1.5 sans-serif; color: #000; background: #fff; max-width: 42rem; margin: 2rem auto; }
th { text-align: left; vertical-align: top; padding-right: 1rem; font-weight: normal; color: #444; }
ol { columns: 4; font-family: monospace; padding-left: 2.2rem; }
li { break-inside: avoid; }
svg { width: 45mm; height: 45mm; }
</style>
</head>
<body>
<h1>Passport Mesh recovery kit</h1>
<table>
${facts.join('\n')}
</table>
<!--${KIT_BEGIN}-->
<ol>
${words.join('\n')}
</ol>
<!--${KIT_END}-->
${svgQr(kitQrText(kit.words))}
<ul>
${KEEPING.map((line) => `<li>${escapeHtml(line)}</li>`).join('\n')}
</ul>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
