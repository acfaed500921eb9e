/** Names of keystore blobs: [a-z0-9-], 1..80 characters. The leading digits are a number that grows with every blob. */

/** TypeError: such a name is a mistake of the program that calls. */
export function checkBlobName(name: string): void {
  if (!/^[a-z0-9-]{1,80}$/.test(name)) throw new TypeError('a blob name is 1 to 80 characters of [a-z0-9-]');
}

/** True for blobs that `keep` replaced: another name, and a number not above its own. A blob without a number stays. */
export function isReplaced(name: string, keep: string): boolean {
  return name !== keep && Number.parseInt(name, 10) <= Number.parseInt(keep, 10);
}
