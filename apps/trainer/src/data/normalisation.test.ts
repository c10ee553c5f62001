import { expect, test } from 'vitest';
import { gainAndBias, imagenetNormalisation } from './normalisation.ts';

test('black and white become (0 - mean) / std and (1 - mean) / std', () => {
  const { gain, bias } = gainAndBias(imagenetNormalisation);
  for (const channel of [0, 1, 2] as const) {
    const [mean, std] = [imagenetNormalisation.mean[channel], imagenetNormalisation.std[channel]];
    expect(bias[channel]).toBeCloseTo((0 - mean) / std, 12);
    expect(255 * gain[channel] + bias[channel]).toBeCloseTo((1 - mean) / std, 12);
  }
});
