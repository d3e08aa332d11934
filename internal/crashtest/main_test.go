package crashtest

import (
	"os"
	"testing"

	// The worker is built by the tests. Linking it here makes a change of it
	// count for go test's cache.
	_ "github.com/helpdesk-go/helpdesk/internal/crashtest/host"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
)

func TestMain(m *testing.M) { os.Exit(testpg.Run(m)) }
