package network

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// The time to describe a network grows with its depth, not with the square of it: depth 20,006 took a minute.
func TestDeepNetworks(t *testing.T) {
	took := func(depth int) time.Duration {
		s := resnet.Default
		s.Depth, s.Width = depth, 2
		least := time.Hour
		for range 2 {
			began := time.Now()
			n, err := New(s)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := n.Symmetry(); err != nil {
				t.Fatal(err)
			}
			about, err := n.Describe()
			if err != nil {
				t.Fatal(err)
			}
			about.Folds()
			f := &Model{Network: n, About: about}
			theta := make(Params, len(about.Params))
			for i, p := range about.Params {
				theta[len(theta)-1-i] = Tensor{Name: p.Name, Dims: p.Dims}
			}
			if _, err := f.Order(theta); err != nil {
				t.Fatal(err)
			}
			least = min(least, time.Since(began))
		}
		return least
	}
	short, long := took(206), took(12806)
	if grown := float64(long) / float64(short); grown > 600 { // 62 times the layers; the square would be 3,900
		t.Errorf("depth 206 takes %s, depth 12,806 %s: %.0f times as long", short, long, grown)
	}
}

// A description is checked before it is built: what asks for more than any machine has is refused at once, and says so.
func TestTooLarge(t *testing.T) {
	began := time.Now()
	for name, change := range map[string]func(*Spec){
		"resnet, depth":     func(s *Spec) { s.Depth = 200_000_006 },
		"resnet, tall":      func(s *Spec) { s.Depth, s.Width = 104_858, 1 },
		"resnet, width":     func(s *Spec) { s.Width = 10_000_000 },
		"resnet, wide":      func(s *Spec) { s.Width = 100_000 },
		"bottleneck, width": func(s *Spec) { s.Width = 1 << 40 },
		"vgg, head":         func(s *Spec) { s.Head = []int{1_000_000, 1_000_000} },
		"vgg, long head": func(s *Spec) {
			s.Head = make([]int, 5_000_000)
			for i := range s.Head {
				s.Head[i] = 1
			}
		},
		"mlp, widths":  func(s *Spec) { s.Widths = []int{10_000_000} },
		"mlp, product": func(s *Spec) { s.Widths = []int{4_000_000, 100_000} },
		"mlp, input":   func(s *Spec) { s.Input = []int{60000, 60000, 3} },
		"mlp, classes": func(s *Spec) { s.Classes = 1 << 40 },
	} {
		arch, _, _ := strings.Cut(name, ",")
		s, err := Default(arch)
		if err != nil {
			t.Fatal(err)
		}
		change(&s)
		var large *TooLargeError
		if _, err := New(s); !errors.As(err, &large) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if spent := time.Since(began); spent > time.Minute { // a network of the most layers takes a second or two
		t.Errorf("it took %s", spent)
	}
}

// What came with few weights is not described any further than these reach.
func TestSpecBeyondItsWeights(t *testing.T) {
	s := resnet.Default
	n, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	theta, err := n.Init(1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewOf(s, theta); err != nil {
		t.Error(err)
	}
	s.Depth, s.Width = 20_006, 64
	var large *TooLargeError
	if _, err := NewOf(s, theta[:1]); !errors.As(err, &large) || !strings.Contains(err.Error(), "432 numbers of weights") {
		t.Errorf("a deep network of one tensor: %v", err)
	}
}

func TestDescribingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := NewContext(ctx, resnet.Default); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Room refuses what cannot be, and lets pass what may.
func TestRoom(t *testing.T) {
	if err := Room(nil, "nothing", 0); err != nil {
		t.Error(err)
	}
	var large *TooLargeError
	err := Room(nil, "this network", 1<<60)
	if err == nil {
		t.Skip("this system does not tell what is free")
	}
	if !errors.As(err, &large) || !strings.Contains(err.Error(), "this network takes at least 1.02e+03 PiB") {
		t.Error(err)
	}
}
