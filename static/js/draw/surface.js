// @ts-check
/** A canvas that is as sharp as the screen. Its context draws in device pixels. */
export class Surface {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    const context = canvas.getContext("2d");
    if (!context) throw new Error("this browser draws on no canvas");
    this.canvas = canvas;
    this.context = context;
    this.ratio = 1;
  }

  /** Takes the size, in CSS pixels, that the canvas is to have. @param {number} width @param {number} height */
  fit(width, height) {
    this.measure();
    this.resize(width, height);
  }

  /** Asks how sharp the screen is: of a page that was changed since its last layout that is dear. */
  measure() {
    this.ratio = globalThis.devicePixelRatio * zoomOf(this.canvas);
  }

  /** As `fit`, as sharp as it was last measured. @param {number} width @param {number} height */
  resize(width, height) {
    const [deviceWidth, deviceHeight] = [Math.round(width * this.ratio), Math.round(height * this.ratio)];
    if (this.canvas.width === deviceWidth && this.canvas.height === deviceHeight) return;
    this.canvas.width = deviceWidth;
    this.canvas.height = deviceHeight;
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
  }
}

/** By how much the page's styles enlarge it. @param {Element & {currentCSSZoom?: number}} element */
function zoomOf(element) {
  return element.currentCSSZoom ?? 1; // a browser that does not tell draws less sharp where it is enlarged
}
