/** Observers are told that something has changed, or what has happened. */
export class Observers<T = void> {
  private readonly all = new Set<(what: T) => void>();

  /** Adds an observer; what is returned removes it. */
  add(observer: (what: T) => void): () => void {
    this.all.add(observer);
    return () => void this.all.delete(observer);
  }

  tell(what: T): void {
    for (const observer of [...this.all]) {
      observer(what);
    }
  }
}
