import { openTestPlace, testEngine } from '../support/engines.ts';
import { storeSuite } from './suite.ts';

storeSuite(testEngine, async (options = {}) => {
  const place = await openTestPlace();
  let store = await place.open({ rehearse: true, ...options });
  return {
    store,
    async reopen(again = options) {
      await store.close();
      store = await place.open({ rehearse: true, ...again });
      return store;
    },
    close: () => place.close(),
  };
});
