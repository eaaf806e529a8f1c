// Package plugin knows where PJRT plugins (the shared libraries that hold XLA) lie on a machine and unpacks the
// pinned one into the user's cache. It imports the standard library only, so that the set-up can use it before
// anything heavy is built. Nothing here loads a plugin or touches the network.
package plugin

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// PathEnv is go-xla's environment variable: directories (or files) to search, separated by ":". Where it is set,
// nothing else is searched, as in go-xla itself.
const PathEnv = "PJRT_PLUGIN_LIBRARY_PATH"

// fileName is go-xla's rule: pjrt_c_api_cpu_plugin.so, pjrt_c_api_cpu_v0.114.0_plugin.so, pjrt-plugin-cuda13.so.
var fileName = regexp.MustCompile(`^(?:pjrt_c_api_(.+)_plugin|pjrt[-_]plugin[-_](.+))\.(?:so|dylib|dll)$`)

// CacheDir is where this project keeps plugins: <user's cache>/layerwise/pjrt.
func CacheDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "layerwise", "pjrt"), nil
}

// Dirs lists the directories searched for plugins, first come first served: only those of [PathEnv] where it is
// set, else our cache, go-xla's own places and LD_LIBRARY_PATH.
func Dirs() []string {
	if list, set := os.LookupEnv(PathEnv); set {
		return slices.DeleteFunc(filepath.SplitList(list), func(d string) bool { return d == "" })
	}
	var dirs []string
	if cache, err := CacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(cache, pinned), filepath.Join(cache, "go-xla"), filepath.Join(cache, "go-xla", "nvidia"))
	}
	var libs []string
	if home, err := os.UserHomeDir(); err == nil {
		libs = append(libs, filepath.Join(home, ".local", "lib"))
		if runtime.GOOS == "darwin" {
			libs = append(libs, filepath.Join(home, "Library", "Application Support"))
		}
	}
	for _, lib := range append(libs, "/usr/local/lib") {
		dirs = append(dirs, filepath.Join(lib, "go-xla"), filepath.Join(lib, "go-xla", "nvidia"), filepath.Join(lib, "gomlx", "pjrt"))
	}
	for _, d := range filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")) {
		if filepath.IsAbs(d) {
			dirs = append(dirs, d)
		}
	}
	return dirs
}

// Find returns the absolute path of the first plugin for a platform ("cpu", "cuda", …) in [Dirs]. Within a
// directory the plain name comes before one with a version, and a later version before an earlier one.
func Find(platform string) (path string, ok bool) {
	for _, dir := range Dirs() {
		if info, err := os.Stat(dir); err == nil && info.Mode().IsRegular() { // PathEnv may name the file itself
			if serves(filepath.Base(dir), platform) {
				return absolute(dir), true
			}
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		var found []string
		for _, e := range entries {
			if serves(e.Name(), platform) && isFile(filepath.Join(dir, e.Name())) {
				found = append(found, e.Name())
			}
		}
		if len(found) > 0 {
			slices.SortFunc(found, func(a, b string) int {
				return preference(a, platform, b)
			})
			return absolute(filepath.Join(dir, found[0])), true
		}
	}
	return "", false
}

// platformOf returns the platform part of a plugin's file name, "" for any other file.
func platformOf(file string) string {
	m := fileName.FindStringSubmatch(file)
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}

// serves says whether a file name is of a plugin for the platform: exactly, or followed by a version (cpu_v0.114.0,
// cuda13, cuda13_v0.7).
func serves(file, platform string) bool {
	rest, ok := strings.CutPrefix(platformOf(file), platform)
	return ok && (rest == "" || rest[0] == '_' || rest[0] >= '0' && rest[0] <= '9')
}

// preference orders file names of one directory: the plain name first, then by name downwards.
func preference(a, platform, b string) int {
	plainA, plainB := platformOf(a) == platform, platformOf(b) == platform
	switch {
	case plainA && !plainB:
		return -1
	case plainB && !plainA:
		return 1
	}
	return strings.Compare(b, a)
}

func isFile(path string) bool {
	info, err := os.Stat(path) // follows links: go-xla's installer leaves one
	return err == nil && info.Mode().IsRegular()
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
