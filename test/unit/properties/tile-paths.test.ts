import * as fc from "fast-check";
import { expect, it } from "vitest";
import {
  entriesPath,
  parseTileIndex,
  parseTileLevel,
  TILE_WIDTH,
  tilePath,
} from "../../../shared/tlog/tiles.ts";
import { preferredType } from "../../../workers/gateway/http/accept.ts";
import { CHARACTER } from "../../support/assertions/character.ts";

const nearly = fc.string({ unit: fc.constantFrom(...Array.from("0123456789x/.p-+ ")), maxLength: 30 });
const anything = fc.oneof(fc.string({ unit: CHARACTER, maxLength: 60 }), nearly);

it("reads every tile from its path", () => {
  const tile = fc.record({
    level: fc.nat(63),
    index: fc.nat(2 ** 31),
    width: fc.integer({ min: 1, max: TILE_WIDTH }),
  });
  fc.assert(
    fc.property(tile, ({ level, index, width }) => {
      const path = tilePath({ level, index, width });
      const [, levelText = "", ...rest] = path.split("/");
      expect(parseTileLevel(levelText)).toBe(level);
      expect(parseTileIndex(rest.join("/"))).toEqual({ index, width });
      expect(entriesPath({ index, width })).toBe(`tile/entries/${rest.join("/")}`);
    }),
  );
});

it("gives each tile one path, and no tile to any other text", () => {
  fc.assert(
    fc.property(anything, (text) => {
      const tile = parseTileIndex(text);
      if (tile !== undefined) expect(tilePath({ level: 0, ...tile })).toBe(`tile/0/${text}`);
      const level = parseTileLevel(text);
      if (level !== undefined) expect(String(level)).toBe(text);
    }),
  );
});

it("offers one of the media types, whatever the caller accepts", () => {
  const offered = ["text/plain", "application/json", "application/cose"] as const;
  fc.assert(
    fc.property(fc.option(anything, { nil: null }), (accept) => {
      expect(offered).toContain(preferredType(accept, offered));
    }),
  );
  for (const type of offered) expect(preferredType(type, offered)).toBe(type);
  expect(preferredType("application/json;q=0.5, application/cose;q=0.9", offered)).toBe("application/cose");
  expect(preferredType("image/png", offered)).toBe("text/plain");
});
