package backend

import (
	"fmt"
	"os"
	"syscall"
)

// restart replaces this process by a new start of the same program; it returns only where that fails.
func restart(env []string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("backend: tune: %w", err)
	}
	return fmt.Errorf("backend: tune: start %s again: %w", self, syscall.Exec(self, os.Args, env))
}
