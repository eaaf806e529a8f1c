package data

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestLoadUnknownName(t *testing.T) {
	_, _, err := Load(context.Background(), "mnits", Options{})
	if err == nil || !strings.Contains(err.Error(), `"mnits", expected one of digits, digits32, mnist, cifar10, cifar100, tiny-imagenet, synthetic, or images:PATH`) {
		t.Errorf("error %v", err)
	}
}

// Every built-in set loads offline, is valid, carries its checksum, and does not overlap with its test split.
func TestBuiltInSets(t *testing.T) {
	for _, s := range sources() {
		if len(s.files.files)+len(s.files.editions) > 0 {
			continue
		}
		train, test, err := Load(context.Background(), s.name, Options{Offline: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, set := range []*Set{train, test} {
			if set.Validate() != nil || set.SHA256 != set.Checksum() || set.Name != s.name {
				t.Errorf("%v: %v, SHA256 %s", set, set.Validate(), set.SHA256)
			}
		}
		if train.Split != "train" || test.Split != "test" || overlap(train, test) {
			t.Errorf("%v and %v: wrong splits, or samples in both", train, test)
		}
		if !slices.Equal(train.Mean, test.Mean) || !slices.Equal(train.Std, test.Std) {
			t.Errorf("%s: the test split is normalised by itself", s.name)
		}
	}
}

func TestDefaultOptionsReadTheEnvironment(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/caches")
	t.Setenv("HOME", "/home/someone")
	t.Setenv("LAYERWISE_DATA", "/a"+string(os.PathListSeparator)+string(os.PathListSeparator)+"/b")
	t.Setenv("LAYERWISE_MIRRORS", "http://one, http://two/x")
	o := DefaultOptions()
	if !slices.Equal(o.Dirs, []string{"/a", "/b"}) || !slices.Equal(o.Mirrors, []string{"http://one", "http://two/x"}) {
		t.Errorf("dirs %q, mirrors %q", o.Dirs, o.Mirrors)
	}
	if cache, _ := os.UserCacheDir(); o.Cache != filepath.Join(cache, "layerwise", "data") {
		t.Errorf("cache %q", o.Cache)
	}
	for value, want := range map[string]bool{"": false, "0": false, "false": false, "1": true, "true": true, "yes": true} {
		t.Setenv("LAYERWISE_OFFLINE", value)
		if DefaultOptions().Offline != want {
			t.Errorf("LAYERWISE_OFFLINE=%q: offline %v", value, !want)
		}
	}
	t.Setenv("LAYERWISE_DATA", "")
	t.Setenv("LAYERWISE_MIRRORS", "")
	if o := DefaultOptions(); len(o.Dirs) != 0 || len(o.Mirrors) != 0 {
		t.Errorf("from nothing: dirs %q, mirrors %q", o.Dirs, o.Mirrors)
	}
}
