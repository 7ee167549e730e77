/**
 * The colours of thread states, as people see them who lack one kind of cones: simulated by the matrices of Machado,
 * Oliveira and Fernandes (2009) at full severity, and compared by CIEDE2000 (Sharma, Wu and Dalal, 2005). A difference
 * of 2 is just seen side by side; here colours have to be told apart at a distance.
 */
import assert from "node:assert/strict";

const TOKENS = await Deno.readTextFile(new URL("../../../../static/css/tokens.css", import.meta.url));
/** Any two of them. */
const LEAST = 10;
/** Of the two ways to wait, which mean different things. */
const LEAST_OF_WAITS = 20;

const EYES = {
  all_cones: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [
    -0.003882,
    -0.048116,
    1.051998,
  ]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [
    -0.01182,
    0.04294,
    0.968881,
  ]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [
    0.004733,
    0.691367,
    0.3039,
  ]],
};

/** The colours of the states in a theme, by name. @param {0 | 1} theme light or dark */
function statesIn(theme) {
  const found = [
    ...TOKENS.matchAll(/--state-([a-z]+): (?:light-dark\()?(#[0-9a-f]{6})(?:, (#[0-9a-f]{6}))?/g),
  ];
  // What could not be seen is striped: it is told by its form.
  const colours = found.filter(([, name]) => name !== "unknown");
  return new Map(colours.map(([, name, light, dark]) => [name, theme === 1 ? dark ?? light : light]));
}

/** Linear red, green and blue, from 0 to 1. @param {string} hex */
function linear(hex) {
  return [1, 3, 5].map((at) => {
    const byte = parseInt(hex.slice(at, at + 2), 16) / 255;
    return byte <= 0.04045 ? byte / 12.92 : ((byte + 0.055) / 1.055) ** 2.4;
  });
}

/** CIE L*a*b* at D65. @param {number[]} rgb linear */
function lab(rgb) {
  const xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [
    0.0193339,
    0.119192,
    0.9503041,
  ]].map((row) => row.reduce((sum, weight, index) => sum + weight * rgb[index], 0));
  const [x, y, z] = xyz.map((value, index) => {
    const share = value / [0.95047, 1, 1.08883][index];
    return share > 0.008856 ? Math.cbrt(share) : 7.787 * share + 16 / 116;
  });
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** CIEDE2000. @param {number[]} one @param {number[]} other L*a*b* */
function difference([l1, a1, b1], [l2, a2, b2]) {
  const degrees = (angle) => (angle * 180) / Math.PI;
  const radians = (angle) => (angle * Math.PI) / 180;
  const mean7 = ((Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2) ** 7;
  const g = 0.5 * (1 - Math.sqrt(mean7 / (mean7 + 25 ** 7)));
  const [x1, x2] = [(1 + g) * a1, (1 + g) * a2];
  const [c1, c2] = [Math.hypot(x1, b1), Math.hypot(x2, b2)];
  const hue = (x, y) => (degrees(Math.atan2(y, x)) + 360) % 360;
  const [h1, h2] = [hue(x1, b1), hue(x2, b2)];
  let turn = h2 - h1;
  if (c1 * c2 === 0) turn = 0;
  else if (turn > 180) turn -= 360;
  else if (turn < -180) turn += 360;
  let hueMean = h1 + h2;
  if (c1 * c2 !== 0) {
    if (Math.abs(h1 - h2) <= 180) hueMean /= 2;
    else hueMean = (hueMean + (hueMean < 360 ? 360 : -360)) / 2;
  }
  const [lMean, cMean] = [(l1 + l2) / 2, (c1 + c2) / 2];
  const t = 1 - 0.17 * Math.cos(radians(hueMean - 30)) + 0.24 * Math.cos(radians(2 * hueMean)) +
    0.32 * Math.cos(radians(3 * hueMean + 6)) - 0.2 * Math.cos(radians(4 * hueMean - 63));
  const light = (l2 - l1) / (1 + (0.015 * (lMean - 50) ** 2) / Math.sqrt(20 + (lMean - 50) ** 2));
  const chroma = (c2 - c1) / (1 + 0.045 * cMean);
  const ofHue = (2 * Math.sqrt(c1 * c2) * Math.sin(radians(turn / 2))) / (1 + 0.015 * cMean * t);
  const rotation = -2 * Math.sqrt(cMean ** 7 / (cMean ** 7 + 25 ** 7)) *
    Math.sin(radians(60 * Math.exp(-(((hueMean - 275) / 25) ** 2))));
  return Math.sqrt(light ** 2 + chroma ** 2 + ofHue ** 2 + rotation * chroma * ofHue);
}

/** @param {string} hex @param {number[][]} eye */
function seen(hex, eye) {
  const rgb = linear(hex);
  const weighed = eye.map((row) => row.reduce((sum, weight, index) => sum + weight * rgb[index], 0));
  return lab(weighed.map((value) => Math.min(1, Math.max(0, value))));
}

Deno.test("the formula gives what its authors' test data say", () => {
  const pairs = [
    [[50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425],
    [[50, 2.5, 0], [73, 25, -18], 27.1492],
    [[2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082],
  ];
  for (const [one, other, expected] of pairs) {
    assert.ok(Math.abs(difference(one, other) - expected) < 0.0001, `${expected}`);
  }
});

for (const [theme, name] of /** @type {const} */ ([[0, "light"], [1, "dark"]])) {
  for (const [eyes, matrix] of Object.entries(EYES)) {
    Deno.test(`states are told apart in the ${name} theme with ${eyes.replace("_", " ")}`, () => {
      const states = statesIn(theme);
      assert.equal(states.size, 7);
      const colours = [...states].map(([state, hex]) => ({ state, lab: seen(hex, matrix) }));
      for (const [index, one] of colours.entries()) {
        for (const other of colours.slice(index + 1)) {
          const waits = [one.state, other.state].sort().join() === "lock,waiting";
          const apart = difference(one.lab, other.lab);
          const said = `${one.state} and ${other.state} are ${apart.toFixed(1)} apart`;
          assert.ok(apart >= (waits ? LEAST_OF_WAITS : LEAST), said);
        }
      }
    });
  }
}
