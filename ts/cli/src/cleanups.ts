/**
 * What has to be undone at the end of a command, whichever way it ends: the last thing made first. All of it is
 * tried; the first failure is thrown at the end.
 */
export class Cleanups {
  readonly #steps: (() => Promise<void> | void)[] = [];

  add(step: () => Promise<void> | void): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (let step; (step = this.#steps.pop()) !== undefined;) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
