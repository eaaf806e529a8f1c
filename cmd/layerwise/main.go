// Command layerwise is the command line of the toolkit: flags to llfc calls, nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"layerwise/llfc"
	"layerwise/llfc/backend"
)

// verb is one word of the command line.
type verb struct {
	name, args, about, example string
	run                        func(ctx context.Context, c *command) error
}

func verbs() []verb {
	return []verb{
		reproduceVerb, trainVerb, spawnVerb, matchVerb, measureVerb, describeVerb, dataVerb, doctorVerb,
	}
}

// command is one call of a verb: its flags, and where it prints.
type command struct {
	*flag.FlagSet
	verb     verb
	out, err io.Writer
	words    []string
	backend  *string
	given    []string // the arguments of the verb
}

// misuse is an error of the caller's making: exit status 2.
type misuse struct{ error }

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(stdout)
		if len(args) == 0 {
			return 2
		}
		return 0
	}
	for _, v := range verbs() {
		if v.name == args[0] {
			return status(call(v, args[1:], stdout, stderr), stderr)
		}
	}
	return status(misuse{fmt.Errorf("unknown verb %q; layerwise --help lists them", args[0])}, stderr)
}

func call(v verb, args []string, stdout, stderr io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c := &command{FlagSet: flag.NewFlagSet(v.name, flag.ContinueOnError), verb: v, out: stdout, err: stderr, words: args}
	c.SetOutput(io.Discard)
	c.Usage = func() {}
	return v.run(ctx, c)
}

// status says what went wrong and returns the exit status: 0 success, 1 failure, 2 misuse, 130 interrupted.
func status(err error, stderr io.Writer) int {
	var wrong misuse
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "layerwise: interrupted; what was done is kept, and the same command goes on from there")
		return 130
	case errors.As(err, &wrong):
		fmt.Fprintln(stderr, "layerwise:", err)
		return 2
	}
	fmt.Fprintln(stderr, "layerwise:", err)
	return 1
}

func usage(w io.Writer) {
	fmt.Fprint(w, "layerwise trains, spawns, permutes and interpolates networks, and measures layer by layer how linear their features are.\n\n")
	for _, v := range verbs() {
		fmt.Fprintf(w, "  layerwise %-10s %s\n", v.name, v.about)
	}
	fmt.Fprint(w, "\nlayerwise VERB --help shows the flags of a verb and an example.\n")
}

// parse reads the flags, which may stand between the other arguments, and returns those. There must be want of them.
func (c *command) parse(want int) error {
	rest := c.words
	for {
		switch err := c.Parse(rest); {
		case errors.Is(err, flag.ErrHelp):
			c.help()
			return err
		case err != nil:
			return misuse{fmt.Errorf("%s: %w; layerwise %s --help shows the flags", c.verb.name, err, c.verb.name)}
		}
		if rest = c.Args(); len(rest) == 0 {
			break
		}
		c.given, rest = append(c.given, rest[0]), rest[1:]
	}
	if len(c.given) != want {
		return misuse{fmt.Errorf("%s: %d arguments %q, expected %d: layerwise %s %s", c.verb.name, len(c.given), c.given, want, c.verb.name, c.verb.args)}
	}
	return nil
}

func (c *command) help() {
	fmt.Fprintf(c.out, "layerwise %s %s\n\n%s.\n\n", c.verb.name, c.verb.args, c.verb.about)
	c.VisitAll(func(f *flag.Flag) {
		kind, text := flag.UnquoteUsage(f)
		fmt.Fprintf(c.out, "  --%s %s\n        %s", f.Name, kind, text)
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "false" {
			fmt.Fprintf(c.out, " (default %s)", f.DefValue)
		}
		fmt.Fprintln(c.out)
	})
	fmt.Fprintf(c.out, "\nexample: %s\n", c.verb.example)
}

func (c *command) backendFlag() {
	c.backend = c.String("backend", "", "compute on this `backend`: xla, xla:cpu, cuda or go; by default the best found")
}

// lab opens the backend and the run store.
func (c *command) lab() (*llfc.Lab, error) {
	if err := backend.Tune(*c.backend); err != nil {
		return nil, err
	}
	return llfc.OpenOn(*c.backend)
}

// need is an error for a flag that was left out.
func (c *command) need(flags ...string) error {
	for _, name := range flags {
		if c.Lookup(name).Value.String() == "" {
			return misuse{fmt.Errorf("%s: --%s is missing; example: %s", c.verb.name, name, c.verb.example)}
		}
	}
	return nil
}

// list splits a flag such as 512,512,512 and converts each part.
func list[T any](flagName, text string, convert func(string) (T, error)) ([]T, error) {
	var out []T
	for _, part := range strings.Split(text, ",") {
		v, err := convert(strings.TrimSpace(part))
		if err != nil {
			return nil, misuse{fmt.Errorf("--%s %q: %q is not a number", flagName, text, part)}
		}
		out = append(out, v)
	}
	return out, nil
}
