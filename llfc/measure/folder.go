package measure

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// tableFile is a file that Save writes.
type tableFile struct {
	name     string
	begins   string // how its first line begins
	optional bool   // not every measurement has it
}

func tableFiles() []tableFile {
	return []tableFile{
		{"path.csv", "alpha,split,", false}, {"layers.csv", "layer,kind,alpha,", false},
		{"conditions.csv", "layer,quantity,", true}, {"samples.csv", "layer,quantity,alpha,sample,", true},
	}
}

// Files lists the files that Save may write into a folder.
func Files(dir string) []string {
	var out []string
	for _, f := range tableFiles() {
		out = append(out, filepath.Join(dir, f.name))
	}
	return out
}

// CheckFolder returns nil if Save can write into a folder without replacing a file that is not its own: files of the same names must begin
// with its columns.
func CheckFolder(dir string) error {
	for _, f := range tableFiles() {
		path := filepath.Join(dir, f.name)
		found, err := firstLine(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case !strings.HasPrefix(found, f.begins):
			return fmt.Errorf("%s is there and is not a table of a measurement: its first line is %.60q, expected one that begins with %s; move it, or name another folder", path, found, f.begins)
		}
	}
	return nil
}

// clearTables removes the tables that not every measurement writes, so that those in a folder are always of one measurement.
func clearTables(dir string) error {
	if err := CheckFolder(dir); err != nil {
		return err
	}
	for _, f := range tableFiles() {
		if !f.optional {
			continue
		}
		if err := os.Remove(filepath.Join(dir, f.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// firstLine reads the first line of a file, or as much of it as any table of ours has.
func firstLine(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, 1<<10)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}
