#!/bin/sh
# Entry point of the service "n8n": puts the package of the image where n8n looks for community packages, then becomes n8n.
# The link is made anew at every start, because n8n's data is a volume that outlives the image.
set -eu

N8N_USER_FOLDER=${N8N_USER_FOLDER:-$HOME}
PACKAGE=${BACKUP_RECOVERY_PACKAGE:-/opt/backup-recovery/node_modules/n8n-nodes-backup-recovery}

if [ ! -f "$PACKAGE/package.json" ]; then
	printf 'There is no package at %s. Build the image again.\n' "$PACKAGE" >&2
	exit 1
fi
modules=$N8N_USER_FOLDER/.n8n/nodes/node_modules
mkdir -p "$modules"
# One that was installed by hand, a real folder, wins.
if [ -L "$modules/n8n-nodes-backup-recovery" ] || [ ! -e "$modules/n8n-nodes-backup-recovery" ]; then
	ln -sfn "$PACKAGE" "$modules/n8n-nodes-backup-recovery"
fi
exec "$@"
