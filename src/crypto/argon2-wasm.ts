/** Argon2id of hash-wasm: a module of its own, so that a bundle of a program takes this one algorithm and loads it when it is first used. */
export { argon2id } from 'hash-wasm';
