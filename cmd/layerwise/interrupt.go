package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"layerwise/internal/atomicfile"
)

// interruptible returns a context that ends with the first SIGINT or SIGTERM. It says so at once, because some work does not look at the
// context for many seconds; XLA compiling is the longest. The second signal ends the program.
func interruptible(stderr io.Writer) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals, stopped := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
		case <-stopped:
			return
		}
		if isTerminal(stderr) { // a line of progress has no end yet
			fmt.Fprintln(stderr)
		}
		fmt.Fprintln(stderr, "layerwise: stopping; a second Ctrl-C or SIGTERM ends it at once")
		cancel() // only now: whoever hears of it may end the program before the line is out
		select {
		case second := <-signals:
			atomicfile.Abandon()
			os.Exit(signalled + int(second.(syscall.Signal)))
		case <-stopped:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(stopped)
		cancel()
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
