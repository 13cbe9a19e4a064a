#!/bin/sh
# Makes the secrets that compose.yaml names, each once: what is there stays. The folder is for its owner only; the files in it are readable, because
# they are mounted into containers one by one, where other users than this one read them.
set -eu

cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets

random() {
	od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

make() {
	if [ ! -e "secrets/$1" ]; then
		printf '%s' "$2" >"secrets/$1.new"
		chmod 444 "secrets/$1.new"
		mv "secrets/$1.new" "secrets/$1"
		printf 'made secrets/%s\n' "$1"
	fi
}

make postgres_password "$(random)"
make backup_password "$(random)"
make redis.conf "requirepass $(random)
"
make n8n_encryption_key "$(random)"
make s3_user backup
make s3_password "$(random)"
echo 'Copy n8n_encryption_key to where it survives this machine: without it the credentials in a restored n8n cannot be opened.'
