#!/usr/bin/env bash
# Runs classes of Vmem.Tests on Arm64, under qemu's emulation of one process: eng/arm64.sh CLASS...
#   CLASS    such as Vmem.Tests.Caching.ClaimStressTests; those of the claim protocol and of the arena's locks by default
# Shows that what the JIT makes for Arm64 is right. It does not show that no barrier is missing: on an x64 machine the emulated threads see
# each other's stores in order, as x64's do.
# Works under artifacts/arm64, on Debian and an x64 machine; installs what it needs beyond the .NET SDK. Ends with 1 if a class failed.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en TESTINGPLATFORM_TELEMETRY_OPTOUT=1

root=$PWD/artifacts/arm64
classes=("$@")
if [ $# = 0 ]; then
  for name in Caching.ClaimStressTests Caching.MagazineCacheTests Caching.CheckedCacheTests Caching.CheckedCacheStormTests \
    Caching.DepotTests Caching.ThreadLifeTests Caching.ThreadChurnTests Concurrency.LinearizabilityTests \
    Concurrency.ArenaStressTests Concurrency.LockTurnsTests Concurrency.InterruptStormTests; do
    classes+=("Vmem.Tests.$name")
  done
fi

fail() { printf '%s\n' "$1" >&2; exit 2; }

install() {
  command -v apt-get >/dev/null || fail "This needs Debian: qemu-user, and the C libraries of Arm64."
  sudo=$([ "$(id -u)" = 0 ] || echo sudo)
  $sudo apt-get install -y -qq qemu-user libc6-arm64-cross libstdc++6-arm64-cross libgcc-s1-arm64-cross >/dev/null || fail "qemu-user could not be installed."

  # The test platform hashes with OpenSSL, of which there is no package for crossing: Arm64's own is unpacked here, and not installed.
  if [ ! -e "$root/system/usr/lib/aarch64-linux-gnu/libssl.so.3" ]; then
    mkdir -p "$root/lists/partial" "$root/system"
    apt=(-qq -o "APT::Architectures=amd64,arm64" -o "Dir::State::Lists=$root/lists" -o "APT::Sandbox::User=root")
    $sudo apt-get "${apt[@]}" update
    (cd "$root" && $sudo apt-get "${apt[@]}" download libssl3:arm64 && dpkg -x libssl3_*_arm64.deb system) || fail "libssl3:arm64 could not be fetched."
  fi
}

# The runtime's package, laid out as an installed .NET is; and a program for Arm64 that starts the tests.
prepare() {
  mkdir -p "$root/starter"
  cat > "$root/starter/Vmem.Tests.csproj" <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <RuntimeIdentifier>linux-arm64</RuntimeIdentifier>
    <SelfContained>true</SelfContained>
    <ImportDirectoryBuildProps>false</ImportDirectoryBuildProps>
    <ImportDirectoryPackagesProps>false</ImportDirectoryPackagesProps>
    <ImportDirectoryBuildTargets>false</ImportDirectoryBuildTargets>
  </PropertyGroup>
</Project>
PROJECT
  echo 'return;' > "$root/starter/Program.cs"
  dotnet publish "$root/starter" -c Release -v q -o "$root/whole" >&2 || fail "The runtime for Arm64 could not be restored."
  dotnet publish "$root/starter" -c Release -v q -o "$root/starting" -p:SelfContained=false >&2 || fail "No starter for Arm64 could be made."
  version=$(sed -nE 's/.*"Microsoft.NETCore.App", *//; s/.*"version": "([0-9.]+)".*/\1/p' "$root/whole/Vmem.Tests.runtimeconfig.json" | head -1)
  package=$(dotnet nuget locals global-packages --list | sed 's/^[^:]*: *//')/microsoft.netcore.app.runtime.linux-arm64/$version/runtimes/linux-arm64
  shared=$root/dotnet/shared/Microsoft.NETCore.App/$version
  mkdir -p "$root/dotnet/host/fxr/$version" "$shared"
  cp "$package"/lib/net10.0/* "$package"/native/* "$shared"
  mv "$shared/libhostfxr.so" "$root/dotnet/host/fxr/$version"

  dotnet build tests/Vmem.Tests -c Release -v q >&2 || fail "The build failed."
  rm -rf "$root/tests"
  cp -r tests/Vmem.Tests/bin/Release/net10.0 "$root/tests"
  cp "$root/starting/Vmem.Tests" "$root/tests/Vmem.Tests"
}

install
prepare

# qemu maps no page for writing and for running at once; the heap's limit keeps the collector from reserving more than qemu can map.
export DOTNET_ROOT=$root/dotnet DOTNET_EnableWriteXorExecute=0 DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
export DOTNET_GCHeapHardLimit=0x80000000 DOTNET_GCgen0size=0x4000000
status=0
for class in "${classes[@]}"; do
  qemu-aarch64 -E LD_LIBRARY_PATH="$root/system/usr/lib/aarch64-linux-gnu" -L /usr/aarch64-linux-gnu \
    "$root/tests/Vmem.Tests" --filter-class "$class" --no-ansi --progress off || status=1
done
exit $status
