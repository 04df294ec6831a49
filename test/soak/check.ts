import { verifyTiers } from "../../cli/local/demo/verify-tiers.ts";
import type { VerifiedBlock } from "../../cli/chain/verify.ts";
import { startStack, type Stack } from "../../cli/local/stack/stack.ts";
import type { Transaction } from "../../shared/chain/transaction.ts";
import { ChainVerifier } from "../../shared/chain/verify-chain.ts";
import { openDocument } from "../../shared/client/documents.ts";
import { openMetadata } from "../../shared/client/user-metadata.ts";
import { VdcClient } from "../../shared/client/vdc-client.ts";
import type { UserKeys } from "../../shared/client/user-keys.ts";
import { workerName } from "../../shared/pipeline.ts";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";
import { kvPages, r2Pages } from "../../shared/storage/pages.ts";
import { verifyChain } from "../support/chain/independent-verifier.ts";
import { until } from "../support/stack/patience.ts";

/** The expected result of a transaction. The chain takes one of several that create one asset, and sets the others aside. */
export interface Promised {
  readonly type: Transaction["type"];
  readonly assetId?: string | undefined;
}

/** Promises made to clients, and the results of their requests. */
export class Journal {
  readonly chainId: string;
  /** Transactions by id, noted before they are sent. */
  readonly transactions = new Map<string, Promised>();
  /** Accepted transactions that the chain head has not shown yet. */
  readonly unseen = new Set<string>();
  /** Documents by id, noted before they are sent. */
  readonly documents = new Map<string, { readonly owner: UserKeys; readonly contents: Uint8Array }>();
  /** Metadata by user, as JSON. */
  readonly metadata = new Map<UserKeys, string>();
  readonly violations: string[] = [];
  readonly counts = { requests: 0, "ignored or refused": 0, retries: 0, "sent again after a kill": 0 };

  constructor(chainId: string) {
    this.chainId = chainId;
  }
}

export interface DeadLetter {
  readonly txId: string | null;
  readonly reason: string;
}

type Mined = Pick<Transaction, "id" | "type"> & { readonly data: object; readonly blockNumber: number };

/** Reads all that is stored when no work is left. @returns a sentence for each violation, and counts */
export async function checkStored(
  dataDirectory: string,
  vars: Readonly<Record<string, string>>,
  journal: Journal,
) {
  const stack = await startStack({ dataDirectory, port: 0, vars });
  try {
    return await check(stack, journal);
  } finally {
    await stack.stop();
  }
}

