const AHEAD = 6; // requests in flight

/** Reads the items `first` to `last`, several at once, and gives them in their order. */
export async function* inOrder<Item>(
  first: number,
  last: number,
  read: (number: number) => Promise<Item>,
): AsyncGenerator<Item> {
  const underWay: Promise<Item>[] = [];
  for (let next = first, given = first; given <= last; given++) {
    while (next <= last && next < given + AHEAD) {
      const reading = read(next++);
      reading.catch(() => {}); // avoids an unhandled rejection: the item is awaited below, in its turn
      underWay.push(reading);
    }
    yield await (underWay.shift() as Promise<Item>);
  }
}
