/** Operations on entries, certificates and registry objects (docs/protocol.md, 5). */
import { equal } from '../../../src/bytes.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { meshLayerKey, vaultSigningSeed } from '../../../src/crypto/keys.ts';
import { isSigningKey, publicKeyOf, verifyStatement } from '../../../src/crypto/sign.ts';
import { isPassportError } from '../../../src/errors.ts';
import { type Entry, parseEntry, parseRequest, requestHash, matchNumber } from '../../../src/format/entry.ts';
import { parseCertificate, parseDecided, parseRegistryObject } from '../../../src/format/votes.ts';
import { applyEntry, holdersOf, type RegistryState } from '../../../src/registry/state.ts';
import {
  checkAttachments,
  checkCertificate,
  checkEntry,
  checkFounding,
  checkFoundingCertificate,
  checkRequest,
} from '../../../src/registry/valid.ts';
import { type Input, type Operation, refuse } from '../schema.ts';
import { openedObject } from './object.ts';

/** The layer of each rule that `entry-invalid` names. */
const LAYER_OF_RULE: Readonly<Record<string, string>> = {
  'slot 0 does not belong to this passport': 'context',
  'slot 0 starts epoch 0': 'epoch',
  'slot 0 is born in round 0, with no policy': 'context',
  'slot 0 has no votes before it': 'context',
  'slot 0 has a random number': 'parse',
  'slot 0 has a random number of 32 bytes': 'parse',
  'the founding holders do not give this passport’s id': 'context',
  'the policy is not 2 <= N <= M <= 32 and 2N > M': 'policy',
  'founding seats are 1..M': 'context',
  'two keys of new holders are equal': 'key',
  'a name cannot be shown': 'context',
  'a holder id does not belong to its key': 'context',
  'a key was a holder’s before': 'key',
  'a signing key is not acceptable': 'key',
  'a receive key is not acceptable': 'key',
  'a receive key comes back': 'key',
  'the vault key is not acceptable': 'key',
  'two holders share a key': 'key',
  'one share for each holder': 'context',
  'a mesh link in every epoch but the first': 'context',
  'a KEK link in every epoch but the first': 'context',
  'the dealer is a founding device': 'context',
  'the dealer’s signature': 'signature',
  'the vault signature': 'signature',
  'who leaves is a holder, once': 'context',
  'a seat is never used again': 'context',
  'two new holders share a seat': 'context',
  'only a change of holders changes holders or the threshold': 'context',
  'only a policy changes names': 'context',
  'a name cannot be given': 'context',
  'only devices may keep a session': 'context',
  'the initiator is a device after the change': 'context',
  'it follows another entry': 'context',
  'the birth ballot is another initiator’s': 'context',
  'too few promises of birth': 'approval',
  'a promise by somebody who is no holder': 'approval',
  'a promise of another ballot than birth': 'approval',
  'devices give a next receive key, kits do not': 'approval',
  'a promise is not signed by its holder': 'signature',
  'a promise states the heads of exactly the leaving devices': 'approval',
  'a stated head is by another device': 'context',
  'a stated head is not signed by its author': 'signature',
  'no staying holder stated a cut': 'approval',
  'too few approvals': 'approval',
  'an approval by somebody who is no holder': 'approval',
  'an approval is of something else': 'signature',
  'each new holder accepts its role once': 'approval',
  'a new holder has not accepted its role here': 'signature',
  'the holders after are not those before with this change': 'context',
  'the threshold': 'policy',
  'the epoch': 'epoch',
  'an epoch part where an epoch starts, and only there': 'epoch',
  'only a new passphrase changes salt and cost': 'context',
  'the devices that may keep a session': 'context',
  'no quorum accepted it': 'approval',
  'not every founding holder accepted it': 'approval',
  'wrap or link are not those of the entry': 'context',
};

const PREFIX = 'a registry entry breaks a rule: ';

/** Runs a check of the registry; `entry-invalid` becomes the layer of the rule that it names. */
export async function ruled<T>(check: () => T | Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (!isPassportError(error, 'entry-invalid')) throw error;
    const layer = LAYER_OF_RULE[error.message.slice(PREFIX.length)];
    if (layer === undefined) throw new Error(`a rule without a layer: ${error.message}`, { cause: error });
    return refuse(layer);
  }
}

