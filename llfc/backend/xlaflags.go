package backend

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"layerwise/llfc/backend/plugin"
)

// flagsEnv is where XLA reads its flags, once, when a plugin is loaded.
const flagsEnv = "XLA_FLAGS"

// xnnpackFlag is the switch that must be off. With XNNPACK, XLA packs the right-hand side of a matrix product once and keeps the packed
// copy by the address of the buffer. Other weights at the same address are then ignored, without a word. No compile option of go-xla reaches it.
const xnnpackFlag = "xla_cpu_use_xnnpack"

// TestXNNPACK is an environment variable for tests and benchmarks, which must be able to show what XNNPACK does: "on" leaves XLA_FLAGS as
// they are, and the canary stays; "unchecked" takes the canary away too, so that every number may be wrong.
const TestXNNPACK = "LAYERWISE_TEST_XNNPACK"

// switchOffXNNPACK sets XLA_FLAGS for the CPU plugin at path, before it is loaded. Flags of the user stay, in front of ours: of two settings
// of one flag XLA takes the last. The note is a line for the user, where one of theirs is overruled.
func switchOffXNNPACK(path string) (note string, err error) {
	if os.Getenv(TestXNNPACK) != "" {
		return TestXNNPACK + " is set: XNNPACK may be on, and numbers may be wrong", nil
	}
	if known, err := knowsXNNPACK(path); err != nil || !known {
		return "", err
	}
	flags, err := userFlags(os.Getenv(flagsEnv))
	if err != nil {
		return "", err
	}
	if value, set := flagValue(flags, xnnpackFlag); set && value {
		note = fmt.Sprintf("%s turns XNNPACK on; it is turned off, because it computes with outdated weights", flagsEnv)
	} else if set {
		return "", nil
	}
	return note, os.Setenv(flagsEnv, strings.TrimSpace(flags+" --"+xnnpackFlag+"=false"))
}

// userFlags is the text of the flags: XLA takes a value that does not begin with a dash for the name of a file that holds them.
func userFlags(value string) (string, error) {
	value = strings.TrimSpace(value)
	if value == "" || value[0] == '-' {
		return value, nil
	}
	text, err := os.ReadFile(value)
	if err != nil {
		return "", fmt.Errorf("%s names a file of flags: %w; unset it, or begin flags with --", flagsEnv, err)
	}
	return strings.Join(strings.Fields(string(text)), " "), nil
}

// flagValue is the last setting of a boolean flag; --flag without a value is true.
func flagValue(flags, name string) (value, set bool) {
	for _, word := range strings.Fields(flags) {
		word = strings.TrimLeft(word, "-")
		if key, text, given := strings.Cut(word, "="); key == name {
			value, set = !given || text == "true" || text == "True" || text == "1", true
		}
	}
	return value, set
}

// knowsXNNPACK says whether a plugin has the flag. XLA ends the process at a flag that it does not know, so the name is looked for in the
// library; the pinned one has it.
func knowsXNNPACK(path string) (bool, error) {
	if plugin.IsPinned(path) {
		return true, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	const overlap = len(xnnpackFlag) - 1
	buffer, kept := make([]byte, 1<<20), 0
	for {
		n, err := f.Read(buffer[kept:])
		if n == 0 && err != nil {
			return false, nil // the end, or what will not be read will not be loaded either
		}
		have := buffer[:kept+n]
		if bytes.Contains(have, []byte(xnnpackFlag)) {
			return true, nil
		}
		kept = copy(buffer, have[max(0, len(have)-overlap):])
	}
}
