/** A protected resource that counts who is inside, by itself. */

/** Where several may be at a time. */
export class Crowd {
  inside = 0;
  /** The most at any time. */
  most = 0;
  visits = 0;
  #open!: () => void;
  readonly #full = new Promise<void>((resolve) => (this.#open = resolve));

  /**
   * @param together nobody leaves before so many have been inside at once: that they may is then
   *   no matter of how fast they are. Who is kept out although he might come in is a test that hangs.
   * @param stay how long each stays: a round trip lets in whoever was let in wrongly. Default a turn
   */
  constructor(
    private readonly together = 1,
    private readonly stay: () => Promise<unknown> = () =>
      new Promise((resolve) => setImmediate(resolve)),
  ) {}

  readonly visit = async (): Promise<void> => {
    this.most = Math.max(this.most, ++this.inside);
    this.visits++;
    if (this.most >= this.together) this.#open();
    await this.#full;
    await this.stay();
    this.inside--;
  };
}
