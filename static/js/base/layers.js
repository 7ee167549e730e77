// @ts-check
/**
 * Where the nodes of a small directed graph stand: in columns by their distance from the first, in each column near
 * to what leads to them. Pure.
 * @typedef {{key: string, column: number, row: number}} Seat
 */

/**
 * @param {string[]} roots those of the first column, in their order
 * @param {string[]} nodes all others; one that no root leads to stands in the column after the last
 * @param {(readonly [from: string, to: string])[]} edges
 * @returns {Map<string, Seat>}
 */
export function layers(roots, nodes, edges) {
  const columns = [roots];
  const seats = new Map(roots.map((key, row) => [key, { key, column: 0, row }]));
  for (let from = roots; from.length > 0;) {
    const reached = nodes.filter((node) =>
      !seats.has(node) && edges.some(([one, to]) => to === node && from.includes(one))
    );
    seatColumn(seats, reached, columns.length, edges);
    if (reached.length) columns.push(reached);
    from = reached;
  }
  const left = nodes.filter((node) => !seats.has(node));
  seatColumn(seats, left, columns.length, edges);
  return seats;
}

/**
 * Rows by the mean row of what leads there, so that arrows cross seldom.
 * @param {Map<string, Seat>} seats @param {string[]} column @param {number} place
 * @param {(readonly [from: string, to: string])[]} edges
 */
function seatColumn(seats, column, place, edges) {
  const weights = new Map(column.map((node, index) => {
    const rows = edges.flatMap(([from, to]) => {
      const seat = to === node ? seats.get(from) : undefined;
      return seat && seat.column < place ? [seat.row] : [];
    });
    return [
      node,
      rows.length ? rows.reduce((sum, row) => sum + row, 0) / rows.length : column.length + index,
    ];
  }));
  column.sort((one, other) => (weights.get(one) ?? 0) - (weights.get(other) ?? 0));
  column.forEach((key, row) => seats.set(key, { key, column: place, row }));
}
