// @ts-check
/**
 * Draws tasks on the lanes of their threads: a line below each, and its name where there is room.
 * @import { Palette } from "../draw/palette.js"
 * @import { TimeScale } from "../base/time_scale.js"
 * @import { Task } from "../state/tasks.js"
 */

const LINE = 3;
/** Between the lines of two tasks that follow one another. */
const GAP = 1;
const PAD = 4;

/**
 * @param {CanvasRenderingContext2D} context @param {Palette} palette @param {TimeScale} scale
 * @param {readonly Task[]} tasks @param {{top: number, height: number}} row on the canvas @param {number} edgeUs
 */
export function paintTasks(context, palette, scale, tasks, { top, height }, edgeUs) {
  const untilUs = Math.min(scale.endUs, edgeUs);
  context.save();
  context.font = `11px ${palette.font}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (const { startUs, endUs, name } of tasks) {
    if (endUs <= scale.startUs || startUs >= untilUs) continue;
    const left = Math.max(0, scale.toX(startUs));
    const width = scale.toX(Math.min(untilUs, endUs)) - left - GAP;
    if (width <= 0) continue;
    context.fillStyle = palette.ink.css;
    context.fillRect(left, top + height - LINE - 1, Math.max(1, width), LINE);
    const wide = context.measureText(name).width;
    if (wide > width - 2 * PAD) continue;
    context.globalAlpha = 0.85;
    context.fillStyle = palette.surface.css;
    context.fillRect(left, top + 2, wide + 2 * PAD, height - LINE - 4);
    context.globalAlpha = 1;
    context.fillStyle = palette.ink.css;
    context.fillText(name, left + PAD, top + (height - LINE) / 2);
  }
  context.restore();
}
