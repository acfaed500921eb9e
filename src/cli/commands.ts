/**
 * Every command: how it is called, what help says, and where its code is. Help, the parser and docs/command.md follow this
 * table; the code of a command is loaded only when it runs, which keeps the start short.
 */
import type { Command } from './context.ts';
import { OPTIONS, type CommandOption } from './options.ts';

export interface Argument {
  readonly name: string;
  readonly optional?: true;
}

export interface CommandSpec {
  readonly name: string;
  readonly group: string;
  readonly summary: string;
  readonly args?: readonly Argument[];
  /** Options that must be given. */
  readonly needs?: readonly CommandOption[];
  readonly options?: readonly CommandOption[];
  /** Paragraphs for its help. */
  readonly about?: readonly string[];
  readonly examples?: readonly string[];
  readonly load: () => Promise<{ run: Command }>;
}

const START = 'Begin';
const MESH = 'Devices and approvals';
const RECORDS = 'Records';
const CONFLICTS = 'Conflicts';
const HEALTH = 'Health';

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'init',
    group: START,
    summary: 'creates a passport: this device and recovery kits on paper',
    needs: ['name', 'store'],
    options: ['threshold', 'holders', 'no-spare', 'kit-out', 'keystore', 'for'],
    about: [
      'The passport is sealed from the first byte: any N of its M holders open it together, and no one of them alone. The holders are this device and M-1 recovery kits (2 of 3 unless you say otherwise).',
      'Each kit is shown once, or written to the directory of --kit-out. Keep kits on paper, in two different places, away from this device.',
      'A session is open afterwards. eval "$(passport init …)" puts it into this shell.',
    ],
    examples: [
      'passport init --name laptop --store folder:/media/usb/passport',
      'eval "$(passport init --name laptop --store folder:$HOME/Drive/passport --kit-out ~/kits)"',
    ],
    load: () => import('./commands/init.ts'),
  },
  {
    name: 'join',
    group: START,
    summary: 'makes this machine a device of a passport that invited it',
    args: [{ name: 'LINK' }],
    needs: ['name'],
    options: ['keystore', 'wait'],
    about: [
      'LINK is what `passport invite` shows on a device of the passport; - reads it from stdin. Whoever has a link may answer it once, within ten minutes, so treat it as a secret.',
      'This device then shows three words. Type them on the inviting device; nothing is enrolled unless they are the same.',
      'Interrupted? The same command goes on.',
    ],
    examples: ['passport join "passport:join#…" --name phone', 'pbpaste | passport join - --name phone'],
    load: () => import('./commands/join.ts'),
  },
  {
    name: 'recover',
    group: START,
    summary: 'opens a passport on a fresh machine from recovery kits',
    needs: ['store', 'name'],
    options: ['replace', 'keystore', 'kit-out', 'for'],
    about: [
      'Needs as many kits as the threshold says, and the passphrase. This machine becomes a device, and lost devices leave (all of them, or those of --replace).',
      'With a device left, use `passport invite --replace OLD` there and `passport join LINK` here instead.',
    ],
    examples: ['passport recover --store folder:/media/usb/passport --name laptop --kit kit-1.txt --kit kit-2.txt'],
    load: () => import('./commands/recover.ts'),
  },
  {
    name: 'unlock',
    group: START,
    summary: 'asks the other holders to open the passport for a time',
    options: ['for', 'wait'],
    about: [
      'Shows two digits which the approver types: `passport approve` on another device. With --kit the kit counts as the other holder.',
      'Prints `export PASSPORT_SESSION=…`: eval "$(passport unlock)" puts the session into this shell.',
    ],
    examples: ['eval "$(passport unlock --for 2h)"', 'eval "$(passport unlock --kit kit-1.txt)"'],
    load: () => import('./commands/unlock.ts'),
  },
  {
    name: 'lock',
    group: START,
    summary: 'ends the session of this device',
    load: () => import('./commands/lock.ts'),
  },
  {
    name: 'invite',
    group: MESH,
    summary: 'invites a new device; it takes the place of the newest kit',
    options: ['replace', 'add', 'threshold', 'no-wait', 'wait'],
    about: [
      'Shows a link and a QR code for `passport join` on the new device, waits for its answer, and asks for the three words that it shows. The first four letters of a word are enough.',
      'The new device takes the place of the newest recovery kit, of the holder of --replace, or with --add of nobody.',
      'Without a terminal, or with --no-wait, the words go to `passport approve ID --words "…"`.',
    ],
    examples: ['passport invite', 'passport invite --replace old-laptop', 'passport invite --add --threshold 3'],
    load: () => import('./commands/invite.ts'),
  },
  {
    name: 'requests',
    group: MESH,
    summary: 'what waits for an approval',
    load: () => import('./commands/requests.ts'),
  },
  {
    name: 'approve',
    group: MESH,
    summary: 'approves a request, after showing what it does',
    args: [{ name: 'ID', optional: true }],
    options: ['words', 'number', 'wait'],
    about: [
      'Without ID: the only open request. Asks for the two digits that the asking device shows, then for a yes. An invitation of this device wants the three words that the new device shows.',
      'A wrong number or wrong words refuse the request. With an own change, takes it up again.',
    ],
    examples: [
      'passport approve',
      'passport approve 7k2f --number 42 --yes',
      'passport approve 7k2f --words "able acid zoo"',
    ],
    load: () => import('./commands/approve.ts'),
  },
  {
    name: 'refuse',
    group: MESH,
    summary: 'refuses a request of another device',
    args: [{ name: 'ID' }],
    load: () => import('./commands/refuse.ts'),
  },
  {
    name: 'cancel',
    group: MESH,
    summary: 'takes back a request of this device',
    args: [{ name: 'ID' }],
    load: () => import('./commands/cancel.ts'),
  },
  {
    name: 'devices',
    group: MESH,
    summary: 'the holders: devices and kits',
    load: () => import('./commands/devices.ts'),
  },
  {
    name: 'revoke',
    group: MESH,
    summary: 'removes a device or kit; a new kit takes its place',
    args: [{ name: 'NAME' }],
    options: ['no-kit', 'kit-out', 'threshold', 'wait'],
    about: [
      'The revoked device can read nothing that is written afterwards and can change nothing any more. What it has read it may keep: change passwords that matter.',
    ],
    examples: ['passport revoke tablet --kit-out ~/kits', 'passport revoke tablet --no-kit'],
    load: () => import('./commands/revoke.ts'),
  },
  {
    name: 'reshare',
    group: MESH,
    summary: 'changes how many holders open the passport',
    needs: ['threshold'],
    options: ['wait'],
    examples: ['passport reshare --threshold 3'],
    load: () => import('./commands/reshare.ts'),
  },
  {
    name: 'passphrase',
    group: MESH,
    summary: "changes the vault's passphrase",
    options: ['new-passphrase-file', 'wait'],
    load: () => import('./commands/passphrase.ts'),
  },
  {
    name: 'rename',
    group: MESH,
    summary: 'gives a device or kit another name',
    args: [{ name: 'OLD' }, { name: 'NEW' }],
    options: ['wait'],
    load: () => import('./commands/rename.ts'),
  },
  {
    name: 'put',
    group: RECORDS,
    summary: 'writes a record: from a file, from stdin, or typed',
    args: [{ name: 'KEY' }, { name: 'FILE', optional: true }],
    about: [
      'FILE - is stdin. Without FILE: stdin, or on a terminal one line that is not shown. Any bytes up to 1 MiB.',
      'A key is text with / between its parts, 1 to 1024 bytes.',
    ],
    examples: ['passport put ssh/id_ed25519 ~/.ssh/id_ed25519', 'pwgen 20 1 | passport put web/example.org -'],
    load: () => import('./commands/put.ts'),
  },
  {
    name: 'get',
    group: RECORDS,
    summary: 'prints a record, byte for byte',
    args: [{ name: 'KEY' }],
    options: ['output', 'force', 'at'],
    about: ['A value that is not plain text is not written to a terminal: use -o FILE or a pipe.'],
    examples: ['passport get web/example.org', 'passport get ssh/id_ed25519 -o id_ed25519'],
    load: () => import('./commands/get.ts'),
  },
  {
    name: 'ls',
    group: RECORDS,
    summary: 'lists records',
    args: [{ name: 'PREFIX', optional: true }],
    load: () => import('./commands/ls.ts'),
  },
  {
    name: 'rm',
    group: RECORDS,
    summary: 'deletes a record; older versions stay in its history',
    args: [{ name: 'KEY' }],
    load: () => import('./commands/rm.ts'),
  },
  {
    name: 'history',
    group: RECORDS,
    summary: 'the versions of a record',
    args: [{ name: 'KEY' }],
    load: () => import('./commands/history.ts'),
  },
  {
    name: 'import',
    group: RECORDS,
    summary: 'writes every file of a directory as a record',
    args: [{ name: 'DIR' }, { name: 'PREFIX', optional: true }],
    about: [
      'The key of a file is PREFIX/its/path, in Unicode form NFC. Files above 1 MiB, symbolic links and other special files are skipped and named.',
    ],
    examples: ['passport import ~/.ssh ssh'],
    load: () => import('./commands/import.ts'),
  },
  {
    name: 'export',
    group: RECORDS,
    summary: 'writes the records under a prefix as files',
    args: [{ name: 'PREFIX' }, { name: 'DIR' }],
    options: ['force'],
    about: [
      'Files are written in the clear, mode 0600, and never outside DIR. Parts of a key that no file can have are escaped as %XX and named. Files that are there stay, unless --force.',
      'PREFIX "" stands for all records.',
    ],
    examples: ['passport export ssh ~/restored'],
    load: () => import('./commands/export.ts'),
  },
  {
    name: 'sync',
    group: RECORDS,
    summary: 'exchanges changes with every store, and moves on what waits',
    options: ['watch'],
    load: () => import('./commands/sync.ts'),
  },
  {
    name: 'conflicts',
    group: CONFLICTS,
    summary: 'records with more than one version',
    load: () => import('./commands/conflicts.ts'),
  },
  {
    name: 'resolve',
    group: CONFLICTS,
    summary: 'settles a conflict',
    args: [{ name: 'ID' }],
    options: ['take', 'newest'],
    examples: ['passport resolve 3fd1 --newest', 'passport resolve 3fd1 --take 90ab'],
    load: () => import('./commands/resolve.ts'),
  },
  {
    name: 'quarantine',
    group: CONFLICTS,
    summary: 'changes by a revoked device that were not merged',
    load: () => import('./commands/quarantine.ts'),
  },
  {
    name: 'adopt',
    group: CONFLICTS,
    summary: 'takes over a quarantined change, as a change of this device',
    args: [{ name: 'ID' }],
    load: () => import('./commands/adopt.ts'),
  },
  {
    name: 'status',
    group: HEALTH,
    summary: 'how this device and its passport stand',
    load: () => import('./commands/status.ts'),
  },
  {
    name: 'verify',
    group: HEALTH,
    summary: 'checks every object, chain and signature in every store',
    options: ['repair'],
    load: () => import('./commands/verify.ts'),
  },
  {
    name: 'drill',
    group: HEALTH,
    summary: 'shows that enough holders could open the passport today',
    options: ['wait'],
    load: () => import('./commands/drill.ts'),
  },
  {
    name: 'kit check',
    group: HEALTH,
    summary: 'checks that a recovery kit still works',
    examples: ['passport kit check', 'passport kit check --kit kit-1.txt'],
    about: ['Asks for the words unless --kit names a file. Nothing is opened.'],
    load: () => import('./commands/kit-check.ts'),
  },
  {
    name: 'log',
    group: HEALTH,
    summary: 'what was decided: who, approved by whom, when',
    load: () => import('./commands/log.ts'),
  },
];

export function findCommand(name: string): CommandSpec | undefined {
  return COMMANDS.find((command) => command.name === name);
}

export function usageOf(command: CommandSpec): string {
  const args = (command.args ?? []).map(({ name, optional }) => (optional ? `[${name}]` : name));
  const needs = (command.needs ?? []).map((name) => `--${name} ${OPTIONS[name].value ?? ''}`);
  return ['passport', command.name, ...args, ...needs].join(' ');
}
