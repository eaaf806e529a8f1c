package filelock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// holder makes the test binary a process that takes the lock of the path, says so, and holds it until its input ends.
const holder = "FILELOCK_TEST_HOLD"

func TestMain(m *testing.M) {
	path := os.Getenv(holder)
	if path == "" {
		os.Exit(m.Run())
	}
	unlock, err := Lock(context.Background(), path, func() { fmt.Println("waiting") })
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("held")
	bufio.NewReader(os.Stdin).ReadByte()
	unlock()
	os.Exit(0)
}

// hold starts a process that holds the lock.
func hold(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), holder+"="+path)
	if _, err := c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the holder said %q, %v", line, err)
	}
	return c
}

// Only the lock keeps these takers apart.
func TestOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	inside, most := 0, 0
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			unlock, err := Lock(context.Background(), path, nil)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			inside++
			most = max(most, inside)
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			inside--
			mu.Unlock()
			unlock()
		})
	}
	all.Wait()
	if most != 1 {
		t.Errorf("%d held the lock at once", most)
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	hold(t, path)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	told := 0
	_, err := Lock(ctx, path, func() { told++ })
	if !errors.Is(err, context.DeadlineExceeded) || told != 1 {
		t.Errorf("a held lock gave %v after telling %d times", err, told)
	}
	if want := "lock " + path + ": held by another process: context deadline exceeded"; err == nil || err.Error() != want {
		t.Errorf("error %q, expected %q", err, want)
	}
}

// A killed holder leaves the file, not the lock.
func TestKilledHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	c := hold(t, path)
	told := make(chan bool)
	go func() { <-told; c.Process.Kill() }()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	unlock, err := Lock(ctx, path, func() { close(told) })
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

// Who waits while the folder is removed and made again waits for the lock that the others now see.
func TestRemovedWhileWaiting(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	path := filepath.Join(dir, "lock")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	old := hold(t, path)
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	_, err := Lock(ctx, path, func() {
		if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o777)); err != nil {
			t.Error(err)
		}
		hold(t, path)
		old.Process.Kill()
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("two hold the lock: error %v", err)
	}
}

func TestNoPlaceForTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "lock")
	if _, err := Lock(context.Background(), path, nil); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, expected one that names %s", err, path)
	}
}
