import type { DocumentIndex } from "../../workers/storage-verifier/documents/document-index.ts";

export interface DocumentIndexEnv {
  readonly DOCUMENT_INDEX: DurableObjectNamespace<DocumentIndex>;
}

/** Gets a new stub for each call: a stub that saw the object fail answers every later call with the same failure. */
export function documentIndex(
  env: DocumentIndexEnv & { readonly CHAIN_ID: string },
): DurableObjectStub<DocumentIndex> {
  return env.DOCUMENT_INDEX.getByName(env.CHAIN_ID);
}
