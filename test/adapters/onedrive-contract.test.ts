/** The OneDrive store keeps the contract of a store, with the real msal and against strict doubles: never Microsoft itself. */
import { describe, it } from 'vitest';
import { describeStore, describeStoreFaults } from '../../src/testing/index.ts';
import { oneDriveWorld } from '../doubles/graph-setup.ts';

for (const makesFolders of [true, false]) {
  describeStore(
    `OneDrive (double that ${makesFolders ? 'makes' : 'does not make'} missing folders)`,
    async () => {
      const { graph, open, stop } = await oneDriveWorld();
      graph.makesFolders = makesFolders;
      return {
        store: await open(),
        putForeign: async (path) => {
          const segments = path.split('/');
          const folder = graph.items.folders(['passports', ...segments.slice(0, -1)]);
          graph.items.add(folder, segments.at(-1)!, Buffer.from('not an object'));
        },
        interruptPut: async (name, bytes) => {
          const other = await open();
          graph.trap(({ method, path }) =>
            method === 'PUT' && path.startsWith('/up/') ? { kind: 'lost-answer' } : undefined,
          );
          graph.endsSessions = 404;
          await other.put(name, bytes).catch(() => undefined);
          graph.endsSessions = undefined;
        },
        listLate: () => {
          graph.items.listsLate = true;
          return { settle: async () => graph.items.settle() };
        },
        cleanup: stop,
      };
    },
    { describe, it, names: 1001 },
  );
}

describeStoreFaults(
  'OneDrive (double)',
  async () => {
    const { graph, open, stop } = await oneDriveWorld();
    return { store: await open(), setFault: (fault) => graph.setFault(fault), cleanup: stop };
  },
  { describe, it },
);
