/**
 * Asks the server as fast as it answers: one question at a time, always the newest.
 *
 * While a slider is dragged, states arrive faster than answers. The state in hand is finished,
 * so that something is drawn all the time, and only the newest of the others is asked next. A
 * question that takes long is given up for a newer one.
 */

import { ApiError, request, unpack } from "./api.js";
import { Signal } from "./state.js";

/** A question in hand for longer is given up for a newer one. */
const PATIENCE = 1500;
const OVERTAKEN = 409;

export class Runner {
  constructor() {
    this.answered = new Signal();
    this.failed = new Signal();
    this.busy = new Signal();
    /** @type {{state: object, since: number} | null} */
    this.waiting = null;
    /** @type {{abort: AbortController, started: number} | null} */
    this.flight = null;
  }

  /**
   * Ask for the answer to a state.
   * @param {object} state
   * @param {number} [since] when the person moved, in ms of the page's clock
   */
  ask(state, since = performance.now()) {
    this.waiting = { state, since };
    if (!this.flight) void this.#next();
    else if (performance.now() - this.flight.started > PATIENCE) this.flight.abort.abort();
  }

  /** Ask what waits, until nothing waits. */
  async #next() {
    this.busy.tell(true);
    while (this.waiting) {
      const { state, since } = this.waiting;
      this.waiting = null;
      this.flight = { abort: new AbortController(), started: performance.now() };
      try {
        const packed = await request("/api/run", { json: state, signal: this.flight.abort.signal });
        this.answered.tell(unpack(packed), state, since);
      } catch (error) {
        if (error instanceof ApiError) {
          if (!this.waiting && error.status !== OVERTAKEN) this.failed.tell(error, state);
        } else if (!(error instanceof DOMException)) {
          this.flight = null;
          this.busy.tell(false);
          throw error;
        }
      }
    }
    this.flight = null;
    this.busy.tell(false);
  }
}
