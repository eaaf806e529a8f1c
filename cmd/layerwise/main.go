// Command layerwise is the command line of the toolkit: flags to llfc calls, nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"layerwise/llfc"
)

// verb is one word of the command line.
type verb struct {
	name, args, about, example string
	kept                       string // what the user is told that an interruption leaves
	run                        func(ctx context.Context, c *command) error
}

func verbs() []verb {
	return []verb{
		reproduceVerb, trainVerb, spawnVerb, matchVerb, mergeVerb, measureVerb, exploreVerb, inspectVerb, compareVerb, describeVerb, dataVerb, doctorVerb,
	}
}

func verbNamed(name string) (verb, error) {
	for _, v := range verbs() {
		if v.name == name {
			return v, nil
		}
	}
	return verb{}, misuse{fmt.Errorf("unknown verb %q; layerwise --help lists them", name)}
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// The exit statuses.
const (
	success     = 0
	failure     = 1
	misused     = 2
	interrupted = 130
	signalled   = 128 // plus the number of the signal that ended the program at once
)

// misuse is an error that the caller made.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

// run does what the arguments say and returns the exit status. Results go to stdout, everything else to stderr.
func run(args []string, stdout, stderr io.Writer) int {
	out := &checked{to: stdout}
	kept, err := dispatch(args, out, stderr)
	if err == nil && out.err != nil {
		err = fmt.Errorf("standard output: %w", out.err)
	}
	return status(err, kept, stderr)
}

func dispatch(args []string, out, stderr io.Writer) (kept string, err error) {
	if len(args) == 0 {
		usage(stderr)
		return "", misuse{errors.New("no verb given")}
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		if len(args) > 1 {
			return dispatch([]string{args[1], "--help"}, out, stderr)
		}
		usage(out)
		return "", nil
	case "-version", "--version", "version":
		fmt.Fprintln(out, version())
		return "", nil
	}
	v, err := verbNamed(args[0])
	if err != nil {
		return "", err
	}
	return v.kept, v.obey(args[1:], out, stderr)
}

// obey runs the verb until it is done or interrupted.
func (v verb) obey(words []string, out, stderr io.Writer) error {
	ctx, stop := interruptible(stderr)
	defer stop()
	return v.run(ctx, newCommand(v, words, out, stderr))
}

// status says what went wrong and returns the exit status.
func status(err error, kept string, stderr io.Writer) int {
	var wrong misuse
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return success
	case errors.Is(err, context.Canceled):
		var some partly
		if errors.As(err, &some) {
			kept = some.kept
		}
		fmt.Fprintln(stderr, "layerwise: interrupted;", kept)
		if other := leaves(err); len(other) > 0 {
			fmt.Fprintln(stderr, "layerwise: but:", errors.Join(other...))
		}
		return interrupted
	}
	fmt.Fprintln(stderr, "layerwise:", err)
	if errors.As(err, &wrong) {
		return misused
	}
	return failure
}

// partly is an interruption that left something, which the user is told.
type partly struct {
	error
	kept string
}

func (p partly) Unwrap() error { return p.error }

// leaves are the parts of err other than the interruption: what else went wrong on the way out, such as a full disk.
func leaves(err error) (others []error) {
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			others = append(others, leaves(part)...)
		}
	case interface{ Unwrap() error }:
		if below := leaves(e.Unwrap()); len(below) > 0 && !errors.Is(err, context.Canceled) {
			others = append(others, err) // with the words around it
		} else {
			others = below
		}
	default:
		if err != context.Canceled && err != nil {
			others = append(others, err)
		}
	}
	return
}

// checked remembers the first error of its writer, so that a full disk counts as a failure.
type checked struct {
	to  io.Writer
	err error
}

func (c *checked) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	if c.err == nil {
		c.err = err
	}
	return n, err
}

func usage(w io.Writer) {
	fmt.Fprint(w, "layerwise trains, spawns, permutes and interpolates networks, and measures layer by layer how linear their features are.\n\n")
	for _, v := range verbs() {
		fmt.Fprintf(w, "  layerwise %-10s %s\n", v.name, v.about)
	}
	fmt.Fprint(w, "\nlayerwise VERB --help shows the flags of a verb and an example; layerwise --version what this program is made of.\n"+
		"Runs are kept in $LAYERWISE_RUNS, by default runs/; data sets are looked for in $LAYERWISE_DATA, then in the user's cache.\n")
}

// version is the version of this program, if its build recorded one, and the versions of its parts.
func version() string {
	own := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			own = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				own += " " + s.Value
			}
		}
	}
	return fmt.Sprintf("layerwise %s, %s", own, llfc.Versions())
}
