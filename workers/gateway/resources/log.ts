import * as api from "../../../shared/api/log.ts";
import { json } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { readObject } from "../../../shared/storage/r2-tier.ts";
import type { LogKeys } from "../../../shared/tlog/endorsement.ts";
import { entryBundle } from "../../../shared/tlog/entries.ts";
import {
  entriesPath,
  parseTileIndex,
  parseTileLevel,
  TILE_WIDTH,
  tilePath,
} from "../../../shared/tlog/tiles.ts";
import type { CheckpointPair } from "../../checkpointer/log-head/schema.ts";
import { immutable } from "../http/immutable.ts";
import { operation, type Call } from "../http/operation.ts";
import { countReadBeyondKv } from "../http/rate-limit.ts";
import { blockEntries, transactionEntries } from "./log-entries.ts";
import { logState, shownPair } from "./log-state.ts";

const NEWEST = "public, max-age=2";
const FOR_A_MINUTE = "public, max-age=60"; // keys and policy change with a deployment

/** The place of a log's objects, and its part of a pair of checkpoints. */
interface ServedLog {
  readonly prefix: string;
  readonly note: (pair: CheckpointPair) => string;
  readonly size: (pair: CheckpointPair) => number;
  /** Its keys' place in an endorsement. */
  readonly vkeys: readonly [first: number, end: number];
  readonly entries: (call: Call, first: number, count: number) => Promise<Uint8Array[]>;
}

const BLOCKS: ServedLog = {
  prefix: r2Keys.logPrefix,
  note: ({ blocks }) => blocks,
  size: ({ size }) => size,
  vkeys: [0, 2],
  entries: blockEntries,
};

const TRANSACTIONS: ServedLog = {
  prefix: r2Keys.transactionLogPrefix,
  note: ({ transactions }) => transactions,
  size: ({ entries }) => entries,
  vkeys: [2, 4],
  entries: transactionEntries,
};

/** Serves one log. The keys of its objects in R2 are their paths. */
function served(log: ServedLog, plans: typeof api.ofBlocks) {
  return {
    checkpoint: operation(plans.checkpoint, async (call) => {
      await countReadBeyondKv(call);
      return text(log.note(await shownPair(call.env)), NEWEST);
    }),

    pastCheckpoint: operation(plans.pastCheckpoint, async (call) => {
      const key = r2Keys.logCheckpoint(log.prefix, call.params.size);
      return stored(call, { key, path: `/${key}`, contentType: api.NOTE_TYPE });
    }),

    vkeys: operation(plans.vkeys, async (call) => {
      await countReadBeyondKv(call);
      const { endorsements } = await logState(call.env);
      const newest = endorsements.at(-1);
      if (newest === undefined) throw noKeys();
      return text(
        newest.vkeys
          .slice(...log.vkeys)
          .map((vkey) => `${vkey}\n`)
          .join(""),
        FOR_A_MINUTE,
      );
    }),

    tile: operation(plans.tile, async (call) => {
      const level = parseTileLevel(call.params.level);
      const place = parseTileIndex(call.params.index);
      if (level === undefined || place === undefined) throw noSuchPath();
      const key = `${log.prefix}${tilePath({ level, ...place })}`;
      return stored(call, { key, path: `/${key}`, contentType: api.BYTES_TYPE });
    }),

    entries: operation(plans.entries, async (call) => {
      const place = parseTileIndex(call.params.index);
      if (place === undefined) throw noSuchPath();
      const key = `${log.prefix}${entriesPath(place)}`;
      const read = async () => {
        await countReadBeyondKv(call);
        const kept = place.width === TILE_WIDTH ? await readObject(call.env.R2, key) : undefined;
        return kept ?? (await bundle(call, log, place));
      };
      return immutable(call, { path: `/${key}`, contentType: api.BYTES_TYPE, read });
    }),
  };
}

const { ofBlocks: blockPlans, ofTransactions: transactionPlans } = api;
export const ofBlocks = served(BLOCKS, blockPlans);
export const ofTransactions = served(TRANSACTIONS, transactionPlans);

export const logKeys = operation(api.logKeys, async (call) => {
  await countReadBeyondKv(call);
  const { endorsements } = await logState(call.env);
  if (endorsements.length === 0) throw noKeys();
  return json({ format: "vdc-log-keys@1", endorsements: [...endorsements] } satisfies LogKeys, {
    headers: { "cache-control": FOR_A_MINUTE },
  });
});

export const logPolicy = operation(api.logPolicy, async (call) => {
  await countReadBeyondKv(call);
  const { policy } = await logState(call.env);
  if (policy === null)
    throw new Problem("not-found", "This deployment asks no witnesses to cosign its logs.");
  return text(policy, FOR_A_MINUTE);
});

export const logTimestamp = operation(api.logTimestamp, async (call) => {
  const { authority, size } = call.params;
  const key = r2Keys.timestamp(authority, size);
  return stored(call, {
    key,
    path: `/log/timestamps/${authority}/${size}`,
    contentType: api.TIMESTAMP_TYPE,
  });
});

/** Shows an object of R2 that never changes. A read that the cache answers does not count against the caller. */
function stored(
  call: Call,
  { key, path, contentType }: { readonly key: string; readonly path: string; readonly contentType: string },
): Promise<Response> {
  const read = async () => {
    await countReadBeyondKv(call);
    const bytes = await readObject(call.env.R2, key);
    if (bytes !== undefined) return bytes;
    throw new Problem("not-found", `The log has no ${path}.`);
  };
  return immutable(call, { path, contentType, read });
}

/**
 * Makes an entry bundle from the blocks. It must be full, or end where a published checkpoint ends: so the bundles that can be
 * asked for are as many as the log's partial tiles.
 * @throws Problem "not-found" or "unavailable"
 */
async function bundle(
  call: Call,
  log: ServedLog,
  { index, width }: { readonly index: number; readonly width: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const first = index * TILE_WIDTH;
  const end = first + width;
  const size = log.size(await shownPair(call.env));
  const isPublished =
    end <= size &&
    (width === TILE_WIDTH ||
      end === size ||
      (await call.env.R2.head(r2Keys.logCheckpoint(log.prefix, end))) !== null);
  if (!isPublished)
    throw new Problem(
      "not-found",
      `The log has no such bundle: it has ${size} entries, and a partial bundle ends where a checkpoint ends.`,
    );
  return entryBundle(await log.entries(call, first, width));
}

function text(body: string, cacheControl: string): Response {
  return new Response(body, { headers: { "content-type": api.NOTE_TYPE, "cache-control": cacheControl } });
}

function noKeys(): Problem {
  return new Problem("not-found", "The log has no endorsed keys yet. The first mined block gets it some.");
}

function noSuchPath(): Problem {
  return new Problem("not-found", "No tile has such a path: see C2SP tlog-tiles.");
}
