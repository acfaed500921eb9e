import { describe, expect, it } from 'vitest';
import { Findings, REFUSED } from './findings.ts';

const throws = () => {
  throw new Error('no');
};

async function asked(providers: Parameters<Findings['ask']>[1], expected?: Parameters<Findings['ask']>[2]) {
  const findings = new Findings();
  await findings.ask('case', providers, expected);
  return findings.summary();
}

describe('a question to several providers', () => {
  it('is right when all say the same, and when that is what is expected', async () => {
    const yes = { a: () => true, b: async () => true };
    expect(await asked(yes)).toMatchObject({ cases: 1, answers: 2, providers: { a: 1, b: 1 }, wrongCount: 0 });
    expect(await asked(yes, true)).toMatchObject({ wrongCount: 0, wrong: [] });
    expect(await asked({ a: throws, b: throws }, REFUSED)).toMatchObject({ wrongCount: 0 });
  });

  it('is wrong when they differ, when all say something else, and when all refuse what nobody expects to be refused', async () => {
    expect((await asked({ a: () => true, b: () => false })).wrong).toEqual(['case: a: yes; b: no']);
    expect((await asked({ a: () => Uint8Array.of(1), b: throws })).wrong).toEqual(['case: a: 0x01; b: refused']);
    expect((await asked({ a: () => false, b: () => false }, true)).wrong).toEqual(['case: expected yes; a and b: no']);
    expect(await asked({ a: throws, b: throws })).toMatchObject({ wrongCount: 1 });
    expect(await asked({ a: undefined })).toMatchObject({ wrongCount: 1, answers: 0 });
  });

  it('tells long bytes apart that differ at their end', async () => {
    const long = (last: number) => () => new Uint8Array(100).fill(last, 99);
    expect(await asked({ a: long(1), b: long(1) })).toMatchObject({ wrongCount: 0 });
    expect(await asked({ a: long(1), b: long(2) })).toMatchObject({ wrongCount: 1 });
  });

  it('changes the digest with its answer and its name, not with its providers', async () => {
    const one = await asked({ a: () => true, b: () => true });
    expect((await asked({ c: () => true })).digest).toBe(one.digest);
    expect((await asked({ a: () => false })).digest).not.toBe(one.digest);
    const other = new Findings();
    await other.ask('another case', { a: () => true });
    expect(other.summary().digest).not.toBe(one.digest);
  });

  it('is asked once under its name', async () => {
    const findings = new Findings();
    await findings.ask('case', { a: () => true });
    await expect(findings.ask('case', { a: () => true })).rejects.toThrow('two cases are called case');
  });
});
