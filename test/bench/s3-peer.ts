/** ARGUMENTS: endpoint, bucket, folder. Puts every file as it is with the AWS SDK, eight at once: what the bench compares with. */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

const [endpoint, Bucket, folder] = process.argv.slice(2) as [string, string, string];
const client = new S3Client({
  endpoint,
  forcePathStyle: true,
  region: 'us-east-1',
  requestChecksumCalculation: 'WHEN_REQUIRED',
});
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .values();
const worker = async () => {
  for (const { parentPath, name } of files) {
    const path = join(parentPath, name);
    await client.send(new PutObjectCommand({ Bucket, Key: path.slice(folder.length + 1), Body: await readFile(path) }));
  }
};
await Promise.all(Array.from({ length: 8 }, worker));
client.destroy();
