package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

// order is what the driver asks for.
type order struct {
	Do      string  `json:"do"`      // "train", "evaluate" or "quit"
	Seconds float64 `json:"seconds"` // work at least so long; 0 is a single batch, the first of which compiles
}

// report answers an order; the first one, sent unasked, tells what is being timed.
type report struct {
	Parameters int     `json:"parameters,omitempty"` // trainable numbers
	Versions   string  `json:"versions,omitempty"`
	Images     int     `json:"images"`
	Seconds    float64 `json:"seconds"`
	CPU        float64 `json:"cpu"` // seconds of all threads
	PeakMB     float64 `json:"peak_mb"`
}

// orders reads one order a line.
type orders struct{ lines *bufio.Scanner }

func newOrders(r io.Reader) orders { return orders{bufio.NewScanner(r)} }

func (o orders) next() (order, error) {
	if !o.lines.Scan() {
		return order{}, errors.Join(io.ErrUnexpectedEOF, o.lines.Err())
	}
	var got order
	err := json.Unmarshal(o.lines.Bytes(), &got)
	return got, err
}

// child works off orders. Training is one run of the Trainer, which pauses between groups of steps for the next order.
type child struct {
	f      *network.Model
	d      *feed.Feed
	config train.Config
	in     orders

	exec  *graph.Exec // x → logits, in evaluation
	theta []*tensors.Tensor
	x     *tensors.Tensor
}

var errQuit = errors.New("told to quit")

// serve waits for the first order to train, which begins the run; every later order is taken by the watcher of the run.
func (c *child) serve(ctx context.Context) error {
	seconds, err := c.untilTraining()
	if err != nil {
		return quitting(err)
	}
	clock := begin()
	theta, err := c.f.Init(1)
	if err != nil {
		return err
	}
	t, err := train.NewTrainer(c.f, c.d, c.config)
	if err != nil {
		return err
	}
	s, err := train.Start(c.f.Network, theta, c.config)
	if err != nil {
		return err
	}
	from := 0
	_, err = t.Run(ctx, s, c.config.Steps(c.d.Len()), func(p train.Progress) error {
		if clock.seconds() < seconds {
			return nil
		}
		r, err := clock.report((p.Step - from) * c.config.Batch)
		if err != nil {
			return err
		}
		if err := c.say(r); err != nil {
			return err
		}
		seconds, err = c.untilTraining()
		clock, from = begin(), p.Step
		return err
	})
	return quitting(err)
}

func quitting(err error) error {
	if errors.Is(err, errQuit) {
		return nil
	}
	return err
}

// untilTraining carries out orders up to the next one to train, and returns how long that is to last.
func (c *child) untilTraining() (float64, error) {
	for {
		o, err := c.in.next()
		if err != nil {
			return 0, err
		}
		switch o.Do {
		case "train":
			return o.Seconds, nil
		case "evaluate":
			if err := c.evaluate(o.Seconds); err != nil {
				return 0, err
			}
		case "quit":
			return 0, errQuit
		default:
			return 0, fmt.Errorf("unknown order %q", o.Do)
		}
	}
}

// evaluate runs the forward pass of a batch that stays on the device; its logits come to the host.
func (c *child) evaluate(seconds float64) error {
	clock := begin()
	if c.exec == nil {
		if err := c.openForward(); err != nil {
			return err
		}
	}
	args := make([]any, 0, len(c.theta)+1)
	for _, w := range c.theta {
		args = append(args, w)
	}
	args = append(args, c.x)
	images := 0
	for images == 0 || clock.seconds() < seconds {
		out, err := c.exec.Call(args...)
		if err != nil {
			return err
		}
		_, err = tensors.CopyFlatData[float32](out[0])
		network.Free(out...)
		if err != nil {
			return err
		}
		images += c.config.Batch
	}
	r, err := clock.report(images)
	if err != nil {
		return err
	}
	return c.say(r)
}

func (c *child) openForward() error {
	theta, err := c.f.Init(1)
	if err != nil {
		return err
	}
	if c.theta, err = c.f.Upload(theta); err != nil {
		return err
	}
	index, _ := feed.Indices(c.d.Len(), c.config.Batch)
	x, y, err := c.d.Read(index[0])
	if err != nil {
		return err
	}
	network.Free(y)
	c.x = x
	c.exec, err = c.f.Exec("benchmark: forward", func(in []*graph.Node) []*graph.Node {
		last := len(in) - 1
		return []*graph.Node{c.f.Trace(in[:last], in[last], network.Options{}).Output.Node()}
	})
	return err
}

func (c *child) say(r report) error { return json.NewEncoder(os.Stdout).Encode(r) }

// stopwatch measures wall and processor time.
type stopwatch struct {
	wall time.Time
	cpu  float64
}

func begin() stopwatch { return stopwatch{time.Now(), usage()} }

func (s stopwatch) seconds() float64 { return time.Since(s.wall).Seconds() }

func (s stopwatch) report(images int) (report, error) {
	r := report{Images: images, Seconds: s.seconds(), CPU: usage() - s.cpu}
	var err error
	r.PeakMB, err = peak()
	return r, err
}

func usage() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// peak is the largest resident memory of this process so far, in MB.
func peak() (float64, error) {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1000, err
		}
	}
	return 0, errors.New("/proc/self/status has no VmHWM")
}
