export { decodeSafetensors, encodeSafetensors, type NamedArray, type TensorFile } from './checkpoint/safetensors.ts';
export { DTensor, type RedistributeOptions } from './dtensor.ts';
export { DTensorError, type DTensorErrorCode } from './errors.ts';
export { type DeviceMesh, deviceMesh, type MeshAxis, onlyAxis } from './mesh.ts';
export { type Placement, partial, replicate, shard, shardRange } from './placement.ts';
export { allocateRegions, type RegionSizes, type Regions } from './regions.ts';
export { replicateVariables } from './replicate-variables.ts';
