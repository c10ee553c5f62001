import { describe, expect, test } from 'vitest';
import { configProto } from './config-proto.ts';

// Expected bytes by hand, from the wire format of protocol buffers and the field numbers of tensorflow/core/protobuf/config.proto.
describe('the serialised ConfigProto', () => {
  test('is empty where nothing is asked for', () => {
    expect(configProto({})).toEqual(new Uint8Array(0));
  });

  test('has threads within operations, and one across', () => {
    expect(configProto({ threads: 2 })).toEqual(new Uint8Array([0x10, 2, 0x28, 1]));
  });

  test('splits numbers above 127 into groups of seven bits', () => {
    expect(configProto({ threads: 300 })).toEqual(new Uint8Array([0x10, 0xac, 0x02, 0x28, 1]));
  });

  test('has memory growth within the options of the GPU', () => {
    expect(configProto({ gpuMemoryGrowth: true })).toEqual(new Uint8Array([0x32, 2, 0x20, 1]));
    expect(configProto({ gpuMemoryGrowth: false })).toEqual(new Uint8Array(0));
  });
});
