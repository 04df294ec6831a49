/**
 * The items of a page's lists that have several cells: `- first · second`, or `- first` with the others below, `  - name: second`.
 * A cell that is quoted as a whole loses its back quotes.
 * @throws Error when the text has no such item
 */
export function listIn(text: string): string[][] {
  const items = [...text.matchAll(/^- (.+(?:\n {2}.+)*)$/gm)].map(([, item = ""]) =>
    item
      .replaceAll(/\n {2}- [^:\n]+: /g, " · ")
      .replaceAll(/\n +/g, " ")
      .split(" · ")
      .map((cell) => cell.replace(/^`([^`]*)`$/, "$1")),
  );
  const rows = items.filter(({ length }) => length > 1);
  if (rows.length === 0) throw new Error(`no list of rows in: ${text.slice(0, 100)}`);
  return rows;
}
