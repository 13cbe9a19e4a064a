import { CreateBucketCommand, DeleteObjectsCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CephDaemons, cephDaemons } from './ceph-daemons';
import { freePort } from './free-port';

/** A real S3 server (Ceph's object gateway) of a test's own: empty, on a free port of 127.0.0.1, gone after `stop()`. Path style only. */
export interface S3Server {
	/** e.g. `http://127.0.0.1:4711`. */
	readonly endpoint: string;
	readonly port: number;
	readonly region: string;
	readonly accessKeyId: string;
	readonly secretAccessKey: string;
	/** A client with full rights, for looking behind the back of the code under test. */
	readonly client: S3Client;
	createBucket(name: string, options?: { readonly objectLock?: boolean }): Promise<void>;
	/** Every version of every object of a bucket, delete markers too: what is really there. */
	versions(bucket: string): Promise<{ key: string; versionId: string; deleteMarker: boolean }[]>;
	/** Removes all versions of all objects that no lock protects. */
	empty(bucket: string): Promise<void>;
	/** Makes another user; it sees nothing until a bucket policy lets it. */
	createUser(name: string): Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string }>;
	/** From now on the bucket takes no more than so many bytes. */
	limitBytes(bucket: string, bytes: number): Promise<void>;
	stop(): Promise<void>;
}

export interface StartS3Options {
	/** How much the server can hold; the file for it is sparse. */
	readonly capacityGigabytes?: number;
	/** The smallest part of an upload that the server takes; S3's own rule: 5 MiB. */
	readonly smallestPart?: number;
}

const USER = 'test';
const ACCESS_KEY = 'test-access-key';
const SECRET_KEY = 'test/secret+key';
const REGION = 'us-east-1';

/** Starts the server (about four seconds); call `stop()` in `afterAll`. Where it cannot run, `s3Missing()` of `ceph-daemons.ts` says why. */
export async function startS3(options: StartS3Options = {}): Promise<S3Server> {
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-s3-'));
	const port = await freePort();
	const daemons = cephDaemons(folder);
	const stop = async (): Promise<void> => {
		client.destroy();
		await daemons.stop();
		await rm(folder, { recursive: true, force: true });
	};
	const endpoint = `http://127.0.0.1:${port}`;
	const client = new S3Client({ endpoint, region: REGION, forcePathStyle: true, credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY } });
	try {
		await startCluster(daemons, folder, { port, capacityGigabytes: options.capacityGigabytes ?? 20, smallestPart: options.smallestPart ?? 5 * 2 ** 20 });
		await makeUser(daemons, USER, ACCESS_KEY, SECRET_KEY);
		await daemons.start('radosgw', ['-f', '-n', 'client.rgw'], port);
	} catch (error) {
		await stop();
		throw error;
	}

	const versions = async (bucket: string) => {
		const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
		const plain = (deleteMarker: boolean) => (one: { Key?: string; VersionId?: string }) => ({ key: one.Key!, versionId: one.VersionId!, deleteMarker });
		return [...Versions.map(plain(false)), ...DeleteMarkers.map(plain(true))];
	};
	return {
		endpoint,
		port,
		region: REGION,
		accessKeyId: ACCESS_KEY,
		secretAccessKey: SECRET_KEY,
		client,
		createBucket: async (name, { objectLock = false } = {}) =>
			void (await client.send(new CreateBucketCommand({ Bucket: name, ...(objectLock && { ObjectLockEnabledForBucket: true }) }))),
		versions,
		empty: async (bucket) => {
			const all = await versions(bucket);
			const Objects = all.map(({ key, versionId }) => ({ Key: key, VersionId: versionId }));
			if (Objects.length > 0) await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true }, BypassGovernanceRetention: true }));
		},
		createUser: async (name) => {
			const keys = { accessKeyId: `${name}-key`, secretAccessKey: `${name}-secret` };
			await makeUser(daemons, name, keys.accessKeyId, keys.secretAccessKey);
			return keys;
		},
		limitBytes: async (bucket, bytes) => {
			const quota = async (action: string, ...args: string[]) => await daemons.run('radosgw-admin', ['-n', 'client.rgw', 'quota', action, '--quota-scope=bucket', `--bucket=${bucket}`, ...args]);
			await quota('set', `--max-size=${bytes}`);
			await quota('enable');
		},
		stop,
	};
}

