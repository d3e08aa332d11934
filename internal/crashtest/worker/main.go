// Command worker is the host program that the crash harness starts and kills.
package main

import (
	"os"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/host"
)

func main() { os.Exit(host.Main(host.Options{})) }
