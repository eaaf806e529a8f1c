package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"layerwise/internal/checksum"
)

// folder visits the files of a folder in the order of their names. A link stands for the file or folder that it leads to.
// path is where a file can be opened.
func (t tree) folder(ctx context.Context, visit func(name, path string, info fs.FileInfo) error) error {
	info, err := os.Stat(t.path)
	if err != nil {
		return err
	}
	w := folderWalk{ctx, t, &budget{limits: t.limits, most: t.limits.entries}, visit}
	return w.enter("", []fs.FileInfo{info})
}

type folderWalk struct {
	ctx    context.Context
	tree   tree
	budget *budget
	visit  func(name, path string, info fs.FileInfo) error
}

// enter visits the files in the folder called name. above holds the folders on the way to it; the last is the folder itself.
func (w folderWalk) enter(name string, above []fs.FileInfo) error {
	entries, err := os.ReadDir(w.at(name))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if litter(e.Name()) {
			continue
		}
		inner, err := w.budget.name(path.Join(name, e.Name()))
		if err != nil {
			return fmt.Errorf("%s: %w", w.tree.path, err)
		}
		info, err := w.follow(inner, e)
		switch {
		case err != nil:
			return err
		case info.IsDir():
			for _, a := range above {
				if os.SameFile(a, info) {
					return fmt.Errorf("%s: %s is a link to a folder that it lies in: remove the link", w.tree.path, inner)
				}
			}
			err = w.enter(inner, append(above[:len(above):len(above)], info))
		case info.Mode().IsRegular():
			err = w.visit(inner, w.at(inner), info)
		default:
			err = fmt.Errorf("%s: %s is %s, expected files and folders: take it out", w.tree.path, inner, kind(info.Mode()))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w folderWalk) at(name string) string {
	return filepath.Join(w.tree.path, filepath.FromSlash(name))
}

// follow returns what a name stands for, at the end of all links.
func (w folderWalk) follow(name string, e fs.DirEntry) (fs.FileInfo, error) {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.Info()
	}
	info, err := os.Stat(w.at(name))
	if err == nil {
		return info, nil
	}
	to, _ := os.Readlink(w.at(name))
	var outer *fs.PathError // says the path again
	if errors.As(err, &outer) {
		err = outer.Err
	}
	return nil, fmt.Errorf("%s: %s is a link to %s, which cannot be followed (%w): mend the link or remove it", w.tree.path, name, to, err)
}

// stateOf returns a text that changes whenever the content of the file does. It holds the inode and the time of the last
// change, which the system sets and no program can. On systems without them it is the SHA-256 of the content. Size and
// modification time are not enough: another file can be given the same.
func stateOf(ctx context.Context, path string, info fs.FileInfo) (string, error) {
	if inode, changed, ok := inodeState(info); ok {
		return fmt.Sprintf("%d %d %d", info.ModTime().UnixNano(), inode, changed), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum, _, err := checksum.Reader(patient{ctx, f})
	return sum, err
}
