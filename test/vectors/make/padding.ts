/** Vectors of the padding: lengths around the edges, and every way in which a padded text is not the one form. */
import { padme } from '../../../src/crypto/padding.ts';
import { Maker } from '../maker.ts';

type Part = string | { repeat: string; length: number };
const zeros = (length: number): Part => ({ repeat: '00', length });
const head = (length: number) => length.toString(16).padStart(16, '0');
/** A padded text of `total` bytes that says `length`. */
const made = (length: number, total: number): Part[] => [
  head(length),
  { repeat: '61', length },
  zeros(total - 8 - length),
];

export async function makePadding(): Promise<Maker> {
  const m = new Maker('padding', 'docs/protocol.md 4', 'u64 length, data, zeros up to max(1024, padme(8 + length)).');
  for (const length of [0, 1, 1015, 1016, 1017, 1080, 1081, 65_528, 65_529, 100_000, 1_048_576])
    await m.pass(`pad-${length}`, 'pad', { data: [{ repeat: '61', length }] });
  for (const length of [1, 2, 3, 8, 9, 1025, 65_537, 1_048_577, 2 ** 32 + 1, 2 ** 40 + 1])
    await m.pass(`padme-${length}`, 'padme', { length });
  for (const length of [0, 1, 64, 1016, 1017, 1080, 1081, 65_529])
    await m.pass(`unpad-${length}`, 'unpad', { padded: made(length, Math.max(1024, padme(8 + length))) });

  for (const length of [0, 7, 8, 9, 64, 1000, 1023])
    await m.fail(`short-${length}`, 'unpad', { padded: [zeros(length)] }, 'padding', `${length} bytes of zeros`);
  for (const [length, total] of [
    [0, 1025],
    [0, 1088],
    [0, 2048],
    [1, 1040],
    [1016, 1025],
    [1016, 1088],
    [1017, 1025],
    [1017, 1056],
    [1017, 1152],
    [1080, 1152],
    [1081, 1100],
    [1081, 1216],
    [4000, 4009],
    [4000, 4352],
    [65_528, 65_537],
    [65_528, 67_584],
    [65_529, 65_537],
    [65_529, 69_632],
    [100_000, 100_008],
    [100_000, 102_400],
  ] as const)
    await m.fail(
      `total-${length}-${total}`,
      'unpad',
      { padded: made(length, total) },
      'padding',
      `${length} bytes padded to ${total}`,
    );
  const rest: [string, Part[], string][] = [
    ['last', [head(1), '61', zeros(1014), '01'], 'the last byte is 1'],
    ['first', [head(1), '61', '01', zeros(1014)], 'the first byte of the padding is 1'],
    ['middle', [head(1), '61', zeros(500), '80', zeros(514)], 'a byte of the padding is 128'],
    ['iso', [head(1), '61', '80', zeros(1014)], 'the padding begins with 80, as in ISO 7816-4'],
    [
      'pkcs7',
      [head(1016 - 8), { repeat: '61', length: 1008 }, { repeat: '08', length: 8 }],
      'the padding says its length, as in PKCS #7',
    ],
    ['ones', [head(0), { repeat: 'ff', length: 1016 }], 'the padding is ff'],
    ['length-over', [head(1017), { repeat: '61', length: 1016 }], 'a length of one more than there is'],
    ['length-2-32', ['0000000100000000', zeros(1016)], 'a length of 2^32'],
    ['length-2-53', ['0020000000000000', zeros(1016)], 'a length of 2^53'],
    ['length-2-53-1', ['0020000000000001', '61', zeros(1015)], 'a length of 2^53 + 1'],
    ['length-2-56', ['0100000000000000', zeros(1016)], 'a length of 2^56'],
    ['length-max', ['ffffffffffffffff', zeros(1016)], 'a length of 2^64 - 1'],
    ['little-endian', ['0100000000000000', '61', zeros(1015)], 'the length is little-endian'],
    ['u32', ['00000001', '61', zeros(1019)], 'the length has four bytes'],
    ['one-less', [head(1), '6161', zeros(1014)], 'a length of one less than the data'],
    ['total-8', [head(1024), zeros(1016)], 'the length is that of the whole'],
    ['empty', [], 'nothing'],
    ['data-only', [{ repeat: '61', length: 1024 }], 'no length'],
    ['unpadded', [head(1016 + 8), { repeat: '61', length: 1024 }], 'nothing is padded, 1,032 bytes'],
    ['unpadded-long', [head(5000), { repeat: '61', length: 5000 }], 'nothing is padded, 5,008 bytes'],
    ['cut', made(1017, 1088).slice(0, 2), 'the zeros are cut off'],
    ['twice', [...made(1, 1024), ...made(1, 1024)], 'a padded text twice'],
    ['in-front', [zeros(1015), '61', head(1)], 'zeros in front'],
    ['power', made(2000, 4096), 'padded to a power of two'],
    ['kib', made(2100, 3072), 'padded to a multiple of 1 KiB'],
    ['block', made(2000, 2016), 'padded to a multiple of 16'],
    ['page', made(5000, 8192), 'padded to a multiple of 4 KiB'],
    ['random', [head(1), '61', zeros(1000), 'a5', zeros(14)], 'a byte of the padding is a5'],
    ['nothing-1', [head(0), '01', zeros(1015)], 'no data, and a byte of the padding is 1'],
    ['second', [head(1016), { repeat: '61', length: 1016 }, zeros(1024)], 'a second kilobyte of zeros'],
    ['text-length', ['3030303030303031', '61', zeros(1015)], 'the length in ASCII'],
    ['minus', ['8000000000000000', zeros(1016)], 'a length of 2^63'],
  ];
  for (const [name, padded, why] of rest) await m.fail(`form-${name}`, 'unpad', { padded }, 'padding', why);
  return m;
}
