package data

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"layerwise/internal/impostor"
)

const (
	stallTime = 60 * time.Second // without a byte before a server is given up
	tries     = 3                // per mirror, each going on where the last one broke off
)

// localError is a failure of this machine's disk: another mirror would not help.
type localError struct{ error }

func (e localError) Unwrap() error { return e.error }

// urls lists where f can be had.
func (c collection) urls(o Options, f file) (urls []string) {
	for _, m := range o.Mirrors {
		urls = append(urls, strings.TrimRight(m, "/")+"/"+c.name+"/"+f.remote())
	}
	if len(o.Mirrors) > 0 {
		return urls
	}
	for _, m := range c.mirrors {
		urls = append(urls, strings.TrimRight(m, "/")+"/"+f.remote())
	}
	return urls
}

// download brings f to path from the first mirror that has it. What has arrived is kept in path.part when it is broken
// off, and the next call goes on from there. path itself appears only when the file is complete and verified.
func (c collection) download(ctx context.Context, o Options, f file, path string) (content, error) {
	t := transfer{client: o.Client, progress: o.Progress, stall: stallTime}
	if t.client == nil {
		t.client = http.DefaultClient
	}
	var tried []error
	for _, address := range c.urls(o, f) {
		got, err := t.fetch(ctx, f, address, path)
		if err == nil {
			return got, nil
		}
		var local localError
		if ctx.Err() != nil || errors.As(err, &local) {
			return content{}, fmt.Errorf("download of %s: %w", f.remote(), err)
		}
		tried = append(tried, fmt.Errorf("%s: %w", address, err))
	}
	return content{}, c.missing(o, tried)
}

// transfer holds what all requests share.
type transfer struct {
	client   *http.Client
	progress func(file string, done, total int64)
	stall    time.Duration
}

// fetch completes path.part from address, verifies it and gives it its name. Content that is wrong is removed; if part of
// it was there before (from another mirror, or another day), it is fetched once more from the start.
func (t transfer) fetch(ctx context.Context, f file, address, path string) (content, error) {
	part := path + ".part"
	for {
		resumed, err := t.complete(ctx, f, address, part)
		if err != nil {
			return content{}, err
		}
		got, err := f.read(part)
		if err == nil {
			if err := publish(part, path); err != nil {
				return content{}, localError{err}
			}
			return content{path, got.bytes}, nil
		}
		if !isCorrupt(err) {
			return content{}, localError{err}
		}
		if err := os.Remove(part); err != nil {
			return content{}, localError{err}
		}
		if !resumed {
			return content{}, fmt.Errorf("%w (removed)", err)
		}
	}
}

// publish makes the finished part durable under its name.
func publish(part, path string) error {
	if err := os.Rename(part, path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	folder.Sync() // not every file system can; the file itself is on disk already
	return nil
}

// complete asks for the rest of part until it has come, a few times if the connection breaks. resumed says that bytes
// from before this call are in it.
func (t transfer) complete(ctx context.Context, f file, address, part string) (resumed bool, err error) {
	for try := range tries {
		var from int64
		from, err = t.request(ctx, f, address, part)
		resumed = from > 0 && (try == 0 || resumed)
		var broken brokenError
		if err == nil || ctx.Err() != nil || !errors.As(err, &broken) {
			break
		}
	}
	return resumed, err
}

// brokenError is an answer that stopped before its end.
type brokenError struct{ error }

func (e brokenError) Unwrap() error { return e.error }

// request sends one GET for what part lacks and appends the answer; from is how many bytes of part it kept. Some servers
// ignore Range and send the whole file: then part is written from its start.
func (t transfer) request(ctx context.Context, f file, address, part string) (from int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(t.stall, func() { cancel(fmt.Errorf("no data for %v", t.stall)) })
	defer stalled.Stop()
	if info, err := os.Stat(part); err == nil {
		from = info.Size()
	}
	res, err := t.ask(ctx, address, from)
	if err != nil {
		return from, err
	}
	defer res.Body.Close()
	body := bufio.NewReader(res.Body)
	mode := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	start, total, ok := contentRange(res.Header.Get("Content-Range"))
	switch {
	case res.StatusCode == http.StatusPartialContent && ok && start == from && from > 0:
	case res.StatusCode == http.StatusRequestedRangeNotSatisfiable && from > 0:
		return from, nil // it was whole already, or of another edition: its checksum will tell
	case res.StatusCode == http.StatusOK:
		head, _ := body.Peek(impostor.HeadLen)
		if what := impostor.Reply(head); what != "" {
			return from, fmt.Errorf("instead of the file came %s", what)
		}
		from, total = 0, res.ContentLength
		mode |= os.O_TRUNC
	default:
		return from, fmt.Errorf("the server answered %s, expected 200 OK or the rest of the file from byte %d", res.Status, from)
	}
	w, err := os.OpenFile(part, mode, 0o644)
	if err != nil {
		return from, localError{err}
	}
	return from, t.receive(ctx, f, body, w, from, total, stalled)
}

// ask sends a GET for the bytes from on.
func (t transfer) ask(ctx context.Context, address string, from int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity") // the bytes of the file, not of a decoder on the way
	req.Header.Set("User-Agent", "layerwise")
	if from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	res, err := t.client.Do(req)
	var outer *url.Error // says the URL again
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	} else if errors.As(err, &outer) {
		err = outer.Err
	}
	return res, err
}

// receive writes body to w, which holds done bytes of total, and closes w. Gzip cannot be much larger than its content, so
// an answer that does not end is cut off.
func (t transfer) receive(ctx context.Context, f file, body io.Reader, w *os.File, done, total int64, stalled *time.Timer) error {
	defer w.Close()
	limit := f.size + f.size/64 + 1<<16
	for buf := make([]byte, 64<<10); ; {
		n, rerr := body.Read(buf)
		stalled.Reset(t.stall)
		if _, err := w.Write(buf[:n]); err != nil {
			return giveBack(w, err)
		}
		if done += int64(n); done > limit {
			w.Close()
			os.Remove(w.Name())
			return fmt.Errorf("more than %d bytes came, expected a file whose content is %d bytes", limit, f.size)
		}
		if t.progress != nil && n > 0 {
			t.progress(f.remote(), done, total)
		}
		if rerr == io.EOF {
			break
		}
		if rerr != nil {
			if cause := context.Cause(ctx); cause != nil {
				rerr = cause
			}
			return brokenError{fmt.Errorf("broken off after %d bytes: %w", done, rerr)}
		}
	}
	if err := errors.Join(w.Sync(), w.Close()); err != nil {
		return giveBack(w, err)
	}
	return nil
}

// giveBack removes a file that could not be written to its end, so that a full disk gets its room back.
func giveBack(w *os.File, err error) error {
	w.Close()
	os.Remove(w.Name())
	return localError{err}
}

// contentRange reads "bytes 5-9/10" and "bytes */10"; an unknown total is −1.
func contentRange(h string) (start, total int64, ok bool) {
	span, size, ok := strings.Cut(strings.TrimPrefix(h, "bytes "), "/")
	if !ok || !strings.HasPrefix(h, "bytes ") {
		return 0, -1, false
	}
	if total, ok = number(size); !ok {
		total = -1
	}
	if span == "*" {
		return 0, total, true
	}
	first, _, _ := strings.Cut(span, "-")
	start, ok = number(first)
	return start, total, ok
}

func number(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0
}
