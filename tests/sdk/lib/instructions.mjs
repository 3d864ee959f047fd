// Instructions that the cases are put together from, in the logical form of build.mjs.
import * as web3 from '@solana/web3.js';

import { from_web3_instruction } from './build.mjs';
import { filler, key, seed_of } from './keys.mjs';

const MEMO_PROGRAM = 'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr';
const TOKEN_PROGRAM = 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA';
const ASSOCIATED_TOKEN_PROGRAM = 'ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL';
const SYSTEM_PROGRAM = web3.SystemProgram.programId.toBase58();

export const readonly = (address) => ({ address, signer: false, writable: false });
export const writable = (address) => ({ address, signer: false, writable: true });
export const readonly_signer = (address) => ({ address, signer: true, writable: false });
export const writable_signer = (address) => ({ address, signer: true, writable: true });

const public_key = (address) => new web3.PublicKey(address);

function instruction(program, accounts, data) {
  return { program, accounts, data };
}

// Calls a program of ours with accounts and data of no meaning.
export function call(accounts, data_bytes, program = key('program')) {
  return instruction(program, accounts, filler(data_bytes));
}

export function transfer(from, to, lamports) {
  return from_web3_instruction(
    web3.SystemProgram.transfer({
      fromPubkey: public_key(from),
      toPubkey: public_key(to),
      lamports,
    }),
  );
}

export function advance_nonce({ account, authority }) {
  return from_web3_instruction(
    web3.SystemProgram.nonceAdvance({
      noncePubkey: public_key(account),
      authorizedPubkey: public_key(authority),
    }),
  );
}

export function memo(text, signers = []) {
  return instruction(MEMO_PROGRAM, signers.map(readonly_signer), new TextEncoder().encode(text));
}

export function compute_budget() {
  return [
    web3.ComputeBudgetProgram.setComputeUnitLimit({ units: 200_000 }),
    web3.ComputeBudgetProgram.setComputeUnitPrice({ microLamports: 12_345_678_901n }),
    web3.ComputeBudgetProgram.requestHeapFrame({ bytes: 64 * 1024 }),
  ].map(from_web3_instruction);
}

// TransferChecked of the token program.
export function token_transfer({ source, mint, destination, owner, amount, decimals }) {
  const data = Buffer.alloc(10);
  data.writeUInt8(12, 0);
  data.writeBigUInt64LE(amount, 1);
  data.writeUInt8(decimals, 9);
  return instruction(
    TOKEN_PROGRAM,
    [writable(source), readonly(mint), writable(destination), readonly_signer(owner)],
    new Uint8Array(data),
  );
}

// Its new account is derived from a program, so it is no point of the curve.
export function create_token_account({ payer, owner, mint }) {
  const [address] = web3.PublicKey.findProgramAddressSync(
    [owner, TOKEN_PROGRAM, mint].map((each) => public_key(each).toBytes()),
    public_key(ASSOCIATED_TOKEN_PROGRAM),
  );
  return instruction(
    ASSOCIATED_TOKEN_PROGRAM,
    [
      writable_signer(payer),
      writable(address.toBase58()),
      readonly(owner),
      readonly(mint),
      readonly(SYSTEM_PROGRAM),
      readonly(TOKEN_PROGRAM),
    ],
    Uint8Array.of(1),
  );
}

export function create_account({ payer, account }) {
  return from_web3_instruction(
    web3.SystemProgram.createAccount({
      fromPubkey: public_key(payer),
      newAccountPubkey: public_key(account),
      lamports: 2_039_280,
      space: 165,
      programId: public_key(TOKEN_PROGRAM),
    }),
  );
}

export function delegate_stake({ stake, authority, vote }) {
  return web3.StakeProgram.delegate({
    stakePubkey: public_key(stake),
    authorizedPubkey: public_key(authority),
    votePubkey: public_key(vote),
  }).instructions.map(from_web3_instruction);
}

export function extend_lookup_table({ table, payer, addresses }) {
  return from_web3_instruction(
    web3.AddressLookupTableProgram.extendLookupTable({
      lookupTable: public_key(table),
      authority: public_key(payer),
      payer: public_key(payer),
      addresses: addresses.map(public_key),
    }),
  );
}

// The data holds a signature, a public key and a message of its own.
export function check_signature(signer, text) {
  return from_web3_instruction(
    web3.Ed25519Program.createInstructionWithPrivateKey({
      privateKey: web3.Keypair.fromSeed(seed_of(signer)).secretKey,
      message: new TextEncoder().encode(text),
    }),
  );
}
