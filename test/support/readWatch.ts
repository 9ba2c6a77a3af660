/** Notes what requests ask of the store, whatever jobs do meanwhile: two questions that take the same look-ups take the same time. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { RequestListener } from 'node:http';
import { PLATFORM, type Store } from '../../src/store/index.ts';

type Note = (call: string) => void;

/** Of requests one after the other; give it to the Gatehouse that is to be watched. */
export class ReadWatch {
  readonly #requests = new AsyncLocalStorage<string[]>();
  #last: string[] = [];

  /** What the last request has asked of the store, call by call, in an order that depends on nothing else. */
  get last(): readonly string[] {
    return [...this.#last].sort();
  }

  watchStore(store: Store): Store {
    const note: Note = (call) => void this.#requests.getStore()?.push(call);
    return {
      engine: store.engine,
      read: watchCollections(store.read, note),
      transaction: (cause, work, options) =>
        store.transaction(cause, (tx) => work(watchCollections(tx, note)), options),
      onInsert: (collection, listener) => store.onInsert(collection, listener),
      ping: () => store.ping(),
      close: () => store.close(),
    };
  }

  watchApp(app: RequestListener): RequestListener {
    return (request, response) => {
      this.#last = [];
      this.#requests.run(this.#last, () => app(request, response));
    };
  }
}

function watchCollections<C extends object>(collections: C, note: Note): C {
  return new Proxy(collections, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      const isCollection = typeof value === 'object' && value !== null && 'findOne' in value;
      return isCollection ? watchCalls(String(name), value, note) : value;
    },
  });
}

function watchCalls(name: string, collection: object, note: Note): object {
  return new Proxy(collection, {
    get(target, call) {
      const value: unknown = Reflect.get(target, call);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]) => {
        note(`${name}.${String(call)} ${JSON.stringify(given.map(shapeOf))}`);
        return Reflect.apply(value, target, given);
      };
    },
  });
}

/** What is asked, without the values. */
function shapeOf(value: unknown): unknown {
  if (value === PLATFORM) return 'platform';
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== 'object' || value === null || value instanceof Date) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item)]));
}
