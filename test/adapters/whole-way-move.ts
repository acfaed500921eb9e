/** A passport that moves from a bucket of a real server to a provider: the real client libraries, and the double of the provider. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { homeAt, type Provider } from '../doubles/whole-way.ts';
import { PASSPHRASE, text, words, World } from '../helpers/mesh.ts';
import { newBucket } from '../helpers/s3-mesh.ts';
import { type Server, serverInstalled, startS3 } from '../servers/servers.ts';
import { CODE, expectSealed } from './whole-way.ts';

export function moveFromBucket(setUp: () => Promise<Provider>): void {
  describe.skipIf(!serverInstalled('s3'))('moved there from a bucket of Ceph RGW', () => {
    let server: Server;
    let provider: Provider;
    beforeAll(async () => {
      server = await startS3();
    });
    afterAll(() => server.stop());
    beforeEach(async () => {
      provider = await setUp();
    });
    afterEach(() => provider.stop());

    it('everything is read back, then the bucket is forgotten; another device follows with a sign-in of its own', async () => {
      const bucket = await newBucket(server);
      const world = new World(`move ${provider.name}`);
      const [first, second] = [homeAt(world, provider, 'device'), homeAt(world, provider, 'device')];
      const mover = await world.create('mover', { home: first.home, stores: [bucket.url] });
      await mover.passport.put('old', 'from the bucket');
      const phone = await world.enroll('phone', mover, { home: second.home, kits: [words(mover.kits[0]!)] });
      await phone.passport.unlock({ passphrase: PASSPHRASE, kits: [words(mover.kits[0]!)] });
      await phone.passport.put('waiting', 'in the bucket');
      await phone.passport.sync();
      expect([first.told, second.told]).toEqual([[], []]);

      const { url } = provider;
      expect(await mover.passport.moveStore(bucket.url, url)).toMatchObject({ url, state: 'ok', behind: 0 });
      expect(first.told).toEqual([expect.stringMatching(CODE)]);
      expect((await mover.passport.status()).stores.map((store) => store.url)).toEqual([url]);
      expect(await mover.passport.checkStore(url)).toMatchObject({ ok: true, damaged: [], missing: [] });
      expect(await text(mover, 'waiting')).toBe('in the bucket');
      await mover.passport.put('new', 'only at the provider');
      await mover.passport.sync();

      expect(await phone.passport.moveStore(bucket.url, url)).toMatchObject({ url, state: 'ok', behind: 0 });
      expect(second.told).toEqual([expect.stringMatching(CODE)]);
      await phone.passport.sync();
      expect(await text(phone, 'new')).toBe('only at the provider');
      expect((await phone.passport.status()).stores.map((store) => store.url)).toEqual([url]);
      for (const home of [first, second]) await expectSealed(home, provider, []);
      await Promise.all([mover.passport.close(), phone.passport.close(), bucket.close()]);
    });
  });
}
