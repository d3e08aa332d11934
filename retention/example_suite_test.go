package retention_test

import (
	"testing"

	"github.com/helpdesk-go/helpdesk/retention"
	"github.com/helpdesk-go/helpdesk/retention/retentiontest"
)

func TestOldAttachments(t *testing.T) {
	retentiontest.Run(t, OldAttachments{After: retention.Days(90)}, retentiontest.Options{})
}
