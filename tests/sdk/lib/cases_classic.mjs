// Legacy and v0 transactions. A case is {name, sdk, tx} with a logical transaction, and optionally
//   size     data is added to the last instruction until the transaction has this many bytes
//   accept   other block hashes are tried until it likes the signed bytes
// or {name, sdk, message}: a message that web3.js encodes as it is put together here.
import * as web3 from '@solana/web3.js';

import * as make from './instructions.mjs';
import { block_hash, filler, key, key_with_leading_zeros, keys } from './keys.mjs';

const LARGEST = 1232;
const SDK_SLUGS = { web3: 'web3js', kit: 'kit' };

function named(slug, version, sdk, tx, more) {
  return {
    name: `${slug}-${version === 'legacy' ? 'legacy' : `v${version}`}-${SDK_SLUGS[sdk]}`,
    sdk,
    tx: { ...tx, version, block_hash: tx.block_hash ?? block_hash(slug) },
    ...more,
  };
}

const legacy_by_web3 = (slug, tx, more) => named(slug, 'legacy', 'web3', tx, more);
const legacy_by_kit = (slug, tx, more) => named(slug, 'legacy', 'kit', tx, more);
const v0_by_web3 = (slug, tx, more) => named(slug, 0, 'web3', tx, more);
const v0_by_kit = (slug, tx, more) => named(slug, 0, 'kit', tx, more);

// The same logical transaction, block hash and all, by every pair of SDK and version.
function everywhere(slug, tx, more) {
  const makers = [legacy_by_web3, legacy_by_kit, v0_by_web3, v0_by_kit];
  return makers.map((maker) => maker(slug, tx, more));
}

// By two of the four pairs: enough where a case is about one field.
function here_and_there(slug, tx, more) {
  return [legacy_by_web3(slug, tx, more), v0_by_kit(slug, tx, more)];
}

const payer = key('payer');
const paid = (...instructions) => ({ fee_payer: payer, instructions });

function everyday() {
  const nonce = { account: key('nonce account'), authority: key('nonce authority') };
  const move = make.transfer(payer, key('recipient'), 1_000_000_000n);
  const token = {
    source: key('token source'),
    mint: key('mint'),
    destination: key('token destination'),
    owner: key('token owner'),
    amount: 18_446_744_073_709_551_615n,
    decimals: 6,
  };
  const new_token_account = { payer, owner: token.owner, mint: token.mint };
  const stake = { stake: key('stake'), authority: key('staker'), vote: key('vote account') };
  const table = { table: key('table a'), payer, addresses: keys('looked up', 20) };
  const moves = keys('recipient', 3).map((to, i) => make.transfer(payer, to, BigInt(i + 1)));
  const nonce_first = {
    ...paid(make.advance_nonce(nonce), move),
    block_hash: block_hash('nonce value'),
    nonce,
  };
  const text = 'Grüße, мир, 世界, नमस्ते, 🚀\u0000\t"\\';
  return [
    ...everywhere('transfer', paid(move)),
    ...here_and_there('transfers-3', paid(...moves)),
    ...here_and_there('nonce', nonce_first),
    ...here_and_there('memo-utf8', paid(make.memo(text, [payer]))),
    ...here_and_there('compute-budget', paid(...make.compute_budget(), move)),
    ...here_and_there('token-transfer', paid(make.token_transfer(token))),
    v0_by_kit(
      'token-account',
      paid(make.create_token_account(new_token_account), make.token_transfer(token)),
    ),
    legacy_by_web3(
      'create-account',
      paid(make.create_account({ payer, account: key('new account') })),
    ),
    v0_by_kit('delegate-stake', paid(...make.delegate_stake(stake))),
    legacy_by_web3('extend-lookup-table', paid(make.extend_lookup_table(table))),
    v0_by_kit('check-signature', paid(make.check_signature(key('signer of data'), 'signed data'))),
  ];
}

