/** The Drive store keeps the contract of a store, through the real client library and against a strict double: never Google itself. */
import { describe, it } from 'vitest';
import { describeStore, describeStoreFaults } from '../../src/testing/index.ts';
import { driveWorld } from '../doubles/drive-setup.ts';

for (const space of ['drive', 'appDataFolder'] as const) {
  describeStore(
    `Google Drive, ${space} (double)`,
    async () => {
      const { drive, open, stop } = await driveWorld({ space });
      return {
        store: await open(),
        putForeign: async (path) => {
          drive.putForeign(path, space);
        },
        interruptPut: async (name, bytes) => {
          const other = await open();
          drive.trap(({ method, path }) =>
            method === 'PUT' && path.startsWith('/upload') ? { kind: 'lost-answer' } : undefined,
          );
          drive.endsSessions = true;
          await other.put(name, bytes).catch(() => undefined);
          drive.endsSessions = false;
        },
        listLate: () => {
          drive.items.listsLate = true;
          return { settle: async () => drive.items.settle() };
        },
        cleanup: stop,
      };
    },
    { describe, it, names: 1001 },
  );
}

describeStoreFaults(
  'Google Drive (double)',
  async () => {
    const { drive, open, stop } = await driveWorld();
    return { store: await open(), setFault: (fault) => drive.setFault(fault), cleanup: stop };
  },
  { describe, it },
);
