package data

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Options says where data sets are looked for and whether they may be downloaded. The zero value looks nowhere and
// downloads to nowhere: enough for the built-in sets.
type Options struct {
	Dirs    []string // looked in first, never written to; for MNIST also their mnist/ and MNIST/raw/
	Cache   string   // then looked in, under the data set's name, and downloaded to; decoded images in decoded/; "" for no cache
	Offline bool     // never use the network

	// Mirrors replaces the data set's own list of servers when it is not empty; a file is at <mirror>/<data set>/<file>.
	Mirrors []string
	// Progress, if set, hears of a download: bytes done and in total (−1: unknown). Called often, by one goroutine.
	Progress func(file string, done, total int64)
	// Note, if set, is told in one line of each trouble that stopped nothing, such as a cache that cannot be written to.
	Note func(line string)
	// Client does the requests; nil for one that goes through the environment's proxy and gives up on silent servers.
	Client *http.Client
}

func (o Options) note(format string, a ...any) {
	if o.Note != nil {
		o.Note(fmt.Sprintf(format, a...))
	}
}

// DefaultOptions reads the environment: $LAYERWISE_DATA (a folder, or several as in $PATH), the user's cache folder
// (layerwise/data in it), LAYERWISE_OFFLINE (anything but empty, 0 or false), LAYERWISE_MIRRORS (URLs, by commas or blanks).
func DefaultOptions() Options {
	var o Options
	for _, dir := range filepath.SplitList(os.Getenv("LAYERWISE_DATA")) {
		if dir != "" {
			o.Dirs = append(o.Dirs, dir)
		}
	}
	if cache, err := os.UserCacheDir(); err == nil {
		o.Cache = filepath.Join(cache, "layerwise", "data")
	}
	if v := os.Getenv("LAYERWISE_OFFLINE"); v != "" {
		yes, err := strconv.ParseBool(v)
		o.Offline = yes || err != nil
	}
	o.Mirrors = strings.FieldsFunc(os.Getenv("LAYERWISE_MIRRORS"), func(r rune) bool { return r == ',' || r == ' ' })
	return o
}

// source is a data set that Load knows.
type source struct {
	name, about string
	files       collection // empty for built-in sets
	load        func(context.Context, Options, collection) (train, test *Set, err error)
}

func sources() []source {
	return []source{digitsSource(), digits32Source(), mnistSource(), cifar10Source(), cifar100Source(), tinyImageNetSource(), syntheticSource()}
}

// Names lists the data sets that Load knows by name, the offline default first; images:PATH is there for all others.
func Names() []string {
	var names []string
	for _, s := range sources() {
		names = append(names, s.name)
	}
	return names
}

// Load returns the two splits of a data set, verified. Where it is neither in the folders nor in the cache nor to be
// downloaded the error is a *MissingError; where a file is damaged it holds a *CorruptError.
//
// The name images:PATH is any folder or archive (tar, tar.gz, zip) of split/class/file.png (or .jpg, .jpeg), perhaps within
// one folder more; PATH is relative to the working directory or to one of Options.Dirs. The splits are train and test, or
// val where there is no test. Classes are in the order of their names, samples by class and file. All images must have one
// size. The set has one channel if all of them are grey, else three: a grey one then gets R = G = B. Samples of 16 bits are
// rounded to 8, CMYK becomes RGB, an alpha channel must be opaque and is dropped; the Note of the set counts the images that
// were converted. Mean and Std are those of the training split.
//
// In a folder, links are followed; in an archive they are refused. The files of operating systems and file managers, such as
// .DS_Store and Thumbs.db, are passed over.
//
// Decoded images are kept in Options.Cache, in a file that is mapped into memory as the Pixels of the set: a later load only
// checks them. They are read-only: a write to them ends the program. The file may be removed at any time. Where it cannot be
// written, the images are decoded into memory, and Options.Note is told.
func Load(ctx context.Context, name string, o Options) (train, test *Set, err error) {
	if path, ok := strings.CutPrefix(name, "images:"); ok {
		return imagesSource(path).sets(ctx, o)
	}
	for _, s := range sources() {
		if s.name == name {
			return s.sets(ctx, o)
		}
	}
	return nil, nil, Known(name)
}

// Known returns nil if Load knows the name, whether or not the data are at hand: one of Names, or images:PATH.
func Known(name string) error {
	if strings.HasPrefix(name, "images:") && name != "images:" || slices.Contains(Names(), name) {
		return nil
	}
	return fmt.Errorf("data: no data set %q, expected one of %s, or images:PATH (a folder or archive of split/class/file.png)", name, strings.Join(Names(), ", "))
}

func (s source) sets(ctx context.Context, o Options) (train, test *Set, err error) {
	if train, test, err = s.load(ctx, o, s.files); err != nil {
		return nil, nil, fmt.Errorf("data: %s: %w", s.name, err)
	}
	for _, set := range []*Set{train, test} {
		if err := set.Validate(); err != nil {
			return nil, nil, err
		}
		if err := set.named(); err != nil {
			return nil, nil, fmt.Errorf("data: %s: %w", s.name, err)
		}
		if set.SHA256 == "" { // else it was compared when the set was read
			set.SHA256 = set.Checksum()
		}
	}
	return train, test, nil
}

// Availability is what is known of a data set without the network.
type Availability struct {
	Name, About string
	Ready       bool         // Load succeeds offline
	State       string       // "built in", "verified", "missing", "incomplete", "corrupt"; "unpacked": a folder, verified when decoded; "stand-in"
	Where       string       // the folder of the files found; "" where there are none
	Size        int64        // bytes of the files found
	Files       []FileStatus // empty for built-in sets
	Get         string       // what to do to have it; "" when Ready
}

// FileStatus is one file of a data set.
type FileStatus struct {
	Name string // as it is downloaded
	Path string // where it is; "" if nowhere
	Size int64  // bytes on disk
	Err  error  // nil if the file is there and its checksum right
}

// Status reports every data set in the order of Names. It reads and checks every file it finds, downloads nothing and
// removes nothing.
func Status(o Options) []Availability {
	var all []Availability
	for _, s := range sources() {
		a := Availability{Name: s.name, About: s.about}
		if len(s.files.files) > 0 {
			s.files.status(o, &a)
		} else if len(s.files.editions) > 0 {
			s.files.editionStatus(o, &a)
		} else if _, _, err := s.sets(context.Background(), o); err != nil {
			a.State, a.Get = "corrupt", fmt.Sprintf("build the program again: %v", err)
		} else {
			a.State, a.Ready = "built in", true
		}
		all = append(all, a)
	}
	return all
}
