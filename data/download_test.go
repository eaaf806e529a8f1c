package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"layerwise/internal/filelock"
)

// mirror serves files as <anything>/<name>, with ranges, and remembers what it was asked.
type mirror struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string // "name" or "name bytes=5-"
}

func serve(t *testing.T, files map[string][]byte) *mirror {
	return serveBy(t, func(w http.ResponseWriter, r *http.Request, name string) {
		b, ok := files[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	})
}

func serveBy(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, name string)) *mirror {
	m := &mirror{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := filepath.Base(r.URL.Path)
		m.mu.Lock()
		m.asked = append(m.asked, strings.TrimSpace(name+" "+r.Header.Get("Range")))
		m.mu.Unlock()
		answer(w, r, name)
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *mirror) requests() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.asked)
}

func mirrors(ms ...*mirror) (urls []string) {
	for _, m := range ms {
		urls = append(urls, m.URL+"/some/where/")
	}
	return urls
}

// big is a toy whose first file takes several reads and does not compress.
func big() (y toy, first string, packed map[string][]byte) {
	y = newToyOf(300, 30, 28, 28)
	return y, "train-images-idx3-ubyte.gz", y.packed()
}

// whole fails unless the cache holds exactly the four good files.
func whole(t *testing.T, y toy, cache string) {
	t.Helper()
	if got := visible(filepath.Join(cache, "toy")); len(got) != 4 || slices.ContainsFunc(got, func(n string) bool { return !strings.HasSuffix(n, ".gz") }) {
		t.Errorf("the cache holds %v, expected the four files", got)
	}
	if _, _, err := y.load(Options{Cache: cache, Offline: true}); err != nil {
		t.Errorf("from the cache, offline: %v", err)
	}
}

func TestDownload(t *testing.T) {
	y, first, packed := big()
	m, cache := serve(t, packed), t.TempDir()
	last, total := map[string]int64{}, map[string]int64{}
	o := Options{Cache: cache, Mirrors: mirrors(m), Progress: func(file string, done, of int64) {
		if done <= last[file] || done > of {
			t.Errorf("progress of %s: %d of %d after %d", file, done, of, last[file])
		}
		last[file], total[file] = done, of
	}}
	train, test, err := y.load(o)
	if err != nil || train.Len() != 300 || test.Len() != 30 {
		t.Fatal(train, test, err)
	}
	whole(t, y, cache)
	if len(last) != 4 || last[first] != int64(len(packed[first])) || total[first] != last[first] {
		t.Errorf("progress ended with %v of %v", last, total)
	}
	if _, _, err := y.load(o); err != nil || len(m.requests()) != 4 {
		t.Errorf("a second load: %v after %v, expected no further requests", err, m.requests())
	}
}

