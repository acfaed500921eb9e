/** Two devices write one record without knowing of each other: settled by default, or by hand, and never lost. */
import { beforeEach, describe, expect, it } from 'vitest';

import type { Conflict } from '../../src/index.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { type Member, MINUTE, PASSPHRASE, text, threeDevices } from '../helpers/mesh.ts';

let laptop: Member;
let phone: Member;
let tablet: Member;

async function everybodySyncs(): Promise<void> {
  for (let i = 0; i < 2; i++) for (const member of [laptop, phone, tablet]) await member.passport.sync();
}

async function onlyConflict(member: Member): Promise<Conflict> {
  const conflicts = await member.passport.conflicts();
  expect(conflicts).toHaveLength(1);
  return conflicts[0]!;
}

beforeEach(async ({ task }) => {
  const mesh = await threeDevices(`conflicts ${task.name}`);
  ({ laptop, phone, tablet } = mesh);
  await mesh.world.unlock(laptop, phone);
  await mesh.world.unlock(phone, laptop);
  await mesh.world.unlock(tablet, laptop);
  await everybodySyncs();
  // Apart: the laptop writes first, the phone a minute later.
  await laptop.passport.put('record', 'by the laptop');
  phone.home.clock.time = laptop.home.clock.time + MINUTE;
  await phone.passport.put('record', 'by the phone');
});

describe('a conflict', () => {
  it('is announced, shows the newer value on every device, and keeps the other one readable', async () => {
    await laptop.passport.sync();
    const report = await phone.passport.sync();
    const conflict = await onlyConflict(phone);
    expect(report.conflicts).toEqual([conflict.id]);
    expect(phone.home.events).toContainEqual({ event: 'conflict', id: conflict.id, key: 'record' });
    await everybodySyncs();
    for (const member of [laptop, phone, tablet]) {
      expect(await text(member, 'record')).toBe('by the phone');
      expect(await onlyConflict(member)).toEqual(conflict);
      expect((await member.passport.list('record'))[0]).toMatchObject({ conflict: true });
      expect((await member.passport.status()).warnings.join()).toContain('1 record has more than one version');
    }
    const other = conflict.versions.find(({ winner }) => !winner)!;
    expect(other).toMatchObject({ device: 'laptop' });
    const { value } = (await tablet.passport.get('record', { version: other.version }))!;
    expect(new TextDecoder().decode(value)).toBe('by the laptop');
  });

  it('is settled by hand: the version that is taken stands everywhere', async () => {
    await everybodySyncs();
    const { id, versions } = await onlyConflict(tablet);
    const selectedVersion = versions.find(({ winner }) => !winner)!.version;
    await tablet.passport.resolveConflict({ conflictId: id, resolution: 'manual', selectedVersion });
    await everybodySyncs();
    for (const member of [laptop, phone, tablet]) {
      expect(await member.passport.conflicts()).toEqual([]);
      expect(await text(member, 'record')).toBe('by the laptop');
      expect((await member.passport.history('record')).length).toBe(3);
    }
  });

  it('is settled as newest: what is shown stands', async () => {
    await everybodySyncs();
    const { id } = await onlyConflict(tablet);
    await tablet.passport.resolveConflict({ conflictId: id, resolution: 'newest' });
    await everybodySyncs();
    for (const member of [laptop, phone, tablet]) {
      expect(await member.passport.conflicts()).toEqual([]);
      expect(await text(member, 'record')).toBe('by the phone');
    }
  });

  it('that has changed meanwhile is not settled: conflict-changed, with the new one', async () => {
    await everybodySyncs();
    const { id, versions } = await onlyConflict(laptop);
    await tablet.passport.resolveConflict({ conflictId: id, resolution: 'newest' });
    await tablet.passport.sync();
    await phone.passport.put('record', 'once more');
    await phone.passport.sync();
    await laptop.passport.sync();
    const settle = laptop.passport.resolveConflict({ conflictId: id, resolution: 'newest' });
    await expect(settle).rejects.toMatchObject({ code: 'conflict-changed' });
    const now = await onlyConflict(laptop);
    expect(now.id).not.toBe(id);
    expect(await rejectionOf(laptop.passport.resolveConflict({ conflictId: 'ff', resolution: 'newest' }))).toBe(
      'no-such-conflict',
    );
    const bad = {
      conflictId: now.id,
      resolution: 'manual',
      selectedVersion: versions[0]!.version.replace(/./g, '0'),
    } as const;
    expect(await rejectionOf(laptop.passport.resolveConflict(bad))).toBe('usage');
    expect(await rejectionOf(laptop.passport.resolveConflict({ conflictId: now.id, resolution: 'manual' }))).toBe(
      'usage',
    );
  });

  it('settled by two devices at once in two ways is a conflict again', async () => {
    await everybodySyncs();
    const { id, versions } = await onlyConflict(laptop);
    const of = (device: string) => versions.find((version) => version.device === device)!.version;
    await laptop.passport.resolveConflict({ conflictId: id, resolution: 'manual', selectedVersion: of('laptop') });
    await phone.passport.resolveConflict({ conflictId: id, resolution: 'manual', selectedVersion: of('phone') });
    await everybodySyncs();
    const again = await onlyConflict(tablet);
    expect(again.versions).toHaveLength(2);
    await tablet.passport.resolveConflict({ conflictId: again.id, resolution: 'newest' });
    await everybodySyncs();
    for (const member of [laptop, phone, tablet]) expect(await member.passport.conflicts()).toEqual([]);
    expect(await text(laptop, 'record')).toBe(await text(phone, 'record'));
  });

  it('between an edit and a delete is visible; between two equal values is none', async () => {
    await everybodySyncs();
    const { id } = await onlyConflict(laptop);
    await laptop.passport.resolveConflict({ conflictId: id, resolution: 'newest' });
    await everybodySyncs();
    await laptop.passport.delete('record');
    await phone.passport.put('record', 'edited');
    await everybodySyncs();
    const conflict = await onlyConflict(tablet);
    expect(conflict.versions.map(({ deleted }) => Number(deleted)).sort((a, b) => a - b)).toEqual([0, 1]);
    await laptop.passport.put('equal', 'same');
    await phone.passport.put('equal', 'same');
    await everybodySyncs();
    expect((await tablet.passport.conflicts()).map(({ key }) => key)).toEqual(['record']);
  });

  it('over a change of the passphrase stays what it was', async () => {
    await everybodySyncs();
    const before = await onlyConflict(laptop);
    const options = { passphrase: PASSPHRASE, newPassphrase: 'another', timeoutMs: 0 };
    const change = await laptop.passport.changePassphrase(options);
    await phone.passport.sync();
    await phone.passport.approve(change.id, { number: change.number, timeoutMs: 0 });
    await laptop.passport.finish(change.id, options);
    await phone.passport.sync();
    expect(await laptop.passport.finish(change.id, options)).toMatchObject({ state: 'decided' });
    await everybodySyncs();
    expect(await onlyConflict(laptop)).toEqual(before);
  });
});
