/**
 * Which GPUs a rank sees, by the number of the rank on its host: each its own. To be set before TensorFlow is loaded.
 *
 *     CUDA_VISIBLE_DEVICES not set:  LOCAL_RANK, where a launcher has set it; else as it is
 *     a list of several:             the one at the place LOCAL_RANK, in turns
 *     one, or none:                  as it is: whoever set it has chosen
 *
 * @returns what CUDA_VISIBLE_DEVICES is to be; undefined for leaving it alone.
 */
export function visibleDevices(environment: NodeJS.ProcessEnv): string | undefined {
  const localRank = environment['LOCAL_RANK'];
  const given = environment['CUDA_VISIBLE_DEVICES'];
  if (localRank === undefined || !/^\d+$/.test(localRank)) return undefined;
  if (given === undefined) return localRank;
  const devices = given.split(',').filter((device) => device.trim() !== '');
  return devices.length > 1 ? devices[Number(localRank) % devices.length]?.trim() : undefined;
}
