import type * as byteBudget from "../../../workers/accounts/documents/byte-budget.ts";
import type * as metadataWrite from "../../../workers/accounts/metadata/metadata-write.ts";
import type * as submissionChecks from "../../../workers/accounts/submissions/submission-checks.ts";
import type * as sweepIntents from "../../../workers/accounts/submissions/sweep-intents.ts";
import type * as tokenObject from "../../../workers/accounts/activation/token-object.ts";
import type * as alarm from "../../../workers/chain-head/outbox/alarm.ts";
import type * as blocks from "../../../workers/chain-head/reads/blocks.ts";
import type * as schema from "../../../workers/chain-head/storage/schema.ts";
import type * as latestWrite from "../../../workers/chain-head/outbox/latest-write.ts";
import type * as progress from "../../../workers/chain-head/decisions/progress.ts";
import type * as park from "../../../workers/dead-letters/entries/park.ts";
import type * as indexBlock from "../../../workers/indexer/index-block.ts";
import type * as ingestEnv from "../../../workers/ingest-webhook/env.ts";
import type * as ingest from "../../../workers/ingest-webhook/ingest.ts";
import type * as buildAndSeal from "../../../workers/miner/build-and-seal.ts";
import type * as applyRules from "../../../workers/miner/apply-rules.ts";
import type * as archivePrivate from "../../../workers/pending-cleaner/archive-private.ts";
import type * as clean from "../../../workers/pending-cleaner/clean.ts";
import type * as writePending from "../../../workers/pending-writer/write-pending.ts";
import type * as pinDocument from "../../../workers/storage-verifier/documents/pin-document.ts";
import type * as inspect from "../../../workers/storage-verifier/verify/inspect.ts";
import type * as restoredBlock from "../../../workers/storage-verifier/restore/restored-block.ts";
import type * as sweepStaged from "../../../workers/storage-verifier/restore/sweep-staged.ts";
import type * as activationTokens from "../../../shared/storage/activation-tokens.ts";
import type * as rules from "../../../shared/chain/rules.ts";
import type * as consume from "../../../shared/queue/consume.ts";
import type * as readInto from "../../../shared/http/read-into.ts";
import type * as ipfsTier from "../../../shared/storage/ipfs-tier.ts";
import type * as privateArchive from "../../../shared/storage/private-archive.ts";
import type * as r2Tier from "../../../shared/storage/r2-tier.ts";
import type * as wake from "../../../shared/durable-object/alarm.ts";

/**
 * The types of the modules that have a mutation, by path. This file imports types only: a product module that is loaded
 * before the world controls time and chance would keep the machine's.
 */
export interface Seams {
  "shared/storage/activation-tokens.ts": typeof activationTokens;
  "shared/chain/rules.ts": typeof rules;
  "shared/queue/consume.ts": typeof consume;
  "shared/http/read-into.ts": typeof readInto;
  "shared/storage/ipfs-tier.ts": typeof ipfsTier;
  "shared/storage/private-archive.ts": typeof privateArchive;
  "shared/storage/r2-tier.ts": typeof r2Tier;
  "shared/durable-object/alarm.ts": typeof wake;
  "workers/accounts/documents/byte-budget.ts": typeof byteBudget;
  "workers/accounts/metadata/metadata-write.ts": typeof metadataWrite;
  "workers/accounts/submissions/submission-checks.ts": typeof submissionChecks;
  "workers/accounts/submissions/sweep-intents.ts": typeof sweepIntents;
  "workers/accounts/activation/token-object.ts": typeof tokenObject;
  "workers/chain-head/outbox/alarm.ts": typeof alarm;
  "workers/chain-head/reads/blocks.ts": typeof blocks;
  "workers/chain-head/storage/schema.ts": typeof schema;
  "workers/chain-head/outbox/latest-write.ts": typeof latestWrite;
  "workers/chain-head/decisions/progress.ts": typeof progress;
  "workers/dead-letters/entries/park.ts": typeof park;
  "workers/indexer/index-block.ts": typeof indexBlock;
  "workers/ingest-webhook/env.ts": typeof ingestEnv;
  "workers/ingest-webhook/ingest.ts": typeof ingest;
  "workers/miner/build-and-seal.ts": typeof buildAndSeal;
  "workers/miner/apply-rules.ts": typeof applyRules;
  "workers/pending-cleaner/archive-private.ts": typeof archivePrivate;
  "workers/pending-cleaner/clean.ts": typeof clean;
  "workers/pending-writer/write-pending.ts": typeof writePending;
  "workers/storage-verifier/documents/pin-document.ts": typeof pinDocument;
  "workers/storage-verifier/verify/inspect.ts": typeof inspect;
  "workers/storage-verifier/restore/restored-block.ts": typeof restoredBlock;
  "workers/storage-verifier/restore/sweep-staged.ts": typeof sweepStaged;
}
