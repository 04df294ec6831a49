import type { RecordKind } from "../../shared/storage/records.ts";

export const RECORDS = "/api/storage-verify/records";

export function callOf(kind: RecordKind, id: string): string {
  return `${RECORDS}/${kind}/${encodeURIComponent(id)}`;
}
