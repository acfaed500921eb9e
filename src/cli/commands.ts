/**
 * Every command: how it is called and what help says. Help, the parser and docs/command.md follow this table; the code of the
 * commands (commands/all.ts) is loaded only when one runs.
 */
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
}

const START = 'Begin';
const MESH = 'Devices and approvals';
const RECORDS = 'Records';
const CONFLICTS = 'Conflicts';
const STORES = 'Stores';
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
  },
  {
    name: 'lock',
    group: START,
    summary: 'ends the session of this device',
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
  },
  {
    name: 'requests',
    group: MESH,
    summary: 'what waits for an approval',
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
  },
  {
    name: 'refuse',
    group: MESH,
    summary: 'refuses a request of another device',
    args: [{ name: 'ID' }],
  },
  {
    name: 'cancel',
    group: MESH,
    summary: 'takes back a request of this device',
    args: [{ name: 'ID' }],
  },
  {
    name: 'devices',
    group: MESH,
    summary: 'the holders: devices and kits',
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
  },
  {
    name: 'reshare',
    group: MESH,
    summary: 'changes how many holders open the passport',
    needs: ['threshold'],
    options: ['no-spare', 'wait'],
    examples: ['passport reshare --threshold 3'],
  },
  {
    name: 'passphrase',
    group: MESH,
    summary: "changes the vault's passphrase",
    options: ['new-passphrase-file', 'wait'],
  },
  {
    name: 'rename',
    group: MESH,
    summary: 'gives a device or kit another name',
    args: [{ name: 'OLD' }, { name: 'NEW' }],
    options: ['wait'],
  },
  {
    name: 'unattended',
    group: MESH,
    summary: 'lets a device open the passport without approval, or ends that',
    args: [{ name: 'NAME' }],
    options: ['off', 'wait'],
    about: [
      'For a server at home that must read records while nobody is there. It keeps the key of the vault in its keystore: whoever takes that device, and the passphrase of its keystore if it has one, reads everything. `passport status` on every device says so in red.',
      'New keys (revoke, enroll, passphrase) end it until the next approved unlock there.',
    ],
    examples: ['passport unattended server', 'passport unattended server --off'],
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
  },
  {
    name: 'get',
    group: RECORDS,
    summary: 'prints a record, byte for byte',
    args: [{ name: 'KEY' }],
    options: ['output', 'force', 'at'],
    about: ['A value that is not plain text is not written to a terminal: use -o FILE or a pipe.'],
    examples: ['passport get web/example.org', 'passport get ssh/id_ed25519 -o id_ed25519'],
  },
  {
    name: 'ls',
    group: RECORDS,
    summary: 'lists records',
    args: [{ name: 'PREFIX', optional: true }],
  },
  {
    name: 'rm',
    group: RECORDS,
    summary: 'deletes a record; older versions stay in its history',
    args: [{ name: 'KEY' }],
  },
  {
    name: 'history',
    group: RECORDS,
    summary: 'the versions of a record',
    args: [{ name: 'KEY' }],
  },
  {
    name: 'import',
    group: RECORDS,
    summary: 'writes every file of a directory as a record',
    args: [{ name: 'DIR' }, { name: 'PREFIX', optional: true }],
    options: ['sync'],
    about: [
      'The key of a file is PREFIX/its/path, in Unicode form NFC. Files above 1 MiB, symbolic links and other special files are skipped and named.',
    ],
    examples: ['passport import ~/.ssh ssh', 'passport import ~/scans scans --sync'],
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
  },
  {
    name: 'sync',
    group: RECORDS,
    summary: 'exchanges changes with every store, and moves on what waits',
    options: ['watch'],
  },
  {
    name: 'store add',
    group: STORES,
    summary: 'keeps the passport in one more place',
    args: [{ name: 'URL' }],
    about: [
      'It is filled from this device; every sync then goes to all stores, and one of them is enough. Each device has a list of its own.',
    ],
    examples: ['passport store add folder:/media/usb/passport'],
  },
  {
    name: 'store list',
    group: STORES,
    summary: 'where this device keeps the passport',
  },
  {
    name: 'store remove',
    group: STORES,
    summary: 'uses a store no more; what is there stays there',
    args: [{ name: 'URL' }],
  },
  {
    name: 'store check',
    group: STORES,
    summary: 'reads back everything in one store, or in all',
    args: [{ name: 'URL', optional: true }],
  },
  {
    name: 'store move',
    group: STORES,
    summary: 'fills a new store, reads it back, then lets the old one go',
    args: [{ name: 'OLD' }, { name: 'NEW' }],
    examples: ['passport store move folder:/media/usb/passport folder:$HOME/Drive/passport'],
  },
  {
    name: 'conflicts',
    group: CONFLICTS,
    summary: 'records with more than one version',
  },
  {
    name: 'resolve',
    group: CONFLICTS,
    summary: 'settles a conflict',
    args: [{ name: 'ID' }],
    options: ['take', 'newest'],
    examples: ['passport resolve 3fd1 --newest', 'passport resolve 3fd1 --take 90ab'],
  },
  {
    name: 'quarantine',
    group: CONFLICTS,
    summary: 'changes by a revoked device that were not merged',
  },
  {
    name: 'adopt',
    group: CONFLICTS,
    summary: 'takes over a quarantined change, as a change of this device',
    args: [{ name: 'ID' }],
  },
  {
    name: 'status',
    group: HEALTH,
    summary: 'how this device and its passport stand',
  },
  {
    name: 'verify',
    group: HEALTH,
    summary: 'checks every object, chain and signature in every store',
    options: ['repair'],
  },
  {
    name: 'drill',
    group: HEALTH,
    summary: 'shows that enough holders could open the passport today',
    options: ['wait'],
  },
  {
    name: 'kit check',
    group: HEALTH,
    summary: 'checks that a recovery kit still works',
    examples: ['passport kit check', 'passport kit check --kit kit-1.txt'],
    about: ['Asks for the words unless --kit names a file. Nothing is opened.'],
  },
  {
    name: 'log',
    group: HEALTH,
    summary: 'what was decided: who, approved by whom, when',
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
