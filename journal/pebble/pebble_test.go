package pebble

import (
	"testing"

	"github.com/usher-cc/usher/journal/journaltest"
)

func TestConformance(t *testing.T) {
	journaltest.Run(t, func(*testing.T) journaltest.Harness { return newHarness() })
}
