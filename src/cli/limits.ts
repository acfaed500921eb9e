/** The largest value of one record (docs/protocol.md, 6). The SDK refuses more; the command says so before it reads it all. */
export const MAX_VALUE_BYTES = 1024 * 1024;
