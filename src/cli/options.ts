/**
 * Every option of the command, once: an option means the same wherever it is allowed, so one parse serves all commands and
 * options may stand before or after the command. `value` is the placeholder of its value; without it the option is a flag.
 */
export interface OptionSpec {
  readonly help: string;
  readonly value?: string;
  readonly short?: string;
  readonly repeatable?: true;
}

/** Allowed with every command. */
export const GLOBAL_OPTIONS = {
  home: { value: 'DIR', help: 'home of this device (default ~/.passport-mesh, or PASSPORT_HOME)' },
  json: { help: 'one JSON document on stdout; events as JSON lines on stderr' },
  'passphrase-file': { value: 'FILE', help: "file with the vault's passphrase (or PASSPORT_PASSPHRASE)" },
  'device-passphrase-file': {
    value: 'FILE',
    help: "file with this device's passphrase (or PASSPORT_DEVICE_PASSPHRASE)",
  },
  kit: {
    value: 'FILE',
    repeatable: true,
    help: 'a recovery kit, its sheet or its 24 words, whose vote counts here; - asks for the words; may be repeated',
  },
  yes: { short: 'y', help: 'answers yes where a consequence is shown and a yes is asked for' },
  help: { short: 'h', help: 'shows help for the command' },
  version: { help: 'shows the version' },
} as const satisfies Record<string, OptionSpec>;

export const COMMAND_OPTIONS = {
  name: { value: 'NAME', help: 'name of this device in the passport' },
  threshold: { value: 'N', help: 'how many holders open the passport and change it' },
  holders: { value: 'M', help: 'this device and M-1 recovery kits (default 3)' },
  'no-spare': { help: 'allows as many holders as the threshold: one loss is then the loss of everything' },
  store: {
    value: 'URL',
    repeatable: true,
    help: 'where the encrypted replica lives, such as folder:PATH; may be repeated',
  },
  'kit-out': {
    value: 'DIR',
    help: 'writes new kits into DIR as text and printable HTML (mode 0600) instead of showing them',
  },
  keystore: {
    value: 'KIND',
    help: 'where this device keeps its keys: keychain, file (default), or plain (unprotected)',
  },
  replace: { value: 'NAME', repeatable: true, help: 'the holder whose place the new device takes' },
  add: { help: 'adds a holder; nobody leaves' },
  'no-wait': { help: 'returns at once; `approve` goes on' },
  words: { value: '"A B C"', help: 'the three words that the new device shows' },
  number: { value: 'NN', help: 'the two digits that the asking device shows' },
  for: { value: 'TIME', help: 'how long the session stays open: 30m, 8h (default), 2d, at most 30d' },
  wait: { value: 'TIME', help: 'how long to wait for other devices (default 10m); 0 does what can be done now' },
  output: { short: 'o', value: 'FILE', help: 'writes into FILE (mode 0600) instead of stdout' },
  force: { help: 'replaces files that are there' },
  at: { value: 'VERSION', help: 'an older version, as `history` and `conflicts` show it' },
  sync: { help: 'brings it to the stores at once' },
  watch: { help: 'goes on until interrupted' },
  off: { help: 'ends it' },
  'no-kit': { help: 'no new recovery kit takes the place of what leaves' },
  'new-passphrase-file': { value: 'FILE', help: 'file with the new passphrase (or PASSPORT_NEW_PASSPHRASE)' },
  take: { value: 'VERSION', help: 'the version that stays' },
  newest: { help: 'takes the newest version, which is the one shown already' },
  repair: { help: 'puts back what this device has' },
} as const satisfies Record<string, OptionSpec>;

export type CommandOption = keyof typeof COMMAND_OPTIONS;
export type OptionName = CommandOption | keyof typeof GLOBAL_OPTIONS;

export const OPTIONS: Readonly<Record<OptionName, OptionSpec>> = { ...GLOBAL_OPTIONS, ...COMMAND_OPTIONS };
