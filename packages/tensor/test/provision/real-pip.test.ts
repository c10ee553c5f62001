import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { fetchWheel } from '../../src/provision/fetch-wheel.ts';
import { findPip } from '../../src/provision/pip.ts';
import { silent } from '../../src/provision/report.ts';
import type { Wheel } from '../../src/provision/wheels.ts';
import { archiveOf } from './archive.ts';
import { failureOf } from './fetching.ts';
import { type Sandbox, sandbox } from './sandbox.ts';

// The machine's own pip, and a wheel that is nowhere but in these tests: what the README says of networks is pip's doing, so pip has to do it.

const bytes = archiveOf({
  'engine/libengine.so.2': 'the library',
  'shampoo_engine-1.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: shampoo-engine\nVersion: 1.0\n',
  'shampoo_engine-1.0.dist-info/WHEEL':
    'Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: false\nTag: py3-none-manylinux_2_27_x86_64\n',
  'shampoo_engine-1.0.dist-info/RECORD': '',
});
const file = 'shampoo_engine-1.0-py3-none-manylinux_2_27_x86_64.whl';
const wheel: Wheel = {
  project: 'shampoo-engine',
  version: '1.0',
  platform: 'manylinux_2_27_x86_64',
  sha256: createHash('sha256').update(bytes).digest('hex'),
  downloadMegabytes: 1,
  unpackedMegabytes: 1,
  members: ['engine/libengine.so.2'],
};

/** This machine without its own settings for pip and proxies. */
function plain({ cache }: Sandbox): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^pip_|_proxy$|^xdg_cache/i.test(name));
  return { ...Object.fromEntries(own), SHAMPOO_CACHE: cache, PIP_CONFIG_FILE: devNull, PIP_RETRIES: '0', PIP_NO_CACHE_DIR: '1' };
}

const fetched = async (environment: NodeJS.ProcessEnv): Promise<string> => {
  const folder = await fetchWheel(wheel, 'linux-x64', { environment, report: silent });
  return readFileSync(join(folder, 'libengine.so.2'), 'utf8');
};

/** A folder of wheels, as one that was carried over. */
function wheelhouse({ folder }: Sandbox): string {
  writeFileSync(join(folder, file), bytes);
  return folder;
}

/** A proxy, which serves the index that it is asked for itself, and what it was asked for. */
async function proxy(): Promise<{ address: string; asked: string[] }> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (request.url?.endsWith('.whl')) response.end(bytes);
    else response.setHeader('content-type', 'text/html').end(`<a href="../../files/${file}">${file}</a>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

let withoutPip: string | undefined;
beforeAll(async () => {
  withoutPip = await findPip(process.env).then(
    () => undefined,
    (error: Error) => error.message,
  );
});

describe('the pip of this machine', () => {
  test('fetches without a network from a folder that PIP_FIND_LINKS names', async (context) => {
    context.skip(withoutPip !== undefined, withoutPip);
    const box = sandbox();
    const environment = { ...plain(box), PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheelhouse(box) };
    expect(await fetched(environment)).toBe('the library');
  });

  test('and refuses what was changed there', async (context) => {
    context.skip(withoutPip !== undefined, withoutPip);
    const box = sandbox();
    const environment = { ...plain(box), PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheelhouse(box) };
    const changed = archiveOf({ 'engine/libengine.so.2': 'another', 'shampoo_engine-1.0.dist-info/METADATA': 'Name: x\n' });
    writeFileSync(join(box.folder, file), changed);
    const error = await failureOf(fetched(environment));
    expect([error.code, error.message]).toEqual(['fetch-failed', expect.stringMatching(/SHA-256|pip could not/)]);
  });

  test('obeys its configuration file', async (context) => {
    context.skip(withoutPip !== undefined, withoutPip);
    const box = sandbox();
    const configuration = join(box.folder, 'pip.conf');
    writeFileSync(configuration, `[global]\nno-index = true\nfind-links = ${wheelhouse(box)}\n`);
    expect(await fetched({ ...plain(box), PIP_CONFIG_FILE: configuration })).toBe('the library');
  });

  test.for(['HTTP_PROXY', 'http_proxy', 'PIP_PROXY'])(
    'goes by the proxy in %s, to the index in PIP_INDEX_URL',
    async (variable, context) => {
      context.skip(withoutPip !== undefined, withoutPip);
      const { address, asked } = await proxy();
      const environment = {
        ...plain(sandbox()),
        PIP_INDEX_URL: 'http://index.invalid/simple',
        PIP_TRUSTED_HOST: 'index.invalid',
        [variable]: address,
      };
      expect(await fetched(environment)).toBe('the library');
      expect(asked).toEqual(['GET http://index.invalid/simple/shampoo-engine/', `GET http://index.invalid/files/${file}`]);
    },
  );

  test('that reaches nothing says so in one line, with what was asked for', async (context) => {
    context.skip(withoutPip !== undefined, withoutPip);
    const box = sandbox();
    const environment = { ...plain(box), PIP_NO_INDEX: '1', PIP_FIND_LINKS: box.folder };
    const { code, message } = await failureOf(fetched(environment));
    expect([code, message]).toEqual(['fetch-failed', expect.stringMatching(/^pip could not download shampoo-engine==1\.0: .+/)]);
    expect(message).not.toContain('\n');
  });
});
