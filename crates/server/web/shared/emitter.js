// Telling listeners that something changed.

export class Emitter {
  #listeners = new Map();

  /** Calls `listener` at each `emit` of this type; answers with the function that stops it. */
  on(type, listener) {
    const set = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, set.add(listener));
    return () => set.delete(listener);
  }

  emit(type, detail) {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) listener(detail);
  }
}
