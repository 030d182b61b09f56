# Everything a contributor runs. "make help" lists it.

GO        ?= go
# The race detector needs a C compiler. "make test RACE=" is faster without it.
RACE      ?= $(if $(shell command -v gcc cc 2>/dev/null),-race,)
PKG       ?= ./...
FUZZTIME  ?= 10s
ARGS      ?=
N         ?= 10000
SEED      ?=

# The name of this version has to be the one in CONTRIBUTING.md and .golangci.yml.
GOLANGCI_VERSION := v2.15.0
GOLANGCI         := $(firstword $(shell command -v golangci-lint 2>/dev/null) $(wildcard $(shell $(GO) env GOPATH)/bin/golangci-lint))

WITHSERVERS := .build/withservers

.PHONY: help run test explore servers bench differential interference canaries kills faults consistency scale lint fuzz clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start the daemon (ARGS= its flags)
	$(GO) run ./cmd/livetablesd $(ARGS)

test: servers $(WITHSERVERS) ## run all tests against real servers (PKG= packages, RACE= no race detector, ARGS= go test flags)
	@GO='$(GO)' RACE='$(RACE)' PKG='$(PKG)' ARGS='$(ARGS)' $(WITHSERVERS) scripts/test.sh

# -count=1: what passed with seeds that are drawn says nothing of the next run, and go test would take it for an answer.
explore: servers $(WITHSERVERS) ## the tests with seeds that nobody has tried (PKG=, ARGS= as in test)
	@LIVETABLES_TEST_SEED=new GO='$(GO)' RACE='$(RACE)' PKG='$(PKG)' ARGS='-count=1 $(ARGS)' $(WITHSERVERS) scripts/test.sh

# What is missing is installed where that is possible, and otherwise named; the
# tests that need it then skip themselves, or fail if CI is set.
servers:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		scripts/testservers.sh install || echo "make: going on without them" >&2; \
	elif command -v docker >/dev/null && docker info >/dev/null 2>&1; then \
		echo "make: servers that are not installed here run in Docker" >&2; \
	else \
		scripts/testservers.sh check || { \
			echo "make: tests that need one of these are skipped. To have them all, as root on Debian 12: scripts/testservers.sh" >&2; \
			echo "make: or start Docker, or name running servers in variables (see CONTRIBUTING.md)" >&2; }; \
	fi

# Built rather than run with "go run", which does not pass on a SIGTERM.
$(WITHSERVERS): FORCE
	@$(GO) build -o $@ ./internal/testenv/cmd/withservers
FORCE:

bench: servers $(WITHSERVERS) ## measure (ARGS= flags of internal/bench)
	@$(WITHSERVERS) $(GO) run ./internal/bench $(ARGS)

# As bench, with a program that ends with status 1 when answers differ; "go run" would say 1 for everything.
differential: servers $(WITHSERVERS) ## compare all engines by random plans (N= plans, 10000; SEED=; ARGS= further flags)
	@$(GO) build -o .build/differential ./internal/differential/cmd/differential
	@$(WITHSERVERS) .build/differential -n $(N) $(if $(SEED),-seed $(SEED)) $(ARGS)

interference: servers $(WITHSERVERS) ## look for what rules let through (N= cases, 10000; SEED=; ARGS= further flags)
	@$(GO) build -o .build/interference ./internal/interference/cmd/interference
	@$(WITHSERVERS) .build/interference -n $(N) $(if $(SEED),-seed $(SEED)) $(ARGS)

canaries: servers $(WITHSERVERS) ## random requests of everybody at everything of other tenants (N= requests, 10000; SEED=; ARGS=)
	@$(GO) build -o .build/canaries ./cmd/livetablesd/internal/canary/cmd/canaries
	@$(WITHSERVERS) .build/canaries -n $(N) $(if $(SEED),-seed $(SEED)) $(ARGS)

# It has no default of 10000 as the others: its subject is a large table.
scale: N = 1000000
scale: servers ## import, read and change a large table through the daemon and say how long it took (N= rows, 1000000; ARGS= such as -store sqlite)
	@$(GO) build -o .build/scale ./internal/scale/cmd/scale
	@.build/scale -n $(N) $(ARGS)

kills: servers ## kill a daemon that is written to, and its database server, and look for what is lost (N= writes, 10000; SEED=; ARGS= such as -kills 200 -store sqlite)
	@$(GO) build -o .build/kills ./internal/kills/cmd/kills
	@.build/kills -n $(N) $(if $(SEED),-seed $(SEED)) $(ARGS)

faults: ## let the disk under a SQLite store fail, and its power, and then that of a daemon, and look for what is lost (N= failures of the power, 10000; SEED=)
	@$(GO) build -o .build/faults ./internal/faults/cmd/faults
	@.build/faults -n $(N) $(if $(SEED),-seed $(SEED)) $(ARGS)
	@$(GO) build -o .build/kills ./internal/kills/cmd/kills
	@.build/kills -store sqlite -disk -n $(N) -kills $$(( $(N) / 50 + 1 )) $(if $(SEED),-seed $(SEED))

consistency: servers $(WITHSERVERS) ## look for stale reads and lost updates of daemons that share a database (N= operations, 10000; SEED=; ARGS=)
	@$(GO) build -o .build/consistency ./internal/consistency/cmd/consistency
	@$(WITHSERVERS) .build/consistency -n $(N) $(if $(SEED),-seed $(SEED)) $(ARGS)

lint: ## gofmt, go vet and golangci-lint
	@unformatted="$$(gofmt -l .)"; [ -z "$$unformatted" ] || { echo "gofmt -w these:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	@if [ -n "$(GOLANGCI)" ]; then \
		"$(GOLANGCI)" version 2>/dev/null | grep -qF "$(GOLANGCI_VERSION:v%=%)" || echo "make: this is not golangci-lint $(GOLANGCI_VERSION), its findings may differ" >&2; \
		echo "golangci-lint run"; "$(GOLANGCI)" run ./...; \
	else \
		echo "make: only gofmt and go vet ran. For the rest: go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)" >&2; \
	fi

fuzz: ## run every fuzz target (FUZZTIME= for each, 10s)
	@grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sort | while IFS=: read -r file func; do \
		echo "$$(dirname $$file) $${func#func }"; \
		$(GO) test -run '^$$' -fuzz "^$${func#func }$$" -fuzztime $(FUZZTIME) "$$(dirname $$file)" || exit 1; \
	done

clean: ## remove what make built
	rm -rf .build
