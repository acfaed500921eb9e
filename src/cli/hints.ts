/**
 * The way out of each error, as a command that a person can type. It completes the hint that came with the error: that one
 * knows the case, this one knows the command. Only looked at when something failed.
 */
import type { PassportErrorCode } from '../errors.ts';

const HINTS: Readonly<Partial<Record<PassportErrorCode, string>>> = {
  malformed: 'Compare what was given with its source. If a store holds it: passport verify',
  unsupported: 'It was made by a newer version: update passport on this machine.',
  'decryption-failed': 'It is damaged, or belongs to another passport. See: passport verify',
  damaged:
    'See what is damaged with: passport verify. What this device still has goes back with: passport verify --repair',
  missing:
    'See what is missing with: passport verify. What this device still has goes back with: passport verify --repair',
  'signature-invalid': 'Nothing of it was used. See: passport verify',
  'wrong-passphrase': 'This is the passphrase of the passport, not the one of this device. Try again.',
  'wrong-device-passphrase': 'This is the passphrase of this device, not the one of the passport. Try again.',
  'passphrase-invalid': 'A passphrase has 1 to 1024 bytes. A single line end at the end of a file does not count.',
  'passphrase-reused':
    'Take two different ones: a stolen disk must not give a way to guess the passphrase of the passport.',
  'parameters-refused':
    'The stored costs of the passphrase are out of bounds. Do not type the passphrase; see: passport verify',
  'keystore-unavailable': 'Unlock the keychain of the operating system, then try again.',
  locked: 'Open a session first: eval "$(passport unlock)"',
  'session-ended': 'Open a new session: eval "$(passport unlock)"',
  'not-enough-holders': 'Wake another device and run `passport sync` there, or add a kit here with --kit FILE.',
  'share-invalid': 'One holder gave a wrong share and is named. Try again with another device or kit.',
  'dealer-fault':
    'The device that made this epoch dealt wrong shares. Keep all devices as they are and look at: passport log',
  'kit-invalid': 'Compare the words with the paper, in their order. There are 24.',
  'kit-unknown': 'The kit belongs to another passport or was replaced. `passport devices` names the kits that count.',
  'key-refused': 'The other device sent keys that are not safe. Start the invitation again.',
  'random-failed': 'The random numbers of this machine cannot be trusted. Restart it; do not go on before.',
  refused: 'Nothing was changed.',
  expired: 'Nothing was changed. Start it again.',
  aborted: 'Nothing is lost; the same command can be given again.',
  waiting: 'Approve it on another device with `passport approve`; then `passport sync` here goes on.',
  'number-mismatch':
    'The request was refused. If you did start it: start it again and type the number that is shown there.',
  'words-mismatch':
    'The invitation is void: somebody may stand between the two devices. Invite again, with both in sight.',
  'pairing-contested':
    'Two devices answered one invitation, so it is void. Invite again and keep the link to yourself.',
  'pairing-failed': 'The invitation is void. Invite again.',
  'policy-unsafe':
    'More than half of the holders must be needed, and one of them may be lost: 2 of 3, 3 of 4, 3 of 5. `init --no-spare` allows to go without the spare one.',
  'entry-invalid': 'Nothing was changed. If it happens again: passport verify',
  'registry-fork':
    'Two histories of decisions exist: a holder lied or was restored from a copy. Reading and local writing go on; see: passport status',
  revoked:
    'This device is no part of the passport any more. To come back, let another device invite it: passport invite',
  'name-taken': 'Choose another name; see: passport devices',
  'invalid-key': 'A key is text of 1 to 1024 bytes, with / between its parts and no control characters.',
  'invalid-name': 'A name is short plain text, such as laptop.',
  'value-too-large': 'A record has at most 1 MiB.',
  'no-such-record': 'See what is there: passport ls',
  'no-such-device': 'See who is there: passport devices',
  'no-such-request': 'See what is open: passport requests',
  'no-such-conflict': 'See what is open: passport conflicts',
  'conflict-changed': 'Look at the versions again with `passport conflicts`, then choose.',
  'passport-exists': 'Choose another home with --home DIR.',
  'no-passport':
    'Create one with `passport init`, join one with `passport join LINK`, or name its home with --home DIR.',
  'store-unreachable':
    'Nothing is lost; changes wait on this device. Is the disk plugged in, the folder there? Then: passport sync',
  'store-refused': 'Check the rights on the store, then: passport sync',
  'store-full': 'Nothing is lost; changes wait on this device. Make room, then: passport sync',
  'store-unknown':
    'Stores are given as folder:PATH, s3://BUCKET/PREFIX, webdav+https://HOST/PATH, drive:FOLDER or onedrive:',
  'home-unusable': 'Check that the home belongs to you and can be written, or name another one with --home DIR.',
  'disk-full': 'Nothing is lost. Make room on the disk of the home, then repeat the command.',
  'journal-changed': 'Another process was faster. Repeat the command.',
  usage: 'See: passport help',
};

export function hintFor(code: PassportErrorCode): string {
  return HINTS[code] ?? '';
}
