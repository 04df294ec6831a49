/** A version of a user's metadata, and the SHA-256 of the record's canonical bytes. */
export interface Standing {
  readonly version: number;
  readonly sha256: string;
}

/** Whether a record may take the place of the present one, or is that very record. Never an older one, never another of the same version. */
export function mayFollow(present: Standing | undefined, offered: Standing): boolean {
  if (present === undefined || offered.version > present.version) return true;
  return offered.version === present.version && offered.sha256 === present.sha256;
}
