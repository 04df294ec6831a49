import * as v from "valibot";
import { WholeText } from "../schema/integer-text.ts";

/** The reservation that staged bytes were built from, in the object's metadata: R2 custom metadata holds text only. */
const StagedMetadata = v.object({ life: v.string(), revision: WholeText });

export interface StagedFrom {
  readonly life: string;
  readonly revision: number;
}

export function stagedMetadata({ life, revision }: StagedFrom): Record<string, string> {
  return { life, revision: String(revision) };
}

/** `undefined` for bytes that no miner staged: an operator uploaded them. */
export function readStagedMetadata(metadata: Record<string, string> | undefined): StagedFrom | undefined {
  const parsed = v.safeParse(StagedMetadata, metadata);
  return parsed.success ? parsed.output : undefined;
}