function signatures() {
  const signed_by = (count) =>
    paid(make.call(keys('signer', count - 1).map(make.writable_signer), 1));
  const some = [2, 3, 4, 5, 6, 7, 8, 11].map((count) => {
    const by = count % 2 === 0 ? legacy_by_web3 : v0_by_kit;
    return by(`signers-${count}`, signed_by(count));
  });
  // Twelve fit only if no address is spent on the program: one of the signers is called.
  const [called, ...others] = keys('signer', 11);
  const signers = [...others.map(make.writable_signer), make.readonly_signer(called)];
  const every_role = make.call(
    [
      make.writable_signer(key('writable signer')),
      make.readonly_signer(key('readonly signer')),
      make.writable(key('writable')),
      make.readonly(key('readonly')),
    ],
    8,
  );
  const fewer_rights = make.call([make.readonly(payer), make.readonly(key('writable'))], 8);
  return [
    ...some,
    ...here_and_there('signers-12', paid(make.call(signers, 1, called))),
    ...everywhere('roles', paid(every_role, fewer_rights)),
  ];
}

function programs() {
  const program = key('program');
  const other = key('other program');
  const each_other = paid(
    make.call([make.readonly(other)], 4),
    make.call([make.readonly(program)], 4, other),
  );
  return [
    ...here_and_there('program-is-account', paid(make.call([make.readonly(program)], 4))),
    v0_by_kit('program-is-account-of-other', each_other),
    legacy_by_web3('program-signs', paid(make.call([make.readonly_signer(program)], 4))),
    // kit refuses this one; on the wire it is a writable account that is called.
    legacy_by_web3('program-is-writable', paid(make.call([make.writable(program)], 4))),
    v0_by_web3('program-is-writable', paid(make.call([make.writable(program)], 4))),
  ];
}

function shapes() {
  const repeated = (count) =>
    Array.from({ length: count }, (_, i) => make.readonly(key(`repeated ${i % 3}`)));
  const empty = make.call([], 0);
  const one_account = paid(make.call([make.writable(key('account 0'))], 0));
  const ten_signers = paid(make.call(keys('signer', 9).map(make.writable_signer), 0));
  return [
    ...everywhere('no-instructions', paid()),
    ...here_and_there('empty-instruction', paid(empty)),
    ...[127, 128].flatMap((n) => here_and_there(`data-${n}`, paid(make.call([], n)))),
    legacy_by_web3('instruction-accounts-127', paid(make.call(repeated(127), 2))),
    v0_by_kit('instruction-accounts-128', paid(make.call(repeated(128), 2))),
    legacy_by_web3('instruction-accounts-255', paid(make.call(repeated(255), 2))),
    v0_by_kit('static-accounts-34', paid(make.call(keys('account', 32).map(make.readonly), 0))),
    ...here_and_there('instructions-64', paid(...Array(64).fill(empty))),
    ...everywhere('largest', one_account, { size: LARGEST }),
    v0_by_web3('largest-of-10-signers', ten_signers, { size: LARGEST }),
  ];
}

// What base58 makes of zero bytes at the front.
function leading_zeros() {
  const zero_payer = key_with_leading_zeros('leading zero', 1);
  const txid_starts_with_zero = (bytes) => bytes[1] === 0;
  const move = make.transfer(payer, key('recipient'), 1n);
  return [
    legacy_by_web3('fee-payer-leading-zero', {
      fee_payer: zero_payer,
      instructions: [make.transfer(zero_payer, key('recipient'), 1n)],
    }),
    v0_by_kit('block-hash-zero', { ...paid(move), block_hash: '1'.repeat(32) }),
    ...here_and_there('txid-leading-zero', paid(move), { accept: txid_starts_with_zero }),
  ];
}

function table(name, count) {
  return {
    address: key(`table ${name}`),
    addresses: Array.from({ length: count }, (_, i) => key(`looked up ${name} ${i}`)),
  };
}

