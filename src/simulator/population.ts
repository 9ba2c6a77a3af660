/** People made up for an IdP: names of the world, two people of one name now and then, addresses that stay unique. */
import { type Nation, nations } from './names.ts';
import { type Random, seededRandom } from './random.ts';

/** What an IdP knows of a person and pushes. */
export interface Profile {
  readonly userName: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly displayName: string;
  readonly email: string;
  readonly title?: string;
  readonly department?: string;
  readonly locale?: string;
}

export interface PopulationOptions {
  readonly seed: number;
  readonly count: number;
  readonly domain: string;
  /** userNames (without domain) that others have already. */
  readonly taken?: Iterable<string>;
}

const departments: Readonly<Record<string, readonly string[]>> = {
  Engineering: ['Software Engineer', 'Site Reliability Engineer', 'Engineering Manager'],
  Research: ['Research Scientist', 'Data Scientist', 'Research Engineer'],
  Finance: ['Accountant', 'Controller'],
  Support: ['Support Engineer', 'Solutions Architect'],
  People: ['Recruiter', 'People Partner'],
};

/** Every so many people, one has the very name of somebody before. */
const namesakeEvery = 25;

/** The same options give the same people. userNames are the addresses, as most IdPs have it. */
export function makePopulation({ seed, count, domain, taken = [] }: PopulationOptions): readonly Profile[] {
  const random = seededRandom(seed);
  const used = new Set(taken);
  const people: Profile[] = [];
  while (people.length < count) {
    const earlier = people.length % namesakeEvery === namesakeEvery - 1 ? random.pick(people) : undefined;
    people.push(makePerson(random, domain, used, earlier));
  }
  return people;
}

function makePerson(random: Random, domain: string, used: Set<string>, namesake: Profile | undefined): Profile {
  const department = random.pick(Object.keys(departments));
  const title = random.pick(departments[department] ?? []);
  const name = namesake ? nameOf(namesake) : makeName(random, random.pick(nations));
  const userName = `${free(name.mailbox, used)}@${domain}`;
  const { givenName, familyName, displayName, locale } = name;
  return {
    userName,
    givenName,
    familyName,
    displayName,
    email: userName,
    title,
    department,
    ...(locale && { locale }),
  };
}

interface Name extends Pick<Profile, 'givenName' | 'familyName' | 'displayName' | 'locale'> {
  readonly mailbox: string;
}

function makeName(random: Random, nation: Nation): Name {
  const [givenName, givenLatin] = spellings(random.pick(nation.given));
  const [familyName, familyLatin] = spellings(random.pick(nation.family));
  const displayName = nation.familyFirst ? `${familyName} ${givenName}` : `${givenName} ${familyName}`;
  return {
    givenName,
    familyName,
    displayName,
    locale: nation.locale,
    mailbox: `${mailboxPart(givenLatin)}.${mailboxPart(familyLatin)}`,
  };
}

const nameOf = (profile: Profile): Name => ({ ...profile, mailbox: profile.userName.replace(/\d*@.*$/, '') });

function spellings(entry: string): readonly [name: string, latin: string] {
  const [name = entry, latin = name] = entry.split('=');
  return [name, latin];
}

const unfolded: Readonly<Record<string, string>> = { ß: 'ss', ø: 'o', æ: 'ae', ł: 'l', đ: 'd' };

/** A name as it stands in an address: ASCII, lower case, no blanks. */
function mailboxPart(name: string): string {
  return name
    .toLowerCase()
    .replace(/[ßøæłđ]/g, (letter) => unfolded[letter] ?? letter)
    .normalize('NFD')
    .replace(/[^a-z-]/g, '');
}

/** `mailbox`, or with the first number from 2 that nobody has yet. */
function free(mailbox: string, used: Set<string>): string {
  let candidate = mailbox;
  for (let number = 2; used.has(candidate); number += 1) candidate = `${mailbox}${number}`;
  used.add(candidate);
  return candidate;
}
