/** The library, loaded when the first provider opens: only the simulator needs it, and loading takes a while. */
import type { Provider } from 'oidc-provider';

let loading: Promise<typeof Provider> | undefined;

export const loadProvider = (): Promise<typeof Provider> => (loading ??= load());

/** On Node 20 it says while it loads that it wants a later one, into the midst of what the demo tells; nothing here depends on that. */
async function load(): Promise<typeof Provider> {
  const { warn } = console;
  console.warn = (...said: readonly unknown[]) => {
    if (!String(said[0]).includes('Unsupported runtime')) warn(...said);
  };
  try {
    return (await import('oidc-provider')).Provider;
  } finally {
    console.warn = warn;
  }
}
