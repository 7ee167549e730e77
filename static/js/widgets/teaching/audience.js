// @ts-check
/**
 * An audience's page: it shows what the teacher shows.
 * @import { Shown } from "../../net/api.js"
 * @import { Connection } from "../../net/stream.js"
 * @import { Chapter } from "../../state/steps.js"
 * @import { LessonWords } from "./lesson_words.js"
 * @import { LivePicture } from "./live_picture.js"
 */
import { find, setText } from "../../base/dom.js";
import { Problem, teachingRefusal, teachingUrl } from "../../net/api.js";
import { Stream } from "../../net/stream.js";
import { isSame } from "../../state/steps.js";

export class Audience {
  #root;
  #chapters;
  #words;
  #picture;
  /** @type {Shown | null} */
  #shown = null;

  /**
   * @param {HTMLElement} root
   * @param {object} how
   * @param {Chapter[]} how.chapters
   * @param {LessonWords} how.words
   * @param {LivePicture} how.picture
   * @param {(problem: Problem) => void} how.onProblem
   */
  constructor(root, { chapters, words, picture, onProblem }) {
    this.#root = root;
    this.#chapters = chapters;
    this.#words = words;
    this.#picture = picture;
    const stream = new Stream({
      url: teachingUrl(),
      decode: (text) => JSON.parse(text),
      onMessage: ({ shown }) => this.#show(shown),
      onDamaged: () => {},
      onConnection: (connection) => this.#connected(connection, onProblem),
      whyRefused: teachingRefusal,
    });
    addEventListener("online", () => stream.hurry());
    stream.connect();
  }

  /** @param {Shown | null} shown null: nothing yet, or the server has begun anew */
  #show(shown) {
    const chapter = this.#chapters.find(({ number }) => number === shown?.chapter) ?? null;
    find(this.#root, ".waits", HTMLElement).hidden = chapter !== null;
    find(this.#root, ".lesson", HTMLElement).hidden = chapter === null;
    if (shown && chapter && !isSame(shown, this.#shown)) this.#words.show(shown, chapter);
    this.#shown = shown;
    this.#picture.show(shown?.run ?? null);
    this.#words.answer(shown?.answer ?? null);
  }

  /** @param {Connection} connection @param {(problem: Problem) => void} onProblem */
  #connected(connection, onProblem) {
    const place = find(this.#root, ".where .connection", HTMLElement);
    place.hidden = connection.state !== "waiting";
    setText(place, "Disconnected; trying again");
    if (connection.state === "refused" && connection.problem instanceof Problem) {
      onProblem(connection.problem);
    }
  }
}
