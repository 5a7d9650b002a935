// What outlives the page: which session this is, what is not yet sent, the
// draft, and how far the customer has read. Every value has its own key, so
// that two tabs do not write over each other's.

/** Keep is a part of a Storage. Where the browser forbids storage it lasts as long as the page. */
export class Keep {
  private readonly store: Storage | Map<string, string>;
  private readonly prefix: string;

  /** The values of one chat are those whose keys begin with prefix. */
  constructor(store: () => Storage, prefix: string) {
    this.prefix = prefix;
    try {
      this.store = store();
      this.store.setItem(prefix, "");
      this.store.removeItem(prefix);
    } catch {
      this.store = new Map();
    }
  }

  get<Value>(key: string): Value | undefined {
    const text = this.store instanceof Map ? this.store.get(this.prefix + key) : this.store.getItem(this.prefix + key);
    return parsed(text);
  }

  /** Keeps a value; undefined removes it. */
  set(key: string, value: unknown): void {
    const name = this.prefix + key;
    try {
      if (this.store instanceof Map) {
        value === undefined ? this.store.delete(name) : this.store.set(name, JSON.stringify(value));
      } else {
        value === undefined ? this.store.removeItem(name) : this.store.setItem(name, JSON.stringify(value));
      }
    } catch {
      // The store is full: what is on the screen still counts.
    }
  }

  /** The keys that begin with start. */
  keys(start: string): string[] {
    const all = this.store instanceof Map ? [...this.store.keys()] : Object.keys(this.store);
    return all.filter((key) => key.startsWith(this.prefix + start)).map((key) => key.slice(this.prefix.length)).sort();
  }

  /** Calls changed whenever another tab has set a value, or removed it. */
  watch(changed: (key: string, value: unknown) => void): void {
    addEventListener("storage", (event) => {
      if (event.storageArea === this.store && event.key?.startsWith(this.prefix)) {
        changed(event.key.slice(this.prefix.length), parsed(event.newValue));
      }
    });
  }
}

// What others wrote into the page's storage is no reason to fail.
function parsed<Value>(text: string | null | undefined): Value | undefined {
  try {
    return text ? (JSON.parse(text) as Value) : undefined;
  } catch {
    return undefined;
  }
}
