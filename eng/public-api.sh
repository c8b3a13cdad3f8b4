#!/usr/bin/env bash
# Writes what is public in every package into its PublicAPI.Unshipped.txt, for review. Run it after a change of public members.
set -euo pipefail
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for project in src/*/*.csproj; do
  folder=$(dirname "$project")
  for list in Shipped Unshipped; do echo '#nullable enable' > "$folder/PublicAPI.$list.txt"; done
done
for project in src/Mlops.Sdk/Mlops.Sdk.csproj src/Mlops.Sdk.Testing/Mlops.Sdk.Testing.csproj src/Mlops.Sdk.Azure/Mlops.Sdk.Azure.csproj; do
  dotnet build "$project" --no-incremental -p:TreatWarningsAsErrors=false -v q >> "$log" 2>&1
done
for project in src/*/*.csproj; do
  folder=$(dirname "$project"); name=$(basename "$project")
  grep -F "/$name]" "$log" | grep -oE "RS0016: Symbol '.*' is not part of" | sed -E "s/^RS0016: Symbol '(.*)' is not part of$/\1/" |
    LC_ALL=C sort -u >> "$folder/PublicAPI.Unshipped.txt" || true
  echo "$folder: $(($(wc -l < "$folder/PublicAPI.Unshipped.txt") - 1)) public members"
done
