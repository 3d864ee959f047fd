// What is in a transaction's bytes, as the SDKs' own decoders say, and whether its signatures hold.
import { deepStrictEqual, ok } from 'node:assert';
import { createPublicKey, verify } from 'node:crypto';

import { ed25519 } from '@noble/curves/ed25519';
import * as kit from '@solana/kit';
import * as web3 from '@solana/web3.js';

const to_base58 = (bytes) => kit.getBase58Decoder().decode(bytes);
const to_bytes = (base58) => new Uint8Array(kit.getBase58Encoder().encode(base58));
const to_base64 = (bytes) => Buffer.from(bytes).toString('base64');

// `writable` is what the header says; what the runtime takes away from it later (called programs
// and reserved accounts are never written) is not in the bytes.
function facts_of({ version, signatures, block_hash, accounts, instructions, lookups, config }) {
  const programs = new Set(instructions.map(({ program }) => program));
  return {
    version,
    txid: to_base58(signatures[0]),
    signers: accounts.filter(({ signer }) => signer).map(({ address }) => address),
    fee_payer: accounts[0].address,
    recent_blockhash: block_hash,
    accounts: accounts.map((account, i) => ({ ...account, program: programs.has(i) })),
    instructions,
    lookups,
    ...(config && { config }),
  };
}

function read_with_web3(bytes) {
  const transaction = web3.VersionedTransaction.deserialize(bytes);
  deepStrictEqual(Buffer.from(transaction.serialize()), Buffer.from(bytes));
  const { message, signatures } = transaction;
  return {
    signatures,
    message_bytes: message.serialize(),
    facts: facts_of({
      version: message.version,
      signatures,
      block_hash: message.recentBlockhash,
      accounts: message.staticAccountKeys.map((each, i) => ({
        address: each.toBase58(),
        signer: message.isAccountSigner(i),
        writable: message.isAccountWritable(i),
      })),
      instructions: message.compiledInstructions.map((each) => ({
        program: each.programIdIndex,
        accounts: [...each.accountKeyIndexes],
        data: to_base64(each.data),
      })),
      lookups: message.addressTableLookups.map((each) => ({
        table: each.accountKey.toBase58(),
        writable: [...each.writableIndexes],
        readonly: [...each.readonlyIndexes],
      })),
    }),
  };
}

function kit_instructions(message) {
  if (message.version !== 1) {
    return message.instructions.map((each) => ({
      program: each.programAddressIndex,
      accounts: [...(each.accountIndices ?? [])],
      data: to_base64(each.data ?? []),
    }));
  }
  return message.instructionHeaders.map(({ programAccountIndex }, i) => ({
    program: programAccountIndex,
    accounts: [...message.instructionPayloads[i].instructionAccountIndices],
    data: to_base64(message.instructionPayloads[i].instructionData),
  }));
}

// The fee is a string: JSON numbers of 64 bits do not survive every reader.
function config_values(config) {
  return {
    priority_fee_lamports: config?.priorityFeeLamports?.toString() ?? null,
    compute_unit_limit: config?.computeUnitLimit ?? null,
    loaded_accounts_data_size_limit: config?.loadedAccountsDataSizeLimit ?? null,
    heap_size: config?.heapSize ?? null,
  };
}

function kit_config(message) {
  if (message.version !== 1) return undefined;
  const { config } = kit.decompileTransactionMessage(message);
  return { mask: message.configMask, ...config_values(config) };
}

function read_with_kit(bytes) {
  const transaction = kit.getTransactionDecoder().decode(bytes);
  deepStrictEqual(
    Buffer.from(kit.getTransactionEncoder().encode(transaction)),
    Buffer.from(bytes),
  );
  const message = kit.getCompiledTransactionMessageDecoder().decode(transaction.messageBytes);
  const { numSignerAccounts, numReadonlySignerAccounts, numReadonlyNonSignerAccounts } =
    message.header;
  const first_readonly_signer = numSignerAccounts - numReadonlySignerAccounts;
  const first_readonly = message.staticAccounts.length - numReadonlyNonSignerAccounts;
  const signatures = Object.values(transaction.signatures);
  return {
    signatures,
    message_bytes: transaction.messageBytes,
    facts: facts_of({
      version: message.version,
      signatures,
      block_hash: message.lifetimeToken,
      accounts: message.staticAccounts.map((address, i) => ({
        address,
        signer: i < numSignerAccounts,
        writable: i < numSignerAccounts ? i < first_readonly_signer : i < first_readonly,
      })),
      instructions: kit_instructions(message),
      lookups: (message.addressTableLookups ?? []).map((each) => ({
        table: each.lookupTableAddress,
        writable: [...each.writableIndexes],
        readonly: [...each.readonlyIndexes],
      })),
      config: kit_config(message),
    }),
  };
}

