import type * as v from "valibot";
import * as activation from "../../../shared/api/activation.ts";
import * as assets from "../../../shared/api/assets.ts";
import * as audit from "../../../shared/api/audit.ts";
import * as blocks from "../../../shared/api/blocks.ts";
import * as contents from "../../../shared/api/contents.ts";
import * as deadLetters from "../../../shared/api/dead-letters.ts";
import * as dismissals from "../../../shared/api/dismissals.ts";
import * as documentEntries from "../../../shared/api/document-entries.ts";
import * as halted from "../../../shared/api/halted.ts";
import * as health from "../../../shared/api/health.ts";
import * as indexedThrough from "../../../shared/api/indexed-through.ts";
import * as keys from "../../../shared/api/keys.ts";
import * as mine from "../../../shared/api/mine.ts";
import * as pending from "../../../shared/api/pending.ts";
import * as proof from "../../../shared/api/proof.ts";
import * as privacy from "../../../shared/api/privacy.ts";
import * as reason from "../../../shared/api/reason.ts";
import * as records from "../../../shared/api/records.ts";
import * as replays from "../../../shared/api/replays.ts";
import * as resume from "../../../shared/api/resume.ts";
import * as status from "../../../shared/api/status.ts";
import * as storageReport from "../../../shared/api/storage-report.ts";
import * as storageVerify from "../../../shared/api/storage-verify.ts";
import * as storedDocuments from "../../../shared/api/stored-documents.ts";
import * as submissions from "../../../shared/api/submissions.ts";
import * as transactions from "../../../shared/api/transactions.ts";
import * as users from "../../../shared/api/users.ts";
import * as webhook from "../../../shared/api/webhook.ts";
import * as wellKnown from "../../../shared/api/well-known.ts";
import * as chainBlock from "../../../shared/chain/block.ts";
import * as chainDocument from "../../../shared/chain/document.ts";
import * as chainSubmission from "../../../shared/chain/submission.ts";
import * as chainTransaction from "../../../shared/chain/transaction.ts";
import * as auditChain from "../../../shared/chain/audit-chain.ts";
import * as userMetadata from "../../../shared/chain/user-metadata.ts";
import * as kvTier from "../../../shared/storage/kv-tier.ts";
import * as endorsement from "../../../shared/tlog/endorsement.ts";
import * as bundle from "../../../shared/verify/bundle.ts";
import * as storedRecord from "../../../shared/storage/records.ts";

/** Files whose exported schemas appear in the document under the export's name. Any other schema stands where it is used. */
const FILES: readonly object[] = [
  activation,
  assets,
  audit,
  blocks,
  contents,
  deadLetters,
  dismissals,
  documentEntries,
  halted,
  health,
  indexedThrough,
  keys,
  mine,
  pending,
  privacy,
  proof,
  reason,
  records,
  replays,
  resume,
  status,
  storageReport,
  storageVerify,
  storedDocuments,
  submissions,
  transactions,
  users,
  webhook,
  wellKnown,
  chainBlock,
  chainDocument,
  chainSubmission,
  chainTransaction,
  auditChain,
  userMetadata,
  kvTier,
  endorsement,
  bundle,
  storedRecord,
];

/** @throws Error when two schemas have one name */
export function namedSchemas(): Readonly<Record<string, v.GenericSchema>> {
  const named = new Map<string, v.GenericSchema>();
  for (const [name, exported] of FILES.flatMap((file) => Object.entries(file))) {
    if (!isSchema(exported)) continue;
    if (named.has(name) && named.get(name) !== exported)
      throw new Error(`two schemas of the HTTP interface are called ${name}`);
    named.set(name, exported);
  }
  return Object.fromEntries(named);
}

function isSchema(exported: unknown): exported is v.GenericSchema {
  return (
    typeof exported === "object" && exported !== null && "kind" in exported && exported.kind === "schema"
  );
}
