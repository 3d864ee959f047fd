// A logical transaction, made and signed by one SDK or the other.
//
// The logical form, which neither SDK has made:
//   version       'legacy', 0 or 1
//   fee_payer     address
//   block_hash    base58; the nonce's value where there is one
//   instructions  [{program, accounts: [{address, signer, writable}], data: Uint8Array}]
//   tables        optional: [{address, addresses: [...]}], lookup tables that v0 may use
//   nonce         optional: {account, authority}; the first instruction is then AdvanceNonceAccount
//   config        optional, v1 only: kit's V1TransactionConfig
import * as kit from '@solana/kit';
import * as web3 from '@solana/web3.js';

import { seed_of } from './keys.mjs';

// The addresses that must sign, the fee payer first.
export function signers_of(tx) {
  const signers = new Set([tx.fee_payer]);
  for (const instruction of tx.instructions) {
    for (const account of instruction.accounts) {
      if (account.signer) signers.add(account.address);
    }
  }
  return [...signers];
}

export function from_web3_instruction(instruction) {
  return {
    program: instruction.programId.toBase58(),
    accounts: instruction.keys.map(({ pubkey, isSigner, isWritable }) => ({
      address: pubkey.toBase58(),
      signer: isSigner,
      writable: isWritable,
    })),
    data: new Uint8Array(instruction.data),
  };
}

function to_web3_instruction({ program, accounts, data }) {
  return new web3.TransactionInstruction({
    programId: new web3.PublicKey(program),
    keys: accounts.map(({ address, signer, writable }) => ({
      pubkey: new web3.PublicKey(address),
      isSigner: signer,
      isWritable: writable,
    })),
    data: Buffer.from(data),
  });
}

function to_web3_table({ address, addresses }) {
  return new web3.AddressLookupTableAccount({
    key: new web3.PublicKey(address),
    state: {
      deactivationSlot: 2n ** 64n - 1n,
      lastExtendedSlot: 0,
      lastExtendedSlotStartIndex: 0,
      addresses: addresses.map((each) => new web3.PublicKey(each)),
    },
  });
}

export function sign_web3_message(message) {
  const transaction = new web3.VersionedTransaction(message);
  const signers = message.staticAccountKeys.slice(0, message.header.numRequiredSignatures);
  transaction.sign(signers.map((each) => web3.Keypair.fromSeed(seed_of(each.toBase58()))));
  return transaction.serialize();
}

// The class that most wallets have used: it sorts the accounts, and knows nonces.
function with_web3_transaction(tx) {
  const instructions = tx.instructions.map(to_web3_instruction);
  const transaction = new web3.Transaction();
  transaction.feePayer = new web3.PublicKey(tx.fee_payer);
  if (tx.nonce) {
    transaction.nonceInfo = { nonce: tx.block_hash, nonceInstruction: instructions.shift() };
  } else {
    transaction.recentBlockhash = tx.block_hash;
  }
  transaction.add(...instructions);
  transaction.sign(...signers_of(tx).map((each) => web3.Keypair.fromSeed(seed_of(each))));
  return transaction.serialize();
}

export async function with_web3(tx) {
  if (tx.version === 'legacy' && tx.instructions.length > 0) return with_web3_transaction(tx);
  const message = new web3.TransactionMessage({
    payerKey: new web3.PublicKey(tx.fee_payer),
    recentBlockhash: tx.block_hash,
    instructions: tx.instructions.map(to_web3_instruction),
  });
  return sign_web3_message(
    tx.version === 'legacy'
      ? message.compileToLegacyMessage()
      : message.compileToV0Message((tx.tables ?? []).map(to_web3_table)),
  );
}

function kit_role({ signer, writable }) {
  if (signer) return writable ? kit.AccountRole.WRITABLE_SIGNER : kit.AccountRole.READONLY_SIGNER;
  return writable ? kit.AccountRole.WRITABLE : kit.AccountRole.READONLY;
}

// Empty accounts and data are left out, as kit's own instruction builders do.
function to_kit_instruction({ program, accounts, data }) {
  return {
    programAddress: kit.address(program),
    ...(accounts.length > 0 && {
      accounts: accounts.map((account) => ({
        address: kit.address(account.address),
        role: kit_role(account),
      })),
    }),
    ...(data.length > 0 && { data }),
  };
}

function kit_message(tx) {
  let message = kit.createTransactionMessage({ version: tx.version });
  message = kit.setTransactionMessageFeePayer(kit.address(tx.fee_payer), message);
  const instructions = tx.instructions.map(to_kit_instruction);
  if (tx.nonce) {
    // kit makes the AdvanceNonceAccount instruction itself.
    message = kit.appendTransactionMessageInstructions(instructions.slice(1), message);
    message = kit.setTransactionMessageLifetimeUsingDurableNonce(
      {
        nonce: tx.block_hash,
        nonceAccountAddress: kit.address(tx.nonce.account),
        nonceAuthorityAddress: kit.address(tx.nonce.authority),
      },
      message,
    );
  } else {
    message = kit.appendTransactionMessageInstructions(instructions, message);
    message = kit.setTransactionMessageLifetimeUsingBlockhash(
      { blockhash: kit.blockhash(tx.block_hash), lastValidBlockHeight: 1n },
      message,
    );
  }
  if (tx.config) message = kit.setTransactionMessageConfig(tx.config, message);
  if (tx.tables) {
    message = kit.compressTransactionMessageUsingAddressLookupTables(
      message,
      Object.fromEntries(tx.tables.map(({ address, addresses }) => [address, addresses])),
    );
  }
  return message;
}

export async function with_kit(tx) {
  const key_pairs = await Promise.all(
    signers_of(tx).map((each) => kit.createKeyPairFromPrivateKeyBytes(seed_of(each))),
  );
  const transaction = await kit.signTransaction(
    key_pairs,
    kit.compileTransaction(kit_message(tx)),
  );
  return new Uint8Array(kit.getTransactionEncoder().encode(transaction));
}