// The signers are web3.js (@noble/curves) or kit (WebCrypto, hence Node's OpenSSL): verified by
// both libraries, each signature is verified by one that did not make it.
function verify_signatures({ facts, signatures, message_bytes }) {
  deepStrictEqual(signatures.length, facts.signers.length);
  facts.signers.forEach((signer, i) => {
    const x = Buffer.from(to_bytes(signer)).toString('base64url');
    const jwk = { kty: 'OKP', crv: 'Ed25519', x };
    const public_key = createPublicKey({ key: jwk, format: 'jwk' });
    ok(verify(null, message_bytes, public_key, signatures[i]), `node:crypto: signature ${i}`);
    ok(
      ed25519.verify(signatures[i], message_bytes, to_bytes(signer), { zip215: false }),
      `noble: signature ${i}`,
    );
  });
}

// Throws unless the signatures hold and, for the versions that both SDKs know, both read the same.
export function read(bytes) {
  const by_kit = read_with_kit(bytes);
  if (by_kit.facts.version !== 1) {
    const by_web3 = read_with_web3(bytes);
    deepStrictEqual(by_web3.facts, by_kit.facts);
    deepStrictEqual(Buffer.from(by_web3.message_bytes), Buffer.from(by_kit.message_bytes));
    deepStrictEqual(by_web3.signatures.map(to_base58), by_kit.signatures.map(to_base58));
  }
  verify_signatures(by_kit);
  return by_kit.facts;
}

function roles_asked_for(tx) {
  const roles = new Map([[tx.fee_payer, { signer: true, writable: true, program: false }]]);
  const role_of = (address) => {
    if (!roles.has(address)) roles.set(address, { signer: false, writable: false, program: false });
    return roles.get(address);
  };
  for (const { program, accounts } of tx.instructions) {
    role_of(program).program = true;
    for (const { address, signer, writable } of accounts) {
      role_of(address).signer ||= signer;
      role_of(address).writable ||= writable;
    }
  }
  return roles;
}

function mask_of(values) {
  return (
    (values.priority_fee_lamports === null ? 0 : 0b00011) |
    (values.compute_unit_limit === null ? 0 : 0b00100) |
    (values.loaded_accounts_data_size_limit === null ? 0 : 0b01000) |
    (values.heap_size === null ? 0 : 0b10000)
  );
}

// Throws unless the facts are those of the logical transaction that was asked for. This is the
// second opinion on v1, which only one SDK knows.
export function check_against_intent(facts, tx) {
  const tables = new Map((tx.tables ?? []).map(({ address, addresses }) => [address, addresses]));
  const looked_up = (kind) =>
    facts.lookups.flatMap((lookup) => lookup[kind].map((i) => tables.get(lookup.table)[i]));
  const loaded = [
    ...looked_up('writable').map((address) => ({ address, writable: true })),
    ...looked_up('readonly').map((address) => ({ address, writable: false })),
  ].map((each) => ({ ...each, signer: false, program: false }));
  const all = [...facts.accounts, ...loaded];

  deepStrictEqual(facts.version, tx.version);
  deepStrictEqual(facts.fee_payer, tx.fee_payer);
  deepStrictEqual(facts.recent_blockhash, tx.block_hash);
  deepStrictEqual(
    facts.instructions.map(({ program, accounts, data }) => ({
      program: all[program].address,
      accounts: accounts.map((i) => all[i].address),
      data,
    })),
    tx.instructions.map(({ program, accounts, data }) => ({
      program,
      accounts: accounts.map(({ address }) => address),
      data: to_base64(data),
    })),
  );
  const by_address = (left, right) => (left.address < right.address ? -1 : 1);
  deepStrictEqual(
    all
      .map(({ address, signer, writable, program }) => ({ address, signer, writable, program }))
      .sort(by_address),
    [...roles_asked_for(tx)].map(([address, roles]) => ({ address, ...roles })).sort(by_address),
  );
  if (tx.version === 1) {
    const { mask, ...values } = facts.config;
    deepStrictEqual(values, config_values(tx.config));
    deepStrictEqual(mask, mask_of(values));
  }
}