/** One monitor and one object storage without replicas, without authentication between them, on 127.0.0.1. */
async function startCluster(daemons: CephDaemons, folder: string, options: Pick<Cluster, 'port' | 'capacityGigabytes' | 'smallestPart'>): Promise<void> {
	const monitorPort = await freePort();
	const cluster = randomUUID();
	for (const name of ['mon', 'osd', 'rgw', 'run']) await mkdir(join(folder, name));
	await writeFile(join(folder, 'ceph.conf'), configuration(daemons, folder, { cluster, monitorPort, ...options }));
	// It must exist although nobody asks for it.
	await daemons.run('ceph-authtool', ['--create-keyring', '--gen-key', '-n', 'client.rgw', join(folder, 'rgw', 'keyring')]);
	const map = join(folder, 'monmap');
	const release = /\) ([a-z]+) \(/.exec(await daemons.run('ceph-mon', ['--version']))?.[1] ?? '';
	await daemons.run('monmaptool', ['--create', '--addv', 'a', `[v2:127.0.0.1:${monitorPort}]`, '--fsid', cluster, '--set-min-mon-release', release, map]);
	await daemons.run('ceph-mon', ['-i', 'a', '--mkfs', '--monmap', map]);
	await daemons.start('ceph-mon', ['-i', 'a', '-f'], monitorPort);
	const storage = randomUUID();
	await daemons.run('ceph', ['osd', 'new', storage]);
	await daemons.run('ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', storage]);
	await daemons.start('ceph-osd', ['-i', '0', '-f']);
	const deadline = performance.now() + 60_000;
	while (!(await daemons.run('ceph', ['osd', 'stat'])).includes('1 up')) {
		if (performance.now() > deadline) throw new Error(`the object storage of the S3 server did not come up:\n${daemons.log('ceph-osd')}`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

async function makeUser(daemons: CephDaemons, name: string, accessKey: string, secretKey: string): Promise<void> {
	await daemons.run('radosgw-admin', ['-n', 'client.rgw', 'user', 'create', `--uid=${name}`, `--display-name=${name}`, `--access-key=${accessKey}`, `--secret=${secretKey}`]);
}

interface Cluster {
	readonly cluster: string;
	readonly monitorPort: number;
	readonly port: number;
	readonly capacityGigabytes: number;
	readonly smallestPart: number;
}

function configuration(daemons: CephDaemons, folder: string, { cluster, monitorPort, port, capacityGigabytes, smallestPart }: Cluster): string {
	return `[global]
fsid = ${cluster}
mon host = v2:127.0.0.1:${monitorPort}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms mon service mode = crc
ms mon cluster mode = crc
plugin dir = ${daemons.libraries}/ceph
erasure code dir = ${daemons.libraries}/ceph/erasure-code
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
paxos propose interval = 0.02
paxos min wait = 0.01
mon tick interval = 1
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 2000
mon data avail crit = 1
run dir = ${folder}/run
log file = /dev/null
admin socket = ${folder}/run/$name.asok
pid file =
[mon]
mon data = ${folder}/mon
mon cluster log file = /dev/null
[osd]
osd data = ${folder}/osd
osd class dir = ${daemons.libraries}/rados-classes
osd objectstore = bluestore
bluestore block size = ${capacityGigabytes * 2 ** 30}
bluestore block create = true
osd memory target = 1073741824
osd class load list = *
osd class default list = *
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw crypt require ssl = false
rgw data = ${folder}/rgw
rgw enable ops log = false
rgw dynamic resharding = false
rgw bucket quota ttl = 0
rgw multipart min part size = ${smallestPart}
rgw gc obj min wait = 5
rgw gc processor period = 5
rgw gc processor max time = 5
`;
}
