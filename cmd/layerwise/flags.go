package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// number is a flag with a number between two bounds.
type number[T int | float64] struct {
	value     *T
	parse     func(string) (T, error)
	low, high T
	above     bool // low itself is excluded
}

// Set checks a value when the flag is read, before anything is done.
func (n number[T]) Set(text string) error {
	v, err := n.parse(text)
	if err != nil || !(v >= n.low && v <= n.high) || n.above && v == n.low { // written so that NaN fails too
		return fmt.Errorf("expected %s", n.expected())
	}
	*n.value = v
	return nil
}

func (n number[T]) expected() string {
	text := "a finite number"
	if _, ok := any(n.low).(int); ok {
		text = "a whole number"
	}
	if n.above {
		text += fmt.Sprintf(" greater than %v", n.low)
	} else {
		text += fmt.Sprintf(" of at least %v", n.low)
	}
	if float64(n.high) < large { // that is no bound of the quantity
		text += fmt.Sprintf(" and at most %v", n.high)
	}
	return text
}

func (n number[T]) String() string {
	if n.value == nil {
		return "" // package flag asks this of the zero value
	}
	return fmt.Sprint(*n.value)
}

// The most of anything that is counted here, which keeps products of two of them within an int, and the most epochs.
const (
	most = 1 << 30
	many = 1 << 20
)

// count declares a flag with a whole number of at least low.
func (c *command) count(name string, value, low int, usage string) *int {
	c.Var(number[int]{value: &value, parse: strconv.Atoi, low: low, high: most}, name, usage)
	return &value
}

// real declares a flag in [low, high].
func (c *command) real(name string, value, low, high float64, usage string) *float64 {
	c.Var(number[float64]{value: &value, parse: parseFloat, low: low, high: high}, name, usage)
	return &value
}

// positive declares a flag in (0, high].
func (c *command) positive(name string, value, high float64, usage string) *float64 {
	c.Var(number[float64]{value: &value, parse: parseFloat, high: high, above: true}, name, usage)
	return &value
}

func parseFloat(s string) (float64, error) { return strconv.ParseFloat(s, 64) }

// numbers is a flag with a list such as 512,512,512.
type numbers[T int | float64] struct {
	values *[]T
	one    number[T] // of each
}

func (n numbers[T]) Set(text string) error {
	var out []T
	for part := range strings.SplitSeq(text, ",") {
		var v T
		n.one.value = &v
		if err := n.one.Set(strings.TrimSpace(part)); err != nil && part != text {
			return fmt.Errorf("%q in it: %w", part, err)
		} else if err != nil {
			return err
		}
		out = append(out, v)
	}
	*n.values = out
	return nil
}

func (n numbers[T]) String() string {
	if n.values == nil {
		return ""
	}
	text := make([]string, len(*n.values))
	for i, v := range *n.values {
		text[i] = fmt.Sprint(v)
	}
	return strings.Join(text, ",")
}

// sizes declares a flag with a list of sizes, none by default.
func (c *command) sizes(name, usage string) *[]int {
	var values []int
	c.Var(numbers[int]{&values, number[int]{parse: strconv.Atoi, low: 1, high: most}}, name, usage)
	return &values
}

// alphas declares a flag with a list of α.
func (c *command) alphas(name string, values []float64, usage string) *[]float64 {
	c.Var(numbers[float64]{&values, number[float64]{parse: parseFloat, high: 1}}, name, usage)
	return &values
}

// reals declares a flag with a list of numbers in [low, high], none by default.
func (c *command) reals(name string, low, high float64, usage string) *[]float64 {
	var values []float64
	c.Var(numbers[float64]{&values, number[float64]{parse: parseFloat, low: low, high: high}}, name, usage)
	return &values
}

// choice is a flag with a word from a list.
type choice struct {
	value *string
	known []string
}

func (n choice) Set(text string) error {
	if !slices.Contains(n.known, text) {
		return errors.New("expected one of " + strings.Join(n.known, ", "))
	}
	*n.value = text
	return nil
}

func (n choice) String() string {
	if n.value == nil {
		return ""
	}
	return *n.value
}

func (c *command) choice(name, value, usage string, known ...string) *string {
	c.Var(choice{&value, known}, name, usage)
	return &value
}

// large bounds numbers that have no bound of their own, so that none is infinite.
const large = math.MaxFloat32

// names splits a list with commas.
func names(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}