async function check(stack: Stack, journal: Journal) {
  const { miniflare, url } = stack;
  const kv = (await miniflare.getKVNamespace("KV", workerName("gateway"))) as unknown as KVNamespace;
  const r2 = (await miniflare.getR2Bucket("R2", workerName("gateway"))) as unknown as R2Bucket;
  const violations: string[] = [];
  const note = (what: string) => (error: unknown) => void violations.push(`${what}: ${String(error)}`);

  const latest = await kv.get<{ blockNumber: number; hash: string }>(kvKeys.latest, "json");
  const verifier = new ChainVerifier();
  const chain: VerifiedBlock[] = [];
  try {
    while (verifier.next <= (latest?.blockNumber ?? 0)) chain.push(await verifyTiers(stack, verifier));
  } catch (error) {
    note(`block ${verifier.next}`)(error);
  }
  try {
    verifyChain(
      chain.map(({ bytes }) => bytes),
      chain[0]?.block.hash ?? "",
    );
  } catch (error) {
    note("the independent verifier")(error);
  }
  if (latest?.hash !== chain.at(-1)?.block.hash) note(kvKeys.latest)("it is not the last block");
  const mined = chain.flatMap(({ block: { blockNumber, transactions } }) =>
    transactions.map((transaction, index) => ({ ...transaction, blockNumber, index })),
  );

  const r2Found = (await Array.fromAsync(r2Pages(r2, {}))).flat().map(({ key }) => key);
  const deadLetters: DeadLetter[] = [];
  for (const key of r2Found.filter((key) => key.startsWith(r2Keys.deadLetterPrefix)))
    deadLetters.push((await (await r2.get(key))?.json()) as DeadLetter);
  violations.push(...brokenPromises(mined, journal.transactions, deadLetters));

  for (const { id, blockNumber, index } of mined) {
    const record = await kv.get<{ blockNumber: number; index: number }>(kvKeys.transaction(id), "json");
    if (record?.blockNumber !== blockNumber || record.index !== index)
      violations.push(`KV: ${kvKeys.transaction(id)} does not name place ${index} of block ${blockNumber}`);
  }
  await until(async () => {
    const pending = await kv.get(kvKeys.pendingCount);
    if (pending !== "0") throw new Error(`it is ${pending}, not 0`);
  }).catch(note(kvKeys.pendingCount));

  const numbers = chain.map(({ block }) => block.blockNumber);
  const kvNeeded = [
    kvKeys.latest,
    kvKeys.indexed,
    kvKeys.pendingCount,
    ...numbers.map(kvKeys.block),
    ...mined.map(({ id }) => kvKeys.transaction(id)),
    ...mined.flatMap(({ data }) => ("assetId" in data ? [kvKeys.asset(data.assetId)] : [])),
    ...[...journal.metadata.keys()].map(({ userId }) => kvKeys.user(userId)),
  ];
  const kvFound = (await Array.fromAsync(kvPages(kv, {}))).flat().map(({ name }) => name);
  const kvAllowed = kvFound.filter((key) => key.startsWith(kvKeys.documentEntryPrefix("")));
  violations.push(...wrongKeys(kvFound, kvNeeded, kvAllowed).map((text) => `KV: ${text}`));

  // The sweep moves the object of a set-aside transaction from `pending/` to `set-aside/`.
  const setAside = deadLetters.flatMap(({ txId }) => txId ?? []);
  const isHeld = (txId: string) =>
    [r2Keys.pending(txId), r2Keys.setAside(txId)].some((key) => r2Found.includes(key));
  const gone = setAside.filter((txId) => !isHeld(txId));
  violations.push(...gone.map((txId) => `R2: the object of ${txId}, which is set aside, is missing`));
  const r2Needed = [...numbers.map(r2Keys.block), ...[...journal.documents.keys()].map(r2Keys.document)];
  const r2Allowed = [
    ...numbers.map(r2Keys.private),
    ...setAside.flatMap((txId) => [r2Keys.pending(txId), r2Keys.setAside(txId)]),
    ...r2Found.filter((key) => key.startsWith(r2Keys.deadLetterPrefix)),
    ...r2Found.filter((key) => key.startsWith(r2Keys.logPrefix)),
  ];
  violations.push(...wrongKeys(r2Found, r2Needed, r2Allowed).map((text) => `R2: ${text}`));

  const client = new VdcClient(url);
  for (const [id, { owner, contents }] of journal.documents)
    await client
      .getDocument(id)
      .then((record) => openDocument(journal.chainId, record, owner, id))
      .then((opened) => Buffer.from(opened).equals(contents) || note(`document ${id}`)("it is another"))
      .catch(note(`document ${id}`));
  for (const [user, metadata] of journal.metadata)
    await client
      .getUserMetadata(user.userId)
      .then((record) => openMetadata(journal.chainId, user, record))
      .then((opened) => JSON.stringify(opened) === metadata || note(user.userId)("its metadata is another"))
      .catch(note(`metadata of ${user.userId}`));
  return { violations, blocks: chain.length, mined: mined.length - 1, setAside: deadLetters.length };
}

/** Checks that each promised transaction is in exactly one block, or set aside for an asset that another one created. */
export function brokenPromises(
  mined: readonly Mined[],
  promised: ReadonlyMap<string, Promised>,
  deadLetters: readonly DeadLetter[],
): string[] {
  const places = Map.groupBy(mined, ({ id }) => id);
  const created = Map.groupBy(mined, ({ data }) => ("assetId" in data ? data.assetId : undefined));
  const claims = Map.groupBy(promised.values(), ({ assetId }) => assetId);
  const setAside = new Set(deadLetters.map(({ txId }) => txId));
  const violations = mined.flatMap(({ id, type, blockNumber }) => {
    const { type: expected } = promised.get(id) ?? {};
    if (type === "genesis" || type === expected) return [];
    return [`${id} of block ${blockNumber} is a ${type}, and was sent as ${expected ?? "nothing"}`];
  });
  for (const [id, { assetId }] of promised) {
    const found = places.get(id)?.map(({ blockNumber }) => blockNumber) ?? [];
    if (found.length > 1) violations.push(`${id} is mined twice: blocks ${found.join(", ")}`);
    if (found.length === 0 && !setAside.has(id))
      violations.push(`${id} is lost: in no block, and not set aside`);
    if (found.length > 0 && setAside.has(id)) violations.push(`${id} is mined, and set aside`);
    const times = created.get(assetId)?.length ?? 0;
    if (assetId !== undefined && times !== 1)
      violations.push(`${assetId} is created ${times} times, ${id} wanted it`);
  }
  for (const { txId, reason } of deadLetters) {
    const { assetId } = promised.get(txId ?? "") ?? {};
    const isContested = assetId !== undefined && (claims.get(assetId)?.length ?? 0) > 1;
    if (!isContested || reason !== "asset_exists") violations.push(`${txId} is set aside: ${reason}`);
  }
  return violations;
}

/** Names the keys that are missing, and the keys that nothing needs. */
export function wrongKeys(found: readonly string[], needed: readonly string[], allowed: readonly string[]) {
  const known = new Set([...needed, ...allowed]);
  const keys = new Set(found);
  return [
    ...needed.filter((key) => !keys.has(key)).map((key) => `${key} is missing`),
    ...found.filter((key) => !known.has(key)).map((key) => `${key} is left over`),
  ];
}
