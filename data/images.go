package data

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/version"
	"io"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// survey is what a first pass over a tree of images finds, before anything is decoded.
type survey struct {
	pictures []picture // by name
	others   []string  // files that are no images, by name
	texts    map[string][]byte
}

type picture struct {
	name string
	pictureConfig
}

// layout says where each picture belongs: its split (0 train, 1 test, −1 neither) and class, in the order of s.pictures.
type layout func(path string, s survey) (classes []string, places []spot, err error)

type spot struct{ split, class int }

// imageDecoder reads a tree of images that l understands; texts are the base names of files that l wants to read. The
// version of Go is part of the decoder's, as its JPEG decoder has changed the last bit before.
func imageDecoder(name string, l layout, texts ...string) decoder {
	release, _, _ := strings.Cut(runtime.Version(), " ")
	return decoder{name + "/1 " + version.Lang(release), func(ctx context.Context, t tree, start startDraft) error {
		s, err := t.survey(ctx, texts)
		if err != nil {
			return err
		}
		classes, places, err := l(t.path, s)
		if err != nil {
			return err
		}
		order := arrange(s.pictures, places)
		if err := sameSize(t, s.pictures, order[0], order[1]); err != nil {
			return err
		}
		first := s.pictures[order[0][0]]
		channels := 1
		for _, i := range slices.Concat(order[0], order[1]) {
			if !s.pictures[i].grey {
				channels = 3
				break
			}
		}
		d, err := start([]int{first.h, first.w, channels}, [2]int{len(order[0]), len(order[1])})
		if err != nil {
			return err
		}
		d.classes = classes
		jobs := make(map[string]job, len(s.pictures))
		for split, at := range order {
			for n, i := range at {
				jobs[s.pictures[i].name] = job{split, n, int32(places[i].class)}
			}
		}
		return t.fill(ctx, d, jobs)
	}}
}

// arrange returns the pictures of each split, by class and then by name: the order in the archive has no part in it.
func arrange(pictures []picture, places []spot) (order [2][]int) {
	for i, p := range places {
		if p.split >= 0 {
			order[p.split] = append(order[p.split], i)
		}
	}
	for _, at := range order {
		slices.SortStableFunc(at, func(i, j int) int {
			return cmp.Or(cmp.Compare(places[i].class, places[j].class), cmp.Compare(pictures[i].name, pictures[j].name))
		})
	}
	return order
}

// sameSize compares all pictures with the first, and bounds what they are together.
func sameSize(t tree, pictures []picture, splits ...[]int) error {
	all := slices.Concat(splits...)
	first := pictures[all[0]]
	for _, i := range all {
		if p := pictures[i]; p.w != first.w || p.h != first.h {
			return fmt.Errorf("%s: %s is %d×%d pixels, %s is %d×%d: all images of a set must have one size (nothing is resized here)",
				t.path, p.name, p.w, p.h, first.name, first.w, first.h)
		}
	}
	if total := 3 * int64(first.w) * int64(first.h) * int64(len(all)); total > t.limits.pixels {
		return fmt.Errorf("%s: %d images of %d×%d are %d bytes, expected at most %d", t.path, len(all), first.w, first.h, total, t.limits.pixels)
	}
	return nil
}

// survey reads the header of every image, so that what does not fit is refused before it costs anything.
func (t tree) survey(ctx context.Context, texts []string) (s survey, err error) {
	s.texts = map[string][]byte{}
	seen := map[string]bool{}
	err = t.walk(ctx, func(m member) error {
		if seen[m.name] {
			return fmt.Errorf("%s: %s stands in it twice", t.path, m.name)
		}
		seen[m.name] = true
		isText := slices.Contains(texts, path.Base(m.name))
		if !isPicture(m.name) && !isText {
			s.others = append(s.others, m.name)
			return nil
		}
		r, err := m.open()
		if err != nil {
			return err
		}
		defer r.Close()
		if isText {
			s.others = append(s.others, m.name)
			s.texts[m.name], err = readBounded(r, m.size, t.limits.text)
		} else {
			var c pictureConfig
			c, err = readConfig(r, m.size, t.limits)
			s.pictures = append(s.pictures, picture{m.name, c})
		}
		return t.within(m, err)
	})
	slices.SortFunc(s.pictures, func(a, b picture) int { return cmp.Compare(a.name, b.name) })
	slices.Sort(s.others)
	if err == nil && len(s.pictures) == 0 {
		err = fmt.Errorf("%s: no image (.png, .jpg, .jpeg) in it", t.path)
	}
	return s, err
}

// within names the file in an error of its content; damage of the archive around it keeps its own words.
func (t tree) within(m member, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%s: %s: %w", t.path, m.name, err)
}

// readBounded reads all of r, which should be size bytes and must not be more than limit.
func readBounded(r io.Reader, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, fmt.Errorf("%d bytes, expected at most %d", size, limit)
	}
	b := make([]byte, size)
	if n, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("ends after %d of %d bytes: %w", n, size, cut(err))
	}
	return b, nil
}

func isPicture(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg":
		return true
	}
	return false
}

// job is where a picture goes.
type job struct {
	split, n int
	class    int32
}

