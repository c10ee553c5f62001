import { expect, test } from 'vitest';
import { loadNative, type Native } from './native.ts';
import { selfTest } from './self-test.ts';

const native = (await loadNative()) as Native;

test('this machine can do everything, best first', () => {
  expect(selfTest(native)).toEqual({ kinds: ['overlay', 'view', 'file'], origins: ['memfd', 'tmpfs'], refused: [] });
});

test('one kind may be asked for, and then nothing else is offered', () => {
  for (const origin of ['memfd', 'tmpfs'] as const) expect(selfTest(native, { origin }).origins).toEqual([origin]);
  for (const kind of ['overlay', 'view', 'file'] as const) expect(selfTest(native, { kind }).kinds).toEqual([kind]);
});

test('without native code files are left, and the reason is told', () => {
  const abilities = selfTest('koffi does not load: no such file');
  expect(abilities).toMatchObject({ kinds: ['file'], origins: ['tmpfs'] });
  expect(abilities.refused.join()).toContain('koffi does not load');
  expect(selfTest('no koffi', { kind: 'overlay' }).kinds).toEqual([]);
});

test('an overlay whose bytes are not those of the file is found out', () => {
  // Mapping somewhere else instead is what a V8 that works otherwise would amount to.
  const elsewhere: Native = {
    ...native,
    map: (fd, lengthBytes, at) => (at === undefined ? native.map(fd, lengthBytes) : native.map(fd, lengthBytes) && at),
  };
  const abilities = selfTest(elsewhere);
  expect(abilities.kinds).toEqual(['view', 'file']);
  expect(abilities.refused.join()).toContain('overlay: what was written through the file, into WebAssembly, is not seen there');
});

test('a refused mapping or a refused memfd is not fatal', () => {
  const refusing: Native = {
    ...native,
    map() {
      throw new Error('mmap was refused');
    },
    anonymousFile() {
      throw new Error('memfd_create was refused');
    },
  };
  const abilities = selfTest(refusing);
  expect(abilities).toMatchObject({ kinds: ['file'], origins: ['tmpfs'] });
  expect(abilities.refused).toHaveLength(3);
});
