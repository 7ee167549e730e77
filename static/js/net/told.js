// @ts-check
/** What a server would send over a socket, all of it there already: it is told as a socket would, then closed. */

const IN_PEACE = 1000;

export class Told {
  /** @type {((event: {data: string}) => void) | null} */
  onmessage = null;
  /** @type {((event: {code: number}) => void) | null} */
  onclose = null;

  /** @param {string[]} texts */
  constructor(texts) {
    queueMicrotask(() => {
      for (const data of texts) this.onmessage?.({ data });
      this.onclose?.({ code: IN_PEACE });
    });
  }

  close() {
    this.onmessage = this.onclose = null;
  }
}
