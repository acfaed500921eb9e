/** The subjects of vectors/protocol, each of which makes its file again from fixed randomness. */
import type { Maker } from '../maker.ts';
import { makeBundle } from './bundle.ts';
import { makeCertificate } from './certificate.ts';
import { makeCommit } from './commit.ts';
import { makeEntry } from './entry.ts';
import { makeGrant } from './grant.ts';
import { makeKeys } from './keys.ts';
import { makeKit } from './kit.ts';
import { makeMail } from './mail.ts';
import { makeMerkle } from './merkle.ts';
import { makeNames } from './names.ts';
import { makeObject } from './object.ts';
import { makeOrder } from './order.ts';
import { makePadding } from './padding.ts';
import { makePairing } from './pairing.ts';
import { makeShare } from './share.ts';
import { makeUnlock } from './unlock.ts';
import { makeVaultSignature } from './vault-signature.ts';
import { makeVoteAccept } from './vote-accept.ts';
import { makeVoteApprove } from './vote-approve.ts';
import { makeVotePromise } from './vote-promise.ts';
import { makeVotePropose } from './vote-propose.ts';
import { makeVoteCancel, makeVoteRefuse } from './vote-refuse.ts';
import { makeVoteRequest } from './vote-request.ts';

export const SUBJECTS: Readonly<Record<string, () => Promise<Maker>>> = {
  keys: makeKeys,
  object: makeObject,
  padding: makePadding,
  names: makeNames,
  kit: makeKit,
  share: makeShare,
  grant: makeGrant,
  entry: makeEntry,
  certificate: makeCertificate,
  'vault-signature': makeVaultSignature,
  'vote-request': makeVoteRequest,
  'vote-promise': makeVotePromise,
  'vote-approve': makeVoteApprove,
  'vote-propose': makeVotePropose,
  'vote-accept': makeVoteAccept,
  'vote-refuse': makeVoteRefuse,
  'vote-cancel': makeVoteCancel,
  commit: makeCommit,
  merkle: makeMerkle,
  bundle: makeBundle,
  order: makeOrder,
  mail: makeMail,
  unlock: makeUnlock,
  pairing: makePairing,
};
