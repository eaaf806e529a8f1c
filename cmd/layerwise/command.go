package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"layerwise/data"
	"layerwise/llfc"
	"layerwise/llfc/backend"
	"layerwise/llfc/network"
)

// command is one call of a verb: its flags, and where it prints.
type command struct {
	*flag.FlagSet
	verb      verb
	out, err  io.Writer // results, everything else
	words     []string
	backend   *string
	asNumbers *bool    // set by asNumbersFlag
	given     []string // the arguments of the verb
}

func newCommand(v verb, words []string, out, stderr io.Writer) *command {
	c := &command{FlagSet: flag.NewFlagSet(v.name, flag.ContinueOnError), verb: v, out: out, err: stderr, words: words}
	c.SetOutput(io.Discard) // parse reports errors in its own words
	c.Usage = func() {}
	return c
}

// wrong is a misuse of this verb.
func (c *command) wrong(format string, args ...any) error {
	return misuse{fmt.Errorf(c.verb.name+": "+format, args...)}
}

// fault is err as a misuse, unless it tells of what is no misuse: an interruption, data that cannot be had, more than the machine can hold.
func (c *command) fault(err error) error {
	var missing *data.MissingError
	var corrupt *data.CorruptError
	var large *network.TooLargeError
	switch {
	case err == nil || errors.Is(err, context.Canceled) || errors.As(err, &missing) || errors.As(err, &corrupt):
		return err
	case errors.As(err, &large):
		return fmt.Errorf("%s: %w", c.verb.name, err)
	}
	return c.wrong("%w", err)
}

// parse reads the flags and keeps the other arguments, which may stand anywhere between them. It expects exactly want arguments.
func (c *command) parse(want int) error {
	if err := c.parseAll(); err != nil {
		return err
	}
	if len(c.given) != want {
		return c.wrong("%d arguments %q, expected %d: layerwise %s %s", len(c.given), c.given, want, c.verb.name, c.verb.args)
	}
	return nil
}

// parseAll is parse for any number of arguments.
func (c *command) parseAll() error {
	for rest := c.words; len(rest) > 0; {
		switch err := c.Parse(rest); {
		case errors.Is(err, flag.ErrHelp):
			c.help()
			return err
		case err != nil:
			return c.wrong("%s; layerwise %s --help shows the flags", inWords(err), c.verb.name)
		}
		left := c.Args()
		if read := len(rest) - len(left); read > 0 && rest[read-1] == "--" { // no flags after it
			c.given = append(c.given, left...)
			break
		}
		if len(left) > 0 {
			c.given, left = append(c.given, left[0]), left[1:]
		}
		rest = left
	}
	for i, given := range c.given {
		path, err := expandHome(given)
		if err != nil {
			return c.wrong("%q: %w", given, err)
		}
		c.given[i] = path
	}
	if c.backend != nil {
		return c.checkBackend()
	}
	return nil
}

// inWords is the text of an error of package flag, with flags written as this program writes them: --name.
func inWords(err error) string {
	text := strings.Replace(err.Error(), "flag provided but not defined: -", "unknown flag --", 1)
	text = strings.Replace(text, "flag needs an argument: -", "a value is missing after --", 1)
	return strings.Replace(text, " for flag -", " for --", 1)
}

func (c *command) help() {
	fmt.Fprintf(c.out, "layerwise %s %s\n\n%s.\n\n", c.verb.name, c.verb.args, c.verb.about)
	c.VisitAll(func(f *flag.Flag) {
		if _, old := f.Value.(formerFlag); old {
			return
		}
		kind, text := flag.UnquoteUsage(f)
		if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
			kind = ""
		}
		fmt.Fprintf(c.out, "  %s\n        %s", strings.TrimSpace("--"+f.Name+" "+kind), text)
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "false" {
			fmt.Fprintf(c.out, " (default %s)", f.DefValue)
		}
		fmt.Fprintln(c.out)
	})
	fmt.Fprintf(c.out, "\nexample: %s\n", c.verb.example)
}

