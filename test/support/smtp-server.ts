import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** A mail as it arrived. */
export interface ReceivedMail {
	readonly to: string[];
	readonly subject: string;
	/** The text part, decoded. */
	readonly text: string;
	/** Headers and all, as sent. */
	readonly raw: string;
}

/** A mail server that keeps what it gets (RFC 5321, as much of it as clients need). */
export class SmtpServer {
	readonly mails: ReceivedMail[] = [];
	private readonly sockets = new Set<Socket>();

	private constructor(private readonly server: Server) {}

	static async start(): Promise<SmtpServer> {
		const server = createServer();
		const smtp = new SmtpServer(server);
		server.on('connection', (socket) => smtp.serve(socket));
		server.listen(0, '127.0.0.1');
		await once(server, 'listening');
		return smtp;
	}

	get port(): number {
		return (this.server.address() as AddressInfo).port;
	}

	async stop(): Promise<void> {
		for (const socket of this.sockets) socket.destroy();
		this.server.close();
		await once(this.server, 'close');
	}

	private serve(socket: Socket): void {
		this.sockets.add(socket);
		socket.on('close', () => this.sockets.delete(socket)).on('error', () => socket.destroy());
		let received = '';
		let to: string[] = [];
		let inData = false;
		const answer = (line: string) => socket.write(`${line}\r\n`);
		answer('220 test');
		socket.setEncoding('utf8').on('data', (chunk: string) => {
			received += chunk;
			for (;;) {
				const end = inData ? received.indexOf('\r\n.\r\n') : received.indexOf('\r\n');
				if (end < 0) return;
				const part = received.slice(0, end);
				received = received.slice(end + (inData ? 5 : 2));
				if (inData) {
					inData = false;
					this.mails.push(parseMail(part.replace(/^\.\./gm, '.'), to));
					to = [];
					answer('250 taken');
				} else if (/^(EHLO|HELO)/i.test(part)) answer('250 test');
				else if (/^RCPT TO:/i.test(part)) {
					to.push(/<(.*)>/.exec(part)?.[1] ?? '');
					answer('250 known');
				} else if (/^DATA/i.test(part)) {
					inData = true;
					answer('354 go on');
				} else if (/^QUIT/i.test(part)) socket.end('221 bye\r\n');
				else answer('250 fine');
			}
		});
	}
}

function parseMail(raw: string, to: string[]): ReceivedMail {
	const split = raw.indexOf('\r\n\r\n');
	const head = raw.slice(0, split).replace(/\r\n[ \t]+/g, ' ');
	const body = raw.slice(split + 4);
	const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]?.trim() ?? '';
	const encoding = header('Content-Transfer-Encoding').toLowerCase();
	const text = encoding === 'base64' ? Buffer.from(body, 'base64').toString('utf8') : encoding === 'quoted-printable' ? quotedPrintable(body) : body;
	return { to, subject: words(header('Subject')), text, raw };
}

function quotedPrintable(text: string): string {
	const bytes = text.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
	return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** RFC 2047. */
function words(header: string): string {
	return header.replace(/\?= =\?/g, '?==?').replace(/=\?UTF-8\?([QB])\?([^?]*)\?=/gi, (_all, kind: string, text: string) => (kind.toUpperCase() === 'B' ? Buffer.from(text, 'base64').toString('utf8') : quotedPrintable(text.replaceAll('_', ' '))));
}
