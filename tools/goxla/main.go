// Command goxla runs go-xla's own installer of PJRT plugins, into the folder that it is given:
//
//	goxla cpu|cuda FOLDER
//
// It is how a plugin is installed where the pinned wheel does not fit the machine.
package main

import (
	"fmt"
	"os"

	"github.com/gomlx/go-xla/installer"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: goxla cpu|cuda FOLDER")
		os.Exit(2)
	}
	if err := installer.AutoInstallPlugin(os.Args[1], os.Args[2], true, installer.Normal); err != nil {
		fmt.Fprintf(os.Stderr, "go-xla's installer: %v\n", err)
		os.Exit(1)
	}
}
