package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// MissingError says that a data set is not at hand, where it was looked for and what to do.
type MissingError struct {
	Files   []string // that are nowhere, as they are named on the mirrors
	Looked  []string // folders, in order
	Offline bool
	Tried   []error // one per mirror
	Folder  string  // to put the files into; "" where none is known
	Halves  []Half  // folders that hold a part of it

	cached  bool   // there is a cache folder
	instead string // what would do as well as Files
	how     string // to mend it, where that is not to put Files somewhere
}

// Half is a folder that holds only a part of a data set, as when unpacking or copying was broken off.
type Half struct {
	Folder string
	Lacks  []string // files and folders that are not in it
}

func (h Half) String() string {
	return fmt.Sprintf("%s lacks %s", h.Folder, strings.Join(h.Lacks, ", "))
}

func (e *MissingError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "not found: %s\n  looked in: ", strings.Join(e.Files, ", "))
	if len(e.Looked) == 0 {
		b.WriteString("no folder (LAYERWISE_DATA names none, and there is no cache)")
	}
	for i, folder := range e.Looked {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(folder)
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			b.WriteString(" (no such folder)")
		}
	}
	for _, h := range e.Halves {
		fmt.Fprintf(&b, "\n  incomplete: %v", h)
	}
	if e.how != "" {
		// nothing that could be downloaded
	} else if e.Offline {
		b.WriteString("\n  not downloaded: offline (LAYERWISE_OFFLINE is set)")
	} else if !e.cached {
		b.WriteString("\n  not downloaded: there is no cache folder")
	}
	for _, err := range e.Tried {
		fmt.Fprintf(&b, "\n  tried: %v", err)
	}
	fmt.Fprintf(&b, "\n  to mend: %s", e.mend())
	return b.String()
}

// mend says what helps, as an imperative.
func (e *MissingError) mend() string {
	if e.how != "" {
		return e.how
	}
	folder := e.Folder
	if folder == "" {
		folder = "a folder"
	}
	s := fmt.Sprintf("put %s, raw or .gz, into %s, or set LAYERWISE_DATA to a folder that holds them", strings.Join(e.Files, ", "), folder)
	if e.instead != "" {
		s = fmt.Sprintf("put %s (or %s) into %s, or set LAYERWISE_DATA to a folder that holds it", strings.Join(e.Files, ", "), e.instead, folder)
	}
	if len(e.Halves) > 0 {
		s = fmt.Sprintf("complete %s (unpack the archive again, or copy what is lacking), or %s", e.Halves[0].Folder, s)
	}
	if e.Offline {
		s += ", or unset LAYERWISE_OFFLINE"
	} else if !e.cached {
		s += ", or set XDG_CACHE_HOME or HOME"
	}
	if len(e.Tried) > 0 {
		s += ", or LAYERWISE_MIRRORS to a server that has them (HTTPS_PROXY is honoured)"
	}
	return s
}

// Unwrap returns what went wrong at each mirror.
func (e *MissingError) Unwrap() []error { return e.Tried }

func (c collection) missing(o Options, tried []error) *MissingError {
	e := &MissingError{Looked: append(c.inDirs(o), c.inCache(o)...), Offline: o.Offline, Tried: tried, cached: o.Cache != "", Halves: c.halves(o)}
	e.Files = c.absent(e.Looked)
	for i, edition := range c.editions {
		if i == 0 {
			e.Files, e.instead = []string{edition.archive.remote()}, "the folder "+edition.folder
		} else {
			e.instead += ", " + edition.archive.remote() + ", " + edition.folder
		}
	}
	if len(o.Dirs) > 0 {
		e.Folder = filepath.Join(o.Dirs[0], c.name)
	} else if o.Cache != "" {
		e.Folder = filepath.Join(o.Cache, c.name)
	}
	return e
}

// status fills in what is on disk.
func (c collection) status(o Options, a *Availability) {
	folders := append(c.inDirs(o), c.inCache(o)...)
	found, good := 0, 0
	for _, f := range c.files {
		s := FileStatus{Name: f.remote(), Path: find(folders, f), Err: fs.ErrNotExist}
		if s.Path != "" {
			found++
			a.Where = filepath.Dir(s.Path)
			if info, err := os.Stat(s.Path); err == nil {
				s.Size = info.Size()
			}
			_, s.Err = f.read(s.Path)
		}
		if s.Err == nil {
			good++
		}
		a.Size += s.Size
		a.Files = append(a.Files, s)
	}
	switch {
	case good == len(c.files):
		a.State, a.Ready = "verified", true
		return
	case found == 0:
		a.State = "missing"
	case good < found:
		a.State = "corrupt"
	default:
		a.State = "incomplete"
	}
	for _, s := range a.Files {
		if s.Path != "" && s.Err != nil {
			a.Get = fmt.Sprintf("remove or replace the damaged file: %v", s.Err)
			return
		}
	}
	a.Get = c.missing(o, nil).mend()
	if !o.Offline && o.Cache != "" {
		a.Get = "is downloaded when first asked for; or " + a.Get
	}
}