// set reports whether a flag was given.
func (c *command) set(name string) bool {
	found := false
	c.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// need returns an error if one of the flags is missing.
func (c *command) need(flags ...string) error {
	for _, name := range flags {
		if c.Lookup(name).Value.String() == "" {
			return c.wrong("--%s is missing; example: %s", name, c.verb.example)
		}
	}
	return nil
}

// former declares a flag that has become another. Using it is a misuse that names the new one; help says nothing of it.
func (c *command) former(name, now string) {
	c.Var(formerFlag{now}, name, "")
}

type formerFlag struct{ now string }

func (f formerFlag) Set(string) error { return fmt.Errorf("the flag is now --%s", f.now) }
func (f formerFlag) String() string   { return "" }

// scaleFlag declares the flag that says how much of a published recipe is affordable.
func (c *command) scaleFlag(usual string) *string {
	var abouts []string
	for _, s := range llfc.Scales() {
		abouts = append(abouts, s.Name+", "+s.About)
	}
	return c.choice("scale", usual, "how much, by `name`: "+strings.Join(abouts, "; "), llfc.ScaleNames()...)
}

func (c *command) backendFlag() {
	c.backend = c.pathAfter("xla:", "backend", "compute on this `backend`: xla, xla:cpu, xla:cuda or go; by default the best found")
}

// checkBackend checks the name only; whether the backend is there shows when it is opened.
func (c *command) checkBackend() error {
	engine, _, _ := strings.Cut(*c.backend, ":")
	if *c.backend == "cpu" || *c.backend == "cuda" || slices.Contains([]string{"", "xla", "go"}, engine) {
		return nil
	}
	return c.wrong("--backend %q: expected xla, xla:cpu, xla:cuda, xla:/path/to/plugin.so or go; layerwise doctor shows what is there", *c.backend)
}

// lab opens the backend and the run store.
func (c *command) lab(ctx context.Context) (*llfc.Lab, error) {
	if err := ctx.Err(); err != nil { // Tune starts the program again, which would forget the interruption
		return nil, err
	}
	_ = backend.Tune(*c.backend) // without it the program is slower, but as correct
	return llfc.OpenOn(*c.backend)
}

// checkData returns nil if the data set is here or can be downloaded.
func (c *command) checkData(flagName, name string) error {
	if data.Known(name) != nil {
		return c.wrong("--%s %q: there is no such data set; known: %s, images:PATH", flagName, name, strings.Join(data.Names(), ", "))
	}
	path, ok := strings.CutPrefix(name, "images:")
	if !ok {
		return nil
	}
	at, looked := findImages(path)
	if at != "" {
		return nil
	}
	return c.wrong("--%s %q: no folder or archive %s; give the path of one with split/class/file.png", flagName, name, strings.Join(looked, ", nor "))
}

// findImages returns where the folder or archive of images:PATH is, "" if it is nowhere, and where it was looked for.
func findImages(path string) (at string, looked []string) {
	looked = data.ImagePlaces(data.DefaultOptions(), path)
	for _, at := range looked {
		if _, err := os.Stat(at); err == nil {
			return at, looked
		}
	}
	return "", looked
}

// checkpoint reads a file that the caller named.
func (c *command) checkpoint(path string) (llfc.Checkpoint, error) {
	ckpt, err := llfc.LoadCheckpoint(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ckpt, c.wrong("there is no file %s; layerwise train --out %s would write one", path, path)
	}
	return ckpt, err
}

const asNumbers = "classes-as-numbers"

// asNumbersFlag declares the flag that pair reads.
func (c *command) asNumbersFlag() {
	c.asNumbers = c.Bool(asNumbers, false, "class k of the data is logit k of the networks, whatever the two are called and even where the networks tell more apart")
}

// classes is err as a misuse that names the flag which allows it, if its classes are what is wrong.
func (c *command) classes(where string, err error) error {
	var other *llfc.ClassesError
	if errors.As(err, &other) {
		return c.wrong("%s: %w, with --%s", where, err, asNumbers)
	}
	return c.wrong("%s: %w", where, err)
}

// pair reads the two files that the caller named and checks that they can be the ends of a path.
func (c *command) pair() (a, b llfc.Checkpoint, err error) {
	all, err := c.several()
	if err != nil {
		return
	}
	return all[0], all[1], nil
}

// several reads the files that the caller named and checks that each can be the end of a path from the first.
func (c *command) several() (out []llfc.Checkpoint, err error) {
	for _, path := range c.given {
		ckpt, err := c.checkpoint(path)
		if err != nil {
			return nil, err
		}
		ckpt.ByNumber = *c.asNumbers
		out = append(out, ckpt)
	}
	for i, ckpt := range out[1:] {
		if err := llfc.SamePlace(out[0], ckpt); err != nil {
			return nil, c.classes(c.given[0]+" and "+c.given[1+i], err)
		}
	}
	return out, nil
}

// outFile makes sure before any work that the file of a flag can be written: it makes the folder and tries to write there.
func (c *command) outFile(flagName string) error {
	path := c.Lookup(flagName).Value.String()
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return c.wrong("--%s %s is not a file that can be replaced; name a file in it, such as %s", flagName, path, filepath.Join(path, "a.safetensors"))
	}
	return c.tryFolder(flagName, path, filepath.Dir(path))
}

// begin opens the lab of a verb that writes one file, --out, once that is sure to be none of those that are read and can be written.
func (c *command) begin(ctx context.Context, out string, read []file) (*llfc.Lab, error) {
	if err := c.apart([]file{{"--out", out}}, read); err != nil {
		return nil, err
	}
	if err := c.outFile("out"); err != nil {
		return nil, err
	}
	return c.lab(ctx)
}

// outDir is outFile for a folder. check says first whether what is in the folder allows it.
func (c *command) outDir(flagName string, check func(dir string) error) error {
	path := c.Lookup(flagName).Value.String()
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return c.wrong("--%s %s is a file; name a folder", flagName, path)
	}
	if err := check(path); err != nil {
		return c.wrong("--%s %s: %w", flagName, path, err)
	}
	return c.tryFolder(flagName, path, path)
}

// note prints the note of a data set, which must stand beside every number made from it.
func (c *command) note(text string) {
	if text != "" {
		fmt.Fprintf(c.out, "note: %s\n", text)
	}
}

func (c *command) tryFolder(flagName, path, dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return c.wrong("--%s %s: %w; name a place that can be written", flagName, path, err)
	}
	f, err := os.CreateTemp(dir, ".layerwise-*.tmp")
	if err != nil {
		return c.wrong("--%s %s: %w; name a place that can be written", flagName, path, err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