// What the part file held before, and how the server takes Range.
func TestDownloadResumes(t *testing.T) {
	y, first, packed := big()
	b := packed[first]
	ranged := func(w http.ResponseWriter, r *http.Request, name string) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(packed[name]))
	}
	deaf := func(w http.ResponseWriter, r *http.Request, name string) { w.Write(packed[name]) }
	shifted := func(w http.ResponseWriter, r *http.Request, name string) { // answers another range than was asked for
		if r.Header.Get("Range") == "" {
			w.Write(packed[name])
			return
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-9/%d", len(packed[name])))
		w.WriteHeader(http.StatusPartialContent)
		w.Write(packed[name][:10])
	}
	encoded := func(w http.ResponseWriter, r *http.Request, name string) { // calls the file's own gzip a transfer encoding
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(packed[name])
	}
	raw := func(w http.ResponseWriter, r *http.Request, name string) {
		w.Write(y.raw[strings.TrimSuffix(name, ".gz")])
	}
	half := len(b) / 2
	for _, c := range []struct {
		name   string
		part   []byte
		answer func(http.ResponseWriter, *http.Request, string)
		asked  []string // for the first file
		fails  bool
	}{
		{"nothing", nil, ranged, []string{""}, false},
		{"half", b[:half], ranged, []string{fmt.Sprintf("bytes=%d-", half)}, false},
		{"half, range ignored", b[:half], deaf, []string{fmt.Sprintf("bytes=%d-", half)}, false},
		{"half, another range", b[:half], shifted, []string{fmt.Sprintf("bytes=%d-", half)}, true},
		{"half, of other bytes", bytes.Repeat([]byte{7}, half), ranged, []string{fmt.Sprintf("bytes=%d-", half), ""}, false},
		{"whole", b, ranged, []string{fmt.Sprintf("bytes=%d-", len(b))}, false},
		{"whole, of other bytes", bytes.Repeat([]byte{7}, len(b)), ranged, []string{fmt.Sprintf("bytes=%d-", len(b)), ""}, false},
		{"longer", append(slices.Clone(b), 1, 2, 3), ranged, []string{fmt.Sprintf("bytes=%d-", len(b)+3), ""}, false},
		{"nothing, gzip as encoding", nil, encoded, []string{""}, false},
		{"nothing, unpacked by the server", nil, raw, []string{""}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, cache := serveBy(t, c.answer), t.TempDir()
			if c.part != nil {
				put(t, filepath.Join(cache, "toy"), map[string][]byte{first + ".part": c.part})
			}
			_, _, err := y.load(Options{Cache: cache, Mirrors: mirrors(m)})
			if c.fails {
				if err == nil || !strings.Contains(err.Error(), "206 Partial Content, expected 200 OK or the rest of the file from byte") {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			whole(t, y, cache)
			if kept, err := os.ReadFile(filepath.Join(cache, "toy", first)); c.name != "nothing, unpacked by the server" && !bytes.Equal(kept, b) {
				t.Errorf("the cache keeps %d bytes, %v, expected the server's own %d", len(kept), err, len(b))
			}
			var asked []string
			for _, a := range m.requests() {
				if name, r, _ := strings.Cut(a, " "); name == first {
					asked = append(asked, r)
				}
			}
			if !slices.Equal(asked, c.asked) {
				t.Errorf("asked %q, expected %q", asked, c.asked)
			}
		})
	}
}

// Bad mirrors come first; the good one after them is used, and nothing of theirs stays.
func TestMirrorsFallBack(t *testing.T) {
	y, first, packed := big()
	good := serve(t, packed)
	changed := slices.Clone(packed[first])
	changed[len(changed)/2] ^= 1
	down := serve(t, nil)
	down.Close()
	for _, c := range []struct {
		name   string
		answer func(w http.ResponseWriter)
		want   []string
	}{
		{"not there", func(w http.ResponseWriter) { w.WriteHeader(404) }, []string{"404 Not Found, expected 200 OK"}},
		{"server error", func(w http.ResponseWriter) { w.WriteHeader(500) }, []string{"500"}},
		{"web page", func(w http.ResponseWriter) { w.Write([]byte("<!DOCTYPE html><title>Log in</title>")) }, []string{"instead of the file came a web page"}},
		{"error in JSON", func(w http.ResponseWriter) { w.Write([]byte(`{"error":"not found"}`)) }, []string{"instead of the file came a text in JSON"}},
		{"web page in gzip", func(w http.ResponseWriter) { w.Write(gz([]byte("<html>Log in</html>"))) }, []string{"instead of the file came packed with gzip, a web page"}},
		{"damaged", func(w http.ResponseWriter) { w.Write(changed) }, []string{first + ".part", "offset", "compressed file"}},
		{"other content", func(w http.ResponseWriter) { w.Write(gz(newToy().raw["train-images-idx3-ubyte"])) }, []string{"images of 60×5×4, expected 300×28×28"}},
		{"empty", func(w http.ResponseWriter) {}, []string{"offset 0", "expected 4 bytes"}},
		{"without end", func(w http.ResponseWriter) {
			for b := make([]byte, 1<<16); ; {
				if _, err := w.Write(b); err != nil {
					return
				}
			}
		}, []string{"bytes came, expected a file whose content is 235216 bytes"}},
		{"cut, always", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", fmt.Sprint(len(packed[first])))
			w.Write(packed[first][:1000])
		}, []string{"broken off after 1000 bytes: unexpected EOF"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := serveBy(t, func(w http.ResponseWriter, r *http.Request, name string) { c.answer(w) })
			cache := t.TempDir()
			if _, _, err := y.load(Options{Cache: cache, Mirrors: mirrors(down, bad, good)}); err != nil {
				t.Fatal(err)
			}
			whole(t, y, cache)

			cache = t.TempDir()
			_, _, err := y.load(Options{Cache: cache, Mirrors: mirrors(down, bad)})
			var missing *MissingError
			if !errors.As(err, &missing) || len(missing.Tried) != 2 {
				t.Fatalf("error %v, expected a MissingError of two mirrors", err)
			}
			for _, want := range append(c.want, down.URL, "connection refused", bad.URL+"/some/where/toy/"+first, "LAYERWISE_DATA", "LAYERWISE_MIRRORS") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error lacks %q:\n%v", want, err)
				}
			}
			for _, n := range visible(filepath.Join(cache, "toy")) {
				if c.name != "cut, always" || n != first+".part" {
					t.Errorf("%s stays in the cache", n)
				}
			}
		})
	}
}

