#!/bin/sh
# Gets Kafka 4.1.0 (54 MB of jars) with Maven into .estafet/kafka of this clone. Needs java 17 or later, mvn and
# sha256sum. May be repeated: does nothing once the jars are there. A run that was killed leaves nothing that counts.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home="$here/../../.estafet/kafka"
version=4.1.0

[ -d "$home/$version" ] && exit 0
for program in java mvn sha256sum; do
  command -v "$program" >/dev/null || { echo "Kafka is not installed: $program is missing" >&2; exit 1; }
done
mkdir -p "$home"
fresh=$(mktemp -d "$home/fresh.XXXXXX")
trap 'rm -rf "$fresh"' EXIT
cp "$here/pom.xml" "$fresh/pom.xml"
(cd "$fresh" && mvn -q -B -ntp dependency:copy-dependencies -DoutputDirectory=lib)
# Each jar as we know it, and none beside them.
(cd "$fresh/lib" && sha256sum --quiet -c "$here/jars.sha256")
[ "$(ls "$fresh/lib" | wc -l)" -eq "$(wc -l < "$here/jars.sha256")" ] || { echo "Kafka: unknown jars came along" >&2; exit 1; }
mv "$fresh/lib" "$home/$version"
echo "Kafka $version is in .estafet/kafka"
