import { describe, expect, test } from '@jest/globals';
import { makePopulation } from '../../../src/simulator/index.ts';
import { seededRandom } from '../../../src/simulator/random.ts';

const options = { seed: 7, count: 300, domain: 'acme.example' };

describe('a population', () => {
  test('is the same for the same seed, and another for another', () => {
    expect(makePopulation(options)).toEqual(makePopulation(options));
    expect(makePopulation({ ...options, seed: 8 })).not.toEqual(makePopulation(options));
  });

  test('has addresses that nobody shares, in letters that every mail system takes', () => {
    const people = makePopulation({ ...options, taken: ['lei.li'] });
    const addresses = people.map(({ userName }) => userName);
    expect(new Set([...addresses, 'lei.li@acme.example']).size).toBe(301);
    for (const address of addresses) expect(address).toMatch(/^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*\d*@acme\.example$/);
  });

  test('holds two people of one name now and then, told apart by a number', () => {
    const people = makePopulation(options);
    const names = people.map(({ givenName, familyName }) => `${givenName} ${familyName}`);
    expect(new Set(names).size).toBeLessThan(names.length - 10);
    expect(people.some(({ userName }) => /\d@/.test(userName))).toBe(true);
  });

  test('has names in many scripts', () => {
    const names = makePopulation(options)
      .map(({ displayName }) => displayName)
      .join();
    for (const script of ['Latin', 'Han', 'Cyrillic', 'Arabic']) {
      expect(names).toMatch(new RegExp(`\\p{Script=${script}}`, 'u'));
    }
  });
});

test('chance is even enough to pick from every part of a list', () => {
  const random = seededRandom(1);
  const seen = new Set(Array.from({ length: 500 }, () => random.below(20)));
  expect(seen.size).toBe(20);
  expect(() => random.pick([])).toThrow('nothing to pick');
});
