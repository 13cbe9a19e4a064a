// One transfer by the built store, in a process of its own: node s3-transfer.js up|down LOCATION FILE
const { createReadStream, createWriteStream, statSync } = require('node:fs');
const { randomBytes } = require('node:crypto');
const { join } = require('node:path');
const { pipeline } = require('node:stream/promises');
const { S3Store } = require(join(__dirname, '../dist/lib/storage/s3/s3-store.js'));

const [direction, location, file] = process.argv.slice(2);
const store = new S3Store({ location: JSON.parse(location), now: () => new Date(), randomBytes });
const { signal } = new AbortController();

async function main() {
	if (direction === 'up') await store.put('object', createReadStream(file, { highWaterMark: 1024 * 1024 }), { signal, expectedBytes: statSync(file).size });
	else await pipeline(await store.get('object', { signal }), createWriteStream(file));
}

void main().then(() => process.exit(0));
