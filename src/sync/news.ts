/** Says that there is something new: many times between two questions count as one. */
export class News {
  #told = false;
  #over = false;
  #wake: (() => void) | undefined;

  tell(): void {
    this.#told = true;
    this.#wake?.();
  }

  end(): void {
    this.#over = true;
    this.#wake?.();
  }

  /** True when something is new since the last question, which may have to come first; false when nothing comes any more. */
  async next(): Promise<boolean> {
    if (!this.#told && !this.#over) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
    const told = this.#told;
    this.#told = false;
    return told;
  }
}
