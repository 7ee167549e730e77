// @ts-check
/**
 * Where the frames of a flame graph lie. Pure: shares of the width, rows from the top.
 * @template {{samples: number, children: Node[]}} Node
 * @typedef {{node: Node, path: number[], depth: number, left: number, width: number}} Placed `path` leads to it
 *     from the root by the index of each child
 */

/**
 * The node at the end of a path.
 * @template {{samples: number, children: any[]}} Node
 * @param {Node} root @param {number[]} path @returns {Node}
 */
export function nodeAt(root, path) {
  return path.reduce((node, index) => node.children[index], root);
}

/**
 * The frames on view when zoomed into one: it and its callers take the whole width, its callees their share of
 * it, and nothing else is there. Frames narrower than `least` are left out.
 * @template {{samples: number, children: any[]}} Node
 * @param {Node} root @param {number[]} focus @param {number} least
 * @returns {Placed<Node>[]} callers before callees, left before right
 */
export function placeFrames(root, focus, least) {
  /** @type {Placed<Node>[]} */
  const placed = [];
  for (let depth = 0; depth < focus.length; depth += 1) {
    const path = focus.slice(0, depth);
    placed.push({ node: nodeAt(root, path), path, depth, left: 0, width: 1 });
  }
  const focused = nodeAt(root, focus);
  /** @type {Placed<Node>[]} */
  let row = [{ node: focused, path: focus, depth: focus.length, left: 0, width: 1 }];
  while (row.length) {
    placed.push(...row);
    row = row.flatMap((frame) => calleesOf(frame, focused.samples, least));
  }
  return placed;
}

/**
 * @template {{samples: number, children: any[]}} Node
 * @param {Placed<Node>} caller @param {number} whole samples that take the whole width @param {number} least
 * @returns {Placed<Node>[]}
 */
function calleesOf(caller, whole, least) {
  let left = caller.left;
  return caller.node.children
    .map((node, index) => {
      const frame = {
        node,
        path: [...caller.path, index],
        depth: caller.depth + 1,
        left,
        width: node.samples / whole,
      };
      left += frame.width;
      return frame;
    })
    .filter(({ width }) => width >= least);
}

/**
 * Samples in frames that match, each counted once however often its stack matches.
 * @template {{samples: number, children: any[]}} Node
 * @param {Node} node @param {(node: Node) => boolean} matches @returns {number}
 */
export function samplesIn(node, matches) {
  if (matches(node)) return node.samples;
  return node.children.reduce((sum, child) => sum + samplesIn(child, matches), 0);
}
