import { ml_dsa44 as noble } from "@noble/post-quantum/ml-dsa.js";
import { describe, expect, it } from "vitest";
import { SimulatedDatabase } from "../../simulation/platform/database.ts";
import { ml_dsa44 as standIn } from "../../simulation/platform/ml-dsa.ts";
import { Agenda } from "../../simulation/world/agenda.ts";
import { copyOf } from "../../simulation/world/copy.ts";
import { Random } from "../../simulation/world/random.ts";

describe("the simulation's ML-DSA-44", () => {
  const seed = new Uint8Array(32).fill(7);
  const [message, context] = [Buffer.from("a block"), Buffer.from("vdc/block")];

  it("makes noble's keys of a seed, each time in bytes of their own", () => {
    const first = standIn.keygen(seed);
    first.secretKey.fill(0);
    expect(standIn.keygen(seed)).toEqual(noble.keygen(seed));
  });

  it("accepts and refuses what noble accepts and refuses", () => {
    const { publicKey, secretKey } = noble.keygen(seed);
    const other = noble.keygen(new Uint8Array(32).fill(8)).publicKey;
    const signature = noble.sign(message, secretKey, { context });
    const changed = Uint8Array.from(signature);
    changed[100] = (changed[100] ?? 0) ^ 1;
    const cases = [
      { signature, message, publicKey, context, valid: true },
      { signature: changed, message, publicKey, context, valid: false },
      { signature: new Uint8Array(2420), message, publicKey, context, valid: false },
      { signature, message: Buffer.from("another"), publicKey, context, valid: false },
      { signature, message, publicKey: other, context, valid: false },
      { signature, message, publicKey: new Uint8Array(1312), context, valid: false },
      { signature, message, publicKey, context: Buffer.from("vdc/other"), valid: false },
      { signature, message, publicKey, context: new Uint8Array(), valid: false },
    ];
    for (const { valid, ...given } of cases)
      for (const { verify } of [noble, standIn])
        expect(verify(given.signature, given.message, given.publicKey, { context: given.context })).toBe(
          valid,
        );
  });
});

describe("the simulation's copy of a message", () => {
  it("is the copy of structuredClone, and shares nothing with the original", () => {
    const nested = { deep: [{ a: 1 }] };
    const message = {
      text: "é",
      none: null,
      missing: undefined,
      list: [1, undefined, nested],
      bytes: Uint8Array.of(1, 2),
      time: new Date(5),
      map: new Map([["a", nested]]),
      bare: Object.assign(Object.create(null) as object, { b: 2 }),
      big: 5n,
      error: new TypeError("no"),
    };
    const copy = copyOf(message);
    expect(copy).toEqual(structuredClone(message));
    expect(Object.keys(copy)).toEqual(Object.keys(message));
    nested.deep.push({ a: 2 });
    message.bytes[0] = 9;
    expect(copy).not.toEqual(message);
    expect(copy.list).toEqual([1, undefined, { deep: [{ a: 1 }] }]);
    expect(copy.bytes).toEqual(Uint8Array.of(1, 2));
  });

  it("refuses what can't be sent", () => {
    for (const unsendable of [() => 1, Symbol("no"), { call: () => 1 }, [[() => 1]]])
      expect(() => copyOf<unknown>(unsendable)).toThrow("could not be cloned");
  });

  it("keeps a value that refers to itself", () => {
    interface Circle {
      self?: Circle;
    }
    const circle: Circle = {};
    circle.self = circle;
    const copy = copyOf(circle);
    expect(copy).not.toBe(circle);
    expect(copy.self?.self).toBeTypeOf("object");
  });
});

describe("the simulation's database", () => {
  it("answers the columns that a migration added to a statement that was prepared before", () => {
    const database = new SimulatedDatabase();
    database.rows("CREATE TABLE t (a INTEGER)");
    database.rows("INSERT INTO t VALUES (1)");
    expect(database.rows("SELECT * FROM t")).toEqual([{ a: 1 }]);
    database.rows("ALTER TABLE t ADD COLUMN b INTEGER DEFAULT 2");
    expect(database.rows("SELECT * FROM t")).toEqual([{ a: 1, b: 2 }]);
    database.close();
  });

  it("undoes a decision that throws, and all since the last commit when it is rolled back", () => {
    const database = new SimulatedDatabase();
    database.rows("CREATE TABLE t (a INTEGER)");
    database.commit();
    database.rows("INSERT INTO t VALUES (?)", [1]);
    const failing = () => {
      database.rows("INSERT INTO t VALUES (?)", [2]);
      throw new Error("refused");
    };
    expect(() => database.allOrNothing(failing)).toThrow("refused");
    expect(database.rows("SELECT a FROM t")).toEqual([{ a: 1 }]);
    database.rollBack();
    expect(database.rows("SELECT a FROM t")).toEqual([]);
    database.close();
  });
});

describe("the simulation's agenda", () => {
  it("gives what is due by time, and at the same time in the order in which it was arranged", () => {
    const random = new Random("agenda");
    const agenda = new Agenda();
    const arranged = Array.from({ length: 500 }, (_, order) => ({ at: random.between(0, 40), order }));
    const appointments = arranged.map(({ at }) => agenda.add(at, () => {}));
    const cancelled = new Set(appointments.filter(() => random.chance(0.3)));
    for (const appointment of cancelled) appointment.cancelled = true;
    const expected = appointments
      .map((appointment, order) => ({ appointment, order }))
      .filter(({ appointment }) => !cancelled.has(appointment))
      .toSorted((a, b) => a.appointment.at - b.appointment.at || a.order - b.order);
    const given = Array.from({ length: expected.length }, () => agenda.next());
    expect(given.map((entry) => appointments.indexOf(entry as (typeof appointments)[number]))).toEqual(
      expected.map(({ order }) => order),
    );
    expect(agenda.next()).toBeUndefined();
  });
});
