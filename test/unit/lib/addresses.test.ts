import { describe, expect, test } from '@jest/globals';
import { mayReach } from '../../../src/lib/addresses.ts';

const alwaysRefused = [
  '0.0.0.0',
  '0.1.2.3',
  '169.254.169.254',
  '169.254.0.1',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
  '192.0.2.1',
  '198.18.0.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::7f00:1',
  '::ffff:169.254.169.254',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::7f00:1',
  '2002:7f00:1::',
  '2001:0:7f00:1::',
  '2001:db8::1',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'fd00:ec2::254',
  'ff02::1',
  '3fff::1',
  'localhost',
  '',
];

const privateOnes = [
  '127.0.0.1',
  '127.255.255.254',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '100.64.0.1',
  '::1',
  'fd12:3456::1',
  'fc00::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b::10.0.0.1',
];

const publicOnes = ['1.1.1.1', '172.32.0.1', '8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8'];

describe('addresses of the network', () => {
  test.each(alwaysRefused)('%s is never reached', (address) => {
    expect([mayReach(address, false), mayReach(address, true)]).toEqual([false, false]);
  });

  test.each(privateOnes)('%s is reached where private networks are allowed', (address) => {
    expect([mayReach(address, false), mayReach(address, true)]).toEqual([false, true]);
  });

  test.each(publicOnes)('%s is reached', (address) => {
    expect([mayReach(address, false), mayReach(address, true)]).toEqual([true, true]);
  });
});
