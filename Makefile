VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
TOOL := go tool -modfile=.ci/tools/go.mod
BENCH ?= .
RESULTS ?= bench.json

.PHONY: build release test lint format generate baseline bench microbench ci

build: ## bin/pushgate, static
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/pushgate ./cmd/pushgate

release: build ## with a bill of materials (CycloneDX); the same commit gives the same bytes
	$(TOOL) cyclonedx-gomod bin -json -noserial -version '$(VERSION)' -output bin/pushgate.cdx.json bin/pushgate

test:
	go test ./...

lint:
	$(TOOL) buf lint
	$(TOOL) buf breaking --against proto/baseline.binpb
	$(TOOL) golangci-lint run

format:
	$(TOOL) buf format -w
	$(TOOL) golangci-lint fmt

generate: ## Go from proto/pushgate
	$(TOOL) buf generate

baseline: ## promise the API as it is now: see CONTRIBUTING.md
	$(TOOL) buf build --exclude-source-info -o proto/baseline.binpb

bench: ## the table of docs/performance.md, and $(RESULTS); Linux, a quiet machine, some minutes
	go test -run '^$$' -bench '$(BENCH)' -benchtime 1x -timeout 30m ./cmd/pushgate/benchtest -results '$(abspath $(RESULTS))' | grep --line-buffered -v '^Benchmark'

microbench: ## every other benchmark
	go test -run '^$$' -bench '$(BENCH)' -benchmem $$(go list ./... | grep -v /benchtest)

ci:
	.ci/run
