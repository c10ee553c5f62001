import { describe, expect, test } from 'vitest';
import type { CollectivesError } from '../errors.ts';
import { readPlace } from './environment.ts';

const two = { RANK: '1', WORLD_SIZE: '2', MASTER_PORT: '29500' };

function codeOf(environment: NodeJS.ProcessEnv): readonly [string, string] {
  try {
    readPlace(environment);
    return ['none', ''];
  } catch (error) {
    return [(error as CollectivesError).code, (error as CollectivesError).message];
  }
}

describe('the place of a process in its group', () => {
  test('no WORLD_SIZE is a group of one, and so is one of 1; empty variables are not set', () => {
    for (const environment of [{}, { WORLD_SIZE: '1', RANK: '0' }, { WORLD_SIZE: '', RANK: '' }]) {
      expect(readPlace(environment)).toMatchObject({ rank: 0, size: 1, localRank: 0, localSize: 1 });
    }
  });

  test('is what torchrun sets', () => {
    const environment = {
      RANK: '5',
      WORLD_SIZE: '8',
      LOCAL_RANK: '1',
      LOCAL_WORLD_SIZE: '4',
      MASTER_ADDR: '127.0.0.1',
      MASTER_PORT: '29400',
      TORCHELASTIC_RUN_ID: 'job',
      TORCHELASTIC_RESTART_COUNT: '2',
    };
    expect(readPlace(environment)).toEqual({
      rank: 5,
      size: 8,
      localRank: 1,
      localSize: 4,
      host: '127.0.0.1',
      port: 29400,
      runId: 'job',
      epoch: 2,
      token: '',
      memory: undefined,
      origin: undefined,
    });
  });

  test('the local rank is the rank where nobody says otherwise', () => {
    expect(readPlace(two)).toMatchObject({ localRank: 1, localSize: 2 });
  });
});

describe('the meeting point', () => {
  test.each([
    ['MASTER_PORT', {}, 29500],
    ['MASTER_PORT, though COLLECTIVES_PORT is set', { COLLECTIVES_PORT: '4000' }, 29500],
    ['the next port where torchrun holds that one', { TORCHELASTIC_USE_AGENT_STORE: 'True' }, 29501],
    ['COLLECTIVES_PORT where torchrun holds it', { TORCHELASTIC_USE_AGENT_STORE: 'True', COLLECTIVES_PORT: '4000' }, 4000],
    ['COLLECTIVES_PORT where no other is set', { MASTER_PORT: undefined, COLLECTIVES_PORT: '4000' }, 4000],
  ])('is at %s', (_where, extra, port) => {
    expect(readPlace({ ...two, ...extra }).port).toBe(port);
  });

  test('is loopback where all ranks are on this host, whatever MASTER_ADDR says', () => {
    expect(readPlace(two).host).toBe('127.0.0.1');
    expect(readPlace({ ...two, MASTER_ADDR: 'localhost' }).host).toBe('127.0.0.1');
    expect(readPlace({ ...two, MASTER_ADDR: 'host.example', LOCAL_WORLD_SIZE: '2' }).host).toBe('127.0.0.1');
  });

  test('needs a token on an address that others can reach', () => {
    expect(codeOf({ ...two, MASTER_ADDR: '10.0.0.5' })).toEqual(['unauthorized', expect.stringContaining('COLLECTIVES_TOKEN')]);
    expect(readPlace({ ...two, MASTER_ADDR: '10.0.0.5', COLLECTIVES_TOKEN: 'secret' }).host).toBe('10.0.0.5');
    expect(readPlace({ ...two, MASTER_ADDR: '127.0.1.1' }).host).toBe('127.0.1.1');
  });
});

test.each([
  ['RANK is missing', { WORLD_SIZE: '2', MASTER_PORT: '1' }, /RANK must be set/],
  ['RANK is too high', { ...two, RANK: '2' }, /at most 1/],
  ['RANK without WORLD_SIZE', { RANK: '3' }, /RANK is 3/],
  ['WORLD_SIZE is no number', { ...two, WORLD_SIZE: 'two' }, /WORLD_SIZE=two/],
  ['there is no port', { RANK: '0', WORLD_SIZE: '2' }, /MASTER_PORT must be set/],
  ['LOCAL_RANK is too high', { ...two, LOCAL_RANK: '2', LOCAL_WORLD_SIZE: '2' }, /LOCAL_RANK is 2/],
  ['the memory is unknown', { ...two, COLLECTIVES_MEMORY: 'paper' }, /COLLECTIVES_MEMORY=paper/],
  ['there is no port after the last', { ...two, MASTER_PORT: '65535', TORCHELASTIC_USE_AGENT_STORE: 'True' }, /COLLECTIVES_PORT/],
])('it is a bad argument, with the variable named, if %s', (_what, environment, sentence) => {
  expect(codeOf(environment)).toEqual(['bad-argument', expect.stringMatching(sentence)]);
});
