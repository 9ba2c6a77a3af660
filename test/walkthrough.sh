#!/usr/bin/env bash
# Runs the README's walk-through as written, on an empty server in a folder of its own; green when its last line says
# that the mapped person is allowed, the example service refuses a key and registers the cluster of that person, a node agent hears
# that nothing has changed, a subscriber hears of the organization's new name, and the simulated IdP then pushes to the same directory, as often as it is called.
# Uses PORT (default 3917) and the one after it.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
place=$(mktemp -d)
export PORT=${PORT:-3917}
npm run --silent build
cd "$place"
node "$root/dist/src/main.js" >"$place/server.log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$place"' EXIT
for _ in $(seq 1 100); do curl -fs "http://localhost:$PORT/readyz" >/dev/null && break; sleep 0.1; done

# The blocks between two marks, with the ports of this run, and without patience.
blocks() {
  awk -v from="<!-- $1 -->" -v to="<!-- end of $1 -->" '
    $0==from{on=1} $0==to{on=0} on && /^```/{code=!code; next} on && code' "$root/README.md" |
    sed "s/localhost:3000/localhost:$PORT/g; s/localhost:4040/localhost:$((PORT + 1))/g; s#node examples/#node $root/examples/#; s/wait=30/wait=1/"
}
{
  echo "npm() { command npm --prefix '$root' \"\$@\"; }"
  blocks walk-through
  echo "exec >'$place/service'; export PORT=$((PORT + 1)); trap 'kill \$(jobs -p)' EXIT"
  blocks service
  blocks 'node agent'
  blocks 'event feed'
  echo "exec >'$place/simulated'"
  blocks simulator
  blocks simulator
} >"$place/walkthrough.sh"
if ! bash -euo pipefail "$place/walkthrough.sh" | tee "$place/out"; then cat "$place/server.log" "$place/service" "$place/simulated"; exit 1; fi
tail -n 1 "$place/out" | grep -q '"decision":true'
for said in '{"items":[]}' 'needs the role Admin; the role here is Member: API key of the project' '"type":"cluster","name":"training"' '"delta":true' '"type":"organization.updated"'; do
  grep -qF "$said" "$place/service" || { echo "the service did not say $said:"; cat "$place/service"; exit 1; }
done
tail -n 1 "$place/simulated" | grep '^20 people are there, and the group "engineers" is grp-'
