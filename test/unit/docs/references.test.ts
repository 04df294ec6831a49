// Links in documents and comments lead to existing files, headings and names of the code.
import { existsSync, globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../../cli/local/stack/workers.ts";
import { DESIGN, withPictures } from "./state-pictures.ts";

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const list = (pattern: string) => globSync(pattern, { cwd: ROOT }).map((path) => path.replaceAll("\\", "/"));

const PAGES = ["README.md", ...list("docs/*.md")];

/** Pages that name the code throughout. */
const GUIDES = ["docs/design.md", "docs/glossary.md", "docs/contributing.md"];

const CODE = list("{cli,shared,test,workers}/**/*.{ts,mjs}");

/** Returns the anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** @param target a path from the root, optionally with `#anchor` */
function leadsSomewhere(target: string): boolean {
  const [path = "", anchor] = target.split("#");
  return existsSync(join(ROOT, path)) && (anchor === undefined || anchorsOf(path).includes(anchor));
}

/** Returns the texts between backticks, outside of code blocks. */
function quotedIn(page: string): string[] {
  const prose = read(page).replaceAll(/^```[\s\S]*?^```$/gm, "");
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, quoted = ""]) => quoted);
}

const PATH = /^(?:\.ci|cli|docs|shared|test|workers)\/[\w./*{},-]*$/;
const NAME = /^(?:[A-Za-z][\w-]*|\.[a-z]+)(?:\(\))?$/;

const COMMENT = /\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm;

/** Every word of the code and its configuration, without comments. */
const words = new Set(
  [...CODE, ...list("{,workers/*/}wrangler.toml"), "package.json", "oxlint.config.ts"].flatMap(
    (path) =>
      read(path)
        .replaceAll(COMMENT, "")
        .match(/[A-Za-z][\w-]*/g) ?? [],
  ),
);

describe.each(PAGES)("%s", (page) => {
  it("links to files and headings that exist", () => {
    const targets = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => (target.startsWith("#") ? page + target : posix.join(posix.dirname(page), target)));
    expect(targets.filter((target) => !leadsSomewhere(target))).toEqual([]);
  });

  it("names files that exist", () => {
    const paths = quotedIn(page).filter((quoted) => PATH.test(quoted) && !quoted.includes("{n"));
    expect(paths.filter((path) => globSync(path, { cwd: ROOT }).length === 0)).toEqual([]);
  });
});

describe.each(GUIDES)("%s", (page) => {
  it("names messages, functions, settings and states that are in the code", () => {
    const named = quotedIn(page).filter((quoted) => NAME.test(quoted) && !PATH.test(quoted));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !words.has(name.replace(/^\.|\(\)$/g, "")))).toEqual([]);
  });
});

describe("docs/glossary.md", () => {
  it("explains each term once, in alphabetical order", () => {
    const [, , ...rows] = read("docs/glossary.md").match(/^\|.*$/gm) ?? [];
    const terms = rows.map((row) => row.split("|")[1]?.trim() ?? "");
    const inOrder = [...new Set(terms)].toSorted((a, b) => a.localeCompare(b, "en"));
    expect(terms.length).toBeGreaterThan(50);
    expect(terms).toEqual(inOrder);
  });
});

describe("the code", () => {
  it("cites headings of the documents that exist", () => {
    const cited = CODE.flatMap((path) =>
      [...read(path).matchAll(/\bdocs\/[a-z-]+\.md#[a-z0-9-]+/g)].map(([target]) => ({ path, target })),
    );
    expect(cited.length).toBeGreaterThan(10);
    expect(cited.filter(({ target }) => !leadsSomewhere(target))).toEqual([]);
  });
});

/** The only file that may read beside the repository, for larger vector sets. */
const MAY_LEAVE = "test/support/chain/vectors.ts";

function leaves(path: string): boolean {
  return [...read(path).matchAll(/["'`]((?:\.\.\/)+)/g)].some(([, up = ""]) =>
    posix.join(posix.dirname(path), up).startsWith(".."),
  );
}

describe("the repository", () => {
  it("needs no file outside of it but the shared vectors", () => {
    expect(CODE.filter(leaves)).toEqual([MAY_LEAVE]);
  });
});

describe("docs/design.md", () => {
  it("shows the states of shared/chain/states.ts: `node test/unit/docs/state-pictures.ts` draws them anew", () => {
    const design = readFileSync(DESIGN, "utf8");
    expect(design).toBe(withPictures(design));
  });
});
