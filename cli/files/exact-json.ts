import type { Json } from "../../shared/crypto/canonical.ts";

/** Why a text can't be signed as it is written: where, and what. It quotes no value, which may be private. */
export class InexactJson extends Error {
  override readonly name = "InexactJson";
}

/**
 * Reads JSON (RFC 8259) that is signed in its canonical form (RFC 8785). What that form can't say exactly is refused:
 * `JSON.parse` would round a number, keep the last of two members of one name, and take a lone surrogate.
 * @throws InexactJson with the place
 */
export function exactJson(text: string): Json {
  return new JsonReader(text).whole();
}

/** As `shared/crypto/canonical.ts` takes. */
const MAX_DEPTH = 100;

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// oxlint-disable-next-line no-control-regex -- JSON has no control characters in its strings
const STRING = /"(?:[^"\\\u0000-\u001F]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;

class JsonReader {
  readonly #text: string;
  #at = 0;
  /** Names and indexes that lead to the value which is being read. */
  readonly #path: (string | number)[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Json {
    const value = this.#value();
    this.#take(SPACE);
    if (this.#at < this.#text.length) throw this.#refused("nothing may follow the end of the JSON");
    return value;
  }

  #value(): Json {
    this.#take(SPACE);
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object();
      case "[":
        return this.#array();
      case '"':
        return this.#string();
      case "t":
      case "f":
      case "n":
        return JSON.parse(this.#token(WORD)) as boolean | null;
      default:
        return this.#number();
    }
  }

  #object(): Json {
    const members = new Map<string, Json>();
    this.#each("}", () => {
      this.#take(SPACE);
      const start = this.#at;
      const name = this.#string();
      this.#path.push(name);
      if (members.has(name)) throw this.#refused("this name stands twice, and only one can be signed", start);
      this.#take(SPACE);
      this.#expect(":");
      members.set(name, this.#value());
      this.#path.pop();
    });
    return Object.fromEntries(members);
  }

  #array(): Json {
    const items: Json[] = [];
    this.#each("]", () => {
      this.#path.push(items.length);
      items.push(this.#value());
      this.#path.pop();
    });
    return items;
  }

  /** Reads from an opening bracket to its end. */
  #each(end: "}" | "]", readOne: () => void): void {
    if (this.#path.length >= MAX_DEPTH) throw this.#refused(`it is nested deeper than ${MAX_DEPTH}`);
    this.#at++;
    this.#take(SPACE);
    if (this.#text[this.#at] === end) {
      this.#at++;
      return;
    }
    for (;;) {
      readOne();
      this.#take(SPACE);
      if (this.#text[this.#at] === end) break;
      this.#expect(",");
    }
    this.#at++;
  }

  #string(): string {
    const start = this.#at;
    const value = JSON.parse(this.#token(STRING)) as string;
    if (!value.isWellFormed())
      throw this.#refused("half of a character (a lone surrogate) is no text that can be signed", start);
    return value;
  }

  #number(): number {
    const start = this.#at;
    const written = this.#token(NUMBER);
    const value = Number(written);
    if (!Number.isFinite(value))
      throw this.#refused("this number is too large for JSON that is signed: write it as a string", start);
    if (decimal(written) !== decimal(String(value)))
      throw this.#refused(
        "JSON's numbers can't hold this one exactly, so it can't be signed as it is written: write it as a string",
        start,
      );
    return value;
  }

  #token(pattern: RegExp): string {
    const token = this.#take(pattern);
    if (token === "") throw this.#refused("it is not JSON here");
    return token;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [taken = ""] = pattern.exec(this.#text) ?? [];
    this.#at += taken.length;
    return taken;
  }

  #expect(character: "," | ":"): void {
    if (this.#text[this.#at] !== character) throw this.#refused("it is not JSON here");
    this.#at++;
  }

  #refused(why: string, at = this.#at): InexactJson {
    const before = this.#text.slice(0, at).split("\n");
    const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
    const member = this.#path.map(step).join("").replace(/^\./, "").slice(0, 100);
    return new InexactJson(`${member === "" ? place : `${member} (${place})`}: ${why}`);
  }
}

function step(name: string | number): string {
  return /^[\w-]+$/.test(String(name)) && typeof name === "string" ? `.${name}` : `[${JSON.stringify(name)}]`;
}

/** The value of a decimal number in one spelling: its digits without zeros at both ends, and the exponent of the last one. */
function decimal(number: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(number) ?? [];
  const digits = (whole + fraction).replace(/^0+/, "");
  if (digits === "") return "0";
  const significant = digits.replace(/0+$/, "");
  const last = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  return `${sign}${significant}e${last}`;
}
