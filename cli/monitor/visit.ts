import { verifyConsistency } from "../../shared/chain/merkle.ts";
import { equalBytes, hex } from "../../shared/crypto/bytes.ts";
import { parseCheckpoint, type Checkpoint } from "../../shared/tlog/checkpoint.ts";
import { InvalidLog } from "../../shared/tlog/invalid-log.ts";
import { parseNote } from "../../shared/tlog/note.ts";
import type { TlogPolicy } from "../../shared/tlog/policy.ts";
import { TileTree } from "../../shared/tlog/tile-tree.ts";
import { blocksFromApi } from "../chain/from-api.ts";
import { ChainWatch } from "../chain/report.ts";
import type { ChainState } from "../chain/state.ts";
import { UnverifiedChain, verifySource } from "../chain/verify.ts";
import type { Client } from "../http/client.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { BrokenPromise } from "./broken-promise.ts";
import { logMemoryOf, type LogMemory, type Remembered } from "./log-memory.ts";
import { notesOf, openNotes, type Notes, type Opened } from "./open-notes.ts";
import { ServedLog } from "./served-log.ts";

export interface MonitorSettings {
  readonly genesis?: string;
  readonly policy?: TlogPolicy;
  /** Longest time that published blocks may wait for a checkpoint. */
  readonly stallAfterSeconds: number;
}

/** The result of a visit at which every promise held. */
export interface Visit {
  /** Number of blocks that the newest remembered checkpoint covers; 0 when there is none yet. */
  readonly size: number;
  /** Number of transactions that it covers. */
  readonly entries: number;
  /** Published blocks that no accepted checkpoint covers yet. */
  readonly waiting: number;
}

/**
 * Looks at a deployment once, as a stranger. The state then holds all that verified, also when this throws.
 * @param now milliseconds since the epoch
 * @throws BrokenPromise for a broken promise; CommandFailure when the deployment can't be read
 */
export async function visit(
  client: Client,
  state: ChainState,
  settings: MonitorSettings,
  now: number,
): Promise<Visit> {
  const memory = logMemoryOf(state);
  const log = new ServedLog(client.url);
  const latest = await client.find("GET /api/vdc/latest");
  const blocks = latest === undefined ? 0 : latest.blockNumber + 1;
  const notes = await notesOf(log);
  try {
    const newest =
      notes === undefined
        ? memory.newest
        : await accept(client, log, state, settings, memory, notes).catch(notFoundIsUnknown);
    return keep(state, memory, { newest, blocks }, settings, now);
  } catch (error) {
    throw asBroken(error, memory.newest, notes);
  }
}

/** Verifies the notes against all that is remembered. @returns what is to be remembered from now on */
async function accept(
  client: Client,
  log: ServedLog,
  state: ChainState,
  settings: MonitorSettings,
  { newest }: LogMemory,
  notes: Notes,
): Promise<Remembered | null> {
  const { size } = parseCheckpoint(parseNote(notes.blocks).text);
  if (size > (state.end?.next ?? 0)) await verifyBlocks(client, state, settings, size);
  const { end } = state;
  if (end === undefined) return null; // an empty log
  if (settings.genesis !== undefined && settings.genesis !== end.genesisHash)
    throw new BrokenPromise("invalid_chain", `the genesis is ${end.genesisHash}, not ${settings.genesis}`);
  const opened = await openNotes(log, end, settings, newest, notes);
  if (newest !== null) await refuseForkOrRollback(log, newest, opened);
  if (end.next > size) return newest; // the state is ahead: a checkpoint of these blocks comes later, or a stall shows
  await verifyBlocks(client, state, settings, size);
  refuseOtherBlocks(state, opened);
  return opened.hasQuorum
    ? { size, entries: opened.transactions.size, ...notes, endorsement: opened.endorsement }
    : newest;
}

/** Verifies the chain up to this number of blocks, from where the state ends; the state's last block must be in it. */
async function verifyBlocks(
  client: Client,
  state: ChainState,
  { genesis }: MonitorSettings,
  count: number,
): Promise<void> {
  const source = { count, blocks: (from: number) => blocksFromApi(client, from, count - 1) };
  for await (const _ of new ChainWatch(state).watch(verifySource(source, genesis, state), count));
}

