/** A Promela model, the sizes at which it is searched in full, and the mutations that a search must find. */
interface Model {
  readonly file: string;
  /** Sets of `-D` flags; the mutations are searched with the first. */
  readonly sizes: readonly (readonly string[])[];
  readonly mutations: readonly string[];
}

export const MODELS: readonly Model[] = [
  {
    file: "lives.pml",
    sizes: [["LOSSES=1"], ["LOSSES=1", "BLOCKS=2"], ["LOSSES=2", "ATTEMPTS=3"]],
    mutations: [
      "M_SEAL_WITHOUT_LIFE",
      "M_SEAL_WITHOUT_REVISION",
      "M_SET_ASIDE_WITHOUT_LIFE",
      "M_NO_RECORD",
      "M_ATTEMPT_OF_ERASED",
      "M_OLDEST_ATTEMPT",
    ],
  },
  { file: "archive.pml", sizes: [[]], mutations: ["M_OVERWRITE", "M_HALT_BY_EARLIER_LIFE"] },
  {
    file: "cleaning.pml",
    sizes: [[]],
    mutations: [
      "M_TWO_QUESTIONS",
      "M_SWEEP_WHILE_RESTORING",
      "M_STAGED_IGNORED",
      "M_DELETE_FIRST",
      "M_ARCHIVE_OVERWRITES",
      "M_ERASE_EARLY",
    ],
  },
  {
    file: "latest.pml",
    sizes: [["BLOCKS=3"]],
    mutations: [
      "M_EARLIER_LIFE_FORGOTTEN",
      "M_NOT_NOTED",
      "M_FORGETS_OLDER_DOUBT",
      "M_NOT_HELD",
      "M_HIGHEST_PERSISTED",
      "M_REPORT_EARLY",
    ],
  },
  { file: "asset-records.pml", sizes: [[]], mutations: ["M_NO_LEASE", "M_LEASE_ENDS_WITH_FAILURE"] },
];
