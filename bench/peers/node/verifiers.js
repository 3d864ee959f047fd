// Ed25519, by name: a function (signature, message, key) => boolean, of Buffers.
import { createPublicKey, verify as verifyWithNode } from 'node:crypto';

// SubjectPublicKeyInfo of an Ed25519 key, up to the 32 bytes of the key.
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');
// Making a key object takes as long as verifying, and fee payers come again.
const KEYS_KEPT = 16384;

function nodeCrypto() {
  const keys = new Map();
  const keyObject = (key) => {
    const name = key.latin1Slice(0, 32);
    let object = keys.get(name);
    if (object === undefined) {
      object = createPublicKey({ key: Buffer.concat([SPKI_HEAD, key]), format: 'der', type: 'spki' });
      if (keys.size === KEYS_KEPT) keys.delete(keys.keys().next().value);
      keys.set(name, object);
    }
    return object;
  };
  return (signature, message, key) => verifyWithNode(null, message, keyObject(key), signature);
}

export async function createVerify(name) {
  if (name === 'crypto') return nodeCrypto();
  const { default: sodium } = await import('sodium-native');
  return sodium.crypto_sign_verify_detached;
}
