// Prints transactions made by Solana's JavaScript SDKs, one JSON object per line: see README.md.
//
//   node make_transactions.mjs > ../data/solana_sdk.jsonl
//   node make_transactions.mjs --mainnet DIR > ../data/solana_mainnet.jsonl
//
// It fails, rather than print, when a signature does not verify, when the two SDKs read a
// transaction differently, or when what they read is not what was asked for.
import { deepStrictEqual, ok } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { sign_web3_message, with_kit, with_web3 } from './lib/build.mjs';
import { classic_cases } from './lib/cases_classic.mjs';
import { v1_cases } from './lib/cases_v1.mjs';
import { block_hash, filler } from './lib/keys.mjs';
import { check_against_intent, read } from './lib/read.mjs';

function installed_version(sdk) {
  const file = new URL(`node_modules/@solana/${sdk}/package.json`, import.meta.url);
  return `${sdk} ${JSON.parse(readFileSync(file)).version}`;
}

const SDKS = {
  web3: { label: installed_version('web3.js'), make: with_web3 },
  kit: { label: installed_version('kit'), make: with_kit },
};

function line(name, sdk, bytes, facts) {
  const { version, ...rest } = facts;
  const base64 = Buffer.from(bytes).toString('base64');
  return JSON.stringify({ name, sdk, version, base64, ...rest, bytes: bytes.length });
}

// The logical transaction with so much data in its last instruction.
function with_data(tx, data_bytes) {
  const last = { ...tx.instructions.at(-1), data: filler(data_bytes) };
  return { ...tx, instructions: [...tx.instructions.slice(0, -1), last] };
}

// 128 bytes of data and more have a length of two bytes, in every version.
async function filled_to(size, tx, make) {
  const with_128 = await make(with_data(tx, 128));
  return with_data(tx, 128 + size - with_128.length);
}

async function made(test) {
  if (test.message) {
    const bytes = sign_web3_message(test.message);
    const facts = read(bytes);
    deepStrictEqual(
      facts.accounts.map(({ address }) => address),
      test.message.staticAccountKeys.map((each) => each.toBase58()),
    );
    return { bytes, facts };
  }
  const { make } = SDKS[test.sdk];
  let tx = test.size ? await filled_to(test.size, test.tx, make) : test.tx;
  let bytes = await make(tx);
  for (let i = 0; test.accept && !test.accept(bytes); ++i) {
    tx = { ...tx, block_hash: block_hash(`${test.name} ${i}`) };
    bytes = await make(tx);
  }
  if (test.size) deepStrictEqual(bytes.length, test.size);
  const facts = read(bytes);
  check_against_intent(facts, tx);
  return { bytes, facts };
}

async function made_lines() {
  const names = new Set();
  const lines = [];
  for (const test of [...classic_cases(), ...v1_cases()]) {
    ok(!names.has(test.name), `two cases are named ${test.name}`);
    names.add(test.name);
    try {
      const { bytes, facts } = await made(test);
      lines.push(line(test.name, SDKS[test.sdk].label, bytes, facts));
    } catch (error) {
      throw new Error(`${test.name}: ${error.message}`, { cause: error });
    }
  }
  return lines;
}

function mainnet_lines(folder) {
  const files = readdirSync(folder).filter((each) => each.endsWith('.bin')).sort();
  ok(files.length > 0, `no .bin file in ${folder}`);
  return files.map((file) => {
    const bytes = new Uint8Array(readFileSync(join(folder, file)));
    const name = `mainnet-${file.replace(/\.bin$/, '').replaceAll('_', '-')}`;
    return line(name, 'mainnet', bytes, read(bytes));
  });
}

const args = process.argv.slice(2);
if (args.length !== 0 && !(args.length === 2 && args[0] === '--mainnet')) {
  console.error('usage: node make_transactions.mjs [--mainnet DIR]');
  process.exit(2);
}
const lines = args.length === 2 ? mainnet_lines(args[1]) : await made_lines();
process.stdout.write(lines.map((each) => `${each}\n`).join(''));
