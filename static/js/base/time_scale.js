// @ts-check
/** An interval of run time, in microseconds, laid over a width in pixels. Immutable. */
export class TimeScale {
  /**
   * @param {number} startUs
   * @param {number} endUs
   * @param {number} width
   */
  constructor(startUs, endUs, width) {
    if (!(endUs > startUs && width > 0)) {
      throw new RangeError(`no scale over ${startUs}..${endUs} us on ${width} px`);
    }
    this.startUs = startUs;
    this.endUs = endUs;
    this.width = width;
    Object.freeze(this);
  }

  get spanUs() {
    return this.endUs - this.startUs;
  }

  get usPerPixel() {
    return this.spanUs / this.width;
  }

  /** @param {number} us */
  toX(us) {
    return (us - this.startUs) / this.usPerPixel;
  }

  /** @param {number} x */
  toUs(x) {
    return this.startUs + x * this.usPerPixel;
  }
}
