export const NO_DOCUMENTS = {
  total: 0,
  next: 0,
  verified: 0,
  rehydrated: 0,
  partial: 0,
  failed: 0,
  results: [],
};

export const NO_LOG = { total: 0, next: 0, checked: 0, restored: 0, failed: 0 };

/** A run of storage verification that has just begun. */
export const RUN = {
  id: "1b7c0b7e-0000-4000-8000-000000000001",
  kind: "verify",
  state: "running",
  repair: true,
  by: "alice",
  startedAt: 1,
  finishedAt: null,
  firstBlock: 0,
  totalBlocks: 2_000,
  next: 0,
  verified: 0,
  rehydrated: 0,
  partial: 0,
  failed: 0,
  untrusted: 0,
  results: [],
  log: NO_LOG,
  documents: NO_DOCUMENTS,
  message: null,
  duration: 0,
};
export const RUN_PATH = `/api/storage-verify/runs/${RUN.id}`;
