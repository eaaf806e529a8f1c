// Package memory tells how much memory a program may still use.
package memory

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// Available is the number of bytes that can still be used: what the system has without swapping, or less where a control group is
// allowed less. ok is false where that is not told, as on systems other than Linux.
func Available() (n int64, ok bool) { return available(os.DirFS("/")) }

// available reads /proc and /sys below root.
func available(root fs.FS) (n int64, ok bool) {
	if kib, found := field(root, "proc/meminfo", "MemAvailable:"); found {
		n, ok = kib<<10, true
	}
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return n, ok
	}
	for line := range strings.Lines(string(text)) { // 0::/user.slice or, of version 1, 9:memory:/docker/1a2b
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) != 3 {
			continue
		}
		g := group{"sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"}
		if part[1] != "" {
			if !strings.Contains(","+part[1]+",", ",memory,") {
				continue
			}
			g = group{"sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}
		}
		// Every group above limits too. In a container the path is often not that of the mount, whose root then is the group itself.
		for at := path.Clean("/" + part[2]); ; at = path.Dir(at) {
			if free, limited := g.free(root, at); limited && (!ok || free < n) {
				n, ok = free, true
			}
			if at == "/" {
				break
			}
		}
	}
	return n, ok
}

// group says where a version of control groups keeps its numbers.
type group struct{ mount, limit, usage, cache string }

// free is what a group may still use; pages of files that were not read lately are given back when memory is wanted.
func (g group) free(root fs.FS, at string) (n int64, limited bool) {
	dir := path.Join(g.mount, at)
	limit, ok1 := number(root, path.Join(dir, g.limit))
	usage, ok2 := number(root, path.Join(dir, g.usage))
	if !ok1 || !ok2 {
		return 0, false
	}
	cache, _ := field(root, path.Join(dir, "memory.stat"), g.cache)
	return max(0, limit-usage+cache), true
}

// number reads a file that holds one number; "max" is none.
func number(root fs.FS, name string) (int64, bool) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
	return n, err == nil
}

// field reads the number behind a word that begins a line.
func field(root fs.FS, name, word string) (int64, bool) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) >= 2 && f[0] == word {
			n, err := strconv.ParseInt(f[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
