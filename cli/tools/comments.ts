import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../local/stack/workers.ts";

/** A comment begins with its subject or with a verb: docs/contributing.md#how-the-prose-reads. */
const OPENER =
  /^(?:What|Who|Whoever|Whose|Of|One|That|Those|Nobody|Somebody|Whatever|Where|None|Besides|Told)\b/;
const COMMENT = /(?:\/\*\*\s*(?:\*\s)?|^\s*\/\/ )(?<text>\S[^\n]*)/gm;

/** Prints each comment of the code with a forbidden opener. */
const found = globSync("{cli,shared,test,workers}/**/*.{ts,mjs}", { cwd: ROOT }).flatMap((file) => {
  const text = readFileSync(join(ROOT, file), "utf8");
  return [...text.matchAll(COMMENT)].flatMap(({ groups, index }) => {
    const line = text.slice(0, index).split("\n").length;
    const isContinued = /^\s*\/\/ /.test(text.split("\n")[line - 2] ?? "");
    return OPENER.test(groups?.text ?? "") && !isContinued ? [`${file}:${line}: ${groups?.text}`] : [];
  });
});
for (const place of found) console.log(place);
process.exitCode = found.length === 0 ? 0 : 1;
