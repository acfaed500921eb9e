/** The marks between which the words of a kit stand on its sheet. */
export const KIT_BEGIN = '-----BEGIN PASSPORT KIT WORDS-----';
export const KIT_END = '-----END PASSPORT KIT WORDS-----';
