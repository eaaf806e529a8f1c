package study

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"layerwise/internal/atomicfile"
	"layerwise/internal/checksum"
)

// sumsFile lists the files of a report and their checksums, for sha256sum -c. By it the next report in the same folder knows what it may
// take away.
const sumsFile = "layerwise.sha256"

// unwritten stands for the checksum of a file that is about to be written.
var unwritten = strings.Repeat("0", 64)

// The folders of a report.
const (
	figuresFolder = "figures"
	pairsFolder   = "pairs"
)

// topFiles are the files beside them of a report.
func topFiles() []string {
	return append([]string{"index.html", "scorecard.json", "README.md", "study.json"}, longNames...)
}

// CheckFolder returns nil if a report can be written into a folder without replacing what no report has written.
func CheckFolder(dir string) error {
	listed, err := readSums(dir)
	if err != nil {
		return err
	}
	for _, name := range slices.Concat(topFiles(), []string{figuresFolder, pairsFolder}) {
		_, err := os.Lstat(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(listed, func(s sum) bool { return s.name == name || strings.HasPrefix(s.name, name+"/") }) {
			return fmt.Errorf("%s is there, and no %s says that a report wrote it; move or remove it, or name another folder", filepath.Join(dir, name), sumsFile)
		}
	}
	return nil
}

// sum is a line of the list: a file, by a path with slashes, and its SHA-256 in hexadecimal.
type sum struct{ sha256, name string }

// readSums reads the list of a folder; none is an empty one.
func readSums(dir string) ([]sum, error) {
	path := filepath.Join(dir, sumsFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []sum
	for line := range strings.Lines(string(text)) {
		hash, name, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "  ")
		if !ok || len(hash) != len(unwritten) || !ours(name) {
			return nil, fmt.Errorf("%s: %.100q is not a checksum and the name of a file of a report; remove the report, or name another folder", path, line)
		}
		out = append(out, sum{hash, name})
	}
	return out, nil
}

// ours tells whether a report may write a file of that name.
func ours(name string) bool {
	top, _, below := strings.Cut(name, "/")
	if below {
		return filepath.IsLocal(filepath.FromSlash(name)) && (top == figuresFolder || top == pairsFolder)
	}
	return slices.Contains(topFiles(), name)
}

func writeSums(dir string, sums []sum) error {
	return atomicfile.Write(filepath.Join(dir, sumsFile), func(w io.Writer) error {
		for _, s := range sums {
			if _, err := fmt.Fprintf(w, "%s  %s\n", s.sha256, s.name); err != nil {
				return err
			}
		}
		return nil
	})
}

// refill makes a folder ready for a report with files of these names: what an earlier one has written is removed, unless it was changed
// since. write then writes the files, some of which may not come about.
func refill(dir string, names []string, write func() error) error {
	if err := CheckFolder(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	old, err := readSums(dir)
	if err != nil {
		return err
	}
	for _, s := range old {
		if err := s.remove(dir); err != nil {
			return err
		}
	}
	var sums []sum
	for _, name := range names {
		sums = append(sums, sum{unwritten, filepath.ToSlash(name)})
	}
	if err := writeSums(dir, sums); err != nil { // a killed program leaves what the next one knows for a report's
		return err
	}
	if err := write(); err != nil {
		return err
	}
	var written []sum
	for _, s := range sums {
		s.sha256, err = hashFile(filepath.Join(dir, s.name))
		if err == nil {
			written = append(written, s)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return writeSums(dir, written)
}

// remove removes a file that is as the report wrote it, and its folder if that is then empty.
func (s sum) remove(dir string) error {
	path := filepath.Join(dir, filepath.FromSlash(s.name))
	found, err := hashFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case found != s.sha256 && s.sha256 != unwritten:
		return nil
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	for up := filepath.Dir(path); up != filepath.Clean(dir); up = filepath.Dir(up) {
		if os.Remove(up) != nil { // holds other files
			break
		}
	}
	return nil
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash, _, err := checksum.Reader(f)
	return hash, err
}
