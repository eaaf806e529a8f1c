// Command unpack is the set-up's half of package plugin:
//
//	unpack -find cpu     prints the plugin's path, or exits with 1 where there is none
//	unpack -dir          prints the folder of the user's cache that holds plugins
//	unpack WHEEL         unpacks the pinned wheel into the cache and prints the library's path
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"layerwise/llfc/backend/plugin"
)

func main() {
	find := flag.String("find", "", "print the path of the plugin for this `platform` (cpu, cuda)")
	dir := flag.Bool("dir", false, "print the folder that holds plugins")
	flag.Parse()
	out, err := run(*find, *dir, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(out)
}

func run(find string, dir bool, wheels []string) (string, error) {
	switch {
	case find != "":
		path, ok := plugin.Find(find)
		if !ok {
			return "", fmt.Errorf("no PJRT plugin for %s in %q", find, plugin.Dirs())
		}
		return path, nil
	case dir:
		return plugin.CacheDir()
	case len(wheels) != 1:
		return "", errors.New("usage: unpack -find PLATFORM | -dir | WHEEL")
	}
	cache, err := plugin.CacheDir()
	if err != nil {
		return "", err
	}
	return plugin.Unpack(wheels[0], cache)
}
