import { chainHead } from "../../../shared/objects/chain-head.ts";
import { logHead } from "../../../shared/objects/log-head.ts";
import { parseCheckpoint } from "../../../shared/tlog/checkpoint.ts";
import { noteText, parseNote } from "../../../shared/tlog/note.ts";
import { SCHEDULE, type Env } from "../env.ts";
import type { StorageRun } from "../../../shared/api/storage-report.ts";
import type { LogPlan } from "./log-plan.ts";

/**
 * Plans a run's part of the logs at the shown checkpoint: all of them, or for a rolling run the tiles with its blocks. Null while
 * no checkpoint is shown.
 */
export async function planLogs(
  { by, firstBlock, totalBlocks }: StorageRun,
  env: Env,
): Promise<LogPlan | null> {
  const { shown } = await logHead(env).facts();
  if (shown === null) return null;
  const isWhole = by !== SCHEDULE;
  const { size, entries } = shown;
  const end = isWhole ? size : Math.min(size, firstBlock + totalBlocks);
  const first = isWhole ? 0 : Math.min(firstBlock, end);
  const [firstEntry, endEntry] = isWhole
    ? [0, entries]
    : await Promise.all([first, end].map((block) => entriesBefore(block, shown, env)));
  return {
    isWhole,
    logs: {
      blocks: { size, first, end, note: asPublished(shown.blocks) },
      transactions: {
        size: entries,
        first: firstEntry ?? 0,
        end: endEntry ?? entries,
        note: asPublished(shown.transactions),
      },
    },
  };
}

/** Number of transactions in the blocks before this one. */
async function entriesBefore(
  block: number,
  { size, entries }: { readonly size: number; readonly entries: number },
  env: Env,
): Promise<number> {
  if (block >= size) return entries;
  const facts = await chainHead(env).block(block);
  if (facts?.firstEntry == null)
    throw new Error(`the chain head does not know block ${block}, which the log covers`);
  return facts.firstEntry;
}

/** The note without cosignatures, which came after it was published. The log's keys bear the name of its origin. */
function asPublished(note: string): string {
  const { text, signatures } = parseNote(note);
  const { origin } = parseCheckpoint(text);
  return noteText({ text, signatures: signatures.filter(({ name }) => name === origin) });
}