function lookups() {
  const by = (makers, slug, instructions, tables) =>
    makers.map((maker) => maker(slug, { ...paid(...instructions), tables }));
  const both = [v0_by_web3, v0_by_kit];
  const every = (kind, { addresses }) => addresses.map(kind);
  const in_turn = (kinds, { addresses }) => addresses.map((each, i) => kinds[i % 2](each));
  const either = [make.writable, make.readonly];
  const [a, b, c] = [table('a', 5), table('b', 256), table('c', 9)];
  const [w, r] = [table('of 127', 127), table('of 128', 128)];
  const many = Array.from({ length: 25 }, (_, i) => table(`many ${i}`, 1));
  const token = {
    source: a.addresses[4],
    mint: a.addresses[0],
    destination: key('token destination'),
    owner: key('token owner'),
    amount: 1n,
    decimals: 0,
  };
  const last_and_first = [make.writable(b.addresses[255]), make.readonly(b.addresses[0])];
  const of_three = [
    make.call([...in_turn(either, a), make.writable(key('static'))], 3),
    make.call([...in_turn(either, c), make.readonly(b.addresses[77])], 3),
  ];
  const one_of_each = many.flatMap((each) => every(make.readonly, each));
  const of_total = (makers, count) => {
    const rest = table(`total ${count}`, count - 2); // besides the payer and the program
    return by(makers, `lookups-total-${count}`, [make.call(in_turn(either, rest), 3)], [rest]);
  };
  return [
    ...by([v0_by_kit], 'lookup-writable', [make.call(every(make.writable, a), 3)], [a]),
    ...by([v0_by_web3], 'lookup-readonly', [make.call(every(make.readonly, a), 3)], [a]),
    ...by([v0_by_kit], 'lookup-last-of-table', [make.call(last_and_first, 3)], [b]),
    ...by(both, 'lookup-beside-static', [make.token_transfer(token)], [a]),
    ...by(both, 'lookups-3', of_three, [a, b, c]),
    ...by([v0_by_kit], 'lookups-25', [make.call(one_of_each, 0)], many),
    ...of_total(both, 64),
    // kit refuses more than 64 accounts, which no transaction can lock; the wire format, and
    // Agave's checks of it, allow 256.
    ...of_total([v0_by_web3], 65),
    ...of_total([v0_by_web3], 129),
    ...of_total([v0_by_web3], 256),
    ...by([v0_by_web3], 'lookup-writable-127', [make.call(every(make.writable, w), 0)], [w]),
    ...by([v0_by_web3], 'lookup-readonly-128', [make.call(every(make.readonly, r), 0)], [r]),
    v0_by_kit(
      'largest-with-lookup',
      { ...paid(make.call(every(make.writable, a), 0)), tables: [a] },
      { size: LARGEST },
    ),
  ];
}

// Messages that compilers do not make, though the format and the chain allow them.
function by_message() {
  const twelve_signers = {
    header: {
      numRequiredSignatures: 12,
      numReadonlySignedAccounts: 11,
      numReadonlyUnsignedAccounts: 0,
    },
    recentBlockhash: block_hash('signers without instructions'),
    accountKeys: keys('signer', 12),
    instructions: [],
  };
  const unused = {
    header: {
      numRequiredSignatures: 2,
      numReadonlySignedAccounts: 1,
      numReadonlyUnsignedAccounts: 2,
    },
    recentBlockhash: block_hash('unused accounts'),
    staticAccountKeys: keys('unused', 7).map((each) => new web3.PublicKey(each)),
    compiledInstructions: [
      { programIdIndex: 1, accountKeyIndexes: [6, 6, 0, 6, 1], data: filler(3) },
    ],
    addressTableLookups: [],
  };
  return [
    {
      name: 'signers-12-no-instructions-legacy-web3js',
      sdk: 'web3',
      message: new web3.Message(twelve_signers),
    },
    { name: 'unused-accounts-v0-web3js', sdk: 'web3', message: new web3.MessageV0(unused) },
  ];
}

export function classic_cases() {
  return [
    ...everyday(),
    ...signatures(),
    ...programs(),
    ...shapes(),
    ...leading_zeros(),
    ...lookups(),
    ...by_message(),
  ];
}
