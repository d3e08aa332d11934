package crashtest

import (
	"os"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
)

func TestMain(m *testing.M) { os.Exit(testpg.Run(m)) }
