/**
 * The command of the live test (drive-onedrive-live.ts), which nothing here can run against the providers: that it says what is
 * missing, and that all of it runs, here through a proxy that leads the real addresses to doubles.
 */
import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { driveCloud, oneDriveCloud } from '../helpers/cloud.ts';

interface Ended {
  readonly code: number | null;
  readonly text: string;
}

function live(kind: string, env: Record<string, string>): Promise<Ended> {
  const args = ['test/run.mjs', 'test/adapters/drive-onedrive-live.ts', kind];
  const child = spawn(process.execPath, args, { env: { PATH: process.env['PATH'], ...env }, stdio: 'pipe' });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (text += part));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, text })));
}

test.each([
  ['drive', 'PASSPORT_DRIVE_CLIENT_ID and PASSPORT_DRIVE_CLIENT_SECRET'],
  ['onedrive', 'PASSPORT_ONEDRIVE_CLIENT_ID'],
  ['', 'Say which: drive or onedrive'],
])('"%s" without credentials names what is missing', async (kind, missing) => {
  expect(await live(kind, {})).toMatchObject({ code: 2, text: expect.stringContaining(missing) });
});

test.each([
  ['drive', driveCloud],
  ['onedrive', oneDriveCloud],
] as const)('%s: signs in by code, passes, and leaves no object', { timeout: 300_000 }, async (kind, start) => {
  const cloud = await start();
  const { code, text } = await live(kind, { ...cloud.net, ...cloud.client });
  expect(text).toMatch(cloud.shown.code);
  expect([code, /^# fail (\d+)$|ℹ fail (\d+)/m.exec(text)?.[0].at(-1), text.includes('pass 0')]).toEqual([
    0,
    '0',
    false,
  ]);
  expect(cloud.objects()).toEqual([]);
  expect(cloud.auth.issued.filter((secret) => text.includes(secret))).toEqual([]);
  await cloud.stop();
});