// Without Options.Mirrors a data set's own list is used.
func TestOwnMirrors(t *testing.T) {
	y := newToy()
	m, cache := serve(t, y.packed()), t.TempDir()
	y.mirrors = []string{m.URL + "/toy"}
	if _, _, err := y.load(Options{Cache: cache}); err != nil {
		t.Fatal(err)
	}
	for _, a := range mnistFiles().urls(Options{}, mnistFiles().files[0]) {
		if !strings.HasSuffix(a, "/mnist/train-images-idx3-ubyte.gz") {
			t.Errorf("address %s", a)
		}
	}
}

// A connection that breaks is taken up again at the same mirror, from where it broke.
func TestBrokenConnection(t *testing.T) {
	y, first, packed := big()
	n := len(packed[first])
	m := serveBy(t, func(w http.ResponseWriter, r *http.Request, name string) {
		if name == first && r.Header.Get("Range") == "" {
			w.Header().Set("Content-Length", fmt.Sprint(n))
			w.Write(packed[name][:n/3])
			panic(http.ErrAbortHandler)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(packed[name]))
	})
	cache := t.TempDir()
	if _, _, err := y.load(Options{Cache: cache, Mirrors: mirrors(m)}); err != nil {
		t.Fatal(err)
	}
	whole(t, y, cache)
	if got := m.requests()[:2]; !slices.Equal(got, []string{first, fmt.Sprintf("%s bytes=%d-", first, n/3)}) {
		t.Errorf("asked %q", got)
	}
}

// A mirror that breaks off and is damaged too is not asked for ever.
func TestBrokenAndDamaged(t *testing.T) {
	y, first, packed := big()
	n := len(packed[first])
	m := serveBy(t, func(w http.ResponseWriter, r *http.Request, name string) {
		if r.Header.Get("Range") == "" {
			w.Header().Set("Content-Length", fmt.Sprint(n))
			w.Write(packed[name][:n/3])
			panic(http.ErrAbortHandler)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(append(slices.Clone(packed[name][:n-100]), make([]byte, 100)...)))
	})
	_, _, err := y.load(Options{Cache: t.TempDir(), Mirrors: mirrors(m)})
	if !isCorrupt(err) || len(m.requests()) != 2 {
		t.Errorf("error %v after %q", err, m.requests())
	}
}

func TestCancelKeepsThePart(t *testing.T) {
	y, first, packed := big()
	n := len(packed[first])
	m := serveBy(t, func(w http.ResponseWriter, r *http.Request, name string) {
		if r.Header.Get("Range") != "" || name != first {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(packed[name]))
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(n))
		w.Write(packed[name][:n/2])
		w.(http.Flusher).Flush()
		<-r.Context().Done() // until the client hangs up
	})
	ctx, cancel := context.WithCancel(context.Background())
	cache := t.TempDir()
	o := Options{Cache: cache, Mirrors: mirrors(m, m), Progress: func(file string, done, total int64) {
		if done == int64(n/2) {
			cancel()
		}
	}}
	_, _, err := loadMNIST(ctx, o, y.collection)
	var missing *MissingError
	if !errors.Is(err, context.Canceled) || errors.As(err, &missing) || !strings.Contains(err.Error(), first) {
		t.Fatalf("error %v, expected to be cancelled", err)
	}
	if b, err := os.ReadFile(filepath.Join(cache, "toy", first+".part")); err != nil || !bytes.Equal(b, packed[first][:n/2]) {
		t.Errorf("the part holds %d bytes, %v, expected %d", len(b), err, n/2)
	}
	if len(m.requests()) != 1 {
		t.Errorf("after the cancel: %q", m.requests())
	}
	o.Progress = nil
	if _, _, err := y.load(o); err != nil {
		t.Fatal(err)
	}
	whole(t, y, cache)
	if got := m.requests()[1]; got != fmt.Sprintf("%s bytes=%d-", first, n/2) {
		t.Errorf("then asked %q", got)
	}
	if _, _, err := loadMNIST(ctx, o, y.collection); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled load from the cache: %v", err)
	}
}

