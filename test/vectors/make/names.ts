/** Vectors of names in a store: what is a name and what is ignored, tags, and the hash at the end. */
import { nameKey } from '../../../src/crypto/keys.ts';
import { formatName, nameHash, storeRoot, tag } from '../../../src/format/names.ts';
import { flip, Maker, row } from '../maker.ts';

export async function makeNames(): Promise<Maker> {
  const m = new Maker(
    'names',
    'docs/protocol.md 4, Names in a store',
    'Names of stored objects: the forms that are read, and the hash that each ends in.',
  );
  const { random } = m;
  const [pid, nameRoot, storeId] = [row(0), row(0x10), row(0, 10)];
  const key = nameKey(pid, nameRoot, storeId);
  const object = row(7, 100);
  const [store, holder, chain, hash] = [
    storeRoot(storeId).slice(2),
    tag(key, 'holder', row(1, 16)),
    tag(key, 'chain', row(1, 16)),
    nameHash(object),
  ];
  const good = {
    bundle: formatName({ kind: 'bundle', store, chain, first: 1, last: 64, hash }),
    hot: formatName({ kind: 'registry', store, slot: 3, hash, hot: true }),
    reg: formatName({ kind: 'registry', store, slot: 3, hash, hot: false }),
    vote: formatName({ kind: 'vote', store, holder, slot: 4, hash }),
    mail: formatName({ kind: 'mail', store, holder, hash }),
    grant: formatName({ kind: 'grant', store, epoch: 2, holder, hash }),
  };
  for (const [name, text] of Object.entries(good)) await m.pass(`parse-${name}`, 'name-parse', { name: text });
  await m.pass('parse-slot-max', 'name-parse', {
    name: formatName({ kind: 'registry', store, slot: 2 ** 40 - 1, hash, hot: false }),
  });
  await m.pass('parse-bundle-last', 'name-parse', {
    name: formatName({ kind: 'bundle', store, chain, first: 2 ** 40 - 1, last: 2 ** 40 - 1, hash }),
  });
  for (const [name, text] of Object.entries(good).slice(0, 3))
    await m.pass(`check-${name}`, 'name-check', { name: text, object });
  await m.pass(
    'root',
    'store-root',
    { storeId },
    { source: 'docs/protocol.md 9', result: { root: 'p/000g40o40k30e209' } },
  );
  await m.pass('hash-empty', 'name-hash', { object: new Uint8Array(0) });
  const kit = 'd22f4e56bfdf1f90e0ba2fb51d42a98b';
  await m.pass(
    'tag-holder',
    'name-tag',
    { pid, nameRoot, storeId, kind: 'holder', id: kit },
    { source: 'docs/protocol.md 9', result: { tag: '930hja66e8smtn4h' } },
  );
  await m.pass('tag-chain', 'name-tag', { pid, nameRoot, storeId, kind: 'chain', id: kit });
  await m.pass('tag-other-store', 'name-tag', { pid, nameRoot, storeId: random(10), kind: 'holder', id: kit });
  for (const step of [1, 4]) await m.pass(`pair-${step}`, 'pair-tag', { secret: row(0x20), step });

  const put = (text: string, from: string, to: string) => text.replace(from, to);
  const number = (n: number) =>
    formatName({ kind: 'registry', store, slot: n, hash, hot: false }).split('/')[3]!.slice(0, 8);
  const range = (first: number, last: number) => `p/${store}/hot/c-${chain}-${number(first)}-${number(last)}-${hash}`;
  const bad: [string, string, string][] = [
    ['empty', '', 'nothing'],
    ['root', `p/${store}`, 'only the root of a store'],
    ['leading', `/${good.reg}`, 'a slash comes first'],
    ['trailing', `${good.reg}/`, 'a slash follows'],
    ['newline', `${good.reg}\n`, 'a line break follows'],
    ['suffix', `${good.reg}.tmp`, 'a suffix follows'],
    ['double', put(good.reg, '/reg/', '//reg/'), 'two slashes'],
    ['dots', put(good.reg, '/reg/', '/reg/../reg/'), 'a step up'],
    ['upper', good.reg.toUpperCase(), 'upper case'],
    ['upper-hash', `p/${store}/reg/${number(3)}-${hash.toUpperCase()}`, 'a hash in upper case'],
    ['other-root', put(good.reg, 'p/', 'q/'), 'another root'],
    ['store-15', put(good.reg, store, store.slice(1)), 'a store id of 15 characters'],
    ['store-17', put(good.reg, store, `${store}0`), 'a store id of 17 characters'],
    ['store-w', put(good.reg, store, `w${store.slice(1)}`), 'a character that base32hex has not'],
    ['hash-25', good.reg.slice(0, -1), 'a hash of 25 characters'],
    ['hash-27', `${good.reg}0`, 'a hash of 27 characters'],
    ['hash-bits', `${good.reg.slice(0, -1)}1`, 'a hash whose last bits are not 0'],
    ['slot-7', put(good.reg, number(3), number(3).slice(1)), 'a number of 7 characters'],
    ['slot-9', put(good.reg, number(3), `0${number(3)}`), 'a number of 9 characters'],
    ['reg-in-hot', put(good.reg, '/reg/', '/hot/'), 'no letter before the slot in hot/'],
    ['hot-in-reg', put(good.hot, '/hot/', '/reg/'), 'a letter before the slot in reg/'],
    ['kind-x', put(good.mail, '/m-', '/x-'), 'an unknown kind'],
    ['kind-k', put(good.mail, '/m-', '/k-'), 'a reserved kind'],
    ['ckpt', put(good.reg, '/reg/', '/ckpt/'), 'a reserved folder'],
    ['pack', put(good.reg, '/reg/', '/pack/'), 'a reserved folder'],
    ['blob', put(good.reg, '/reg/', '/blob/'), 'a reserved folder'],
    ['holder-15', put(good.vote, holder, holder.slice(1)), 'a tag of 15 characters'],
    ['holder-none', put(good.vote, `${holder}-`, ''), 'no holder'],
    ['vote-no-slot', put(good.vote, `-${number(4)}-`, '-'), 'a vote without a slot'],
    ['grant-order', `p/${store}/grant/${holder}-${number(2)}-${hash}`, 'holder and epoch are swapped'],
    ['grant-hot', put(good.grant, '/grant/', '/hot/'), 'a grant in hot/'],
    ['bundle-one', `p/${store}/hot/c-${chain}-${number(1)}-${hash}`, 'one number'],
    ['bundle-first-0', range(0, 5), 'counting begins at 0'],
    ['bundle-order', range(5, 4), 'the last one is before the first'],
    ['bundle-65', range(1, 65), '65 commits'],
    ['bundle-65-high', range(1000, 1064), '65 commits'],
    ['underscore', good.mail.replaceAll('-', '_'), 'underscores'],
    ['space', put(good.mail, '-', ' -'), 'a space'],
  ];
  for (const [name, text, why] of bad) await m.fail(`form-${name}`, 'name-parse', { name: text }, 'parse', why);
  await m.fail(
    'check-bit',
    'name-check',
    { name: good.reg, object: flip(object) },
    'context',
    'the object is another one',
  );
  await m.fail(
    'check-cut',
    'name-check',
    { name: good.bundle, object: object.slice(1) },
    'context',
    'the object is cut',
  );
  await m.fail(
    'check-empty',
    'name-check',
    { name: good.mail, object: new Uint8Array(0) },
    'context',
    'the object is empty',
  );
  await m.fail('check-longer', 'name-check', { name: good.vote, object: row(7, 101) }, 'context', 'a byte follows');
  return m;
}
