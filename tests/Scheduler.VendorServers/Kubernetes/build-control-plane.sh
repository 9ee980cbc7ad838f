#!/usr/bin/env bash
# Builds kube-apiserver and kube-scheduler from Debian's source of Kubernetes 1.20, and unpacks etcd, for the explicit tests of the
# Kubernetes adapter. It changes nothing of the system. The first run needs about 10 minutes of CPU time, 3 GB of disk and Debian's packages.
# usage: build-control-plane.sh FOLDER
set -euo pipefail
folder=$(mkdir -p "${1:?usage: build-control-plane.sh FOLDER}" && cd "$1" && pwd)
bin=$folder/bin
if [ -x "$bin/kube-apiserver" ] && [ -x "$bin/kube-scheduler" ] && [ -x "$bin/etcd" ]; then
  echo "$bin has all three programs."
  exit 0
fi

# Lists of sources of bookworm, in a folder of our own: only this release has the source of a control plane.
apt=$folder/apt
mkdir -p "$bin" "$apt/lists/partial" "$apt/archives/partial" "$folder/deb" "$folder/src"
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2> /dev/null | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -1 | tr -d ' ' || true)
for kind in deb deb-src; do
  echo "$kind [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:?no Debian mirror is configured} bookworm main"
done > "$apt/sources.list"
options=(-o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$apt/lists"
  -o "Dir::Cache=$apt" -o "Dir::Cache::archives=$apt/archives" -o APT::Sandbox::User=root)
apt-get "${options[@]}" -qq update
(cd "$apt" && apt-get "${options[@]}" -qq download golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev etcd-server)
for package in "$apt"/*.deb; do
  dpkg-deb -x "$package" "$folder/deb"
done
cp "$folder/deb/usr/bin/etcd" "$bin/etcd"
if [ ! -d "$folder/src/kubernetes" ]; then
  (cd "$folder/src" && apt-get "${options[@]}" -qq source --download-only kubernetes)
  (cd "$folder/src" && dpkg-source --no-check -x ./kubernetes_*.dsc unpacked > /dev/null && mv unpacked kubernetes)
fi

# Under Go 1.18 and newer, reflect2 1.0.1 crashes the API server within minutes; Debian has 1.0.2.
tree=$folder/src/kubernetes
reflect2=vendor/github.com/modern-go/reflect2
rm -f "$tree/$reflect2"/*.go "$tree/$reflect2"/*.s
cp "$folder"/deb/usr/share/gocode/src/github.com/modern-go/reflect2/*.go "$folder"/deb/usr/share/gocode/src/github.com/modern-go/reflect2/*.s "$tree/$reflect2/"
rm -f "$tree/$reflect2"/*_test.go

export GOROOT=$folder/deb/usr/lib/go-1.19 GOPATH=$folder/go GOCACHE=$folder/cache GO111MODULE=off CGO_ENABLED=0 GOPROXY=off GOFLAGS=
# Debian's GOROOT has its sources in another package; both are unpacked beside each other.
for part in src pkg test api misc; do
  if [ -L "$GOROOT/$part" ] && [ ! -e "$GOROOT/$part" ]; then
    ln -sfn "$folder/deb/usr/share/go-1.19/$part" "$GOROOT/$part"
  fi
done
mkdir -p "$GOPATH/src/k8s.io"
ln -sfn "$tree" "$GOPATH/src/k8s.io/kubernetes"
cd "$GOPATH/src/k8s.io/kubernetes"

# One generated file is not in the source package.
if [ ! -f pkg/generated/openapi/zz_generated.openapi.go ]; then
  "$GOROOT/bin/go" build -o "$bin/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  inputs=$(grep -rl --include='*.go' '+k8s:openapi-gen=' pkg staging/src/k8s.io \
    | grep -v -e code-generator -e sample-apiserver -e zz_generated | xargs -n1 dirname | sort -u \
    | sed -e 's|^staging/src/|vendor/|' -e 's|^|k8s.io/kubernetes/|' | paste -sd,)
  "$bin/openapi-gen" --go-header-file hack/boilerplate/boilerplate.generatego.txt -i "$inputs" \
    -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi -o "$GOPATH/src" -r /dev/null
fi

for program in kube-apiserver kube-scheduler; do
  "$GOROOT/bin/go" build -ldflags '-s -w' -o "$bin/$program" "./cmd/$program"
done
ls -l "$bin"
