// Version 1 transactions (SIMD-0385), by kit: the form of a case is told in cases_classic.mjs.
import * as make from './instructions.mjs';
import { block_hash, key, keys } from './keys.mjs';

const LARGEST = 4096;
const payer = key('payer');

function v1(slug, instructions, config, more) {
  return {
    name: `${slug}-v1-kit`,
    sdk: 'kit',
    tx: {
      version: 1,
      fee_payer: payer,
      block_hash: block_hash(slug),
      instructions,
      ...(config && { config }),
    },
    ...more,
  };
}

// Every mask that is allowed, except 0, which the others have: bits 0 and 1 together, bits 2, 3
// and 4 each for itself.
function masks(move) {
  const fields = [
    [0b00011, { priorityFeeLamports: 5_000n }],
    [0b00100, { computeUnitLimit: 200_000 }],
    [0b01000, { loadedAccountsDataSizeLimit: 65_536 }],
    [0b10000, { heapSize: 40 * 1024 }],
  ];
  return Array.from({ length: 15 }, (_, i) => i + 1).map((choice) => {
    const chosen = fields.filter((_, i) => choice & (1 << i));
    const mask = chosen.reduce((sum, [bits]) => sum | bits, 0);
    const config = Object.assign({}, ...chosen.map(([, field]) => field));
    return v1(`mask-${mask.toString(2).padStart(5, '0')}`, [move], config);
  });
}

function extremes(move) {
  return [
    v1('config-least', [move], {
      priorityFeeLamports: 0n,
      computeUnitLimit: 0,
      loadedAccountsDataSizeLimit: 0,
      heapSize: 32 * 1024,
    }),
    v1('config-most', [move], {
      priorityFeeLamports: 2n ** 64n - 1n,
      computeUnitLimit: 1_400_000,
      loadedAccountsDataSizeLimit: 2 ** 32 - 1,
      heapSize: 256 * 1024,
    }),
  ];
}

export function v1_cases() {
  const move = make.transfer(payer, key('recipient'), 1_000_000_000n);
  const nonce = { account: key('nonce account'), authority: key('nonce authority') };
  const program = key('program');
  const moves = keys('recipient', 3).map((to, i) => make.transfer(payer, to, BigInt(i + 1)));
  const signers = keys('signer', 11).map(make.writable_signer);
  const accounts = (count) => keys('account', count).map(make.writable);
  const calls = (count, data_bytes) => Array(count).fill(make.call([], data_bytes));
  const repeated = Array.from({ length: 255 }, (_, i) => make.readonly(key(`repeated ${i % 3}`)));
  const everything = {
    priorityFeeLamports: 7n,
    computeUnitLimit: 1_000_000,
    loadedAccountsDataSizeLimit: 1_000_000,
    heapSize: 128 * 1024,
  };
  return [
    v1('no-instructions', []),
    v1('transfer', [move]),
    v1('transfers-3', moves),
    {
      name: 'nonce-v1-kit',
      sdk: 'kit',
      tx: { ...v1('nonce value', [make.advance_nonce(nonce), move]).tx, nonce },
    },
    v1('memo-utf8', [make.memo('Grüße, мир, 世界, नमस्ते, 🚀', [payer])]),
    v1('compute-budget-is-ignored', [...make.compute_budget(), move]),
    v1('roles', [
      make.call(
        [
          make.writable_signer(key('writable signer')),
          make.readonly_signer(key('readonly signer')),
          make.writable(key('writable')),
          make.readonly(key('readonly')),
        ],
        8,
      ),
    ]),
    v1('signers-2', [make.call(signers.slice(0, 1), 1)]),
    v1('signers-12', [make.call(signers, 1)]),
    v1('program-is-account', [make.call([make.readonly(program)], 4)]),
    v1('accounts-64', [make.call(accounts(62), 1)]),
    v1('instruction-accounts-255', [make.call(repeated, 1)]),
    ...[255, 256, 3000].map((n) => v1(`data-${n}`, [make.call([], n)])),
    v1('instructions-64', calls(64, 0)),
    v1('payloads-in-turn', [
      make.call(accounts(2), 3),
      make.call([], 5),
      make.call(accounts(7), 0),
      make.call(accounts(1), 300, key('other program')),
    ]),
    v1('above-the-old-limit', [make.call([], 0)], undefined, { size: 1233 }),
    v1('largest', [make.call([], 0)], undefined, { size: LARGEST }),
    v1(
      'all-limits-at-once',
      [...calls(63, 1), make.call([...signers, ...accounts(51)], 0)],
      everything,
      { size: LARGEST },
    ),
    v1('txid-leading-zero', [move], undefined, {
      accept: (bytes) => bytes[bytes.length - 64] === 0,
    }),
    ...masks(move),
    ...extremes(move),
  ];
}
