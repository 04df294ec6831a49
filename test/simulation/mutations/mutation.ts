import type { Seams } from "./seams.ts";

/**
 * A promise broken on purpose, in one place. The simulation has to find each mutation, or it proves nothing.
 *
 * The seam is an export of a product module. Other modules get the broken export; calls inside the module itself still
 * reach the original.
 */
export interface Mutation {
  readonly name: string;
  /** The broken promise, in the words of the violations. */
  readonly breaks: string;
  /** The last seed that found the mutation. A test begins with this seed. */
  readonly seed: number;
  /**
   * `npm test` looks for the mutation too, not only `npm run prove`: a change of the product is likely to make this
   * very mistake.
   */
  readonly inEveryRun: boolean;
  /**
   * Fewer than one seed in forty finds the mutation, so only `npm run simulate -- --mutation <name> --until-found`
   * looks for it.
   */
  readonly isRare?: true;
  /** Path of the product module, from the root of the repository. */
  readonly file: string;
  /** Name of the export. */
  readonly seam: string;
  /** Makes the broken export from the original. */
  readonly mutate: (original: never) => unknown;
}

/** Any text may replace a constant. A replacement of any other export must fit its callers. */
type Replacement<Export> = Export extends string ? string : Export;

/**
 * Makes a mutation whose seam the compiler checks: if an export is renamed or changed, each of its mutations is a type
 * error.
 */
export function mutation<File extends keyof Seams, Seam extends keyof Seams[File] & string>(
  checked: Omit<Mutation, "inEveryRun" | "file" | "seam" | "mutate"> & {
    readonly inEveryRun?: true;
    readonly file: File;
    readonly seam: Seam;
    readonly mutate: (
      original: Seams[File][Seam],
    ) => Replacement<Seams[File][Seam]> | Promise<Replacement<Seams[File][Seam]>>;
  },
): Mutation {
  return { inEveryRun: false, ...checked };
}