async function refuseForkOrRollback(log: ServedLog, newest: Remembered, opened: Opened): Promise<void> {
  for (const name of ["blocks", "transactions"] as const) {
    const [before, now] = [parseCheckpoint(parseNote(newest[name]).text), opened[name]];
    if (now.size < before.size)
      throw new BrokenPromise(
        "rollback",
        `the log of ${name} has ${now.size} entries, and ${before.size} were signed before`,
      );
    if (now.size === before.size && !equalBytes(now.root, before.root))
      throw new BrokenPromise("fork", `the log of ${name} has two signed checkpoints of ${now.size} entries`);
    if (before.size > 0 && now.size > before.size) await refuseInconsistent(log, name, before, now);
  }
}

async function refuseInconsistent(
  log: ServedLog,
  name: "blocks" | "transactions",
  before: Checkpoint,
  now: Checkpoint,
): Promise<void> {
  const tree = new TileTree(now.size, log.tiles(name === "blocks" ? "" : "tx/"));
  const root = await tree.root();
  if (!equalBytes(root, now.root))
    throw new InvalidLog(
      "wrong_tile",
      `the tiles of the log of ${name} give the root ${hex(root)}, and not the signed one`,
    );
  const proof = await tree.consistencyProof(before.size);
  const claim = {
    firstSize: before.size,
    secondSize: now.size,
    firstRoot: before.root,
    secondRoot: now.root,
  };
  if (!verifyConsistency({ ...claim, proof }))
    throw new BrokenPromise(
      "fork",
      `the log of ${name} at ${now.size} entries does not begin with the one that was signed at ${before.size}`,
      { log: name, consistencyProof: proof.map(hex) },
    );
}

/** The state ends where the checkpoint does, so the roots over its blocks and transactions must be the signed ones. */
function refuseOtherBlocks({ logs }: ChainState, opened: Opened): void {
  for (const name of ["blocks", "transactions"] as const) {
    const { size } = logs[name].toJSON();
    const { root } = logs[name];
    if (size !== opened[name].size || !equalBytes(root, opened[name].root))
      throw new BrokenPromise(
        "other_blocks",
        `the chain that is served has ${size} ${name} with the root ${hex(root)}, and the signed checkpoint covers others`,
        { log: name, computed: { size, root: hex(root) } },
      );
  }
}

function keep(
  state: ChainState,
  memory: LogMemory,
  { newest, blocks }: { readonly newest: Remembered | null; readonly blocks: number },
  { stallAfterSeconds }: MonitorSettings,
  now: number,
): Visit {
  const size = newest?.size ?? 0;
  const hasGrown = size > (memory.newest?.size ?? 0);
  const waiting = Math.max(0, blocks - size);
  const since = hasGrown ? null : memory.waitingSince;
  const waitingSince = waiting === 0 ? null : (since ?? now);
  state.rememberLog({ newest, waitingSince } satisfies LogMemory);
  if (waitingSince !== null && now - waitingSince > stallAfterSeconds * 1_000)
    throw new BrokenPromise(
      "stall",
      `${waiting} published blocks have waited for an acceptable checkpoint since ${new Date(waitingSince).toISOString()}`,
      { waiting, waitingSince },
    );
  return { size, entries: newest?.entries ?? 0, waiting };
}

/** A block below a checkpoint that is not there yet may come: KV takes up to a minute to show a new one. */
function notFoundIsUnknown(error: unknown): never {
  if (error instanceof CommandFailure && error.exitCode === EXIT.notFound)
    throw new CommandFailure(
      `a block that the checkpoint covers is not served: ${error.message}. Look again in some minutes`,
      EXIT.unknown,
    );
  throw error;
}

/** Adds both signed notes to the evidence; other failures stay as they are. */
function asBroken(error: unknown, newest: Remembered | null, served: Notes | undefined): unknown {
  const seen = { remembered: newest, served: served ?? null };
  if (error instanceof BrokenPromise)
    return new BrokenPromise(error.fault, error.message.slice(error.fault.length + 2), {
      ...error.evidence,
      ...seen,
    });
  if (error instanceof InvalidLog)
    return new BrokenPromise("invalid_log", `${error.message} (${error.fault})`, seen);
  if (error instanceof UnverifiedChain) return new BrokenPromise("invalid_chain", error.message, seen);
  return error;
}
