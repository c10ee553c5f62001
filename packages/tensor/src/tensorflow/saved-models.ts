import { TensorError } from '../errors.ts';
import type { Pointer } from './c-api.ts';
import type { TensorFlowContext } from './context.ts';

/** Graphs that were saved by TensorFlow, loaded into sessions. */
export interface SavedModels {
  readonly size: number;
  /** @param tags separated by commas. @returns its number. @throws {TensorError} `tensorflow-error`. */
  load(path: string, tags: string): number;
  /**
   * Feeds tensors to operations and fetches others. Names are those of operations, with `:1` for a second output.
   *
   * @returns handles, which the caller owns. @throws {TensorError} `tensorflow-error`, `unknown-model`, `bad-argument`.
   */
  run(id: number, feeds: readonly { readonly name: string; readonly handle: Pointer }[], fetches: readonly string[]): Pointer[];
  /** @throws {TensorError} `unknown-model`. */
  delete(id: number): void;
}

interface Session {
  readonly graph: Pointer;
  readonly session: Pointer;
}

/** @returns an empty collection. Saved models run in sessions of their own, with the process's settings; tensors go in and out by way of host memory. */
export function newSavedModels({ api, status, config }: TensorFlowContext): SavedModels {
  const sessions = new Map<number, Session>();
  let next = 0;
  const get = (id: number): Session => {
    const found = sessions.get(id);
    if (found !== undefined) return found;
    throw new TensorError('unknown-model', `saved model ${id}: it was deleted, or never loaded.`, { id });
  };

  /** `TF_Output`s: an operation and the number of its output, 16 bytes each. */
  const ports = (graph: Pointer, names: readonly string[]): BigInt64Array => {
    const all = new BigInt64Array(2 * names.length);
    for (const [i, name] of names.entries()) {
      const [operation = '', output = '0'] = name.split(':');
      const found = api.TF_GraphOperationByName(graph, operation);
      if (found === 0) throw new TensorError('bad-argument', `saved model: its graph has no operation "${operation}".`, { name });
      all.set([BigInt(found), BigInt(output)], 2 * i);
    }
    return all;
  };

  return {
    get size() {
      return sessions.size;
    },

    load(path, tags) {
      const names = tags.split(',');
      const [options, graph] = [api.TF_NewSessionOptions(), api.TF_NewGraph()];
      try {
        api.TF_SetConfig(options, config, config.length, status.pointer);
        status.check('configuration');
        const session = api.TF_LoadSessionFromSavedModel(options, 0, path, names, names.length, graph, 0, status.pointer);
        status.check(`loading the saved model ${path}`);
        next += 1;
        sessions.set(next, { graph, session });
        return next;
      } catch (error) {
        api.TF_DeleteGraph(graph);
        throw error;
      } finally {
        api.TF_DeleteSessionOptions(options);
      }
    },

    run(id, feeds, fetches) {
      const { graph, session } = get(id);
      const inputs = ports(
        graph,
        feeds.map(({ name }) => name),
      );
      const outputs = ports(graph, fetches);
      const values = new BigInt64Array(feeds.length);
      const results = new BigInt64Array(fetches.length);
      const free = (tensors: BigInt64Array) => {
        for (const tensor of tensors) if (tensor !== 0n) api.TF_DeleteTensor(Number(tensor));
      };
      try {
        for (const [i, { handle }] of feeds.entries()) {
          values[i] = BigInt(api.TFE_TensorHandleResolve(handle, status.pointer));
          status.check('saved model');
        }
        api.TF_SessionRun(session, 0, inputs, values, feeds.length, outputs, results, fetches.length, 0, 0, 0, status.pointer);
        status.check('saved model');
        return Array.from(results, (tensor) => {
          const handle = api.TFE_NewTensorHandle(Number(tensor), status.pointer);
          status.check('saved model');
          return handle;
        });
      } finally {
        free(values);
        free(results);
      }
    },

    delete(id) {
      const { graph, session } = get(id);
      sessions.delete(id);
      api.TF_CloseSession(session, status.pointer);
      api.TF_DeleteSession(session, status.pointer);
      api.TF_DeleteGraph(graph);
      status.check(`deleting saved model ${id}`);
    },
  };
}
