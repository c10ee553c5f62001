import { TensorError } from '../errors.ts';
import { loadLibrary } from '../native-library.ts';
import type { TensorFlowFiles } from '../provision/find-tensorflow.ts';
import { bindTensorFlow, type Pointer, type TensorFlowApi } from './c-api.ts';
import { type ContextSettings, configProto } from './config-proto.ts';
import { quietly } from './quiet.ts';
import { newStatus, type Status } from './status.ts';

/** A running TensorFlow: its functions, its eager context, and where tensors go. */
export interface TensorFlowContext {
  readonly api: TensorFlowApi;
  readonly status: Status;
  readonly context: Pointer;
  readonly version: string;
  /** The settings as a serialised ConfigProto; sessions get the same. */
  readonly config: Uint8Array;
  /** The device that floating-point tensors are put on: the first GPU, where operations run by default, else the CPU. */
  readonly device: string;
  readonly usesGpu: boolean;
}

/**
 * Loads TensorFlow and starts its eager runtime. It stays for the life of the process: TensorFlow can't be unloaded.
 *
 * @throws {TensorError} `bad-library` when the files don't load or lack a symbol; `tensorflow-error` when the runtime refuses the settings.
 */
export function startTensorFlow(files: TensorFlowFiles, settings: ContextSettings): TensorFlowContext {
  return quietly(() => {
    const api = load(files);
    const status = newStatus(api);
    const config = configProto(settings);
    const context = newContext(api, status, config);
    return { api, status, context, config, version: api.TF_Version(), ...chooseDevice(api, context, status) };
  });
}

function load({ framework, library }: TensorFlowFiles): TensorFlowApi {
  try {
    if (framework !== undefined) loadLibrary(framework, { global: true });
    return bindTensorFlow(loadLibrary(library));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TensorError(
      'bad-library',
      `TensorFlow at ${library} doesn't load: ${reason}. Remove it, name another folder in SHAMPOO_TENSORFLOW, or take SHAMPOO_BACKEND=wasm.`,
      { library },
    );
  }
}

function newContext(api: TensorFlowApi, status: Status, config: Uint8Array): Pointer {
  const options = api.TFE_NewContextOptions();
  try {
    if (config.length > 0) {
      api.TFE_ContextOptionsSetConfig(options, config, config.length, status.pointer);
      status.check('configuration');
    }
    const context = api.TFE_NewContext(options, status.pointer);
    status.check('start');
    return context;
  } finally {
    api.TFE_DeleteContextOptions(options);
  }
}

function chooseDevice(api: TensorFlowApi, context: Pointer, status: Status): { device: string; usesGpu: boolean } {
  const list = api.TFE_ContextListDevices(context, status.pointer);
  status.check('list of devices');
  const chosen = { device: '', usesGpu: false };
  for (let i = 0; i < api.TF_DeviceListCount(list); i++) {
    const type = api.TF_DeviceListType(list, i, status.pointer);
    if (chosen.usesGpu || (type !== 'GPU' && type !== 'CPU')) continue;
    chosen.device = api.TF_DeviceListName(list, i, status.pointer);
    chosen.usesGpu = type === 'GPU';
  }
  api.TF_DeleteDeviceList(list);
  return chosen;
}
