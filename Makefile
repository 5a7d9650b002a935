# Targets are described by the comment behind them; make prints the list.

BUF := go tool -modfile=buf.mod buf
STATICCHECK := go tool -modfile=lint.mod staticcheck

# No goroutine, no race: that these have none is held by TestPurity.
PURE := engine router vector estimate

# How long each fuzz target runs.
FUZZTIME ?= 5s

.DEFAULT_GOAL := help
.PHONY: help build demo test race lint generate web fresh fresh-web fuzz-short check bench

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/usher
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/usher

demo: ## open a small contact centre, with a link to each window
	go run ./cmd/usher demo

test: ## run the tests
	go test ./...

race: ## run the shorter tests of all that has goroutines under the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race -short $$(go list ./... | grep -v -x $(PURE:%=-e 'github.com/usher-cc/usher/%'))

lint: ## gofmt, go vet, staticcheck, buf lint
	@unformatted=$$(gofmt -l .) && if [ -n "$$unformatted" ]; then echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	$(STATICCHECK) ./...
	$(BUF) lint

generate: ## write the Go code of the protos and the generated pages of docs
	$(BUF) generate
	go run ./internal/docgen

web: ## build the pages into web/dist, with the TypeScript of the protos (after npm ci)
	$(BUF) generate --template buf.gen.ts.yaml
	npm run build

fresh: ## tell whether generating again would change anything
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && $(BUF) generate --output "$$dir" && \
	for file in $$(cd "$$dir" && find . -type f) $$(git ls-files 'api/*.go'); do \
		cmp "$$dir/$$file" "$$file" || { echo "run make generate"; exit 1; }; \
	done
	go test -run TestPagesAreFresh ./internal/docgen
	@if [ -d node_modules ]; then $(MAKE) --no-print-directory fresh-web; \
	else echo "web/dist is not compared with its sources: there is no node_modules; run npm ci"; [ "$$USHER_BROWSER" != required ]; fi

fresh-web:
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	$(BUF) generate --template buf.gen.ts.yaml --output "$$dir" && diff -r "$$dir/client/ts/src/gen" client/ts/src/gen && \
	USHER_DIST="$$dir/dist" npm run --silent build >/dev/null && diff -r "$$dir/dist" web/dist || { echo "run make web"; exit 1; }

fuzz-short: ## run each fuzz target for FUZZTIME
	@grep -rn --include='*_test.go' -o '^func Fuzz[A-Za-z0-9]*' . | while IFS=: read -r file _ function; do \
		go test -run '^$$' -fuzz "^$${function#func }$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")" || exit 1; \
	done

check: test race lint fresh ## what has to pass: tests, race detector, linters, freshness

bench: ## measure, and print the figures
	go run ./cmd/usher bench
