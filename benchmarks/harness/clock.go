package harness

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Clock measures wall time and the processor time of all threads.
type Clock struct {
	wall time.Time
	cpu  float64
}

// Start starts a clock.
func Start() Clock { return Clock{time.Now(), processor()} }

// Seconds is the wall time since the start.
func (c Clock) Seconds() float64 { return time.Since(c.wall).Seconds() }

// CPU is what all threads have worked since the start, in seconds.
func (c Clock) CPU() float64 { return processor() - c.cpu }

// Time runs f once; wall and cpu are in seconds.
func Time(f func() error) (wall, cpu float64, err error) {
	c := Start()
	err = f()
	return c.Seconds(), c.CPU(), err
}

// Work is what was done in a span of time.
type Work struct {
	Images  int     `json:"images"`
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu"`     // seconds of all threads
	PeakMB  float64 `json:"peak_mb"` // of this process so far
}

// Work reports the images that were worked on since the start.
func (c Clock) Work(images int) (Work, error) {
	w := Work{Images: images, Seconds: c.Seconds(), CPU: c.CPU()}
	var err error
	w.PeakMB, err = PeakMB()
	return w, err
}

// For runs f, which works on that many images, until the seconds are over; 0 seconds is one run.
func For(seconds float64, images int, f func() error) (Work, error) {
	c, done := Start(), 0
	for done == 0 || c.Seconds() < seconds {
		if err := f(); err != nil {
			return Work{}, err
		}
		done += images
	}
	return c.Work(done)
}

// processor is what all threads of this process have worked, in seconds.
func processor() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// PeakMB is the largest resident memory of this process so far, in MB.
func PeakMB() (float64, error) {
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