/** The state after the entries of `before`, which are decided. */
export function stateBefore(input: Input): RegistryState {
  let state: RegistryState | undefined;
  for (const bytes of input.many('before')) state = applyEntry(state, parseEntry(bytes));
  if (state === undefined) throw new TypeError('no entry before');
  return state;
}

function shown(state: RegistryState, entry: Entry) {
  return {
    id: entry.id,
    slot: entry.core.slot,
    epoch: state.epoch,
    threshold: state.threshold,
    holders: holdersOf(state).map(({ seat, id, receiveKey }) => [seat, id, receiveKey]),
    left: state.members.filter(({ left }) => left === entry.core.slot).map(({ id, cut }) => [id, [...cut]]),
  };
}

async function entryValid(input: Input) {
  const state = stateBefore(input);
  const entry = parseEntry(input.bytes('entry'));
  await ruled(() => checkEntry(state, entry));
  return shown(applyEntry(state, entry), entry);
}

async function foundingValid(input: Input) {
  const entry = parseEntry(input.bytes('entry'));
  await ruled(() => checkFounding(entry, input.bytes('pid')));
  return shown(applyEntry(undefined, entry), entry);
}

async function certificateValid(input: Input) {
  const entry = parseEntry(input.bytes('entry'));
  const certificate = parseCertificate(input.bytes('certificate'));
  await ruled(() =>
    input.has('before')
      ? checkCertificate(stateBefore(input), entry, certificate)
      : checkFoundingCertificate(entry, certificate),
  );
  return { entry: entry.id };
}

async function attachments(input: Input) {
  const entry = parseEntry(input.bytes('entry'));
  await ruled(() => checkAttachments(entry, input.bytes('wrap'), input.bytes('link')));
  return { entry: entry.id };
}

async function requestPossible(input: Input) {
  const bytes = input.bytes('request');
  const request = parseRequest(bytes);
  await ruled(() => checkRequest(stateBefore(input), request));
  const hash = requestHash(input.bytes('pid'), bytes);
  return { hash, number: matchNumber(input.bytes('pid'), hash), kind: request.kind };
}

/** A registry object with the mesh key of the epoch whose layer key it has. */
async function registryObject(input: Input) {
  const [pid, slot, epoch] = [input.bytes('pid'), input.number('slot'), input.number('epoch')];
  const object = input.long('object');
  if (object.length > 256 * 1024) {
    try {
      parseRegistryObject(object);
    } catch (error) {
      if (isPassportError(error, 'malformed')) return refuse('bound');
      throw error;
    }
  }
  const { wrap, link, sealed } = parseRegistryObject(object);
  const key = meshLayerKey(pid, epoch, input.bytes('meshKey'));
  const context = { layer: 'mesh', epoch, key, pid, kind: 'entry', owner: pid, sequence: slot } as const;
  const decided = parseDecided(await openedObject(context, sealed));
  const entry = parseEntry(decided.entry);
  parseCertificate(decided.certificate);
  return { entry: entry.id, wrap: sha256(wrap), link: sha256(link) };
}

/** A signature over a core: the dealer's under its signing key, the vault's under the key that follows from a KEK. */
function coreSignature(input: Input) {
  const pid = input.bytes('pid');
  const statement = [pid, 'entry-core', sha256(input.bytes('core'))] as const;
  const key = input.has('kek')
    ? publicKeyOf(vaultSigningSeed(pid, input.number('epoch'), input.bytes('kek')))
    : input.bytes('signKey');
  if (input.has('vaultKey') && !equal(input.bytes('vaultKey'), key)) return refuse('key');
  if (!isSigningKey(key)) return refuse('key');
  return verifyStatement(key, input.bytes('signature'), ...statement) ? { signKey: key } : refuse('signature');
}

export const registry: Record<string, Operation> = {
  'entry-valid': entryValid,
  'founding-valid': foundingValid,
  'certificate-valid': certificateValid,
  'attachments-check': attachments,
  'request-possible': requestPossible,
  'registry-object-open': registryObject,
  'core-signature': coreSignature,
};
