# make test    everything, with the race detector; installs what is missing
# make lint    formatting, vet, staticcheck, tidy modules
# make fuzz    every fuzz target for FUZZTIME (20s)
# make bench   the ratios of docs/performance.md, two minutes on a quiet machine
# make bench-all   the small benchmarks beside the code
# make bench-imap  mails a second from Dovecot to PostgreSQL, against raw inserts
# make corpora  what the library reaches on ../shared/corpora; UPDATE=1 stores it
# make soak    kills for hours, resumable: see docs/proofs/README.md

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := test
.PHONY: test lint fuzz bench bench-all deps soak soak-fuzz bench-imap corpora

GO ?= go
STATICCHECK := $(CURDIR)/.cache/bin/staticcheck

# Modules of their own below this one, such as heavy examples. tools/ holds no
# code of ours.
NESTED := $(shell git ls-files --cached --others --exclude-standard '*/go.mod' | { grep -vE '(^|/)(tools|testdata)/' || true; } | xargs -r -n1 dirname)

test: deps
	for dir in $(NESTED); do (cd "$$dir" && $(GO) test -race -timeout 20m ./...); done
	$(GO) test -race -timeout 20m ./...

deps:
	tools/deps.sh

lint: $(STATICCHECK)
	unformatted=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard --deduplicate '*.go' | xargs -r ls 2>/dev/null)); \
	if [[ -n $$unformatted ]]; then echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	for dir in . $(NESTED); do (cd "$$dir" && $(GO) vet ./... && $(STATICCHECK) ./...); done
	for dir in . tools $(NESTED); do (cd "$$dir" && $(GO) mod tidy -diff); done

$(STATICCHECK): tools/go.mod tools/go.sum
	mkdir -p $(@D)
	$(GO) build -C tools -o $@ honnef.co/go/tools/cmd/staticcheck

fuzz:
	tools/fuzz.sh

bench: deps
	$(GO) test -run='^$$' -bench=. -benchtime=1x -timeout 30m ./internal/bench

bench-all:
	pkgs=$$(git ls-files --cached --others --exclude-standard '*_test.go' | grep -v '^internal/bench' | xargs grep -lE '^func Benchmark' | xargs -n1 dirname | sort -u | sed 's|^|./|'); \
	$(GO) test -run='^$$' -bench=. -benchmem $$pkgs

# The scores stand in internal/score/scores.txt; one that falls fails, here and
# in `make test`.
corpora:
	HELPDESK_REQUIRE_DATA=1 HELPDESK_UPDATE_SCORES=$(UPDATE) $(GO) test -v -count=1 -p 1 -run 'Corpor|Corpus|Stalwart|AttackHTML' \
		. ./mailbox/rfc822/... | grep -E '^(SCORE|FAIL|ok|--- FAIL)|fell from|is new'

soak: deps
	mkdir -p .cache/soak
	$(GO) build -o .cache/soak/soak ./internal/crashtest/soak
	.cache/soak/soak
	tools/fuzzsoak.sh

# The second half of the soak alone: every fuzz target for FUZZTIME (10m).
soak-fuzz:
	tools/fuzzsoak.sh

# desk/s is the whole way, fetch/s the driver alone, insert/s the same bytes
# inserted raw; fsync is on, and all of it shares one machine.
bench-imap: deps
	$(GO) test -run='^$$' -bench=BenchmarkIMAP -benchtime=1x ./internal/benchimap
