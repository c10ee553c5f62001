import { expect, test } from 'vitest';
import { createMailbox } from './mailbox.ts';

test('hands over in order, whether items or takers come first', async () => {
  const mailbox = createMailbox<number>();
  mailbox.put(1);
  mailbox.put(2);
  const taken = [mailbox.take(), mailbox.take(), mailbox.take(), mailbox.take()];
  mailbox.put(3);
  mailbox.put(4);
  expect(await Promise.all(taken)).toEqual([1, 2, 3, 4]);
});

test('after a failure gives what was put before, then fails for everyone with the first error', async () => {
  const mailbox = createMailbox<number>();
  mailbox.put(1);
  mailbox.fail(new Error('first'));
  mailbox.fail(new Error('second'));
  expect(await mailbox.take()).toBe(1);
  await expect(mailbox.take()).rejects.toThrow('first');
  await expect(mailbox.take()).rejects.toThrow('first');
});

test('fails those who wait', async () => {
  const mailbox = createMailbox<number>();
  const taken = [mailbox.take(), mailbox.take()];
  mailbox.fail(new Error('over'));
  for (const promise of taken) await expect(promise).rejects.toThrow('over');
});

test('tells when someone waits and when no one does', async () => {
  const told: boolean[] = [];
  const mailbox = createMailbox<number>((anyone) => told.push(anyone));
  mailbox.put(1);
  await mailbox.take();
  expect(told).toEqual([]);
  const both = [mailbox.take(), mailbox.take()];
  mailbox.put(2);
  expect(told).toEqual([true]);
  mailbox.put(3);
  await Promise.all(both);
  expect(told).toEqual([true, false]);
  mailbox.take().catch(() => {});
  mailbox.fail(new Error('over'));
  expect(told).toEqual([true, false, true, false]);
});
