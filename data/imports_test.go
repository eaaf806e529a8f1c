package data

import (
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// Data files are hashed by internal/checksum only, which stays fast where vector code ran before.
func TestOneSHA256(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || name == "digits_gen.go" {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		read++
		for _, i := range f.Imports {
			if i.Path.Value == `"crypto/sha256"` {
				t.Errorf("%s imports crypto/sha256, expected layerwise/internal/checksum", name)
			}
		}
	}
	if read < 10 {
		t.Errorf("read %d files of this package", read)
	}
}
