package measure

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"layerwise/internal/atomicfile"
)

// tableFile is a file that Save writes.
type tableFile struct {
	name    string
	columns []string // the first of them; a table of layers has more, which depend on what was measured
	write   func(*Result, io.Writer) error
	absent  func(*Result) bool // it was not measured; nil for never
}

func tableFiles() []tableFile {
	return []tableFile{
		{"path.csv", pathColumns, (*Result).WritePath, nil},
		{"layers.csv", layerColumns, (*Result).WriteLayers, nil},
		{"conditions.csv", conditionColumns, (*Result).WriteConditions, func(r *Result) bool { return !r.hasConditions() }},
		{"calibration.csv", calibrationColumns, (*Result).WriteCalibration, func(r *Result) bool { return len(r.Networks) == 0 }},
		{"samples.csv", sampleColumns, (*Result).WriteSamples, func(r *Result) bool {
			return !slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Samples != nil })
		}},
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

// CheckFolder returns nil if Save can write into a folder without replacing a file that is not its own: those of its names that are there
// must begin with its columns.
func CheckFolder(dir string) error {
	for _, f := range tableFiles() {
		path := filepath.Join(dir, f.name)
		found, err := firstLine(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case !strings.HasPrefix(found, strings.Join(f.columns, ",")):
			return fmt.Errorf("%s is there and is not a table of a measurement: its first line is %.60q, expected columns that begin with %s; move it, or name another folder", path, found, strings.Join(f.columns, ","))
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

// Save writes path.csv, layers.csv and calibration.csv into a directory, which it makes, conditions.csv where conditions were measured, and samples.csv
// where samples were kept. Tables that an earlier Save left there and this one does not write are removed first, so that all in the
// folder belong together; a file of another kind is an error, see CheckFolder. Each file appears whole or not at all. NaN stands for a mean
// without samples and a deviation of one sample; an empty field for what the quantity does not have.
func (r *Result) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := CheckFolder(dir); err != nil {
		return err
	}
	for _, f := range tableFiles() {
		if f.absent != nil && f.absent(r) {
			if err := os.Remove(filepath.Join(dir, f.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	for _, f := range tableFiles() {
		if f.absent != nil && f.absent(r) {
			continue
		}
		if err := atomicfile.Write(filepath.Join(dir, f.name), func(w io.Writer) error { return f.write(r, w) }); err != nil {
			return err
		}
	}
	return nil
}
