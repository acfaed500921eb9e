/** A fresh directory per call, removed after the test. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'passport-mesh-'));
  chmodSync(path, 0o755); // children of these tests may run as another user
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