// fill decodes the pictures on all processors, a few files in memory at a time.
func (t tree) fill(ctx context.Context, d *draft, jobs map[string]job) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	type task struct {
		job
		member
		file []byte
	}
	workers := runtime.GOMAXPROCS(0)
	tasks := make(chan task, 2*workers)
	buffers := make(chan []byte, 4*workers) // to be used again; as many as can be under way
	for range cap(buffers) {
		buffers <- nil
	}
	var count [conversions]int
	var mu sync.Mutex
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			pixels := make([]uint8, d.shape[0]*d.shape[1]*d.shape[2])
			var mine [conversions]int
			for k := range tasks {
				if ctx.Err() != nil {
					buffers <- k.file
					continue // an error is on its way; the channel is emptied
				}
				how, err := unpackPicture(pixels, k.file, d.shape[1], d.shape[0], d.shape[2])
				if err = t.within(k.member, err); err == nil {
					err = d.put(k.split, k.n, k.class, pixels)
				}
				if err != nil {
					cancel(err)
				}
				mine[how]++
				buffers <- k.file
			}
			mu.Lock()
			defer mu.Unlock()
			for i, n := range mine {
				count[i] += n
			}
		})
	}
	most := pictureBytes(d.shape[1], d.shape[0])
	err := t.walk(ctx, func(m member) error {
		k, wanted := jobs[m.name]
		if !wanted {
			return nil
		}
		r, err := m.open()
		if err != nil {
			return err
		}
		defer r.Close()
		if err := ctx.Err(); err != nil {
			return err
		}
		file, err := readInto(<-buffers, r, m.size, most)
		if err != nil {
			return t.within(m, err)
		}
		tasks <- task{k, m, file}
		return nil
	})
	close(tasks)
	wait.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	total := 0
	for _, n := range count {
		total += n
	}
	if err == nil && total != len(jobs) {
		err = fmt.Errorf("%s: %d images, but %d a moment ago: it was changed while it was read", t.path, total, len(jobs))
	}
	d.note = noteOf(count, total, d.shape[2])
	return err
}

// readInto is readBounded into memory that is used again.
func readInto(buf []byte, r io.Reader, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, fmt.Errorf("%d bytes, expected at most %d", size, limit)
	}
	buf = slices.Grow(buf[:0], int(size))[:size]
	if n, err := io.ReadFull(r, buf); err != nil {
		return nil, fmt.Errorf("ends after %d of %d bytes: %w", n, size, cut(err))
	}
	return buf, nil
}

// noteOf says what was converted: "12 of 60000 images: grey made RGB".
func noteOf(count [conversions]int, total, channels int) string {
	var notes []string
	for c := fromGrey; c < conversions; c++ {
		if n := count[c]; n > 0 {
			notes = append(notes, fmt.Sprintf("%d of %d images: %v", n, total, c))
		}
	}
	return strings.Join(notes, "; ")
}

// splitFolders understands split/class/file with the splits train and test, or val where there is no test; all of it may
// lie in one folder more.
func splitFolders(where string, s survey) (classes []string, places []spot, err error) {
	strip := enclosing(s.pictures)
	splits := map[string]int{"train": 0, "test": 1, "val": 1}
	has := map[string]bool{}
	members := map[string]*[2]string{} // the first picture of each class in each split
	const want = "expected split/class/file.png (or .jpg, .jpeg) with the splits train and test (or val)"
	for _, p := range s.pictures {
		parts := strings.Split(strings.TrimPrefix(p.name, strip), "/")
		if _, ok := splits[parts[0]]; !ok || len(parts) != 3 {
			return nil, nil, fmt.Errorf("%s: %s: %s", where, p.name, want)
		}
		has[parts[0]] = true
	}
	if !has["train"] || !has["test"] && !has["val"] {
		return nil, nil, fmt.Errorf("%s: no %s: %s", where, missingSplit(has), want)
	}
	if has["test"] {
		splits["val"] = -1 // held out for choosing settings, which is not done here
	}
	for _, p := range s.pictures {
		parts := strings.Split(strings.TrimPrefix(p.name, strip), "/")
		if split := splits[parts[0]]; split >= 0 {
			if members[parts[1]] == nil {
				members[parts[1]] = new([2]string)
				classes = append(classes, parts[1])
			}
			if members[parts[1]][split] == "" {
				members[parts[1]][split] = p.name
			}
		}
	}
	for _, name := range s.others {
		if parts := strings.Split(strings.TrimPrefix(name, strip), "/"); len(parts) > 2 && splits[parts[0]] >= 0 && has[parts[0]] {
			return nil, nil, fmt.Errorf("%s: %s is no .png, .jpg or .jpeg: convert it, or take it out of the class", where, name)
		}
	}
	slices.Sort(classes)
	number := map[string]int{}
	for i, c := range classes {
		number[c] = i
		for split, first := range members[c] {
			if first == "" {
				return nil, nil, fmt.Errorf("%s: class %q is in the %s split only (%s), expected the same classes in both",
					where, c, []string{"test", "training"}[split], members[c][1-split])
			}
		}
	}
	for _, p := range s.pictures {
		parts := strings.Split(strings.TrimPrefix(p.name, strip), "/")
		places = append(places, spot{splits[parts[0]], number[parts[1]]})
	}
	return classes, places, nil
}

// enclosing is the folder, with its slash, that all of split/class/file lies in; "" if there is none.
func enclosing(pictures []picture) string {
	folder, rest, _ := strings.Cut(pictures[0].name, "/")
	if strings.Count(rest, "/") != 2 {
		return ""
	}
	folder += "/"
	for _, p := range pictures {
		if !strings.HasPrefix(p.name, folder) {
			return ""
		}
	}
	return folder
}

func missingSplit(has map[string]bool) string {
	if !has["train"] {
		return "train/"
	}
	return "test/ or val/"
}
