/** What a store that is forked means, and what to do: the same words wherever one is looked at closely. */
export function forkAdvice(contradicts: readonly string[]): string[] {
  if (contradicts.length === 0) return [];
  return [
    'Both histories are signed: a holder decided twice, or two machines write as one device. Nothing here was changed by it, and the store is still written to.',
    'Keep every device and store as it is and look at: passport status, passport devices. A device that is named cloned: revoke it and invite it again.',
  ];
}
