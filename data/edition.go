package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// edition is one form in which a data set is published: an archive, and the folder that it unpacks to.
type edition struct {
	archive file
	folder  string
	needs   []string // files and folders that must be in the folder
	decoder decoder
}

// standIn is an archive of the same images with other pixels. It is taken from the user's folders if no edition is at
// hand, and the Note of the set names it.
type standIn struct {
	name, note string
	decoder    decoder
	check      func(train, test *Set) error
}

// found is where a data set lies.
type found struct {
	path    string
	sha256  string // of an archive that was checked; "" for folders and stand-ins
	decoder decoder
	standIn *standIn
}

// loadPublished loads a data set from whichever edition is at hand, else downloads the first.
func loadPublished(ctx context.Context, o Options, c collection) (train, test *Set, err error) {
	at, err := c.locate(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	t, err := openTree(at.path, standardLimits())
	if err != nil {
		return nil, nil, err
	}
	if train, test, err = decodedSets(ctx, o, t, at.sha256, at.decoder); err != nil {
		return nil, nil, err
	}
	note := train.Note
	if at.standIn == nil {
		note = "" // the official set has its grey images wherever it is used, so they need no mention
	} else if err := at.standIn.check(train, test); err != nil {
		return nil, nil, corrupt(at.path, -1, "%v", err)
	} else {
		note = join(at.standIn.note, note)
	}
	for _, s := range []*Set{train, test} {
		s.Name, s.Note, s.Mean, s.Std = c.name, note, slices.Clone(c.mean), slices.Clone(c.std)
	}
	return train, test, nil
}

func join(notes ...string) string {
	return strings.Join(slices.DeleteFunc(notes, func(n string) bool { return n == "" }), "; ")
}

// locate looks in the user's folders and in the cache for every edition, as an archive and unpacked. If there is none it
// looks for the stand-in, and at last downloads the first edition. Archives come back verified. The files of a folder are
// verified when they are decoded.
func (c collection) locate(ctx context.Context, o Options) (found, error) {
	for _, e := range c.editions {
		if find(append(c.inDirs(o), c.inCache(o)...), e.archive) != "" {
			got, err := c.get(ctx, o, e.archive)
			return found{got.path, e.archive.sha256, e.decoder, nil}, err
		}
		if path := c.unpacked(o, e); path != "" {
			return found{path, "", e.decoder, nil}, nil
		}
	}
	instead := func(of string) {
		for _, h := range c.halves(o) {
			o.note("%s is read from %s, as a folder is not whole: %v", c.name, of, h)
		}
	}
	if path := c.stoodIn(o); path != "" {
		instead(path)
		return found{path, "", c.standIn.decoder, c.standIn}, nil
	}
	first := c.editions[0]
	got, err := c.get(ctx, o, first.archive)
	if err == nil {
		instead(got.path)
	}
	return found{got.path, first.archive.sha256, first.decoder, nil}, err
}

// unpacked returns the folder of an edition that has all its files, or "".
func (c collection) unpacked(o Options, e edition) string {
	for _, folder := range append(c.inDirs(o), c.inCache(o)...) {
		path := filepath.Join(folder, e.folder)
		if len(e.lacks(path)) == 0 {
			return path
		}
	}
	return ""
}

// lacks lists what is not in the folder at path.
func (e edition) lacks(path string) (names []string) {
	for _, name := range e.needs {
		if _, err := os.Stat(filepath.Join(path, filepath.FromSlash(name))); err != nil {
			names = append(names, name)
		}
	}
	return names
}

// halves finds the folders that hold only a part of the data set, as when unpacking was broken off.
func (c collection) halves(o Options) (found []Half) {
	folders := append(c.inDirs(o), c.inCache(o)...)
	for _, e := range c.editions {
		for _, folder := range folders {
			path := filepath.Join(folder, e.folder)
			if info, err := os.Stat(path); err != nil || !info.IsDir() {
				continue
			}
			if lacks := e.lacks(path); len(lacks) > 0 && !slices.ContainsFunc(found, func(h Half) bool { return h.Folder == path }) {
				found = append(found, Half{path, lacks})
			}
		}
	}
	lacks := c.absent(folders)
	for _, folder := range folders {
		if len(lacks) > 0 && slices.ContainsFunc(c.files, func(f file) bool { return find([]string{folder}, f) != "" }) {
			found = append(found, Half{folder, lacks})
		}
	}
	return found
}

// absent lists the files that are in none of the folders.
func (c collection) absent(folders []string) (names []string) {
	for _, f := range c.files {
		if find(folders, f) == "" {
			names = append(names, f.remote())
		}
	}
	return names
}

func (c collection) stoodIn(o Options) string {
	if c.standIn == nil {
		return ""
	}
	for _, folder := range c.inDirs(o) {
		path := filepath.Join(folder, c.standIn.name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// editionStatus fills in what is on disk of a data set that is published as archives.
func (c collection) editionStatus(o Options, a *Availability) {
	for _, e := range c.editions {
		path := find(append(c.inDirs(o), c.inCache(o)...), e.archive)
		if path != "" {
			s := FileStatus{Name: e.archive.remote(), Path: path}
			_, s.Err = e.archive.read(path)
			a.add(s, "verified")
		} else if path = c.unpacked(o, e); path != "" {
			a.add(FileStatus{Name: e.folder, Path: path}, "unpacked")
			a.Where = path
		}
		if path == "" {
			continue
		}
		if err := a.Files[0].Err; err != nil {
			a.State, a.Get = "corrupt", fmt.Sprintf("remove or replace the damaged file: %v", err)
		}
		return
	}
	if path := c.stoodIn(o); path != "" {
		a.add(FileStatus{Name: c.standIn.name, Path: path}, "stand-in")
		a.About += "; here: " + c.standIn.note
		return
	}
	a.State = "missing"
	a.Files = []FileStatus{{Name: c.editions[0].archive.remote(), Err: fs.ErrNotExist}}
	missing := c.missing(o, nil)
	if len(missing.Halves) > 0 {
		a.State, a.Where = "incomplete", missing.Halves[0].Folder
	}
	a.Get = missing.mend()
	if !o.Offline && o.Cache != "" {
		a.Get = "is downloaded when first asked for; or " + a.Get
	}
}

// add notes a file that is there.
func (a *Availability) add(s FileStatus, state string) {
	if info, err := os.Stat(s.Path); err == nil && info.Mode().IsRegular() {
		s.Size = info.Size()
	}
	a.Files, a.Size, a.Where, a.State = append(a.Files, s), s.Size, filepath.Dir(s.Path), state
	a.Ready = s.Err == nil
}

// imagesSource is what Load makes of images:PATH.
func imagesSource(where string) source {
	return source{
		name:  "images:" + where,
		about: "images in a folder or archive",
		load: func(ctx context.Context, o Options, _ collection) (train, test *Set, err error) {
			path, err := findImages(o, where)
			if err != nil {
				return nil, nil, err
			}
			t, err := openTree(path, standardLimits())
			if err != nil {
				return nil, nil, err
			}
			if train, test, err = decodedSets(ctx, o, t, "", folderDecoder()); err != nil {
				return nil, nil, err
			}
			name := filepath.Base(path)
			for _, ext := range []string{".zip", ".tgz", ".gz", ".tar"} {
				name = strings.TrimSuffix(name, ext)
			}
			train.Name, test.Name = "images:"+name, "images:"+name
			known := cifar10JPEG() // the one archive whose history is known
			if filepath.Base(path) == known.name && known.check(train, test) == nil {
				c := cifar10Source().files
				for _, s := range []*Set{train, test} {
					s.Note, s.Mean, s.Std = join(known.note, s.Note), slices.Clone(c.mean), slices.Clone(c.std)
				}
			}
			return train, test, nil
		},
	}
}

// folderDecoder reads split/class/file.
func folderDecoder() decoder { return imageDecoder("images", splitFolders) }

// ImagePlaces lists where the PATH of images:PATH is looked for.
func ImagePlaces(o Options, path string) []string {
	places := []string{path}
	if !filepath.IsAbs(path) {
		for _, dir := range o.Dirs {
			places = append(places, filepath.Join(dir, path))
		}
	}
	return places
}

// findImages returns the path as it is given, or where it lies in one of the user's folders.
func findImages(o Options, where string) (string, error) {
	looked := ImagePlaces(o, where)
	if where == "" {
		return "", errors.New("no path after images: (expected images:PATH, a folder or an archive)")
	}
	for _, path := range looked {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	e := &MissingError{Files: []string{where}, Offline: true, cached: true}
	for _, path := range looked {
		e.Looked = append(e.Looked, filepath.Dir(path))
	}
	e.how = "give images: the path of a folder or archive (tar, tar.gz, zip) with split/class/file.png, or set LAYERWISE_DATA to the folder that holds it"
	return "", e
}
