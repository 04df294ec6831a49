/** `{n}.json`: the name of a block's file in an exported chain. */
export function fileNameOf(blockNumber: number): string {
  return `${blockNumber}.json`;
}

/** The block's number, or `undefined` for a name that no export gives. */
export function blockNumberOf(fileName: string): number | undefined {
  const [, digits] = /^(0|[1-9]\d{0,14})\.json$/.exec(fileName) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
