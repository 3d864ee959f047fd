// Keys and block hashes that are made from fixed names, so that every run makes the same file.
//
// They are public, and worth nothing: never send anything to them.
import { createHash } from 'node:crypto';

import { Keypair, PublicKey } from '@solana/web3.js';

const seeds_of_addresses = new Map();

function hash_of(text) {
  return createHash('sha256').update(`txindexd test ${text}`).digest();
}

// The address of the key that `name` stands for. Any such address can sign.
export function key(name) {
  const seed = hash_of(`key ${name}`);
  const address = Keypair.fromSeed(seed).publicKey.toBase58();
  seeds_of_addresses.set(address, seed);
  return address;
}

export function keys(name, count) {
  return Array.from({ length: count }, (_, i) => key(`${name} ${i}`));
}

// The first key of a series whose address begins with `count` zero bytes ('1' in base58).
export function key_with_leading_zeros(name, count) {
  for (let i = 0; ; ++i) {
    const address = key(`${name} ${i}`);
    if (new PublicKey(address).toBytes().subarray(0, count).every((byte) => byte === 0)) {
      return address;
    }
  }
}

export function seed_of(address) {
  const seed = seeds_of_addresses.get(address);
  if (!seed) throw new Error(`no key is known for the signer ${address}`);
  return seed;
}

export function block_hash(name) {
  return new PublicKey(hash_of(`block hash ${name}`)).toBase58();
}

// `length` bytes of every value, the same at every run.
export function filler(length) {
  const blocks = [];
  for (let i = 0; i * 32 < length; ++i) blocks.push(hash_of(`filler ${i}`));
  return new Uint8Array(Buffer.concat(blocks).subarray(0, length));
}
