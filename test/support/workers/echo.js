// A worker for tests of the command line: fails every job with the job itself as the message.
process.on('message', (message) => {
	if (message.type !== 'start') return;
	const error = { code: 'INTERNAL', message: JSON.stringify(message.job), hint: 'look at the job' };
	process.send({ type: 'error', error }, () => process.exit(0));
});
