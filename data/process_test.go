//go:build linux || darwin

package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain is also the program of the children that the tests below start: it then only loads the big toy, or images.
func TestMain(m *testing.M) {
	cache := os.Getenv("DATA_TEST_CACHE")
	if cache == "" {
		os.Exit(m.Run())
	}
	if limit, _ := strconv.ParseUint(os.Getenv("DATA_TEST_LIMIT"), 10, 64); limit > 0 {
		signal.Ignore(syscall.SIGXFSZ) // writes past the limit then fail, as on a full disk
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			fmt.Println(err)
			os.Exit(3)
		}
	}
	if path := os.Getenv("DATA_TEST_IMAGES"); path != "" {
		train, _, err := Load(context.Background(), "images:"+path, Options{Cache: cache, Note: func(line string) { fmt.Println(line) }})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(train.SHA256)
		return
	}
	y, _, _ := big()
	if _, _, err := y.load(Options{Cache: cache, Mirrors: strings.Fields(os.Getenv("DATA_TEST_MIRRORS"))}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func child(cache string, limit int, m ...*mirror) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "DATA_TEST_CACHE="+cache, "DATA_TEST_MIRRORS="+strings.Join(mirrors(m...), " "), fmt.Sprint("DATA_TEST_LIMIT=", limit))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

func TestProcessesTogether(t *testing.T) {
	y, _, packed := big()
	m, cache := serve(t, packed), t.TempDir()
	a, aOut := child(cache, 0, m)
	b, bOut := child(cache, 0, m)
	if err := errors.Join(a.Start(), b.Start(), a.Wait(), b.Wait()); err != nil {
		t.Fatalf("%v\n%s%s", err, aOut, bOut)
	}
	whole(t, y, cache)
	if asked := m.requests(); len(asked) != 4 {
		t.Errorf("asked %q, expected each of four files once", asked)
	}
}

// Killed in the middle, a download blocks nobody and is gone on with.
func TestKill(t *testing.T) {
	y, first, packed := big()
	n := len(packed[first])
	m := serveBy(t, func(w http.ResponseWriter, r *http.Request, name string) {
		if name != first || r.Header.Get("Range") != "" {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(packed[name]))
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(n))
		w.Write(packed[name][:n/2])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	cache := t.TempDir()
	cmd, out := child(cache, 0, m)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(cache, "toy", first+".part")
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if info, err := os.Stat(part); err == nil && info.Size() == int64(n/2) {
			break
		}
		if time.Since(start) > 20*time.Second {
			cmd.Process.Kill()
			t.Fatalf("nothing arrived\n%s", out)
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	if got := visible(filepath.Join(cache, "toy")); !slices.Equal(got, []string{first + ".part"}) {
		t.Errorf("the killed one left %q", got)
	}
	if _, _, err := y.load(Options{Cache: cache, Mirrors: mirrors(m)}); err != nil {
		t.Fatal(err)
	}
	whole(t, y, cache)
	if got := m.requests()[1]; got != fmt.Sprintf("%s bytes=%d-", first, n/2) {
		t.Errorf("then asked %q", got)
	}
}

// On a full disk the error is the disk's, no other mirror is bothered, and the room is given back.
func TestFullDisk(t *testing.T) {
	y, first, packed := big()
	m, second, cache := serve(t, packed), serve(t, packed), t.TempDir()
	cmd, out := child(cache, 100<<10, m, second)
	if err := cmd.Run(); err == nil || !strings.Contains(out.String(), syscall.EFBIG.Error()) || !strings.Contains(out.String(), first+".part") {
		t.Errorf("%v, expected the disk's error:\n%s", err, out)
	}
	if got := visible(filepath.Join(cache, "toy")); len(got) != 0 {
		t.Errorf("the cache holds %q", got)
	}
	if len(m.requests()) != 1 || len(second.requests()) != 0 {
		t.Errorf("asked %q, then %q", m.requests(), second.requests())
	}
	if _, _, err := y.load(Options{Cache: cache, Mirrors: mirrors(m)}); err != nil {
		t.Fatal(err)
	}
	whole(t, y, cache)
}

// A disk that is full keeps no decoded images, and stops nobody from having them.
func TestFullDiskForDecodedImages(t *testing.T) {
	path := writeFile(t, "p.zip", asZip(pets()))
	want, _, err := Load(context.Background(), "images:"+path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{100, decodedAlign, 2 * decodedAlign} {
		cache := t.TempDir()
		cmd, out := child(cache, limit)
		cmd.Env = append(cmd.Env, "DATA_TEST_IMAGES="+path)
		if err := cmd.Run(); err != nil || !strings.HasSuffix(out.String(), want.SHA256+"\n") {
			t.Errorf("%d bytes: %v, expected the set %s:\n%s", limit, err, want.SHA256, out)
		}
		if strings.Count(out.String(), "\n") != 2 || !strings.Contains(out.String(), syscall.EFBIG.Error()) {
			t.Errorf("%d bytes: expected one note of the disk's error:\n%s", limit, out)
		}
		if got := visible(filepath.Join(cache, "decoded")); len(got) != 0 {
			t.Errorf("%d bytes: the cache holds %q", limit, got)
		}
	}
}

// A write that fails in the middle of a decoder is the cache's fault, not the data's.
func TestFailedWriteIsNoDamage(t *testing.T) {
	k, binary := toyCIFAR(1)
	read, err := os.Open(writeFile(t, "read only", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	for name, d := range map[string]struct {
		decoder
		files map[string][]byte
	}{"CIFAR": {k.decoder(false), binary}, "images": {folderDecoder(), pets()}} {
		tree, err := openTree(unpack(t, d.files), standardLimits())
		if err != nil {
			t.Fatal(err)
		}
		err = d.decode(context.Background(), tree, func(shape []int, counts [2]int) (*draft, error) {
			all, _ := newDraft(shape, counts)
			all.pixels = keeper{read}
			return all, nil
		})
		var unkept cacheError
		if !errors.As(err, &unkept) || isCorrupt(err) {
			t.Errorf("%s: %v, expected an error of the cache", name, err)
		}
	}
}