// Servers that stop talking, before or in the answer, are given up.
func TestSilentServer(t *testing.T) {
	y, first, packed := big()
	for name, talk := range map[string]bool{"at once": false, "in the middle": true} {
		m := serveBy(t, func(w http.ResponseWriter, r *http.Request, _ string) {
			if talk {
				w.Write(packed[first][:1000])
				w.(http.Flusher).Flush()
			}
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Second):
			}
		})
		tr := transfer{client: http.DefaultClient, stall: 50 * time.Millisecond}
		start := time.Now()
		_, err := tr.fetch(context.Background(), y.files[0], m.URL+"/"+first, filepath.Join(t.TempDir(), first))
		if err == nil || !strings.Contains(err.Error(), "no data for 50ms") || time.Since(start) > 3*time.Second {
			t.Errorf("%s: error %v after %v", name, err, time.Since(start))
		}
	}
}

// A slow server that goes on talking is not given up.
func TestSlowServer(t *testing.T) {
	y, first, packed := big()
	b := packed[first]
	m := serveBy(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		for chunk := range slices.Chunk(b, len(b)/8+1) {
			w.Write(chunk)
			w.(http.Flusher).Flush()
			time.Sleep(100 * time.Millisecond)
		}
	})
	tr := transfer{client: http.DefaultClient, stall: 500 * time.Millisecond}
	start := time.Now()
	_, err := tr.fetch(context.Background(), y.files[0], m.URL+"/"+first, filepath.Join(t.TempDir(), first))
	if err != nil || len(m.requests()) != 1 || time.Since(start) < tr.stall {
		t.Errorf("%v after %v and %q", err, time.Since(start), m.requests())
	}
}

// Loads at the same time download each file once and all get it.
func TestTogether(t *testing.T) {
	y, _, packed := big()
	m, cache := serve(t, packed), t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if train, _, err := y.load(Options{Cache: cache, Mirrors: mirrors(m)}); err != nil || train.Len() != 300 {
				t.Errorf("%v, %v", train, err)
			}
		})
	}
	wg.Wait()
	whole(t, y, cache)
	if asked := m.requests(); len(asked) != 4 {
		t.Errorf("asked %q, expected each of four files once", asked)
	}
}

// While another holds the cache, a cancel is heard.
func TestCancelWhileWaiting(t *testing.T) {
	y, cache := newToy(), t.TempDir()
	put(t, filepath.Join(cache, "toy"), nil)
	unlock, err := filelock.Lock(context.Background(), filepath.Join(cache, "toy", ".lock"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := loadMNIST(ctx, Options{Cache: cache}, y.collection); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// With a good mirror, a damaged file in the cache is replaced without a word.
func TestDamagedCacheHeals(t *testing.T) {
	y, first, packed := big()
	m, cache := serve(t, packed), t.TempDir()
	spoilt := y.packed()
	spoilt[first] = spoilt[first][:100]
	spoilt["train-images.idx3-ubyte"] = []byte("another bad copy under the other name")
	put(t, filepath.Join(cache, "toy"), spoilt)
	if _, _, err := y.load(Options{Cache: cache, Mirrors: mirrors(m)}); err != nil {
		t.Fatal(err)
	}
	whole(t, y, cache)
	if got := m.requests(); !slices.Equal(got, []string{first}) {
		t.Errorf("asked %q", got)
	}
}

func TestCacheThatCannotBe(t *testing.T) {
	y := newToy()
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, err := y.load(Options{Cache: blocked, Mirrors: mirrors(serve(t, y.packed()))})
	if err == nil || !strings.Contains(err.Error(), blocked) {
		t.Errorf("error %v, expected one that names %s", err, blocked)
	}
}

func TestContentRange(t *testing.T) {
	for h, want := range map[string]string{
		"bytes 5-9/10": "5 10 true", "bytes 5-9/*": "5 -1 true", "bytes */10": "0 10 true", "": "0 -1 false",
		"bytes 5": "0 -1 false", "items 5-9/10": "0 -1 false", "bytes -9/10": "0 10 false", "bytes x-9/10": "0 10 false",
	} {
		start, total, ok := contentRange(h)
		if got := fmt.Sprint(start, total, ok); got != want {
			t.Errorf("%q: %s, expected %s", h, got, want)
		}
	}
}
